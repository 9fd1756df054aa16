"""Python files read with :mod:`ast`: what they define and import.

Classes that a function makes are told, too: that is where compiled graphs keep their autograd functions.
"""

from __future__ import annotations

import ast
import warnings
from typing import TYPE_CHECKING, TypeAlias

from pytest_torchgraph.catalog.autograd.source import Definition, Include, Member, Reading
from pytest_torchgraph.catalog.autograd.wording import first_sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Function: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef"
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
BRANCHES = (ast.If, ast.Try, ast.With)


def read(source: bytes, name: str) -> Reading:
    """The definitions and imports of the file *name*; raises :exc:`SyntaxError` or :exc:`ValueError`."""
    with warnings.catch_warnings():
        # An escape that Python will no longer accept is a matter of the file, not of whoever reads it.
        warnings.simplefilter("ignore")
        tree = ast.parse(source)
    return Reading(
        definitions=tuple(_definitions(tree.body)),
        includes=tuple(sorted(set(_imports(tree, name)), key=lambda include: (include.line, include.name))),
        summary=first_sentence(ast.get_docstring(tree) or ""),
    )


def _definitions(body: Iterable[ast.stmt]) -> Iterator[Definition]:
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            members = tuple(_members(statement.body))
            yield _definition("class", statement, tuple(map(ast.unparse, statement.bases)), members)
        elif isinstance(statement, FUNCTIONS):
            yield _definition("function", statement)
            yield from (inner for inner in _definitions(statement.body) if inner.is_class)
        elif isinstance(statement, BRANCHES):
            yield from _definitions(_inside(statement))


def _definition(
    kind: str, statement: ast.ClassDef | Function, bases: tuple[str, ...] = (), members: tuple[Member, ...] = ()
) -> Definition:
    return Definition(
        kind=kind,
        name=statement.name,
        line=statement.lineno,
        end_line=statement.end_lineno or statement.lineno,
        bases=bases,
        members=members,
        comment=first_sentence(ast.get_docstring(statement) or ""),
    )


def _members(body: Iterable[ast.stmt]) -> Iterator[Member]:
    for statement in body:
        if isinstance(statement, FUNCTIONS):
            yield Member(kind="function", name=statement.name, type="", line=statement.lineno)
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            kind = ast.unparse(statement.annotation)
            yield Member(kind="field", name=statement.target.id, type=kind, line=statement.lineno)
        elif isinstance(statement, BRANCHES):
            yield from _members(_inside(statement))


def _inside(statement: ast.stmt) -> list[ast.stmt]:
    parts = (getattr(statement, part, []) for part in ("body", "orelse", "finalbody"))
    handlers = (handler.body for handler in getattr(statement, "handlers", []))
    return [inner for part in (*parts, *handlers) for inner in part]


def _imports(tree: ast.Module, name: str) -> Iterator[Include]:
    """Every module that is imported anywhere in the file; ``from a import b`` may mean the module ``a.b``."""
    pending: list[tuple[ast.AST, bool]] = [(tree, False)]
    while pending:
        node, late = pending.pop()
        if isinstance(node, ast.Import):
            yield from (Include(name=alias.name, line=node.lineno, late=late) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, name)
            yield from (Include(name=f"{base}.{alias.name}", line=node.lineno, late=late) for alias in node.names)
        elif not isinstance(node, (ast.expr, ast.Pass)):
            late = late or isinstance(node, FUNCTIONS) or _is_for_types(node)
            pending += [(child, late) for child in ast.iter_child_nodes(node)]


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def _absolute(node: ast.ImportFrom, name: str) -> str:
    if not node.level:
        return node.module or ""
    package = name.split("/")[: -node.level]
    return ".".join([*package, *([node.module] if node.module else [])])
