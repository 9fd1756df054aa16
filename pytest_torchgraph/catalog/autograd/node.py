"""Node classes: what a name in a backward graph stands for."""

from __future__ import annotations

from difflib import get_close_matches
from string import ascii_letters
from typing import TYPE_CHECKING

from pytest_torchgraph.catalog.autograd.area import CORE
from pytest_torchgraph.catalog.autograd.source import BackwardNode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_torchgraph.catalog.autograd.source import Definition, Formula, SourceFile

ROOT = "torch::autograd::Node"
PYTHON_ROOTS = {"Function", "torch.autograd.Function", "autograd.Function", "torch.autograd.function.Function"}
COPY = "_copy"
"""Ends the node of a view's copying twin, whose formula is that of the view."""
FOREACH = "Foreach"
"""Begins the node of an operation on lists, whose formula is that of the operation on one tensor."""


def simple(name: str) -> str:
    """``CopySlices`` for ``struct torch::autograd::CopySlices``."""
    return name.rpartition("::")[2].split(" ")[-1]


def backward_nodes(files: Sequence[SourceFile], formulas: Iterable[Formula]) -> tuple[BackwardNode, ...]:
    """Every class below ``torch::autograd::Node`` and every Python ``Function``, sorted by name."""
    by_node = {formula.node: formula for formula in formulas}
    found = [*_cpp(files, by_node), *_python(files)]
    return tuple(sorted(found, key=lambda node: (node.name, node.path, node.line)))


def _cpp(files: Sequence[SourceFile], formulas: Mapping[str, Formula]) -> list[BackwardNode]:
    classes = {
        definition.name: (file, definition)
        for file in files
        if file.language.startswith("C++")
        for definition in file.definitions
        if definition.is_class
    }
    nodes = {ROOT}
    grown = True
    while grown:
        below = {name for name, (_, definition) in classes.items() if _is_below(definition, nodes)} - nodes
        nodes |= below
        grown = bool(below)
    return [_node(*classes[name], formulas) for name in sorted(nodes & classes.keys() - {ROOT})]


def _is_below(definition: Definition, nodes: set[str]) -> bool:
    """Whether a base is in *nodes*, looked up from the inner namespace to the outer one."""
    scope = definition.name.split("::")[:-1]
    scopes = ["::".join(scope[:depth]) for depth in range(len(scope), -1, -1)]
    return any(f"{scope}::{base}".removeprefix("::") in nodes for base in definition.bases for scope in scopes)


def _node(file: SourceFile, definition: Definition, formulas: Mapping[str, Formula]) -> BackwardNode:
    name = simple(definition.name)
    return BackwardNode(
        name=name,
        qualified=definition.name,
        language="C++",
        path=file.path,
        line=definition.line,
        end_line=definition.end_line,
        bases=definition.bases,
        saved=tuple(member for member in definition.members if member.kind == "field" and "static" not in member.type),
        formula=_formula(name, formulas),
        comment=definition.comment,
    )


def _formula(name: str, formulas: Mapping[str, Formula]) -> Formula | None:
    """The node's own entry; else the one that code generation derives it from."""
    single = name.removeprefix(FOREACH)
    sources = (name, name.removesuffix(COPY), single, single.rstrip(ascii_letters))
    return next((formulas[source] for source in sources if source in formulas), None)


def _python(files: Sequence[SourceFile]) -> list[BackwardNode]:
    """Python's nodes are named after the class of the function: ``CheckpointFunctionBackward``."""
    classes = [
        (file, definition)
        for file in files
        if file.language == "Python"
        for definition in file.definitions
        if definition.is_class
    ]
    found: dict[tuple[str, int], BackwardNode] = {}
    names = set(PYTHON_ROOTS)
    for _ in range(3):  # a function of torch's own has one class or none between itself and Function
        below = [pair for pair in classes if names.intersection(pair[1].bases)]
        names |= {definition.name for _, definition in below}
        found |= {(file.path, definition.line): _python_node(file, definition) for file, definition in below}
    return list(found.values())


def _python_node(file: SourceFile, definition: Definition) -> BackwardNode:
    return BackwardNode(
        name=f"{definition.name}Backward",
        qualified=f"{_module(file.name)}.{definition.name}",
        language="Python",
        path=file.path,
        line=definition.line,
        end_line=definition.end_line,
        bases=definition.bases,
        saved=(),
        formula=None,
        comment=definition.comment,
    )


def _module(name: str) -> str:
    return name.rpartition(".")[0].removesuffix("/__init__").replace("/", ".")


def find(nodes: Iterable[BackwardNode], name: str) -> BackwardNode | None:
    """The node class that ``grad_fn.name()`` spells *name*; PyTorch's own before a namesake elsewhere."""
    wanted = simple(name)
    same = [node for node in nodes if wanted in (node.name, node.qualified)]
    return min(same, key=lambda node: (node.qualified != name, CORE not in node.path, node.path), default=None)


def close(nodes: Iterable[BackwardNode], name: str) -> list[str]:
    """Names like *name*, for a message; those that begin with it first."""
    names = sorted({node.name for node in nodes})
    wanted = simple(name).replace("_", "").lower()
    begun = [known for known in names if wanted and known.lower().startswith(wanted)]
    lowered = {known.lower(): known for known in names}
    alike = [lowered[match] for match in get_close_matches(wanted, sorted(lowered), n=5, cutoff=0.7)]
    return list(dict.fromkeys([*begun, *alike]))[:5]
