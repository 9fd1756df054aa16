"""How long it takes to compare and explain two graphs of 100,000 operations.

    python -m benchmarks.explaining

Graphs as deep models have them (layers with attention) and flat ones, with edits of several kinds; the figure is the
best of three, in CPU seconds: comparing, judging, and the report in full.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from pytest_torchgraph.diff.compare import compare
from pytest_torchgraph.diff.tree import operation_names
from pytest_torchgraph.graph.program import Operand, Program
from pytest_torchgraph.report.drift import outline_of
from pytest_torchgraph.report.terminal import render
from pytest_torchgraph.verdict.drift import judge
from tests.diff.programs import Body, f32, layers, leaf, program

OPERATIONS = 100_000
ROUNDS = 3


def flat(*, every: int = 0) -> Program:
    """One body of many operations; every n-th is a copy more."""

    def root(body: Body) -> Operand:
        x = body.given("x", f32(2, 16))
        for number in range(OPERATIONS):
            x = body.op(("exp", "sin", "cos", "tanh")[number % 4], x, out=f32(2, 16))
            if every and number % every == 0:
                x = body.op("clone", x, out=f32(2, 16))
        return x

    return program(root)


def attending(count: int, *, by_hand: bool) -> Program:
    """Layers that compute attention by one call or by hand."""

    def layer(body: Body, x: Operand) -> None:
        body.leaves.append(("qkv.weight", f32(16, 16)))
        q, k, v = (body.op("mm", x, leaf("qkv.weight"), out=f32(16, 16)) for _ in range(3))
        if by_hand:
            scores = body.op("bmm", q, k, out=f32(16, 16))
            body.op("bmm", body.op("_softmax", scores, -1, False, out=f32(16, 16)), v, out=f32(16, 16))
        else:
            body.sdpa(q, k, v, out=f32(16, 16), is_causal=True)

    def root(body: Body) -> Operand:
        x = body.given("x", f32(16, 16))
        for number in range(count):
            x = body.scope(f"layers.{number}.attn", "Attention", x, of=layer)
        return x

    return program(root)


def pairs() -> Iterator[tuple[str, Program, Program]]:
    """Name, before and after."""
    depth = OPERATIONS // 3
    yield "one copy in each layer", layers(depth), layers(depth, change=lambda _: {"extra": "clone"})
    yield "one copy in one layer", layers(depth), layers(depth, change=lambda n: {"extra": "clone"} if n == 9 else {})
    yield "another activation", layers(depth), layers(depth, change=lambda _: {"act": "gelu"})
    yield "attention by hand", attending(OPERATIONS // 5, by_hand=False), attending(OPERATIONS // 5, by_hand=True)
    yield "copies in a flat graph", flat(), flat(every=50)


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
            return render(outline_of(judge(difference), difference, test="t"), 2)

        print(f"{name:24} {count:7} operations  {min(seconds(explain) for _ in range(ROUNDS)):5.2f} s")


if __name__ == "__main__":
    main()
