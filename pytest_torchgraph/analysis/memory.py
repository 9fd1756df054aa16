"""Live bytes by category, operation by operation."""

from __future__ import annotations

from itertools import accumulate

from pytest_torchgraph.recorded.memory import CATEGORIES, Category
from pytest_torchgraph.recorded.record import Record


def curves_of(record: Record) -> dict[Category, list[int]]:
    """Live bytes of each category before the first operation, then right after each.

    Raises :class:`~pytest_torchgraph.recorded.memory.LivesUnknown` for a graph that was read from a file.
    """
    steps = {category: [0] * (len(record.operations) + 2) for category in CATEGORIES}
    for life in record.memory.known_lives():
        steps[life.category][life.born + 1] += life.bytes
        if life.died is not None:
            steps[life.category][min(life.died, len(record.operations)) + 1] -= life.bytes
    return {category: list(accumulate(each[:-1])) for category, each in steps.items()}
