"""Equal edits in repeated layers, told once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TypeAlias

from pytest_torchgraph.diff.change import (
    Added,
    Altered,
    Called,
    Change,
    LeafChanged,
    LoopChanged,
    MetricChanged,
    Moved,
    OutputChanged,
    PeakMoved,
    Redeclared,
    Removed,
    Renamed,
    Replaced,
    RunChanged,
    Site,
    Value,
)
from pytest_torchgraph.diff.tree import numbered
from pytest_torchgraph.graph.paths import ROOT, UP, absolute
from pytest_torchgraph.graph.phase import PHASES
from pytest_torchgraph.graph.program import Block, Given, Semantic, Work

NUMBER = re.compile(r"\d+")
COUNT = re.compile(r"_\d+$")
Edit: TypeAlias = "tuple[object, ...]"


@dataclass(frozen=True, slots=True)
class Group:
    """The same edit wherever it was made.

    ``scope`` is the path of the scopes, ``*`` where they differ in an index (``layers.*.attn``); ``scopes`` are the
    full paths, in order, each once.
    """

    changes: tuple[Change, ...]
    scope: str
    scopes: tuple[str, ...]

    @property
    def first(self) -> Change:
        """The change that stands for all."""
        return self.changes[0]

    @property
    def per_scope(self) -> int | None:
        """How often the edit was made in each scope; ``None`` where that differs."""
        each, rest = divmod(len(self.changes), len(self.scopes))
        return None if rest else each


def grouped(changes: Iterable[Change]) -> tuple[Group, ...]:
    """*changes* with equal edits under paths that differ only in indices taken together, in order of the first."""
    found: dict[tuple[str, Edit], list[Change]] = {}
    for change in changes:
        found.setdefault((NUMBER.sub("*", scope_of(change)), edit_of(change)), []).append(change)
    return tuple(_group(tuple(members)) for members in found.values())


def _group(members: tuple[Change, ...]) -> Group:
    scopes = tuple(dict.fromkeys(scope_of(change) for change in members))
    return Group(members, shared_path(scopes), scopes)


def shared_path(paths: tuple[str, ...]) -> str:
    """One path for paths that differ only in indices: ``layers.*.attn``; an index that all share is kept."""
    if len(paths) == 1:
        return paths[0]
    numbers = [NUMBER.findall(path) for path in paths]
    shared = [column[0] if len(set(column)) == 1 else "*" for column in zip(*numbers, strict=True)]
    remaining = iter(shared)
    return NUMBER.sub(lambda _: next(remaining), paths[0])


def scope_of(change: Change) -> str:
    """Full path of the scope in which *change* happened; of a module call that came or went, its own path.

    What is gone from a module that has another path now is told where that lies.
    """
    match change:
        case Added(site):
            return _inside(site)
        case Removed(site):
            return _now(_inside(site), module_in(site), change.module) if change.module else _inside(site)
        case Altered(_, after) | Moved(_, after):
            return after.scope
        case Renamed(_, before, _):
            return before
        case Called() | LoopChanged():
            return change.scope
        case Replaced(scope, _, _) | LeafChanged(scope, _, _, _) | Redeclared(scope):
            return scope
        case OutputChanged() | MetricChanged() | RunChanged() | PeakMoved():
            return ""


def scope_in(change: Removed) -> str:
    """Full path, as it is now, of the scope that what is gone stood in."""
    return _now(change.site.scope, module_in(change.site), change.module) if change.module else change.site.scope


def _now(scope: str, before: str, after: str) -> str:
    """The path *scope*, which is that of the module *before* or lies around it, where that has the path *after* now."""
    left, right = before.split("."), after.split(".")
    while left and right and left[-1] == right[-1]:
        left.pop()
        right.pop()
    phase, space, path = scope.rpartition(" ")
    inside = path.removeprefix(".".join(left)) if left else f".{path}"
    if len(inside) == len(path) or (inside and inside[0] not in ".#"):
        return scope
    return f"{phase}{space}{('.'.join(right) + inside).lstrip('.')}"


def module_in(site: Site) -> str:
    """Path of the module that the item at *site* is a call of, or stands in."""
    return absolute(site.item.name, site.around) if isinstance(site.item, Block) else site.around[0]


def phase_of(change: Change) -> str:
    """The phase in which *change* happened; ``forward`` where the scope names none."""
    first = scope_of(change).partition(" ")[0].partition("#")[0]
    return first if first in PHASES else "forward"


def _inside(site: Site) -> str:
    if not isinstance(site.item, Block):
        return site.scope
    name = site.item.name
    is_phase = isinstance(site.body, Block) and site.body.phase
    if name.startswith((ROOT, UP)):
        return numbered(site.item, absolute(name, site.around))
    path = (" " if is_phase else ".").join(filter(None, (site.scope, name)))
    return numbered(site.item, path)


def edit_of(change: Change) -> Edit:
    """What was done, without where: equal for the same edit in two layers."""
    return (type(change).__name__, *_what(change))


def _what(change: Change) -> Edit:
    match change:
        case Added(site, operations) | Removed(site, operations):
            return (*_item(site), operations)
        case Altered(before, _, altered):
            return (*_name(before), tuple((f.kind, f.name, plain(f.before), plain(f.after)) for f in altered))
        case Moved(before, after):
            return (*_name(before), NUMBER.sub("*", before.scope), NUMBER.sub("*", after.scope))
        case Renamed(kind, name, to) | Called(kind, name, to):
            return (kind, NUMBER.sub("*", name), NUMBER.sub("*", to))
        case LeafChanged(scope, path, _, _):
            return (f"%{path.removeprefix(f'{scope}.')}", change.before, change.after)
        case _:
            return tuple(plain(getattr(change, field.name)) for field in fields(change) if field.name != "scope")


def _name(site: Site) -> Edit:
    kind = type(site.item).__name__
    match site.item:
        case Block(class_name=class_name):
            return kind, class_name, site.beneath
        case Given(name=name):
            return kind, f"%{name}", site.beneath
        case _:
            return kind, site.name, site.beneath


def _item(site: Site) -> Edit:
    match site.item:
        case Work(outcomes=outcomes):
            return (*_name(site), tuple(map(plain, outcomes)))
        case Block():
            return _name(site)
        case Semantic():
            return (*_name(site), tuple(value.spec for value in site.reads))
        case Given(spec=spec):
            return (*_name(site), spec)


def plain(value: object) -> object:
    """*value* without the numbers in the names of values, which count layers."""
    if isinstance(value, Value):
        return (f"%{NUMBER.sub('*', COUNT.sub('', value.name))}", value.spec)
    return tuple(map(plain, value)) if isinstance(value, tuple) else value
