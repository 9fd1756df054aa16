"""The module calls of two graphs as one tree: what each runs before and after, and how much of it changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import TypeAlias

from pytest_torchgraph.canonical.program import Block, Work
from pytest_torchgraph.diff.change import (
    Altered,
    Change,
    Difference,
    HeadChange,
    Renamed,
)
from pytest_torchgraph.diff.grouping import NUMBER, scope_of, shared_path
from pytest_torchgraph.diff.tree import Body, Tree
from pytest_torchgraph.quick import dataclass

Module: TypeAlias = "list[object]"


@dataclass(slots=True)
class _Scope:
    path: str
    class_name: str
    before: int = 0
    after: int = 0
    sides: int = 0
    changes: int = 0
    children: dict[str, _Scope] = field(default_factory=dict)

    def likeness(self) -> tuple[object, ...]:
        """Equal for neighbours that are told in one line."""
        inner = tuple((NUMBER.sub("*", child.path), child.likeness()) for child in self.children.values())
        return (NUMBER.sub("*", self.path), self.class_name, self.before, self.after, self.sides, self.changes, inner)


def modules_of(before: Tree, after: Tree, difference: Difference) -> Module:
    """The root: ``[name, path, class, operations before, after, changes, repeats, modules beneath]``.

    Operations and changes are those of the module call and all beneath it. A side on which there is no such call has
    ``None``. Neighbours that differ in an index alone are one entry with their number as ``repeats``; its name is
    ``layers.0-31``, its path ``layers.*``, and the numbers are those of each.
    """
    renames = {change.before: change.after for change in difference.changes if isinstance(change, Renamed)}
    root = _Scope("", after.program.root.class_name)
    scopes = {"": root}
    _fill(before, scopes, renames, side=1)
    _fill(after, scopes, {}, side=2)
    for change in difference.changes:
        if not isinstance(change, HeadChange):
            _mark(scopes, change, renames)
    return _entry([root])


def _fill(tree: Tree, scopes: dict[str, _Scope], renames: dict[str, str], *, side: int) -> None:
    for body in tree.bodies:
        if not isinstance(body.record, Block):
            continue
        scope = _scope(scopes, body, renames)
        scope.sides |= side
        for inner in _with_calls(body):
            count = sum(isinstance(item, Work) for item in inner.record.items)
            if side == 1:
                scope.before += count
            else:
                scope.after += count


def _with_calls(body: Body) -> Iterator[Body]:
    """*body* and those of the API calls in it."""
    yield body
    for inner in body.inner.values():
        if not isinstance(inner.record, Block):
            yield from _with_calls(inner)


def _scope(scopes: dict[str, _Scope], body: Body, renames: dict[str, str]) -> _Scope:
    path = _renamed(str(body.scope), renames)
    if path not in scopes:
        outer = body.outer.module if body.outer else None
        around = scopes[_renamed(str(outer.scope), renames)] if outer else scopes[""]
        scopes[path] = around.children[path] = _Scope(path, body.class_name)
    return scopes[path]


def _renamed(path: str, renames: dict[str, str]) -> str:
    head = path
    while head and head not in renames:
        head = head.rpartition(".")[0]
    return renames[head] + path[len(head) :] if head else path


def _mark(scopes: dict[str, _Scope], change: Change, renames: dict[str, str]) -> None:
    """Count *change* for its module; what only follows from another is none of its own."""
    if isinstance(change, Altered) and change.follows:
        return
    path = str(scope_of(change))
    found = scopes.get(path) or scopes.get(_renamed(path, renames))
    (found or scopes[""]).changes += 1


def _entry(alike: list[_Scope], around: tuple[str, str] = ("", "")) -> Module:
    """The entry of *alike*; *around* are the path of the scope that they stand in, and that path as it is shown."""
    first = alike[0]
    path = around[1] + shared_path(tuple(scope.path for scope in alike))[len(around[0]) :]
    beneath = [_entry(run, (first.path, path)) for run in _runs(first.children.values())]
    before, after = (first.before if first.sides & 1 else None), (first.after if first.sides & 2 else None)
    totals = [[before, after, first.changes], *(_total(entry) for entry in beneath)]
    name = _ranged(first.path, alike[-1].path).removeprefix(around[0]).lstrip(". ")
    return [name, path, first.class_name, *map(_sum, zip(*totals, strict=True)), len(alike), beneath]


def _ranged(first: str, last: str) -> str:
    """``layers.0-31`` for ``layers.0`` and ``layers.31``; the shared path where several indices differ."""
    pairs = list(zip(NUMBER.finditer(first), NUMBER.findall(last), strict=True))
    differing = [(found, to) for found, to in pairs if found[0] != to]
    if len(differing) != 1:
        return shared_path((first, last)) if differing else first
    (found, to), *_ = differing
    return f"{first[: found.end()]}-{to}{first[found.end() :]}"


def _total(entry: Module) -> list[object]:
    repeats = entry[6]
    assert isinstance(repeats, int)
    return [None if value is None else value * repeats for value in entry[3:6] if value is None or type(value) is int]


def _sum(values: tuple[object, ...]) -> int | None:
    known = [value for value in values if isinstance(value, int)]
    return sum(known) if known else None


def _runs(scopes: Iterable[_Scope]) -> Iterator[list[_Scope]]:
    """Neighbours that are told in one line."""
    run: list[_Scope] = []
    for scope in scopes:
        if run and run[0].likeness() != scope.likeness():
            yield run
            run = []
        run.append(scope)
    if run:
        yield run
