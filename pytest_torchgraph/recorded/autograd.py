"""The autograd graph: what the backward pass runs through."""

from __future__ import annotations

from pytest_torchgraph.quick import dataclass


@dataclass(frozen=True, slots=True)
class Edge:
    """Where a gradient flows to: the node at ``node`` in ``Graph.nodes``, and which of its inputs."""

    node: int
    input: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AutogradNode:
    """One node of the autograd graph, as ``grad_fn`` and ``next_functions`` show it.

    ``name`` is its class (``AddmmBackward0``). ``forward`` is the position of the operation that made it, ``None`` for
    a node from before the recording and for ``AccumulateGrad``, whose ``parameter`` is the path of the parameter (or
    input) it belongs to. ``edges`` has ``None`` where no gradient is wanted. ``saved`` are the storages that its
    backward operations read and that are no gradients: what the forward pass kept for it.
    """

    index: int
    name: str
    forward: int | None
    parameter: str | None = None
    edges: tuple[Edge | None, ...] = ()
    saved: tuple[int, ...] = ()
