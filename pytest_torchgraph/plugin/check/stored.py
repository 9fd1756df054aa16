"""What is stored: the file that fits an environment best, read or refused.

Variants are snapshots of environments whose graphs legitimately differ from that of the base:
``test_m.torch-2.15.torchgraph`` lies beside ``test_m.torchgraph``; ``device-cuda``, ``arch-aarch64`` and
``cpu-avx512_vnni`` are the other labels, in this order where there are several.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import combinations
from os.path import isfile
from typing import TYPE_CHECKING

from pytest_torchgraph.plugin.location import SUFFIX, Address
from pytest_torchgraph.quick import dataclass

if TYPE_CHECKING:
    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.snapshot.reader import Snapshot

KINDS = ("torch", "device", "arch", "cpu")
WEIGHTS = {"device": 8, "arch": 4, "torch": 2, "cpu": 1}
"""Of two variants with as many labels, the one whose labels change more of a graph fits better."""


def best(base: Address, graph: Graph) -> Address:
    """Where the variant that fits *graph* best lies; *base* where none does."""
    stem = str(base.path).removesuffix(SUFFIX)
    fitting = (labels for labels in _combinations(*of_graph(graph).values()) if _is_file(stem + _ending(labels)))
    labels = next(fitting, None)
    return base if labels is None else at(base, labels)


def _is_file(path: str) -> bool:
    return isfile(path)  # noqa: PTH113  asked fifteen times for each check, and a `Path` takes three times as long


@cache
def _combinations(*environment: str) -> tuple[tuple[str, ...], ...]:
    """The labels that a variant for an *environment* may have, told in the order of ``KINDS``; the best first."""
    labels = {kind: f"{kind}-{told}" for kind, told in zip(KINDS, environment, strict=True)}
    sets = (each for size in range(len(KINDS), 0, -1) for each in _heaviest_first(size))
    return tuple(tuple(labels[kind] for kind in kinds) for kinds in sets)


def _heaviest_first(size: int) -> list[tuple[str, ...]]:
    return sorted(combinations(KINDS, size), key=lambda kinds: -sum(WEIGHTS[kind] for kind in kinds))


def _ending(labels: tuple[str, ...]) -> str:
    return "".join(f".{label}" for label in labels) + SUFFIX


@dataclass(frozen=True, slots=True)
class Stored:
    """What lies at an address: a snapshot, nothing (``snapshot`` and ``fault`` empty), or a file with a ``fault``."""

    snapshot: Snapshot | None = None
    fault: str = ""


def load(address: Address) -> Stored:
    """The snapshot at *address*; a file that cannot be read becomes a fault that says where and why."""
    from pytest_torchgraph.snapshot.errors import SnapshotUnreadable
    from pytest_torchgraph.snapshot.reader import read

    try:
        return Stored(read(address.path.read_text(encoding="utf-8"), path=address.label))
    except FileNotFoundError:
        return Stored()
    except UnicodeDecodeError as error:
        return Stored(
            fault=f"{address.label}: not UTF-8 text (byte {error.start}). Regenerate it, or restore it from git."
        )
    except SnapshotUnreadable as error:
        return Stored(fault=str(error))
    except OSError as error:
        return Stored(fault=f"{address.label}: cannot be read: {error.strerror}.")


def of_graph(graph: Graph) -> dict[str, str]:
    """The environment that recorded *graph*: PyTorch's minor version, device type, architecture, processor."""
    origin = graph.origin
    found = (_minor(origin.torch), origin.device, origin.architecture, origin.processor)
    return dict(zip(KINDS, found, strict=True))


def of_snapshot(snapshot: Snapshot) -> dict[str, str]:
    """The environment that recorded *snapshot*."""
    from pytest_torchgraph.snapshot.recorded import CPU, recorded_parts

    parts = recorded_parts(snapshot.recorded)
    device = snapshot.program.run.device or ""
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
    ending = _ending(labels)
    return replace(
        base,
        path=base.path.with_name(base.path.name.removesuffix(SUFFIX) + ending),
        label=base.label.removesuffix(SUFFIX) + ending,
    )


def work_lines(text: str) -> list[str]:
    """The lines of a snapshot that are neither its head nor what is alive at the peak."""
    lines = text.splitlines()
    begin = next((number for number, line in enumerate(lines) if line.startswith(("forward ", "\\forward "))), 0)
    return lines[begin:]
