"""One dispatched call, and the API call or source line that it came from."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.tensor import TensorRef


@dataclass(frozen=True, slots=True)
class Word:
    """A PyTorch constant among arguments, spelled as users write it: ``torch.float32``, ``torch.strided``."""

    text: str


@dataclass(frozen=True, slots=True)
class Opaque:
    """An argument that has no canonical text (a generator, a script object); only its type is kept."""

    type_name: str


@dataclass(frozen=True, slots=True)
class Group:
    """A group of processes among arguments, by their ranks: what it is called says only when it was made."""

    ranks: tuple[int, ...]

    @property
    def text(self) -> str:
        """``group(0-3, 8)``; ranks at equal distances are written as ``0-6:2``."""
        return f"group({', '.join(map(span_text, spans_of(self.ranks)))})"


def spans_of(ranks: tuple[int, ...]) -> list[tuple[int, ...]]:
    """*ranks* in pieces of three or more at equal distances upwards, and single ones between."""
    pieces: list[tuple[int, ...]] = []
    while ranks:
        step = ranks[1] - ranks[0] if len(ranks) > 1 else 0
        end = next((place for place in range(1, len(ranks)) if ranks[place] != ranks[0] + place * step), len(ranks))
        end = end if step > 0 and end > 2 else 1
        pieces.append(ranks[:end])
        ranks = ranks[end:]
    return pieces


def span_text(ranks: tuple[int, ...]) -> str:
    """One piece of a group's ranks."""
    if len(ranks) == 1:
        return str(ranks[0])
    step = ranks[1] - ranks[0]
    return f"{ranks[0]}-{ranks[-1]}" + (f":{step}" if step > 1 else "")


@dataclass(frozen=True, slots=True)
class PackedTensor:
    """One tensor inside packed weights; ``scheme`` is how it is quantized (``per_channel_affine``), or empty."""

    dtype: str
    shape: tuple[int, ...]
    scheme: str = ""

    @property
    def text(self) -> str:
        """``qint8[64,32] per_channel_affine``."""
        sizes = f"{self.dtype}[{','.join(map(str, self.shape))}]"
        return f"{sizes} {self.scheme}" if self.scheme else sizes


@dataclass(frozen=True, slots=True)
class Packed:
    """Weights that were packed for a kernel, among arguments: what they hold, never their values."""

    tensors: tuple[PackedTensor, ...]

    @property
    def text(self) -> str:
        """``packed(qint8[64,32] per_channel_affine; float32[64])``."""
        return f"packed({'; '.join(one.text for one in self.tensors)})"


Literal: TypeAlias = "None | bool | int | float | complex | str | Word | Opaque | Group | Packed"
Argument: TypeAlias = "Literal | TensorRef | tuple[Argument, ...]"


@dataclass(frozen=True, slots=True)
class SourceLine:
    """Where the user's code asked for an operation: the first frame outside PyTorch and this package."""

    file: str
    line: int
    function: str


@dataclass(frozen=True, slots=True)
class Call:
    """One API-level call whose meaning the dispatcher loses, such as ``scaled_dot_product_attention``."""

    index: int
    name: str
    arguments: tuple[Argument, ...]
    keywords: tuple[tuple[str, Argument], ...]
    scope: int
    source: SourceLine | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One call that reached the dispatcher.

    ``name`` is the full overload name (``aten.addmm.default``). ``writes`` are the storages whose contents it changed.
    ``is_view`` marks an operation that launches no kernel. ``flops`` is ``None`` where no formula is known.
    ``scope`` and ``call`` are positions in ``Graph.scopes`` and ``Graph.calls``. ``phase`` is ``forward``,
    ``backward``, ``optimizer``, or ``between`` for what a training step does in between (clipping, unscaling).

    An operation of a backward pass runs in the scope of the forward operation that caused it: ``forward`` is its
    position, ``node`` that of the autograd node in ``Graph.nodes``; both are ``None`` where the graph was built before
    the recording. ``sums_gradients`` marks the engine's own addition of the gradients that reach one value,
    ``recomputed`` what checkpointing, or a compiled backward graph, runs again. ``graph`` is the number of the compiled
    graph that ran it, ``None`` for what ran by itself.
    """

    index: int
    name: str
    arguments: tuple[Argument, ...]
    keywords: tuple[tuple[str, Argument], ...]
    results: tuple[Argument, ...]
    writes: tuple[int, ...]
    scope: int
    phase: str = "forward"
    is_view: bool = False
    is_sync: bool = False
    flops: int | None = None
    call: int | None = None
    source: SourceLine | None = None
    forward: int | None = None
    node: int | None = None
    recomputed: bool = False
    sums_gradients: bool = False
    graph: int | None = None

    @property
    def graph_phase(self) -> str | None:
        """``graph 1 forward``: the part of a compiled graph that it ran in; ``None`` where it ran in none."""
        return None if self.graph is None else f"graph {self.graph} {self.phase}"

    @property
    def packet(self) -> str:
        """The name without its overload: ``aten.addmm``."""
        return packet_of(self.name)


@lru_cache(maxsize=1 << 12)
def packet_of(name: str) -> str:
    """``aten.add`` for ``aten.add.Tensor``; a name without an overload is returned as it is."""
    return name.rpartition(".")[0] if name.count(".") > 1 else name


def tensors_in(arguments: tuple[Argument, ...]) -> list[TensorRef]:
    """Every tensor among *arguments*, nested tuples included, in order."""
    found: list[TensorRef] = []
    for argument in arguments:
        if isinstance(argument, TensorRef):
            found.append(argument)
        elif isinstance(argument, tuple):
            found.extend(tensors_in(argument))
    return found


def operands_of(operation: Operation) -> list[TensorRef]:
    """Every tensor that an operation was given."""
    found = tensors_in(operation.arguments)
    return found + tensors_in(tuple([value for _, value in operation.keywords])) if operation.keywords else found


def tensors_of(call: Call) -> list[TensorRef]:
    """Every tensor that an API call was given, every occurrence counted."""
    keywords: tuple[Argument, ...] = tuple(value for _, value in call.keywords)
    return tensors_in(call.arguments) + tensors_in(keywords)


def flat_results(operation: Operation) -> list[object]:
    """The results of an operation, nested ones included, in order."""
    return _flat(operation.results)


def _flat(values: tuple[object, ...]) -> list[object]:
    # A function inside another one that calls itself would be a cycle, one for each operation.
    found: list[object] = []
    for value in values:
        if isinstance(value, tuple):
            found.extend(_flat(value))
        else:
            found.append(value)
    return found
