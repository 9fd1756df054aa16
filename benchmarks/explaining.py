"""How long it takes to compare and explain two graphs of 100,000 operations.

    python -m benchmarks.explaining

A thousand layers of a hundred operations, and one body of them all, with edits of several kinds; the figure is the
best of three, in CPU seconds: comparing, judging, and the report in full.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

from pytest_torchgraph.canonical.program import Operand, Program
from pytest_torchgraph.diff.compare import compare
from pytest_torchgraph.diff.tree import operation_names
from pytest_torchgraph.report.drift import outline_of
from pytest_torchgraph.report.terminal import render
from pytest_torchgraph.verdict.compared import Compared
from pytest_torchgraph.verdict.drift import judge
from tests.diff.programs import Body, f32, leaf, program

OPERATIONS, PER_LAYER = 100_000, 100
ACTIVATIONS = ("exp", "sin", "cos", "tanh")
ROUNDS = 3


def flat(*, every: int = 0) -> Program:
    """One body of many operations; every n-th is a copy more."""

    def root(body: Body) -> Operand:
        x = body.given("x", f32(2, 16))
        for number in range(OPERATIONS):
            x = body.op(ACTIVATIONS[number % 4], x, out=f32(2, 16))
            if every and number % every == 0:
                x = body.op("clone", x, out=f32(2, 16))
        return x

    return program(root)


def layer(body: Body, x: Operand, *, copied: bool, by_hand: bool) -> None:
    """A hundred operations: projections, attention by one call or by hand, and activations."""
    body.leaves.append(("qkv.weight", f32(16, 16)))
    q, k, v = (body.op("mm", x, leaf("qkv.weight"), out=f32(16, 16)) for _ in range(3))
    if copied:
        q = body.op("clone", q, out=f32(16, 16))
    if by_hand:
        scores = body.op("bmm", q, k, out=f32(16, 16))
        x = body.op("bmm", body.op("_softmax", scores, -1, False, out=f32(16, 16)), v, out=f32(16, 16))
    else:
        x = body.sdpa(q, k, v, out=f32(16, 16), is_causal=True)
    for number in range(PER_LAYER - 4):
        x = body.op(ACTIVATIONS[number % 4], x, out=f32(16, 16))


def deep(*, copied: Callable[[int], bool] = lambda _: False, by_hand: bool = False) -> Program:
    """A thousand layers."""

    def root(body: Body) -> Operand:
        x = body.given("x", f32(16, 16))
        for number in range(OPERATIONS // PER_LAYER):
            each = partial(layer, copied=copied(number), by_hand=by_hand)
            x = body.scope(f"layers.{number}", "Layer", x, of=each)
        return x

    return program(root)


def pairs() -> Iterator[tuple[str, Program, Program]]:
    """Name, before and after."""
    yield "a copy in one layer", deep(), deep(copied=lambda number: number == 9)
    yield "a copy in each layer", deep(), deep(copied=lambda _: True)
    yield "attention by hand", deep(), deep(by_hand=True)
    yield "2,000 copies in one body", flat(), flat(every=50)


def seconds(explain: Callable[[], object]) -> float:
    """Time of one call."""
    began = time.process_time()
    explain()
    return time.process_time() - began


def main() -> None:
    """Print a line for each pair."""
    for name, before, after in pairs():
        count = sum(1 for _ in operation_names(after.root))

        def explain(before: Program = before, after: Program = after) -> object:
            difference = compare(before, after)
            return render(outline_of(Compared(difference=difference, verdict=judge(difference)), test="t"), 2)

        print(f"{name:24} {count:7} operations  {min(seconds(explain) for _ in range(ROUNDS)):5.2f} s")


if __name__ == "__main__":
    main()
