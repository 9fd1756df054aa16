"""What could be saved, worked out from what is known; every figure says how, and when it does not hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median
from typing import TYPE_CHECKING

from pytest_torchgraph.analysis.tally import Total, total_flops
from pytest_torchgraph.explorer.module import Held, walked
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.kinds import is_in
from pytest_torchgraph.recorded.memory import is_saved
from pytest_torchgraph.recorded.phase import BACKWARD, FORWARD

if TYPE_CHECKING:
    from pytest_torchgraph.explorer.module import Module
    from pytest_torchgraph.explorer.subject import Subject
    from pytest_torchgraph.recorded.activation import ParameterValues
    from pytest_torchgraph.recorded.operation import Operation

CONVOLUTIONS = frozenset(
    {"aten.convolution", "aten._convolution", "aten.mkldnn_convolution", "mkldnn._convolution_pointwise"}
)
LOOK_UPS = frozenset({"aten.embedding", "aten._embedding_bag"})
NARROWED = CONVOLUTIONS | LOOK_UPS
"""Operations, beside matrix products, whose weights are commonly held in fewer bits."""
SCALE_BYTES = 4
"""Bytes of the float32 factor that every output channel of an int8 weight needs."""
WIDE = {"float32": 4, "float64": 8}
SMALL = 0.01
"""A weight is small whose root mean square is below this share of the median over all weights."""
MOSTLY = 0.5
"""A weight is mostly zeros with a larger share of them."""
CANDIDATES = 12
LEAST = 0.01
"""The share of all bytes kept for the backward pass below which checkpointing is not worth telling."""


@dataclass(frozen=True, slots=True)
class Narrower:
    """Bytes that the weights of the module at ``path`` take now, in bfloat16 and in int8; ``None`` for no fewer."""

    path: str
    weights: tuple[str, ...]
    bytes: int
    bfloat16: int | None
    int8: int | None


@dataclass(frozen=True, slots=True)
class Prunable:
    """A weight that does little: ``reason`` says by which of the two rules."""

    name: str
    text: str
    size: float
    zero_share: float
    reason: str


@dataclass(frozen=True, slots=True)
class Checkpointed:
    """What checkpointing the module at ``path`` (all ``count`` that are alike) frees, and what it computes again."""

    path: str
    class_name: str
    count: int
    freed: int
    again: Total

    @property
    def bytes_per_flop(self) -> float:
        """Bytes freed for each FLOP."""
        return self.freed / max(self.again.at_least, 1)


def narrower(subject: Subject, module: Module) -> list[Narrower]:
    """Modules at or inside *module* whose weights could take fewer bytes, those that save most first."""
    read = weights_read(subject)
    found: list[Narrower] = []
    seen: set[int] = set()
    for one in walked(module):
        weights = [held for held in one.held if held.identity not in seen and can_be_narrower(one, held, read)]
        seen.update(held.identity for held in weights)
        if weights:
            size = sum(held.bytes or 0 for held in weights)
            halves = [2 * (held.elements or 0) for held in weights]
            found.append(
                Narrower(
                    one.path,
                    tuple(held.name for held in weights),
                    size,
                    sum(halves) if sum(halves) < size else None,
                    in_int8(weights),
                )
            )
    return sorted(found, key=lambda each: each.bytes - (each.int8 or each.bfloat16 or each.bytes), reverse=True)


def weights_read(subject: Subject) -> frozenset[str] | None:
    """Names of the parameters that a matrix product, convolution or look-up reads; ``None`` without a run."""
    graph = subject.graph
    if graph is None:
        return None
    return frozenset(
        storage.name
        for storage in graph.storages
        if storage.kind == "parameter" and storage.name
        if any(takes_fewer_bits(graph.operations[index]) for index in subject.readers.get(storage.index, ()))
    )


def takes_fewer_bits(operation: Operation) -> bool:
    """Whether the weight of *operation* is commonly held in fewer bits."""
    return operation.packet in NARROWED or is_in("matmuls", operation)


def can_be_narrower(module: Module, held: Held, read: frozenset[str] | None) -> bool:
    """Whether *held* is a weight of two dimensions or more in a wide float, read by what works in fewer bits."""
    if held.kind == "buffer" or held.dtype not in {*WIDE, "bfloat16", "float16"} or len(held.shape or ()) < 2:
        return False
    name = f"{module.path}.{held.name}" if module.path else held.name
    return read is None or name in read


def in_int8(weights: Sequence[Held]) -> int:
    """Bytes of *weights* as whole bytes, with one factor for each output channel."""
    return sum((held.elements or 0) + SCALE_BYTES * (held.shape or (0,))[0] for held in weights)


def prunable(subject: Subject, module: Module) -> list[Prunable]:
    """Weights at or inside *module* that are close to nothing, or mostly zeros; needs values."""
    if subject.values is None:
        return []
    weights = [one for one in subject.values.parameters if "," in one.text]
    sizes = [root_mean_square(one) for one in weights]
    usual = median(sizes) if sizes else 0.0
    inside = [one for one in weights if not module.path or one.name.startswith(f"{module.path}.")]
    return [found for one in inside if (found := judged(one, usual)) is not None]


def judged(one: ParameterValues, usual: float) -> Prunable | None:
    """Whether a weight does little."""
    size, zeros = root_mean_square(one), one.statistics.zero_share
    if size < SMALL * usual:
        return Prunable(one.name, one.text, size, zeros, f"{size:.2g} against a median of {usual:.2g}")
    if zeros > MOSTLY:
        return Prunable(one.name, one.text, size, zeros, f"{zeros:.0%} of it are zeros")
    return None


def root_mean_square(one: ParameterValues) -> float:
    """The root mean square of a parameter."""
    return float(one.norm / max(one.statistics.elements, 1) ** 0.5)


def checkpoints(subject: Subject, module: Module) -> list[Checkpointed]:
    """Modules at or inside *module* that are worth checkpointing, those that free most for a FLOP first.

    Needs a backward pass. Of modules inside one another that free the same, the inner one is told.
    """
    graph = subject.graph
    if graph is None or graph.memory.lives is None or BACKWARD not in graph.phases_recorded:
        return []
    freed, least = freed_by_path(subject), LEAST * (graph.memory.saved or 0)
    found: dict[object, list[Checkpointed]] = {}
    for one in walked(module):
        bytes_freed = freed.get(one.path, 0)
        operations = subject.operations(one.path)
        forward = [graph.operations[index] for index in operations if graph.operations[index].phase == FORWARD]
        working = sum(not operation.is_view for operation in forward)
        if (
            one.path
            and bytes_freed
            and bytes_freed >= least
            and working > 1
            and not any(operation.recomputed for operation in forward)
        ):
            again = total_flops(forward)
            key = (one.class_name, bytes_freed, again, one.depth)
            found.setdefault(key, []).append(Checkpointed(one.path, one.class_name, 1, bytes_freed, again))
    merged = [
        Checkpointed(alike[0].path, alike[0].class_name, len(alike), alike[0].freed, alike[0].again)
        for alike in found.values()
    ]
    return sorted(merged, key=lambda each: -each.bytes_per_flop)[:CANDIDATES]


def freed_by_path(subject: Subject) -> Counter[str]:
    """Bytes kept for the backward pass that were made inside each module and do not leave it."""
    graph = subject.graph
    assert graph is not None
    made: dict[int, int] = {}
    for life in graph.memory.lives or ():
        producer = graph.storages[life.storage].producer
        if is_saved(life) and producer is not None:
            made[life.storage] = life.bytes
    found: Counter[str] = Counter()
    for storage, size in made.items():
        for path in paths_that_keep(subject, storage):
            found[path] += size
    return found


def paths_that_keep(subject: Subject, storage: int) -> Iterator[str]:
    """The modules in which *storage* is made and whose every forward reader is inside."""
    graph = subject.graph
    assert graph is not None
    producer = graph.storages[storage].producer
    returned = {reference.storage for _, reference in graph.outputs}
    above: int | None = graph.operations[producer].scope if producer is not None else None
    readers = subject.readers.get(storage, ())
    while above is not None:
        scope = graph.scopes[above]
        start, end = scope.operations
        if storage not in returned and all(start <= index < end for index in readers):
            yield scope.path
        above = scope.parent
