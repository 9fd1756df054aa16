"""The steady state: models build caches on their first call, and what does not repeat is no snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_torchgraph.graph.graph import Graph

FIRST_CALL_NOTE = "recorded from the second call: the first call does other work"


@dataclass(frozen=True, slots=True)
class Steady:
    """A graph that repeats, and a note when the first call had to be set aside."""

    graph: Graph
    notes: tuple[str, ...] = ()


class DoesNotRepeat(Exception):
    """Two consecutive calls after the first still differ; ``before`` and ``after`` are their graphs."""

    def __init__(self, before: Graph, after: Graph) -> None:
        super().__init__("the model does not repeat its graph")
        self.before, self.after = before, after


def settle(first: Graph, again: Callable[[], Graph] | None) -> Steady:
    """The graph that repeats: *first* if a second call equals it, else the second if a third equals that.

    Without *again* there is nothing to repeat and *first* stands. Raises :class:`DoesNotRepeat`.
    """
    if again is None:
        return Steady(first)
    second = again()
    if second == first:
        return Steady(first)
    third = again()
    if third == second:
        return Steady(second, (FIRST_CALL_NOTE,))
    raise DoesNotRepeat(second, third)
