"""What a check asks of the rooms that compare, judge and explain."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from pytest_torchgraph.comparison import Comparison
    from pytest_torchgraph.diff.change import Change, Difference
    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.plugin.check.rules import Rules
    from pytest_torchgraph.report.outline import Outline
    from pytest_torchgraph.snapshot.reader import Snapshot
    from pytest_torchgraph.verdict.finding import Verdict

COUNTS_TOLD = 3


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A graph judged against its stored snapshot under some rules; explained when somebody asks.

    ``was_equal`` is whether a run that did the same was seen to be what the snapshot holds.
    """

    snapshot: Snapshot
    graph: Graph
    rules: Rules
    was_equal: bool = False

    @cached_property
    def is_equal(self) -> bool:
        """Whether both canonical graphs are the same, so that no rule finds anything: most checks end here."""
        if self.was_equal:
            return True
        try:
            return not self.rules.same and self.graph.is_canonically(self.snapshot.program)
        except RecursionError:  # so deep a graph is compared without recursion
            return False

    @cached_property
    def comparison(self) -> Comparison:
        """What differs, and what it amounts to."""
        from pytest_torchgraph.comparison import Comparison
        from pytest_torchgraph.snapshot.recorded import recorded_line

        return Comparison.of(
            self.snapshot.program,
            self.graph.canonical,
            (self.snapshot.recorded, recorded_line(self.graph)),
            compare=self.rules.compare,
            tolerance=self.rules.tolerance,
            ignore=self.rules.ignore,
            same=self.rules.same,
            live=self.graph,
        )

    @property
    def passes(self) -> bool:
        """Whether nothing that is compared differs."""
        return self.is_equal or not self.comparison.drifted

    @property
    def verdict(self) -> Verdict:
        """What the difference amounts to."""
        return self.comparison.verdict

    @property
    def renames(self) -> tuple[str, ...]:
        """Names that changed and nothing else with them: no reason to fail, a reason for an update to write."""
        findings = () if self.is_equal else self.verdict.findings
        return tuple(finding.title for finding in findings if finding.kind == "name")

    @property
    def changes(self) -> tuple[str, ...]:
        """The ids of what drifted, that of the headline first."""
        from pytest_torchgraph.verdict.edits import edits_of

        return tuple(edit.fingerprint for edit in edits_of(self.verdict.findings))

    @property
    def moved(self) -> str:
        """``ops 100 -> 116, +16 aten.clone``: what an update changed, on one line."""
        return moved_text(self.comparison.difference) or self.verdict.headline


def judged(snapshot: Snapshot, graph: Graph, rules: Rules) -> Outcome:
    """*graph* against *snapshot* under *rules*."""
    return Outcome(snapshot=snapshot, graph=graph, rules=rules)


def text_of(graph: Graph, test: str) -> str:
    """The text of the snapshot of *graph* that *test* owns."""
    from pytest_torchgraph.snapshot.recorded import recorded_line
    from pytest_torchgraph.snapshot.writer import write

    return write(graph.canonical, test=test, recorded=recorded_line(graph))


def size_of(graph: Graph) -> str:
    """``45 operations, peak 1.1 MiB``."""
    from pytest_torchgraph.verdict.quantity import bytes_text
    from pytest_torchgraph.words.counting import times

    return f"{times(graph.count('ops'), 'operation')}, peak {bytes_text(graph.memory.peak)}"


def moved_text(difference: Difference) -> str:
    """The metrics that moved, then the operations whose number moved most; empty when no number did."""
    from pytest_torchgraph.diff.change import MetricChanged
    from pytest_torchgraph.recorded.operation import packet_of
    from pytest_torchgraph.verdict.title import metric_text

    metrics = [metric_text(change) for change in difference.changes if isinstance(change, MetricChanged)]
    names = dict.fromkeys(packet_of(name) for name, _ in (*difference.counts_before, *difference.counts_after))
    moved = {name: after - before for name in names for before, after in (difference.count(name),) if after != before}
    told = sorted(moved.items(), key=lambda pair: (-abs(pair[1]), pair[0]))
    counts = [f"{by:+d} {name}" for name, by in told[:COUNTS_TOLD]]
    rest = [f"{len(told) - COUNTS_TOLD} more"] if len(told) > COUNTS_TOLD else []
    return ", ".join([*metrics[:1], *counts, *rest, *metrics[1:]])


def drift_report(outcome: Outcome, test: str, accept: str, config: pytest.Config) -> str:
    """The report of a drift: five lines; every finding under ``-v``, every operation under ``-vv``."""
    return shown(outcome.comparison.outline(test, accept), config)


def shown(outline: Outline, config: pytest.Config) -> str:
    """*outline* as text for pytest's failure section, as long as it is verbose."""
    from pytest_torchgraph.report.terminal import render

    return render(outline, verbosity=min(max(config.get_verbosity(), 0), 2))


def difference_of(before: Graph, after: Graph) -> Difference:
    """What differs between two graphs."""
    from pytest_torchgraph.diff.compare import compare

    return compare(before.canonical, after.canonical)


def is_memory_only(difference: Difference) -> bool:
    """Whether nothing but bytes differs: what is held, saved or alive at the peak."""
    from pytest_torchgraph.canonical.metric import BYTE_METRICS
    from pytest_torchgraph.diff.change import MetricChanged, PeakMoved

    return all(
        isinstance(each, PeakMoved) or (isinstance(each, MetricChanged) and each.name in BYTE_METRICS)
        for each in difference.changes
    )


def first_change(before: Graph, after: Graph) -> str:
    """The first operation that two graphs do not share, with scope and source line."""
    from pytest_torchgraph.diff.change import HeadChange

    changes = difference_of(before, after).changes
    work = [change for change in changes if not isinstance(change, HeadChange)]
    return _place_of((work or changes)[0], before, after)


def _place_of(change: Change, before: Graph, after: Graph) -> str:
    from pytest_torchgraph.diff.change import Added, Altered, MetricChanged, Moved, Removed
    from pytest_torchgraph.report.spelling import site_text
    from pytest_torchgraph.verdict.title import metric_text

    match change:
        case Added(site) | Altered(_, site) | Moved(_, site):
            graph = after
        case Removed(site):
            graph = before
        case MetricChanged():
            return metric_text(change)
        case _:
            return type(change).__name__.lower()
    source = None if site.source is None else graph.operations[site.source].source
    line = f" ({PurePath(source.file).name}:{source.line})" if source else ""
    return f"{site_text(site)} in {str(site.scope) or 'the model'}{line}"
