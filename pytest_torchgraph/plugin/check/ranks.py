"""Several real ranks that run the same tests, as under ``torchrun``: each has snapshots of its own."""

from __future__ import annotations

import sys
from itertools import cycle
from typing import TYPE_CHECKING

from pytest_torchgraph.recorded.repeating import MOST_RUNS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_torchgraph.graph import Graph


def rank_of_several() -> int | None:
    """The rank of this process among several real ones; ``None`` where it is alone. Imports no PyTorch."""
    if "torch.distributed" not in sys.modules:
        return None
    from torch import distributed

    from pytest_torchgraph.capture.agreement import several_ranks

    return distributed.get_rank() if several_ranks() else None


def slot_of(slot: str) -> str:
    """*slot* as this rank names it: all but the first rank add theirs, so that no two write one file."""
    rank = rank_of_several()
    return "-".join(filter(None, (slot, f"rank{rank}"))) if rank else slot


def traced_equally(again: Callable[[], Graph]) -> tuple[Graph, Callable[[], Graph]]:
    """The graph to check, and what gives it again: every rank traces as often, whatever it finds.

    A rank that traced once more than the others would wait for them in its first collective.
    """
    *_, before, last = (again() for _ in range(MOST_RUNS))
    return before, cycle((last, before)).__next__
