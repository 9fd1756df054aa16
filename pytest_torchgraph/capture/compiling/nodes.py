"""What the nodes of an fx graph say of themselves: module call, source line, and what they were made for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.capture.compiling.reading import frames_in, innermost
from pytest_torchgraph.capture.node import InGraph, Running
from pytest_torchgraph.capture.operation import Entry
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.operation import SourceLine

if TYPE_CHECKING:
    from torch.fx import Node

OWN, OF_FORWARD = "nn_module_stack", "fwd_nn_module_stack"
"""Where a node keeps the module calls around it; a node of a backward graph those of the forward node it is for."""
NO_NODE = Running("", None, recomputes=False)
_RECEIVER = re.compile(r"^[LG]\['\w+'\](\[\d+\])?\.?")


@dataclass(frozen=True, slots=True)
class ModuleCall:
    """A module call around a node: ``key`` is the module's ``id``, ``number`` counts its calls in the graph from 0."""

    key: str
    number: int
    path: str
    class_name: str


def module_calls(node: Node) -> tuple[ModuleCall, ...]:
    """The module calls around *node*, the outermost first; without the one whose code the graph was made of."""
    stack = node.meta.get(OWN) or node.meta.get(OF_FORWARD) or {}
    return tuple(module_call(key, *told) for key, told in stack.items())


def module_call(key: str, path: str, kind: Any) -> ModuleCall:
    """The record of one entry of a node's stack."""
    name, _, number = str(key).partition("@")
    class_name = kind.rpartition(".")[2] if isinstance(kind, str) else kind.__name__
    return ModuleCall(name, int(number or 0), _RECEIVER.sub("", path), class_name)


def node_source(node: Node) -> SourceLine | None:
    """The line of the user's code that *node* was made of."""
    frames = frames_in(node.meta.get("stack_trace") or "")
    return innermost(frames) if frames else None


def is_recomputed(node: Node) -> bool:
    """Whether a node of a backward graph computes again what the forward graph did not save."""
    return OWN in node.meta and OF_FORWARD not in node.meta and node.meta.get("partitioner_tag") == "is_forward"


def sums_gradients(node: Node) -> bool:
    """Whether *node* adds the gradients of one value that was used more than once."""
    return bool(node.meta.get("is_gradient_acc"))


def tell(log: list[Any], begun: int, node: Node, inside: InGraph | None = None) -> None:
    """Let what was logged from *begun* on tell the line that *node* was made of, and that a compiled graph ran it."""
    source = node_source(node)
    if source is None and inside is None:
        return
    for place in range(begun, len(log)):
        entry = Entry._make(log[place])
        running = entry.running if inside is None else (entry.running or NO_NODE)._replace(inside=inside)
        log[place] = entry._replace(running=running, frame=source or entry.frame)


def sequence_number_of(node: Node) -> int | None:
    """The number of the autograd node that *node* made or runs: the same in the forward and the backward graph."""
    number: int | None = node.meta.get("seq_nr")
    return number
