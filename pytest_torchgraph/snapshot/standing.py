"""Whether a test function still stands in the source of its file.

Only what pytest's own collector makes of plain definitions can be read from a source. Where anything else could make
the test, this says that it may stand: a star import, a class with bases from elsewhere, code that writes into a
namespace, a decorator or a call that multiplies tests under longer names.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from pytest_torchgraph.snapshot.owner import Owner

Container: TypeAlias = "ast.Module | ast.ClassDef"

WRITERS = frozenset({"globals", "locals", "vars", "setattr", "exec", "eval", "compile", "__import__", "load_tests"})
"""Functions by which a file can have tests that it does not spell out."""
WRITTEN = frozenset({"__dict__", "__setattr__", "_getframe", "currentframe"})
"""Attributes that do the same."""
QUIET = frozenset({"pytest", "torch", "np", "numpy", "random", "sys", "os", "warnings", "logging", "print"})
"""Where a call that stands alone begins when it makes no tests."""
SINGLE = frozenset(
    {"pytest", "mark", "fixture", "torch", "hypothesis", "given", "settings", "example", "patch", "mock"}
    | {"staticmethod", "classmethod", "property", "functools", "contextlib", "contextmanager", "cache", "lru_cache"}
    | {"dataclass", "dataclasses"}
)
"""Where a decorator begins that leaves one definition one."""


def missing(source: bytes, owner: Owner) -> str:
    """Which part of *owner* is proved not to stand in *source*, the outermost first; empty where none is."""
    if owner.may_be_doctest_of_module and _has_doctest(source):
        return ""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    return "" if _writes_names(tree) else _missing(tree, [tree], [*owner.classes, owner.function])


def _has_doctest(source: bytes) -> bool:
    """Whether the docstring of the module may hold a doctest, which is named like the module."""
    return b">>>" in source


def _missing(tree: ast.Module, containers: list[Container], names: list[str]) -> str:
    name, *inner = names
    found = [node for container in containers for bound, node in _bindings(container) if bound == name]
    if not found:
        standing = (each for container in containers for each in _bindings(container))
        multiplied = any(name.startswith(bound) and _may_multiply(tree, node) for bound, node in standing)
        return "" if multiplied else name
    classes = [node for node in found if isinstance(node, ast.ClassDef)]
    if not inner or len(classes) < len(found):
        return ""
    family = _family(tree, classes)
    return "" if family is None else _missing(tree, family, inner)


def _family(tree: ast.Module, classes: list[ast.ClassDef]) -> list[Container] | None:
    """*classes* with what they inherit from; ``None`` where their methods are not all spelled out in this file."""
    found: list[Container] = []
    waiting = list(classes)
    while waiting:
        node = waiting.pop()
        if node in found:
            continue
        found.append(node)
        bases = [_spelled_out(tree, base) for base in node.bases]
        if node.keywords or not all(bases) or _is_decorated(node):
            return None
        waiting += [named for base in bases for named in base if named.name != "object"]
    return found


def _spelled_out(tree: ast.Module, base: ast.expr) -> list[ast.ClassDef]:
    """The classes that *base* can mean; none where it can mean another."""
    if not isinstance(base, ast.Name):
        return []
    bound = [node for name, node in _bindings(tree) if name == base.id]
    if not bound and base.id == "object":
        return [ast.ClassDef(name="object", bases=[], keywords=[], body=[], decorator_list=[])]
    classes = [node for node in bound if isinstance(node, ast.ClassDef)]
    return classes if len(classes) == len(bound) else []


def _bindings(container: Container) -> Iterator[tuple[str, ast.AST]]:
    """The names that are bound in *container*, under conditions and in its functions too."""
    waiting: list[ast.AST] = list(container.body)
    while waiting:
        node = waiting.pop()
        yield from ((name, node) for name in _bound_by(node))
        if not isinstance(node, ast.ClassDef):
            waiting += ast.iter_child_nodes(node)


def _bound_by(node: ast.AST) -> Iterable[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return (name,)
        case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
            return (name,)
        case ast.alias(name=name, asname=other):
            return (other or name.partition(".")[0],)
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            return (name,)
        case _:
            return ()


def _may_multiply(tree: ast.Module, node: ast.AST) -> bool:
    """Whether a decorator of *node*, or what a class inherits, may make more tests under longer names."""
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return False
    return _is_decorated(node) or (isinstance(node, ast.ClassDef) and _family(tree, [node]) is None)


def _is_decorated(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    return any(_root(decorator) not in SINGLE for decorator in node.decorator_list)


def _writes_names(tree: ast.Module) -> bool:
    """Whether the file may have tests under names that are nowhere bound in it."""
    nodes = list(ast.walk(tree))
    classes = {node.name for node in nodes if isinstance(node, ast.ClassDef)}
    own_name = {id(node.left) for node in nodes if isinstance(node, ast.Compare)}
    own_name |= {id(node.args[0]) for node in nodes if isinstance(node, ast.Call) and _is_logger(node)}
    alone = [node for node in _alone(tree.body) if isinstance(node, ast.Call)]
    return (
        any(_is_writer(node) for node in nodes)
        or any(isinstance(node, ast.Name) and node.id == "__name__" and id(node) not in own_name for node in nodes)
        or any(_root(call) not in QUIET or _names(call, classes) for call in alone)
    )


def _is_writer(node: ast.AST) -> bool:
    match node:
        case (
            ast.ImportFrom(names=[ast.alias(name="*")])
            | ast.Call(func=ast.Name(id="type"), args=[_, _, _])
            | ast.Attribute(value=ast.Name(id="sys"), attr="modules")
        ):
            return True
        case ast.Name(id=name) | ast.FunctionDef(name=name) | ast.Attribute(value=ast.Name(id="builtins"), attr=name):
            return name in WRITERS
        case ast.Attribute(attr=name):
            return name in WRITTEN
        case ast.alias(name=name):
            return name in WRITERS | WRITTEN | {"modules"}
        case _:
            return False


def _is_logger(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name == "getLogger" and bool(call.args)


def _alone(body: Iterable[ast.AST]) -> Iterator[ast.expr]:
    """The expressions that stand alone and run at import, but for those under ``if __name__ == "__main__"``."""
    for node in body:
        match node:
            case ast.Expr(value=value):
                yield value
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
                continue
            case _:
                yield from _alone(ast.iter_child_nodes(node))


def _names(call: ast.Call, classes: set[str]) -> bool:
    """Whether *call* is given one of *classes*, as ``instantiate_parametrized_tests(TestModels)`` is."""
    return any(isinstance(node, ast.Name) and node.id in classes for node in ast.walk(call))


def _root(node: ast.expr) -> str:
    """The first name of a dotted one, called or not."""
    while isinstance(node, (ast.Call, ast.Attribute, ast.Subscript)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
