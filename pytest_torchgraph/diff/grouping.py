"""Equal edits in repeated layers, told once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import fields
from typing import TypeAlias

from pytest_torchgraph.canonical.program import Block, Given, Item, Semantic, Work
from pytest_torchgraph.canonical.scope import ScopePath
from pytest_torchgraph.diff.change import (
    Added,
    Altered,
    BreakChanged,
    Called,
    Change,
    GraphChanged,
    LeafChanged,
    LoopChanged,
    MetricChanged,
    Moved,
    OutputChanged,
    PeakMoved,
    RecompileChanged,
    Redeclared,
    Removed,
    Renamed,
    Replaced,
    RunChanged,
    Site,
    Value,
)
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.words.closed import assert_never
from pytest_torchgraph.words.counting import listed

NUMBER = re.compile(r"\d+")
COUNT = re.compile(r"_\d+$")
Edit: TypeAlias = "tuple[object, ...]"


@dataclass(frozen=True, slots=True)
class Group:
    """The same edit wherever it was made.

    ``scope`` tells the scopes in one, ``*`` where they differ in an index (``layers.*.attn``); ``scopes`` are they,
    in order, each once.
    """

    changes: tuple[Change, ...]
    scope: str
    scopes: tuple[ScopePath, ...]

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
        found.setdefault((NUMBER.sub("*", str(scope_of(change))), edit_of(change)), []).append(change)
    return tuple(_group(tuple(members)) for members in found.values())


def _group(members: tuple[Change, ...]) -> Group:
    scopes = tuple(dict.fromkeys(scope_of(change) for change in members))
    return Group(members, shared_path(tuple(map(str, scopes))), scopes)


def shared_path(paths: tuple[str, ...]) -> str:
    """One path for paths that differ only in indices: ``layers.*.attn``; an index that all share is kept."""
    if len(paths) == 1:
        return paths[0]
    numbers = [NUMBER.findall(path) for path in paths]
    shared = [column[0] if len(set(column)) == 1 else "*" for column in zip(*numbers, strict=True)]
    remaining = iter(shared)
    return NUMBER.sub(lambda _: next(remaining), paths[0])


NAMED = 4
"""Modules told by their numbers."""


def modules_text(paths: tuple[str, ...]) -> str:
    """``layers.*.attn``; of modules that have nothing but numbers which they are: ``modules 0, 1, 2``."""
    path = shared_path(paths)
    if len(paths) == 1 or any(letter.isalpha() for letter in path):
        return path
    return f"modules {listed(paths, NAMED)}"


def scope_of(change: Change) -> ScopePath:
    """The scope in which *change* happened; of a module call that came or went, its own."""
    match change:
        case Added(site) | Removed(site):
            return site.inner or site.scope
        case Altered(_, after) | Moved(_, after):
            return after.scope
        case Called(scope) | LoopChanged(scope) | Replaced(scope) | LeafChanged(scope) | Redeclared(scope):
            return scope
        case Renamed():
            return change.place
        case BreakChanged() | RecompileChanged() | GraphChanged():
            told = change.after or change.before
            return ScopePath("" if told is None else told.module)
        case OutputChanged() | MetricChanged() | RunChanged() | PeakMoved():
            return ScopePath()


def phase_of(change: Change) -> str:
    """Name of the phase in which *change* happened."""
    return scope_of(change).phase


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
            return (*_name(before), *(NUMBER.sub("*", str(site.scope)) for site in (before, after)))
        case Renamed(kind, name, to) | Called(kind, name, to):
            return (kind, NUMBER.sub("*", name), NUMBER.sub("*", to))
        case LeafChanged(scope, path, _, _):
            return (f"%{path.removeprefix(f'{scope.module}.')}", change.before, change.after)
        case (
            LoopChanged()
            | OutputChanged()
            | MetricChanged()
            | RunChanged()
            | PeakMoved()
            | Redeclared()
            | Replaced()
            | BreakChanged()
            | RecompileChanged()
            | GraphChanged()
        ):
            return tuple(plain(getattr(change, field.name)) for field in fields(change) if field.name != "scope")
        case _:
            assert_never(change)


def kind_name(item: Item) -> str:
    """What an item is in the id of a change, in which all blocks are of one kind."""
    return "Block" if isinstance(item, Block) else type(item).__name__


def _name(site: Site) -> Edit:
    kind = kind_name(site.item)
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
