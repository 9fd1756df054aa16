"""Two canonical graphs compared and judged, with what is known of the run behind the second."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_torchgraph.diff.compare import compare as differences_of
from pytest_torchgraph.diff.same import NOTHING, Same
from pytest_torchgraph.verdict.drift import Compare, judge
from pytest_torchgraph.verdict.environment import attention, differences, flops_of, same_backend
from pytest_torchgraph.verdict.spent import Spent, time_of

if TYPE_CHECKING:
    from typing_extensions import Self

    from pytest_torchgraph.canonical.program import Program
    from pytest_torchgraph.diff.change import Difference
    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.recorded.operation import SourceLine
    from pytest_torchgraph.recorded.timing import Timing
    from pytest_torchgraph.verdict.finding import Finding, Verdict


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What changed between two graphs, and whether it matters.

    ``environment`` says what runs otherwise than it was recorded. ``live`` is the graph after, where it was recorded in
    this process and so knows source lines. ``flops`` are those before and after, where both are known whole, ``times``
    those before and after, where both were timed.
    """

    difference: Difference
    verdict: Verdict
    environment: tuple[str, ...] = ()
    live: Graph | None = None
    flops: tuple[int, int] | None = None
    times: tuple[Timing, Timing] | None = None

    @classmethod
    def of(
        cls,
        before: Program,
        after: Program,
        recorded: tuple[str, str],
        *,
        compare: Compare = "graph",
        tolerance: object = None,
        ignore: str | Iterable[str] = (),
        same: Same = NOTHING,
        live: Graph | None = None,
    ) -> Self:
        """Two canonical graphs; *recorded* are the notes on what recorded each of them.

        Raises ``ValueError`` for a *compare*, *tolerance*, *ignore* or *same* in no accepted form.
        """
        difference = differences_of(before, after, same)
        verdict = judge(
            difference, compare=compare, tolerance=tolerance, ignore=ignore, same_backend=same_backend(*recorded)
        )
        return cls(
            difference=difference,
            verdict=verdict,
            environment=differences(*recorded),
            live=live,
            flops=flops_of(*recorded),
        )

    @property
    def drifted(self) -> bool:
        """Whether something changed that is compared."""
        return self.verdict.fails

    @property
    def surroundings(self) -> tuple[str, ...]:
        """The ``environment``, and what this machine computes otherwise than an accelerator."""
        return (*self.environment, *(attention(self.live) if self.live else ()))

    def time_of(self, finding: Finding) -> Spent | None:
        """Seconds of the operations behind *finding* before and after; ``None`` where they are not known."""
        return time_of(finding, *self.times) if self.times else None

    def source_of(self, operation: int) -> SourceLine | None:
        """Where the operation at this position of the graph after, or what it goes backward through, was asked for."""
        if self.live is None:
            return None
        from pytest_torchgraph.analysis.performance import source_of  # what was read from files has no lines

        return source_of(self.live, self.live.operations[operation])

    @cached_property
    def _keepers(self) -> dict[int, str]:
        if self.live is None:
            return {}
        from pytest_torchgraph.analysis.keeping import keepers_at_peak

        return keepers_at_peak(self.live)

    def keeper_of(self, operation: int) -> str:
        """What keeps alive at the peak of the graph after what the operation at this position made."""
        return self._keepers.get(operation, "")
