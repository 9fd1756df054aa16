"""The outline of a drift: the verdict, the one change that matters, its cost, its likely cause, how to accept it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePath

from pytest_torchgraph.canonical.metric import BYTE_METRICS, COMPILE_METRICS, GROUP_METRICS
from pytest_torchgraph.canonical.scope import ScopePath
from pytest_torchgraph.diff.change import (
    Added,
    Altered,
    BreakChanged,
    Change,
    CompileChange,
    Difference,
    GraphChanged,
    MetricChanged,
    Moved,
    RecompileChanged,
    Removed,
    SiteChange,
)
from pytest_torchgraph.diff.grouping import Group, modules_text, scope_of, shared_path
from pytest_torchgraph.recorded.operation import SourceLine
from pytest_torchgraph.recorded.phase import PHASES
from pytest_torchgraph.report.alive import SourceOf, alive_texts
from pytest_torchgraph.report.brief import WIDTH, Lines, Parts, brief_lines, cut
from pytest_torchgraph.report.outline import Outline, Row, Section
from pytest_torchgraph.report.spelling import fact_text, group_text, short_text, site_text, word_text
from pytest_torchgraph.report.timed import time_lines, time_texts
from pytest_torchgraph.verdict.causes.cause import CAUSES, OPTIONS
from pytest_torchgraph.verdict.compared import Compared
from pytest_torchgraph.verdict.edits import edits_of
from pytest_torchgraph.verdict.finding import Finding, Verdict
from pytest_torchgraph.verdict.quantity import flops_pair, moved_text
from pytest_torchgraph.verdict.title import metric_text
from pytest_torchgraph.verdict.wording import field_text
from pytest_torchgraph.words.closed import assert_never

COSTS = (
    *COMPILE_METRICS,
    *reversed(BYTE_METRICS),
    *("ops", *GROUP_METRICS),
    *(f"{phase}.ops" for phase in PHASES),
    *("communicated", "collectives"),
)
BEFORE_FLOPS = frozenset({*COMPILE_METRICS, "peak", "saved"})


def outline_of(compared: Compared, *, test: str, accept: str = "") -> Outline:
    """The report: *test* names the test or the files, *accept* is the command that records the graph as it is now."""
    verdict, difference, sources = compared.verdict, compared.difference, Sources(compared)
    edits = edits_of(verdict.findings)
    time = (*time_texts(compared),)
    names = {id(finding): edit.fingerprint for edit in edits for finding in edit.findings}
    outline = Outline(
        status=verdict.status,
        title=f"{test}: {headline_of(verdict)}",
        environment=compared.surroundings,
        sections=tuple(
            _section(finding, sources, names.get(id(finding), ""), (*time_lines(compared, finding),), leads=not place)
            for place, finding in enumerate(verdict.findings)
        ),
        cost="; ".join([*time, *_cost_texts(compared, with_place=True)]),
        alive=alive_texts(difference, compared.source_of, compared.keeper_of),
        accept=accept,
        changes=tuple(edit.fingerprint for edit in edits),
    )
    parts = Parts(sources.told, (*time, *_cost_texts(compared, with_place=False)))
    return replace(outline, brief=brief_lines(outline, parts))


def headline_of(verdict: Verdict) -> str:
    """The headline, its finding's title cut to a line."""
    if not verdict.findings:
        return verdict.headline
    room = WIDTH - len(verdict.headline_with(""))
    return verdict.headline_with(cut(verdict.findings[0].title, room))


def cost_text(compared: Compared) -> str:
    """What moved: ``peak 18.2 MiB -> 20.3 MiB (+11.5%) at h.3.mlp: gelu; ops 100 -> 116``."""
    return "; ".join(_cost_texts(compared, with_place=True))


def _cost_texts(compared: Compared, *, with_place: bool) -> Iterator[str]:
    """The metrics that moved, and the FLOPs, without the place of the peak where there is little room."""
    flops = [*flops_texts(compared)]
    for change in costs_of(compared.difference):
        if change.name not in BEFORE_FLOPS:
            yield from flops
            flops = []
        at = compared.difference.peak_at_after if with_place and change.name == "peak" else None
        yield metric_text(change) + (f" at {at}" if at else "")
    yield from flops


