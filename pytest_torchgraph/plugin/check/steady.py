"""The steady state: models build what they need on their first calls, and what does not repeat is no snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_torchgraph.plugin.check import comparison
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.repeating import MOST_RUNS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_torchgraph.graph import Graph

ORDINALS = ("first", "second", "third", "fourth", "fifth")


@dataclass(frozen=True, slots=True)
class Steady:
    """A graph that repeats, and what to say of earlier calls that were set aside."""

    graph: Graph
    notes: tuple[str, ...] = ()


class DoesNotRepeat(Exception):
    """No two consecutive calls were equal; ``before`` and ``after`` are the graphs of the last two of ``runs``."""

    def __init__(self, before: Graph, after: Graph, runs: int) -> None:
        super().__init__("the model does not repeat its graph")
        self.before, self.after, self.runs = before, after, runs


def settle(first: Graph, again: Callable[[], Graph] | None) -> Steady:
    """The first graph that equals the one after it, of up to :data:`MOST_RUNS` runs.

    Without *again* there is nothing to repeat and *first* stands. Raises :class:`DoesNotRepeat`.
    """
    if again is None:
        return Steady(first)
    graphs = [first]
    while len(graphs) < MOST_RUNS:
        graphs.append(again())
        if repeats(graphs):
            *earlier, steady, _ = graphs
            return Steady(steady, set_aside("recorded from the {} call", earlier, steady))
    raise DoesNotRepeat(graphs[-2], graphs[-1], len(graphs))


def repeats(graphs: list[Graph]) -> bool:
    """Whether the last two of *graphs* are equal."""
    return len(graphs) > 1 and graphs[-1] == graphs[-2]


def set_aside(what: str, earlier: list[Graph], graph: Graph) -> tuple[str, ...]:
    """A note that says *what* became of *graph*, and what the calls *earlier* did otherwise; none where there are none.

    ``recorded from the second call; the first does other work: ops 5 -> 3, -1 aten.copy_``.
    """
    if not earlier:
        return ()
    told = "; ".join(otherwise(ORDINALS[place], each, graph) for place, each in enumerate(earlier))
    return (f"{what.format(ORDINALS[len(earlier)])}; {told}",)


def otherwise(which: str, before: Graph, after: Graph) -> str:
    """What the call *before* did otherwise than the one that stands."""
    if before == after:
        return f"the {which} does the same"
    difference = comparison.difference_of(before, after)
    if comparison.is_memory_only(difference):
        moved = comparison.moved_text(difference)
        return f"the {which} does the same work in other memory{moved and ': '}{moved}"
    moved = comparison.moved_text(difference) or comparison.first_change(before, after)
    return f"the {which} does other work: {moved}"
