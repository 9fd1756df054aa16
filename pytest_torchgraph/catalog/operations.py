"""What the installed PyTorch offers: every callable of its Python API, and every operator of its dispatcher."""

from __future__ import annotations

import builtins
import inspect
import operator
import types
import warnings
from collections.abc import Mapping
from functools import cache, cached_property
from typing import Any

import torch

from pytest_torchgraph.catalog.aliases import one_function, with_aliases
from pytest_torchgraph.catalog.dispatcher import collect_operators
from pytest_torchgraph.catalog.entry import ApiEntry, Catalogue, Kind, OperatorEntry
from pytest_torchgraph.catalog.signatures import signatures_of
from pytest_torchgraph.catalog.summary import PyTorchOperationSummarizer

__all__ = ["PyTorchOperationCollector", "PyTorchOperationSummarizer"]

NAMESPACES: Mapping[str, Any] = {
    "torch": torch,
    "torch.nn.functional": torch.nn.functional,
    "torch.Tensor": torch.Tensor,
    "torch.linalg": torch.linalg,
    "torch.fft": torch.fft,
    "torch.special": torch.special,
    "torch.sparse": torch.sparse,
}
BUILTIN_TYPES = (
    types.BuiltinFunctionType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
    types.MethodWrapperType,
)
FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, torch._ops.OpOverloadPacket, torch._ops.OpOverload)


class PyTorchOperationCollector:
    """Finds the operations of ``torch``, ``torch.nn.functional``, ``torch.Tensor`` and their relatives.

    ``all_operations`` maps each namespace to its functions and methods by name; with *everything* also to its classes
    and to what it only imports. ``operators`` maps the full name of each dispatcher operator to its schemas and what is
    registered for it. Both are of the PyTorch that is installed.
    """

    def __init__(self, *, everything: bool = False) -> None:
        found = {namespace: collect(namespace, owner) for namespace, owner in NAMESPACES.items()}
        if not everything:
            found = {namespace: operations_among(entries) for namespace, entries in found.items()}
        self.all_operations: dict[str, dict[str, ApiEntry]] = with_aliases(found)
        self.torch_version = str(torch.__version__)

    @cached_property
    def operators(self) -> dict[str, OperatorEntry]:
        """Every operator that is registered with the dispatcher, by full name: ``aten.add``."""
        return collect_operators()

    @property
    def catalogue(self) -> Catalogue:
        """All of it as one record."""
        return Catalogue(self.torch_version, self.all_operations, self.operators)

    def get_operation_count_by_namespace(self) -> dict[str, int]:
        """How many of them each namespace has; a function with two names counts twice."""
        return {namespace: len(entries) for namespace, entries in self.all_operations.items()}

    def get_function_count(self) -> int:
        """How many functions there are under all these names: aliases and methods of a function count once."""
        entries = [entry for namespace in self.all_operations.values() for entry in namespace.values()]
        return len(set(one_function(entries).values()))


@cache
def collected_api() -> Mapping[str, Mapping[str, ApiEntry]]:
    """Callables by namespace and name, collected once in a process."""
    return PyTorchOperationCollector().all_operations


def collect(namespace: str, owner: Any) -> dict[str, ApiEntry]:
    """Every callable of *owner*, by name."""
    found: dict[str, ApiEntry] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a deprecated name says so when it is touched
        for name in sorted(dir(owner)):
            try:
                member = getattr(owner, name)
            except (AttributeError, RuntimeError, ImportError):
                continue
            if callable(member):
                found[name] = entry_of(namespace, name, member, owner)
    return found


def operations_among(entries: Mapping[str, ApiEntry]) -> dict[str, ApiEntry]:
    """Those of *entries* that are operations."""
    return {name: entry for name, entry in entries.items() if entry.is_operation}


def entry_of(namespace: str, name: str, member: Any, owner: Any) -> ApiEntry:
    """The record of one callable."""
    signatures, source = signatures_of(member, name)
    return ApiEntry(
        namespace=namespace,
        name=name,
        kind=kind_of(member, owner),
        signatures=signatures,
        signature_source=source,
        is_in_place=is_in_place(name),
        is_dunder=is_dunder(name),
        is_builtin=isinstance(member, BUILTIN_TYPES),
        is_private=name.startswith("_") and not is_dunder(name),
        defined_in=defined_in(member),
        callable=member,
    )


def is_dunder(name: str) -> bool:
    """Whether *name* is one of Python's special methods."""
    return len(name) > 4 and name.startswith("__") and name.endswith("__")


def is_in_place(name: str) -> bool:
    """Whether *name* changes its first argument: ``abs_``, ``__iadd__``, ``__setitem__``."""
    if is_dunder(name):
        return name in ("__setitem__", "__idiv__") or (name[2] == "i" and hasattr(operator, f"__{name[3:]}"))
    return name.endswith("_") and not name.endswith("__")


def kind_of(member: Any, owner: Any) -> Kind:
    """What sort of callable *member* is."""
    if inspect.isclass(member):
        return "class"
    if inspect.isclass(owner):
        return "method"
    return "function" if isinstance(member, FUNCTIONS) or inspect.isroutine(member) else "other"


def defined_in(member: Any) -> str | None:
    """The module that *member* says it is from."""
    module = getattr(member, "__module__", None)
    return module if isinstance(module, str) and module != builtins.__name__ else None
