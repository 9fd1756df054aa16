"""Records of the inventory: plain values, no PyTorch, no parser."""

from __future__ import annotations

from pytest_torchgraph.quick import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A field or a function of a class."""

    kind: str
    """``field`` or ``function``."""
    name: str
    type: str
    """As written; empty for functions."""
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A class, enumeration or function that a file defines or declares."""

    kind: str
    """``class``, ``struct``, ``enum`` or ``function``."""
    name: str
    """With its namespaces and enclosing classes: ``torch::autograd::Node``, ``Function.apply``."""
    line: int
    """Counted from 1."""
    end_line: int
    """The last line, inclusive."""
    bases: tuple[str, ...] = ()
    members: tuple[Member, ...] = ()
    comment: str = ""
    """First sentence of the comment above it, or of its docstring."""

    @property
    def is_class(self) -> bool:
        """Whether it can have members and bases."""
        return self.kind in ("class", "struct")


@dataclass(frozen=True, slots=True, kw_only=True)
class Include:
    """One ``#include`` or ``import``."""

    name: str
    """As written: ``torch/csrc/autograd/edge.h``, ``torch.autograd.graph``."""
    line: int
    late: bool = False
    """Whether it happens when a function is called, or never (``TYPE_CHECKING``), not when the file is read."""
    target: str | None = None
    """Path of the file in the inventory; None for what lies outside of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one file says, before it is placed among the others."""

    definitions: tuple[Definition, ...] = ()
    includes: tuple[Include, ...] = ()
    summary: str = ""
    unread: tuple[int, ...] = ()
    """Lines at which the grammar lost its way; it went on after them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """One file of the inventory."""

    path: str
    """Relative to the folder that holds ``torch``: site-packages or the checkout."""
    name: str
    """The same in the installed torch and in a checkout: ``torch/csrc/autograd/engine.h``."""
    area: str
    layer: str | None
    """One of :data:`~pytest_torchgraph.catalog.autograd.area.LAYERS`; None beside them."""
    language: str
    size_bytes: int
    lines: int
    summary: str
    definitions: tuple[Definition, ...]
    includes: tuple[Include, ...]
    unread: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something that should be in the inventory and is not."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """One entry of ``derivatives.yaml`` for one dispatch key."""

    node: str
    """Class that code generation makes of it: ``ConvolutionBackward0``."""
    schema: str
    key: str
    """Dispatch key; ``Default`` where the entry names none."""
    gradients: tuple[tuple[str, str], ...]
    """Inputs and the formula of their gradient, in the order of the file."""
    forward: tuple[tuple[str, str], ...]
    """Outputs and the formula of their tangent (forward mode)."""
    path: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BackwardNode:
    """A class whose objects are nodes of a backward graph."""

    name: str
    """As ``grad_fn.name()`` spells it, without namespaces."""
    qualified: str
    language: str
    path: str
    line: int
    end_line: int
    bases: tuple[str, ...]
    saved: tuple[Member, ...]
    """What an object keeps from forward until backward, in the order of the class."""
    formula: Formula | None
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """The autograd sources of one torch."""

    origin: str
    """``torch 2.13.0``, or the checkout and its version."""
    files: tuple[SourceFile, ...]
    """Sorted by path."""
    nodes: tuple[BackwardNode, ...]
    """Sorted by name."""
    gaps: tuple[Gap, ...]
