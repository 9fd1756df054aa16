"""Nodes of the autograd graph: which there are, and which one the engine runs. None is kept alive."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.autograd.function import BackwardCFunction

from pytest_torchgraph.capture.tensor import Identity

NO_NUMBER = 2**64 - 1
"""The sequence number of nodes that are made without one, so that they run before all others."""
NodeKey: TypeAlias = "int | str"
"""The sequence number of a node; for ``AccumulateGrad``, which has none, the name of its tensor."""


class InGraph(NamedTuple):
    """The node of a compiled graph that an operation is: the graph's number, and which run of its forward part it was.

    ``sequence_number`` is that of the autograd node that a forward node made, or a backward node runs;
    ``makes_node`` says that the graph keeps values for a backward one.
    """

    graph: int
    run: int
    sequence_number: int | None
    recomputed: bool
    sums_gradients: bool
    makes_node: bool


class Running(NamedTuple):
    """The node that ran an operation.

    ``recomputes`` says that gradients were wanted for what ran, in a pass that makes none itself. ``inside`` is there
    where a compiled graph ran it.
    """

    name: str
    key: NodeKey | None
    recomputes: bool
    inside: InGraph | None = None


class SeenNode(NamedTuple):
    """One node as it was met before the engine ran through it; ``held`` are the storages that a custom one holds."""

    name: str
    key: NodeKey
    edges: tuple[tuple[NodeKey, int] | None, ...]
    held: tuple[int, ...] = ()


def key_of(node: Any, identity: Identity) -> NodeKey | None:
    """What tells *node* from others; ``None`` for a node that PyTorch made without a number."""
    number: int = node._sequence_nr()
    if number < NO_NUMBER:
        return number
    variable = getattr(node, "variable", None)
    if not isinstance(variable, Tensor):
        return None
    return identity.name_of(variable) or f"value {identity.read(variable)[0]}"


def running_node(identity: Identity, *, creates_graph: bool) -> Running | None:
    """The node that the engine runs on this thread, ``None`` between nodes."""
    node: Any = torch._C._current_autograd_node()
    if node is None:
        return None
    return Running(node.name(), key_of(node, identity), torch.is_grad_enabled() and not creates_graph)


class NodeWalk:
    """Collects the autograd graphs that backward passes start from.

    Of ``others`` the key was taken: nodes that another thread made under the same number. What is behind them is seen.
    """

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.seen: dict[NodeKey, SeenNode] = {}
        self.others: set[SeenNode] = set()

    def add(self, outputs: Any) -> None:
        """Take in every node behind *outputs* (tensors or gradient edges) that was not seen yet."""
        outputs = (outputs,) if isinstance(outputs, Tensor) else outputs
        waiting = [node for node in map(root_of, outputs) if node is not None]
        # Wrappers of nodes are made anew for each look; those that wait are kept so that none is visited twice.
        while waiting:
            node = waiting.pop()
            key = key_of(node, self.identity)
            if key is None:
                continue
            following = node.next_functions
            seen = SeenNode(node.name(), key, tuple(self._edges(following)))
            known = self.seen.get(key)
            if known is None:
                held = held_by(node, self.identity) if isinstance(node, BackwardCFunction) else ()
                self.seen[key] = seen._replace(held=held)
            elif known._replace(held=()) == seen or seen in self.others:
                continue
            else:
                self.others.add(seen)
            waiting.extend(next_node for next_node, _ in following if next_node is not None)

    def _edges(self, following: Iterable[tuple[Any, int]]) -> Iterable[tuple[NodeKey, int] | None]:
        for node, place in following:
            key = None if node is None else key_of(node, self.identity)
            yield None if key is None else (key, place)


def held_by(node: Any, identity: Identity) -> tuple[int, ...]:
    """The storages of the tensors that a custom function saved for its backward pass, or keeps as attributes.

    Nothing is unpacked, which would call hooks of the user's. A PyTorch that has no plain access to what was saved
    tells of the attributes alone.
    """
    try:
        saved = [getattr(one, "data", None) for one in node._raw_saved_tensors]
    except RuntimeError:  # freed by an earlier backward pass
        saved = []
    found = [one for one in (*saved, *vars(node).values()) if isinstance(one, Tensor)]
    return tuple(dict.fromkeys(number for one in found if (number := identity.number_of(one)) is not None))


def root_of(output: Any) -> Any:
    """The node behind a tensor or a gradient edge; ``None`` for a tensor that no operation made."""
    return output.grad_fn if isinstance(output, Tensor) else getattr(output, "node", None)
