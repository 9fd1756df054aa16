"""The autograd graph behind tensors: what backward would run, and what it keeps until then."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from torch import Tensor

from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.words.counting import times

RAW = "_raw_saved_"
ACCUMULATE = "AccumulateGrad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """One saved tensor.

    ``storage`` tells which of them share memory, ``parameter`` is the parameter, buffer or input whose memory it reads.
    What a hook has packed may have no ``bytes``; ``packed_as`` is the class of what stands for it.
    """

    name: str
    dtype: str | None
    shape: tuple[int, ...] | None
    bytes: int | None
    storage: int | None
    parameter: str | None = None
    packed_as: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveNode:
    """One node; ``edges`` are the nodes that its results go to, with the input they arrive at.

    ``parameter`` is the name of the leaf whose gradient an ``AccumulateGrad`` sums.
    """

    index: int
    name: str
    edges: tuple[tuple[int, int], ...]
    saved: tuple[Saved, ...]
    parameter: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveGraph:
    """All nodes that the outputs reach, outputs first; ``roots`` are the outputs by name and their nodes."""

    roots: tuple[tuple[str, int], ...]
    nodes: tuple[LiveNode, ...]
    saved_bytes: int
    """Bytes of the distinct storages that are saved; those of parameters, buffers and inputs aside."""
    unknown: int
    """How many saved values have no known size."""


class NothingToDifferentiate(ValueError):
    """No output requires a gradient."""


def autograd_graph(outputs: Iterable[tuple[str, Tensor]], leaves: Mapping[str, Tensor]) -> LiveGraph:
    """The graph behind named *outputs*; *leaves* are parameters and inputs by name.

    Raises :exc:`NothingToDifferentiate` where no output has a graph.
    """
    rooted = [(name, tensor.grad_fn) for name, tensor in outputs if tensor.grad_fn is not None]
    if not rooted:
        raise NothingToDifferentiate(
            "no output requires a gradient: expected parameters or inputs with requires_grad=True, outside no_grad"
        )
    order = reached(function for _, function in rooted)
    reading = Reading({id(tensor): name for name, tensor in leaves.items()}, leaves)
    nodes = tuple(reading.node(index, function, order) for index, function in enumerate(order))
    return LiveGraph(
        roots=tuple((name, order[function]) for name, function in rooted),
        nodes=nodes,
        saved_bytes=sum(size for storage, size in reading.sizes.items() if storage not in reading.of_leaves),
        unknown=sum(saved.bytes is None for node in nodes for saved in node.saved),
    )


def reached(roots: Iterable[Any]) -> dict[Any, int]:
    """Every node with its number, breadth first."""
    order: dict[Any, int] = {}
    frontier = list(roots)
    while frontier:
        for function in frontier:
            order.setdefault(function, len(order))
        following = (after for function in frontier for after, _ in function.next_functions)
        frontier = list(dict.fromkeys(after for after in following if after is not None and after not in order))
    return order


class Reading:
    """Numbers storages while nodes are read."""

    def __init__(self, names: Mapping[int, str], leaves: Mapping[str, Tensor]) -> None:
        self.names = names
        self.storages: dict[int, int] = {}
        self.sizes: dict[int, int] = {}
        self.of_leaves = {self.storage(tensor): name for name, tensor in leaves.items()}

    def node(self, index: int, function: Any, order: Mapping[Any, int]) -> LiveNode:
        """The record of *function*."""
        name = function.name().rpartition("::")[2]
        leaf = getattr(function, "variable", None) if name == ACCUMULATE else None
        return LiveNode(
            index=index,
            name=name,
            edges=tuple((order[after], number) for after, number in function.next_functions if after is not None),
            saved=tuple(self.saved(function)),
            parameter=None if leaf is None else self.names.get(id(leaf), "?"),
        )

    def saved(self, function: Any) -> Iterator[Saved]:
        """What *function* keeps; nothing is unpacked, because that could run a part of forward again."""
        for attribute in sorted(dir(function)):
            if attribute.startswith(RAW):
                raw = getattr(function, attribute)
                many = isinstance(raw, (tuple, list))
                for number, one in enumerate(raw if many else [raw]):
                    name = attribute.removeprefix(RAW) + (f".{number}" if many else "")
                    if one is not None and _held(one) is not None:
                        yield self.described(name, one)

    def described(self, name: str, raw: Any) -> Saved:
        """One saved value."""
        value = _held(raw)
        packed = None if getattr(raw, "unpack_hook", None) is None else type(value).__name__
        if not isinstance(value, Tensor):
            return Saved(name=name, dtype=None, shape=None, bytes=None, storage=None, packed_as=packed)
        storage = self.storage(value)
        if storage is not None:
            self.sizes[storage] = value.untyped_storage().nbytes()
        return Saved(
            name=name,
            dtype=str(value.dtype).removeprefix("torch."),
            shape=tuple(value.shape),
            bytes=value.numel() * value.element_size(),
            storage=storage,
            parameter=self.names.get(id(value)) or self.of_leaves.get(storage),
            packed_as=packed,
        )

    def storage(self, tensor: Tensor) -> int | None:
        """A number for the memory of *tensor*; ``None`` where it has none of its own."""
        try:
            return self.storages.setdefault(tensor.untyped_storage()._cdata, len(self.storages))
        except (RuntimeError, NotImplementedError):
            return None


def _held(raw: Any) -> Any:
    """What is saved, or what a hook made of it; *raw* itself where PyTorch (2.9) can only unpack it."""
    return getattr(raw, "data", raw)


def to_text(graph: LiveGraph) -> str:
    """One line for each node: its number, class, edges and saved tensors."""
    edges = sum(len(node.edges) for node in graph.nodes)
    sign = "≥ " if graph.unknown else ""
    saved = f"saved {sign}{graph.saved_bytes} bytes beside parameters, buffers and inputs"
    lines = [f"{times(len(graph.nodes), 'node')}, {times(edges, 'edge')}; {saved}"]
    lines += [f"output {name or 'result'} n{index}" for name, index in graph.roots]
    for node in graph.nodes:
        parameter = f" {node.parameter}" if node.parameter is not None else ""
        arrow = f" -> {', '.join(spelled(edge) for edge in node.edges)}" if node.edges else ""
        saves = f"  saves {'; '.join(map(saved_text, node.saved))}" if node.saved else ""
        lines.append(f"n{node.index} {node.name}{parameter}{arrow}{saves}")
    return "\n".join(lines) + "\n"


def spelled(edge: tuple[int, int]) -> str:
    """``n3``, or ``n3[1]`` for another input than the first."""
    return f"n{edge[0]}[{edge[1]}]" if edge[1] else f"n{edge[0]}"


def saved_text(saved: Saved) -> str:
    """``weight float32[4,4] 64 bytes = fc.weight``."""
    packed = f" packed as {saved.packed_as}" if saved.packed_as else ""
    if saved.shape is None:
        return f"{saved.name} ?{packed}"
    shape = ",".join(map(str, saved.shape))
    parameter = f" = {saved.parameter}" if saved.parameter else ""
    return f"{saved.name} {saved.dtype}[{shape}] {saved.bytes} bytes{parameter}{packed}"


def to_json(graph: LiveGraph) -> str:
    """All of it for programs."""
    return json.dumps(asdict(graph), indent=1) + "\n"


def to_dot(graph: LiveGraph) -> str:
    """The graph for Graphviz; leaves are filled."""
    quoted = partial(json.dumps, ensure_ascii=False)
    lines = ["digraph autograd {", '  node [shape=box, fontname="sans-serif"];']
    for number, (name, index) in enumerate(graph.roots):
        lines += [f"  out{number} [label={quoted(name or 'result')}, shape=oval];", f"  out{number} -> n{index};"]
    for node in graph.nodes:
        known = sum(saved.bytes or 0 for saved in node.saved)
        label = "\n".join(filter(None, (node.name, node.parameter, f"saves {known} bytes" if node.saved else "")))
        lines.append(f"  n{node.index} [label={quoted(label)}{', style=filled' if node.parameter else ''}];")
        lines += [f"  n{node.index} -> n{after};" for after, _ in node.edges]
    return "\n".join([*lines, "}"]) + "\n"
