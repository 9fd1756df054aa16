"""Variants: snapshots of environments whose graphs legitimately differ from that of the base.

``test_m.torch-2.15.torchgraph`` lies beside ``test_m.torchgraph``; ``device-cuda``, ``arch-aarch64`` and
``cpu-avx512_vnni`` are the other labels, in this order where there are several. A check takes the variant that fits its
environment best, else the base.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

from pytest_torchgraph.plugin.location import SUFFIX, Address

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.snapshot.reader import Snapshot

KINDS = ("torch", "device", "arch", "cpu")
WEIGHTS = {"device": 8, "arch": 4, "torch": 2, "cpu": 1}
"""Of two variants with as many labels, the one whose labels change more of a graph fits better."""


def of_graph(graph: Graph) -> dict[str, str]:
    """The environment that recorded *graph*: PyTorch's minor version, device type, architecture, processor."""
    origin = graph.origin
    found = (_minor(origin.torch), origin.device, origin.architecture, origin.processor)
    return dict(zip(KINDS, found, strict=True))


def of_snapshot(snapshot: Snapshot) -> dict[str, str]:
    """The environment that recorded *snapshot*."""
    from pytest_torchgraph.snapshot.recorded import CPU, recorded_parts

    parts = recorded_parts(snapshot.recorded)
    device = snapshot.program.run[-1] if snapshot.program.run else ""
    found = (_minor(parts.get("torch", "")), device, parts.get("system", "").rpartition(" ")[2], parts.get(CPU, ""))
    return dict(zip(KINDS, found, strict=True))


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def differing(snapshot: Snapshot, graph: Graph) -> tuple[str, ...]:
    """The labels in which *graph* was recorded elsewhere than *snapshot*; a part that is not noted does not differ.

    Where the device or the architecture is another one, the processor is so by itself.
    """
    before, after = of_snapshot(snapshot), of_graph(graph)
    kinds = [kind for kind in KINDS if before[kind] and after[kind] and before[kind] != after[kind]]
    elsewhere = "device" in kinds or "arch" in kinds
    return tuple(f"{kind}-{after[kind]}" for kind in kinds if kind != "cpu" or not elsewhere)


def at(base: Address, labels: tuple[str, ...]) -> Address:
    """Where the variant of *base* with *labels* lies."""
    ending = "".join(f".{label}" for label in labels) + SUFFIX
    return replace(
        base,
        path=base.path.with_name(base.path.name.removesuffix(SUFFIX) + ending),
        label=base.label.removesuffix(SUFFIX) + ending,
    )


def best(base: Address, graph: Graph) -> Address:
    """Where the variant that fits *graph* best lies; *base* where none does."""
    fitting = (at(base, labels) for labels in _combinations(of_graph(graph)))
    return next((address for address in fitting if _is_file(address.path)), base)


def _combinations(environment: dict[str, str]) -> Iterator[tuple[str, ...]]:
    for size in range(len(KINDS), 0, -1):
        found = sorted(combinations(KINDS, size), key=lambda kinds: -sum(WEIGHTS[kind] for kind in kinds))
        yield from (tuple(f"{kind}-{environment[kind]}" for kind in kinds) for kinds in found)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def work_lines(text: str) -> list[str]:
    """The lines of a snapshot that are neither its head nor what is alive at the peak."""
    lines = text.splitlines()
    begin = next((number for number, line in enumerate(lines) if line.startswith(("forward ", "\\forward "))), 0)
    return lines[begin:]
