"""Two graphs compared, judged and explained: the one way that every door goes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_torchgraph.analysis.keeping import keepers_at_peak
from pytest_torchgraph.analysis.performance import source_of
from pytest_torchgraph.diff.compare import compare as differences_of
from pytest_torchgraph.diff.same import NOTHING, Same, require_known
from pytest_torchgraph.report.drift import outline_of
from pytest_torchgraph.report.terminal import render
from pytest_torchgraph.snapshot.recorded import recorded_line
from pytest_torchgraph.verdict.drift import Compare, judge
from pytest_torchgraph.verdict.environment import attention, differences, same_backend

if TYPE_CHECKING:
    from pytest_torchgraph.canonical.program import Program
    from pytest_torchgraph.diff.change import Difference
    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.recorded.operation import SourceLine
    from pytest_torchgraph.report.outline import Outline
    from pytest_torchgraph.verdict.finding import Verdict


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What changed between two graphs, and whether it matters; ``str()`` is the report.

    ``environment`` says what runs otherwise than it was recorded. ``live`` is the graph after, where it was recorded in
    this process and so knows source lines.
    """

    difference: Difference
    verdict: Verdict
    environment: tuple[str, ...]
    live: Graph | None = None

    @property
    def drifted(self) -> bool:
        """Whether something changed that is compared."""
        return self.verdict.fails

    def source_of(self, operation: int) -> SourceLine | None:
        """Where the operation at this position of the graph after, or what it goes backward through, was asked for."""
        return source_of(self.live, self.live.operations[operation]) if self.live else None

    @cached_property
    def _keepers(self) -> dict[int, str]:
        return keepers_at_peak(self.live) if self.live else {}

    def keeper_of(self, operation: int) -> str:
        """What keeps alive at the peak of the graph after what the operation at this position made."""
        return self._keepers.get(operation, "")

    def outline(self, test: str, accept: str = "") -> Outline:
        """The report; *test* names what was compared, *accept* is the command that records the graph as it is now."""
        return outline_of(
            self.verdict,
            self.difference,
            test=test,
            accept=accept,
            environment=(*self.environment, *(attention(self.live) if self.live else ())),
            source_of=self.source_of,
            keeper_of=self.keeper_of,
        )

    def __str__(self) -> str:
        return render(self.outline("before -> after"))


def compared(
    before: Program,
    after: Program,
    recorded: tuple[str, str],
    *,
    compare: Compare = "graph",
    tolerance: object = None,
    ignore: str | Iterable[str] = (),
    same: Same = NOTHING,
    live: Graph | None = None,
) -> Comparison:
    """Two canonical graphs; *recorded* are the notes on what recorded each of them.

    Raises ``ValueError`` for a *compare*, *tolerance*, *ignore* or *same* in no accepted form.
    """
    difference = differences_of(before, after, same)
    verdict = judge(
        difference, compare=compare, tolerance=tolerance, ignore=ignore, same_backend=same_backend(*recorded)
    )
    return Comparison(difference=difference, verdict=verdict, environment=differences(*recorded), live=live)


def compare(
    before: Graph,
    after: Graph,
    *,
    compare: Compare = "graph",
    tolerance: object = None,
    ignore: str | Iterable[str] = (),
    same: Same = NOTHING,
) -> Comparison:
    """What changed from *before* to *after*, judged as ``torch_graph.check`` judges it.

    *compare* is ``"graph"``, ``"counts"`` (with memory) or ``"budget"`` (nothing drifts); *tolerance* is how far memory
    may move (``"5% or 1 MiB"``); *ignore* names operations, scopes and metrics that never fail; *same* says which
    module before is which after where the names do not tell (``{"layers.*.attn": "blocks.*.attention"}``). Raises
    ``ValueError`` for one in no accepted form, and for a module that is the same as another and in neither graph.
    """
    require_known(same, (before.canonical, after.canonical))
    return compared(
        before.canonical,
        after.canonical,
        (recorded_line(before), recorded_line(after)),
        compare=compare,
        tolerance=tolerance,
        ignore=ignore,
        same=same,
        live=after,
    )
