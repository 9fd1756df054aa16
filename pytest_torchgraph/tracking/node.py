"""Nodes and edges of a tracked run, as plain records."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

Shape: TypeAlias = tuple[int, ...]


class OperationType(Enum):
    """What a node stands for."""

    FORWARD = "forward"
    """The call of a module that calls other modules; the first one is the whole run."""
    BACKWARD = "backward"
    """The backward pass of one module call."""
    TENSOR_OP = "tensor_op"
    """One operation that reached PyTorch's dispatcher."""
    LAYER_OP = "layer_op"
    """The call of a module that calls no other module."""
    GRADIENT_OP = "gradient_op"
    """One node of the autograd graph, such as ``AddmmBackward0``."""
    MEMORY_OP = "memory_op"
    """Memory that an operation took, from then until it was given back."""
    CUSTOM = "custom"
    """An operation that is not PyTorch's own, a step of an optimizer, or what a training step does in between."""


@dataclass
class GraphNode:
    """One node. Times are in seconds, the recorder's own taken out; ``timestamp`` counts from the start of the run.

    ``parameters`` of a module call are those of the module (shape and dtype of each), and what it was built with
    (``stride``, ``padding``, ``eps``). ``parent_ids`` and ``child_ids`` are where its edges come from and lead to.
    ``memory_usage`` are the bytes that were taken in it. ``metadata["within"]`` is the module call that it is part of.
    """

    id: str
    name: str
    operation_type: OperationType
    module_name: str | None = None
    input_shapes: list[Shape] | None = None
    output_shapes: list[Shape] | None = None
    parameters: dict[str, Any] | None = None
    execution_time: float | None = None
    memory_usage: int | None = None
    metadata: dict[str, Any] | None = None
    parent_ids: list[str] | None = None
    child_ids: list[str] | None = None
    timestamp: float | None = None


@dataclass
class GraphEdge:
    """One edge.

    ``edge_type`` is ``data_flow`` (what one makes the other reads), ``gradient_flow`` (the same of gradients) or
    ``memory_flow`` (from an operation to the memory that it took).
    """

    source_id: str
    target_id: str
    edge_type: str
    tensor_shape: Shape | None = None
    metadata: dict[str, Any] | None = None
