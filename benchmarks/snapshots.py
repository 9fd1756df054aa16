"""What a snapshot of 100,000 operations costs: to make, write, read, compare and explain.

    python -m benchmarks.snapshots          prints the table and writes it to benchmarks/SNAPSHOTS.md

CPU time of one thread, the best of three.
"""

from __future__ import annotations

import platform
import random
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from pytest_torchgraph import trace
from pytest_torchgraph.canonical.program import Program
from pytest_torchgraph.comparison import Comparison
from pytest_torchgraph.diff.compare import compare
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.report.terminal import render
from pytest_torchgraph.snapshot.reader import read
from pytest_torchgraph.snapshot.writer import write

T = TypeVar("T")
OPERATIONS = 100_000
RESULTS = Path(__file__).with_name("SNAPSHOTS.md")
ROUNDS = 3


def best(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds of the fastest of three runs, and what it returned."""
    seconds = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        found = work()
        seconds.append(time.process_time() - begun)
    return min(seconds), found


def unlike(x: Tensor, *, cloned: int | None = None) -> Tensor:
    """Operations no two of which are alike, so that nothing folds."""
    chance = random.Random(0)
    for place in range(OPERATIONS):
        x = x * chance.random() if chance.random() < 0.5 else x + chance.random()
        if place == cloned:
            x = x.clone()
    return x


def layers(count: int) -> nn.Module:
    """A stack of equal blocks."""
    return nn.Sequential(*(nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.LayerNorm(2)) for _ in range(count)))


def graphs() -> dict[str, tuple[Graph, Graph]]:
    """Pairs of graphs before and after an edit."""
    x = torch.ones(2, 2)
    with torch.no_grad():
        chains = trace(unlike, x), trace(lambda x: unlike(x, cloned=OPERATIONS // 2), x)
    model = layers(OPERATIONS // 56)
    hook = model[7][0].register_forward_hook(lambda module, args, output: output.clone())
    steps = []
    for edited in (True, False):
        optimizer = torch.optim.AdamW(model.parameters(), foreach=False)
        steps.append(trace(model, x, backward=True, optimizer=optimizer))
        if edited:
            hook.remove()
    return {"operations that are all different": chains, "a training step of equal layers": (steps[1], steps[0])}


def row(name: str, before: Graph, after: Graph) -> str:
    """One line of the table."""
    makes, program = best(lambda: settled(before))
    writes, text = best(lambda: write(program, test="t", recorded="r"))
    reads, back = best(lambda: read(text))
    edited = after.canonical
    compares, _ = best(lambda: compare(back.program, edited))
    explains, _ = best(lambda: explained(back.program, edited))
    figures = (makes, writes, reads, compares, explains)
    cells = [name, f"{before.count('ops'):,}", f"{len(text.splitlines()):,}", *(f"{each:.2f} s" for each in figures)]
    return f"| {' | '.join(cells)} |\n"


def settled(graph: Graph) -> Program:
    """The canonical graph of *graph*, made anew."""
    return replace(graph).canonical


def explained(before: Program, after: Program) -> str:
    """The whole report of a drift."""
    return render(Comparison.of(before, after, ("r", "r")).outline("t", "accept"), verbosity=2)


def main() -> None:
    """Print and write the table."""
    torch.set_num_threads(1)
    lines = [
        "# What a large snapshot costs\n\n",
        f"torch {torch.__version__}, Python {platform.python_version()}, {platform.machine()}, ",
        "CPU time of one thread, the best of three. Explaining includes comparing.\n\n",
        "| graph | operations | lines of the file | canonical graph | write | read | compare | explain |\n",
        "|---|---|---|---|---|---|---|---|\n",
        *(row(name, *pair) for name, pair in graphs().items()),
    ]
    text = "".join(lines)
    RESULTS.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
