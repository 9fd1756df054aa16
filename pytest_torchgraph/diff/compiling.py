"""What the compiler made of two models: graph breaks and recompilations that came or went, and graphs that differ."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TypeVar

from pytest_torchgraph.diff.change import BreakChanged, Change, GraphChanged, RecompileChanged
from pytest_torchgraph.recorded.compilation import Compilation, GraphBreak, Recompilation

Fact = TypeVar("Fact")
Key = Callable[[Fact], Hashable]


def compile_changes(before: Compilation | None, after: Compilation | None) -> Iterator[Change]:
    """What differs between two compilations; nothing where one side was not compiled, which is told of the run."""
    if before is None or after is None or before == after:
        return
    for left, right in paired(before.breaks, after.breaks, (_break, _break_line)):
        if left != right:
            yield BreakChanged(left, right)
    for one, other in paired(before.recompiles, after.recompiles, (_recompile, _recompile_line)):
        if one != other:
            yield RecompileChanged(one, other)
    if len(before.graphs) == len(after.graphs):
        pairs = zip(before.graphs, after.graphs, strict=True)
        yield from (GraphChanged(*pair) for pair in pairs if pair[0] != pair[1])


def paired(
    before: Sequence[Fact], after: Sequence[Fact], keys: Sequence[Key[Fact]]
) -> Iterator[tuple[Fact | None, Fact | None]]:
    """Facts with equal keys together, by the first key as far as it goes; what is left stands alone."""
    left, right = list(before), list(after)
    for key in keys:
        for one in tuple(left):
            other = next((each for each in right if key(each) == key(one)), None)
            if other is not None:
                left.remove(one)
                right.remove(other)
                yield one, other
    yield from ((one, None) for one in left)
    yield from ((None, one) for one in right)


def _break(one: GraphBreak) -> Hashable:
    return one.id, one.reason, one.line


def _break_line(one: GraphBreak) -> Hashable:
    return one.line


def _recompile(one: Recompilation) -> Hashable:
    return one.guard, one.line


def _recompile_line(one: Recompilation) -> Hashable:
    return one.line
