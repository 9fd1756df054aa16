"""The records of the catalogue; they need no PyTorch, so that an exported catalogue is read anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal, TypeAlias

from pytest_torchgraph.quick import dataclass

Kind: TypeAlias = Literal["function", "method", "class", "other"]
SignatureSource: TypeAlias = Literal["inspect", "docstring", "unknown"]
Autograd: TypeAlias = Literal["formula", "by parts", "registered", "none", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiEntry:
    """One callable of the Python API.

    ``name`` is the name inside ``namespace``. ``signatures`` are the ways to call it, without the name; empty where
    neither ``inspect`` nor the docstring tells. ``alias_of`` is the full name of the same function under its first
    name, ``method_of`` the function of which a method is the other spelling, ``in_place_of`` the method that returns a
    new tensor instead. ``defined_in`` is the module that the object names as its own: ``typing`` for what PyTorch only
    imports. ``callable`` is ``None`` in a catalogue read from a file.
    """

    namespace: str
    name: str
    kind: Kind
    signatures: tuple[str, ...] = ()
    signature_source: SignatureSource = "unknown"
    is_in_place: bool = False
    is_dunder: bool = False
    is_builtin: bool = False
    is_private: bool = False
    alias_of: str | None = None
    method_of: str | None = None
    in_place_of: str | None = None
    defined_in: str | None = None
    callable: Any = field(default=None, compare=False, repr=False)

    @property
    def full_name(self) -> str:
        """``torch.Tensor.abs``."""
        return f"{self.namespace}.{self.name}"

    @property
    def is_operation(self) -> bool:
        """Whether it is a function or method of PyTorch's own: no class, and nothing that it only imports."""
        own = self.defined_in is None or self.defined_in.partition(".")[0] == "torch"
        return own and self.kind in ("function", "method")

    @property
    def is_public_operation(self) -> bool:
        """Whether it is an operation for everybody."""
        return self.is_operation and not self.is_private

    @property
    def signature(self) -> str | None:
        """The first way to call it; ``None`` where it is unknown."""
        return self.signatures[0] if self.signatures else None

    @property
    def flags(self) -> tuple[str, ...]:
        """The words that hold of it, in the order in which they are listed."""
        words = (
            ("in-place", self.is_in_place),
            ("dunder", self.is_dunder),
            ("built-in", self.is_builtin),
            ("private", self.is_private),
        )
        return tuple(word for word, holds in words if holds)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverloadEntry:
    """One overload of a dispatcher operator.

    ``aliases`` are the arguments whose memory a result shares, ``writes`` those that it changes. ``has_meta`` says
    whether shapes can be worked out without running it. ``autograd`` is ``"formula"`` for an entry in PyTorch's
    derivatives, ``"by parts"`` for a composition of operations that are differentiated themselves, ``"registered"``
    for a kernel of its own, ``"unknown"`` where the derivatives cannot be read, ``"none"`` otherwise.
    """

    name: str
    schema: str
    aliases: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    is_composite: bool = False
    has_decomposition: bool = False
    has_flop_formula: bool = False
    has_meta: bool = False
    autograd: Autograd = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorEntry:
    """One dispatcher operator, ``aten.add``, with its overloads by name (``default`` for the one without)."""

    namespace: str
    name: str
    overloads: tuple[OverloadEntry, ...]

    @property
    def full_name(self) -> str:
        """``aten.add``."""
        return f"{self.namespace}.{self.name}"

    @property
    def reaches_dispatcher(self) -> bool:
        """Whether some overload is not taken apart before the dispatcher sees it."""
        return not all(overload.is_composite for overload in self.overloads)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All that one PyTorch offers: callables by namespace, operators by full name."""

    torch: str
    api: Mapping[str, Mapping[str, ApiEntry]]
    operators: Mapping[str, OperatorEntry]
