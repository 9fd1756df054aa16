"""Whether what runs now is what recorded a snapshot, and what this machine computes otherwise than an accelerator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_torchgraph.snapshot.recorded import CPU, RANK, flops_in, recorded_parts
from pytest_torchgraph.verdict.quantity import bytes_text
from pytest_torchgraph.words.counting import times

if TYPE_CHECKING:
    from pytest_torchgraph.graph import Graph

DIFFERS = {
    "": "recorded with {0} {1}, running {2}",
    "system": "recorded on {1}, running on {2}",
    RANK: "recorded as rank {1}, running as rank {2}",
    CPU: "recorded on a processor with {1}, running on one with {2}: kernels are chosen by it",
}
"""How a part of the environment is told that is not as it was, by its name."""


def differences(before: str, after: str) -> tuple[str, ...]:
    """One sentence for each part of the environment that is not as it was recorded."""
    left, right = recorded_parts(before), recorded_parts(after)
    changed = [name for name in left if name in right and left[name] != right[name]]
    return tuple(DIFFERS.get(name, DIFFERS[""]).format(name, left[name], right[name]) for name in changed)


def flops_of(before: str, after: str) -> tuple[int, int] | None:
    """FLOPs before and after; ``None`` where one is not known whole."""
    left, right = flops_in(before), flops_in(after)
    return None if left is None or right is None else (left, right)


def same_backend(before: str, after: str) -> bool:
    """Whether PyTorch's minor version and the machine are the same, so that kernels are chosen alike."""
    left, right = recorded_parts(before), recorded_parts(after)
    minors = [parts.get("torch", "").split(".")[:2] for parts in (left, right)]
    return minors[0] == minors[1] and left.get("system") == right.get("system")


def attention(graph: Graph) -> tuple[str, ...]:
    """One sentence where the CPU computed attention by separate operations, with the peak as run and as estimated."""
    from pytest_torchgraph.analysis.fused import math_path  # what was read from files has no run

    found = math_path(graph)
    if found is None:
        return ()
    why = f"{times(found.calls, 'call')}, {' and '.join(found.reasons)}"
    peaks = f"peak {bytes_text(found.peak)} as run, about {bytes_text(found.fused)} with fused attention (estimate)"
    return (f"attention took the CPU's math path ({why}): {peaks}",)