def flops_texts(compared: Compared) -> Iterator[str]:
    """``matmul FLOPs 1.31 M -> 1.64 M (+25.0%)``, where they moved."""
    before, after = compared.flops or (0, 0)
    if before != after:
        left, right = flops_pair(before, after)
        moved = moved_text(before, after)
        yield f"matmul FLOPs {left} -> {right}" + (f" ({moved})" if moved else "")


def costs_of(difference: Difference) -> list[MetricChanged]:
    """The metrics that moved, in the order in which they are told."""
    moved = [change for change in difference.changes if isinstance(change, MetricChanged)]
    return sorted(moved, key=_cost_rank)


def _cost_rank(change: MetricChanged) -> int:
    return COSTS.index(change.name) if change.name in COSTS else len(COSTS)


class Sources:
    """Source lines of changes; for what is gone, those of what now runs in its scope."""

    def __init__(self, compared: Compared) -> None:
        self._source_of = compared.source_of
        self._near: dict[ScopePath, Lines] = {}
        self.told: dict[str, Lines] = {}
        """The lines that were asked for, by their text."""
        for finding in compared.verdict.findings:
            for group in finding.groups:
                self._note(group)

    def _note(self, group: Group) -> None:
        for change in group.changes:
            lines = Lines() if isinstance(change, Removed) else lines_of((change,), self._source_of)
            if lines.files:
                self._near.setdefault(scope_of(change), lines)

    def of(self, group: Group) -> str:
        """``attention.py:39``, or ``near attention.py:39``; empty where nothing is known."""
        lines = self._lines(group)
        text = str(lines)
        self.told[text] = lines
        return text

    def _lines(self, group: Group) -> Lines:
        own = lines_of(group.changes, self._source_of)
        if not isinstance(group.first, Removed):
            return own
        scopes = (group.scopes[0], group.first.site.scope)
        near = own if own.files else next((self._near[scope] for scope in scopes if scope in self._near), own)
        return replace(near, near=True)

    def options(self, finding: Finding) -> Iterator[str]:
        """The options that may have caused *finding*, of libraries whose code asked for what changed."""
        positions = (_position(change) for group in finding.groups for change in group.changes)
        found = [self._source_of(position) for position in positions if position is not None]
        folders = {part for source in found if source is not None for part in PurePath(source.file).parts[:-1]}
        for (cause, library), options in OPTIONS.items():
            if finding.cause == cause and library in folders:
                yield options


def _section(finding: Finding, sources: Sources, change: str, time: tuple[str, ...], *, leads: bool) -> Section:
    rows = () if _says_it_all(finding) else tuple(_rows(finding, sources))
    lines = (*finding.details, *time, *(line for group in finding.groups for line in _lines(group)))
    told = finding.kind in ("memory", "count") and (leads or finding.cause not in KEPT)
    note = finding.severity == "note"
    meant = finding.hint or CAUSES.get(finding.cause, "")
    hint = "; ".join([meant, *sources.options(finding)])
    return Section(finding.title, rows, hint, lines, note, told, finding.cause, change)


KEPT = frozenset({"kept-alive", "released-sooner"})
"""Causes of memory that moved, which the line of costs does not tell."""


def _says_it_all(finding: Finding) -> bool:
    """Whether the title of *finding* has nothing left to locate."""
    if finding.kind == "run":
        return len(finding.groups) == 1
    return finding.kind in ("memory", "count", "bookkeeping", "output") or (
        finding.kind == "sync" and all(isinstance(group.first, MetricChanged) for group in finding.groups)
    )


def _rows(finding: Finding, sources: Sources) -> Iterator[Row]:
    """One row for each edit that neither the title nor the line of costs tells already."""
    for group in finding.groups:
        if isinstance(group.first, MetricChanged):
            continue
        text = group_text(group)
        if text and text != finding.title:
            yield Row(
                place_text(group), text, sources.of(group), short_text(group), module_text(group), word_text(group)
            )


