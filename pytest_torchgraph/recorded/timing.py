"""How long operations and module calls took; never compared, and never part of a snapshot."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

from pytest_torchgraph.quick import dataclass

Source: TypeAlias = Literal["host clock", "cuda events"]


@dataclass(frozen=True, slots=True)
class Span:
    """When something ran, in seconds after the run began, and for how long."""

    start: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Times of a run, or of several equal runs; the recorder's own time is taken out of all of them.

    ``seconds`` are those of each operation, by position: the median over ``runs``. ``spread`` are the median distances
    from it, ``None`` after a single run. ``total`` is the whole run on the host, Python included: ``measured`` on the
    same run without the recorder, or else worked out.
    ``operations`` and ``scopes`` are the spans of one run, that of median length: of each operation, and of each module
    call, its backward pass apart.

    ``overhead`` are the seconds that a recorded run took longer, ``per_operation`` the part of it, for each
    operation, that no clock in the recorder can see. ``source`` is where the seconds of operations come from: of a
    device that works for itself, the host's clock sees only how long it takes to ask.
    """

    runs: int
    seconds: tuple[float, ...]
    spread: tuple[float, ...] | None
    total: float
    total_spread: float | None
    operations: tuple[Span, ...]
    scopes: tuple[Span, ...]
    overhead: float
    per_operation: float
    measured: bool = False
    source: Source = "host clock"

    def of(self, operations: Iterable[int]) -> float:
        """Seconds of some operations together."""
        return sum(self.seconds[index] for index in operations)
