"""What a report file holds: one case for each comparison, as plain records that cross processes and files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_torchgraph.diff.change import Added, Altered, Difference, Moved
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.report.drift import outline_of
from pytest_torchgraph.report.outline import Outline
from pytest_torchgraph.verdict.finding import NO_CHANGE
from pytest_torchgraph.words.counting import times
from pytest_torchgraph.words.status import QUIET, SPOKEN, Status

if TYPE_CHECKING:
    from pytest_torchgraph.canonical.program import Program
    from pytest_torchgraph.recorded.operation import SourceLine
    from pytest_torchgraph.verdict.compared import Compared


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of the heads, in bytes or times; ``None`` where a side does not have it."""

    name: str
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the user's code, its file relative to the root directory where it lies beneath it."""

    file: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One compared.

    ``test`` names it, ``path`` is the snapshot file. ``place`` is where a reader of the code should look. ``view`` is
    what the page draws of both graphs, of values that JSON has, as :func:`pytest_torchgraph.report.view.view_of`
    makes it; ``None`` where nothing is to be seen.
    """

    test: str
    status: Status
    outline: Outline
    path: str = ""
    metrics: tuple[Metric, ...] = ()
    place: Place | None = None
    view: Mapping[str, object] | None = None

    @property
    def told(self) -> str:
        """The title of its outline without the name of the test, which every title begins with in a file."""
        return self.outline.title.removeprefix(f"{self.test}: ")


@dataclass(frozen=True, slots=True)
class Change:
    """The cases that show the same changes, known by their ids; a case without ids stands alone."""

    ids: tuple[str, ...]
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The cases of a session or of one command, the worst first; ``complete`` unless the session was cut short."""

    cases: tuple[Case, ...]
    complete: bool = True

    @property
    def counts(self) -> dict[str, int]:
        """How many cases there are of each status as it is spoken, the worst first; they add up to all cases."""
        found = Counter(SPOKEN[case.status].in_count for case in self.cases)
        words = dict.fromkeys(spoken.in_count for spoken in SPOKEN.values())
        return {word: found[word] for word in words if found[word]}

    @property
    def headline(self) -> str:
        """``3 graphs: 1 drifted, 2 unchanged``."""
        return self._counted + ("" if self.complete else " (the session was cut short)")

    @property
    def _counted(self) -> str:
        # A budget that is broken is a case of its own beside the drift of the same graph.
        total = len({case.path or case.test for case in self.cases})
        if not total:
            return "no graph was checked"
        graphs = times(total, "graph")
        if set(self.counts) == {"unchanged"}:
            return f"all {graphs} unchanged" if total > 1 else "the graph is unchanged"
        return f"{graphs}: " + ", ".join(f"{count} {word}" for word, count in self.counts.items())

    @property
    def loud(self) -> tuple[Case, ...]:
        """The cases in which there is something to tell."""
        return tuple(case for case in self.cases if case.status not in QUIET)

    @property
    def changes(self) -> tuple[Change, ...]:
        """The loud cases by the changes that they show, in the order of the worst of each, the most frequent first."""
        groups: dict[tuple[object, ...], list[Case]] = {}
        for number, case in enumerate(self.loud):
            ids = case.outline.changes
            groups.setdefault((case.status, *sorted(ids)) if ids else (case.status, number), []).append(case)
        ranked = sorted(groups.values(), key=lambda cases: (rank(cases[0].status), -len(cases)))
        return tuple(Change(cases[0].outline.changes, tuple(cases)) for cases in ranked)


def rank(status: Status) -> int:
    """The place of *status*, the worst being 0."""
    return list(SPOKEN).index(status)


def report_of(cases: Iterable[Case], *, complete: bool = True) -> Report:
    """A report of *cases*, each told once, the worst first and otherwise by name.

    That a graph is unchanged is told only where nothing else is: one that is over its budget is unchanged, too.
    """
    found = sorted(dict.fromkeys(map(_Told, cases)), key=lambda told: told.order)
    return Report(tuple(_but_agreeing(told.case for told in found)), complete)


def told_before(report: Report, earlier: Iterable[Report]) -> int:
    """How many cases of *report* one of the *earlier* reports tells alike."""
    known = {_Told(case) for each in earlier for case in each.cases}
    return sum(_Told(case) in known for case in report.cases)


def _but_agreeing(ranked: Iterable[Case]) -> Iterator[Case]:
    told: set[tuple[str, str]] = set()
    for case in ranked:
        if case.status not in QUIET or (case.test, case.path) not in told:
            told.add((case.test, case.path))
            yield case


class _Told:
    """A case as it is told apart from others.

    Its view, which no hash could be taken of, and the command that accepts it, which depends on the folder that pytest
    ran in, are left aside.
    """

    def __init__(self, case: Case) -> None:
        self.case = case
        self.order = (rank(case.status), case.test, case.path)
        self._key = (*self.order, replace(case.outline, accept=""), case.metrics, case.place)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Told) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


def metrics_of(difference: Difference) -> tuple[Metric, ...]:
    """The metrics of both heads by name, those of the head after first."""
    before, after = dict(difference.metrics_before), dict(difference.metrics_after)
    return tuple(Metric(name, before.get(name), after.get(name)) for name in {**after, **before})


def source_lines(compared: Compared) -> Iterator[SourceLine]:
    """Where what fails was asked for, that of the change that matters first."""
    for finding in compared.verdict.failing:
        for group in finding.groups:
            for change in group.changes:
                if isinstance(change, (Added, Altered, Moved)):
                    site = change.site if isinstance(change, Added) else change.after
                    source = None if site.source is None else compared.source_of(site.source)
                    if source is not None:
                        yield source


def unchanged_case(program: Program, *, test: str, path: str, environment: tuple[str, ...]) -> Case:
    """The case of a graph that is the *program* of its snapshot; *environment* says what is not as it was recorded."""
    outline = Outline(status="same", title=f"{test}: {NO_CHANGE}", environment=environment)
    metrics = tuple(Metric(name, value, value) for name, value in program.metrics)
    return Case(test=test, path=path, status="same", outline=outline, metrics=metrics)


def case_of(
    compared: Compared,
    *,
    test: str,
    path: str = "",
    status: Status | None = None,
    accept: str = "",
    place: Place | None = None,
    view: Mapping[str, object] | None = None,
) -> Case:
    """The case of *compared*; *status* is what became of it where that is not the verdict."""
    return Case(
        test=test,
        path=path,
        status=status or compared.verdict.status,
        outline=outline_of(compared, test=test, accept=accept),
        metrics=metrics_of(compared.difference),
        place=place,
        view=view,
    )
