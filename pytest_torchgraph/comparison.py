"""Two graphs compared, judged and explained: the one way that every door goes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_torchgraph.diff.same import NOTHING, Same, require_known
from pytest_torchgraph.report.drift import outline_of
from pytest_torchgraph.report.terminal import render
from pytest_torchgraph.snapshot.recorded import recorded_line
from pytest_torchgraph.verdict.compared import Compared
from pytest_torchgraph.verdict.spent import times_of

if TYPE_CHECKING:
    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.report.outline import Outline
    from pytest_torchgraph.verdict.drift import Compare


class Comparison(Compared):
    """What changed between two graphs, and whether it matters; ``str()`` is the report."""

    def outline(self, test: str, accept: str = "") -> Outline:
        """The report; *test* names what was compared, *accept* is the command that records the graph as it is now."""
        return outline_of(self, test=test, accept=accept)

    def __str__(self) -> str:
        return render(self.outline("before -> after"))


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
    module before is which after where the names do not tell (``{"layers.*.attn": "blocks.*.attention"}``). Where both
    graphs were timed, the report says how much of the time is in a change; that is no reason to fail. Raises
    ``ValueError`` for one in no accepted form, and for a module that is the same as another and in neither graph.
    """
    require_known(same, (before.canonical, after.canonical))
    judged = Comparison.of(
        before.canonical,
        after.canonical,
        (recorded_line(before), recorded_line(after)),
        compare=compare,
        tolerance=tolerance,
        ignore=ignore,
        same=same,
        live=after,
    )
    return replace(judged, times=times_of(before, after))