def places_of(finding: Finding, sources: Sources) -> Iterator[Row]:
    """Where each edit was made, what was done there only where the title does not say it."""
    for group in finding.groups:
        text = "" if _says_it_all(finding) else group_text(group)
        yield Row(place_text(group), "" if text == finding.title else text, sources.of(group))


def place_text(group: Group) -> str:
    """``layers.*.attn ×32``; the root is ``the model``; what checkpointing runs again is not told by its mark.

    Of a loop over parameters the phase is told: what was done in it says so itself.
    """
    path = modules_text(tuple(str(scope.outside_loop.without_again) for scope in group.scopes))
    if not path and isinstance(group.first, (Added, Removed, Altered, Moved)):
        path = "the model"
    path += ", run again" if group.scopes[0].is_again else ""
    return f"{path} ×{len(group.scopes)}" if len(group.scopes) > 1 else path


def module_text(group: Group) -> str:
    """``layers.*.attn``: the modules, whichever phase and call it is."""
    return shared_path(tuple(scope.module for scope in group.scopes))


def lines_of(changes: tuple[Change, ...], source_of: SourceOf) -> Lines:
    """``attention.py:39,62``: where in the user's code the changed operations were asked for, at most four lines."""
    lines: dict[str, dict[int, None]] = {}
    for change in changes:
        position = _position(change)
        source = _line_of(change) if position is None else source_of(position)
        if source is not None:
            lines.setdefault(PurePath(source.file).name, {})[source.line] = None
    told = list(lines.items())[:2]
    files = tuple((file, tuple(sorted(numbers)[:4])) for file, numbers in told)
    return Lines(files, frozenset(file for file, numbers in told if len(numbers) > 4))


def _position(change: Change) -> int | None:
    """Position in the live graph of what changed; of backward work that was removed, of what it was for."""
    if not isinstance(change, SiteChange):
        return None
    match change:
        case Removed(near=near):
            return near
        case Added(site) | Altered(_, site) | Moved(_, site):
            return site.source
        case _:
            assert_never(change)


def _line_of(change: Change) -> SourceLine | None:
    """Where the compiler stopped, or what it compiled again; only a live graph knows."""
    if not isinstance(change, CompileChange):
        return None
    match change:
        case BreakChanged(after=after) | RecompileChanged(after=after):
            return after.line.source if after else None
        case GraphChanged(after=graph):
            return graph.line.source
        case _:
            assert_never(change)


def _lines(group: Group) -> Iterator[str]:
    """The changes of the first scope as operations, then where else they were made.

    ``-`` is before and ``+`` after, ``~`` where both would read alike.
    """
    first = [change for change in group.changes if scope_of(change) == group.scopes[0]]
    shown = [line for change in first for line in _signed(change)]
    if not shown:
        return
    yield str(shown[0][0]) or "the model"
    for _, sign, text in shown:
        yield f"  {sign} {text}"
    if len(group.scopes) > 1:
        yield f"and the same in {', '.join(map(str, group.scopes[1:]))}"


def _signed(change: Change) -> Iterator[tuple[ScopePath, str, str]]:
    if isinstance(change, SiteChange):
        yield from _signed_at(change)
    elif isinstance(change, (BreakChanged, RecompileChanged)):
        sides = (("-", change.before), ("+", change.after))
        yield from ((scope_of(change), sign, fact_text(fact)) for sign, fact in sides if fact)


def _signed_at(change: SiteChange) -> Iterator[tuple[ScopePath, str, str]]:
    match change:
        case Added(site):
            yield site.scope, "+", site_text(site)
        case Removed(site):
            yield site.scope, "-", site_text(site)
        case Altered(before, after) if site_text(before) == site_text(after):
            yield after.scope, "~", f"{site_text(after)}: {', '.join(map(field_text, change.fields))}"
        case Moved(before, after) if before.scope == after.scope:
            yield after.scope, "~", f"{site_text(after)} moved"
        case Altered(before, after) | Moved(before, after):
            yield after.scope, "-", site_text(before)
            yield after.scope, "+", site_text(after)
        case _:
            assert_never(change)
