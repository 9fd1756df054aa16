"""The fingerprint of a change: one edit is known by it in any layer, model or size.

Left out are names of scopes, parameters and values, indices, and every number that a size can move: shapes, strides,
whole numbers among arguments, counts of operations, and decimals that an added or removed operation is given (a scale
is made of a size). Kept are the operation, the order and kind of its arguments, words and flags among them, dtypes,
ranks, and how a tensor is read: as it lies, expanded, or with other strides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import is_dataclass
from typing import TypeAlias

from pytest_torchgraph.canonical.program import Block, Given, Operand, Semantic, Work
from pytest_torchgraph.diff.change import (
    Added,
    Altered,
    BreakChanged,
    Called,
    Change,
    CompileChange,
    Field,
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
from pytest_torchgraph.diff.grouping import kind_name
from pytest_torchgraph.recorded.tensor import Geometry, TensorSpec
from pytest_torchgraph.words.closed import assert_never

DIGITS = 8
Named: TypeAlias = LoopChanged | MetricChanged | Renamed | Replaced | RunChanged | Called | Redeclared


def fingerprint(changes: Iterable[Change]) -> str:
    """Eight hex digits of *changes*, whatever their order and however often each was made."""
    texts = sorted({repr(_essence(change)) for change in changes})
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:DIGITS]


def _essence(change: Change) -> tuple[object, ...]:
    return (type(change).__name__, *_what(change))


def _what(change: Change) -> tuple[object, ...]:
    match change:
        case Added(site) | Removed(site):
            return _item(site)
        case Altered(before, _, altered):
            told = sorted(repr((field.kind, field.name, *_both(field))) for field in altered)
            return (*_name(before), *told)
        case Moved(before, after, writes):
            return (*_name(before), before.scope == after.scope, writes)
        case LeafChanged() | OutputChanged():
            return _both(change)
        case PeakMoved():
            return tuple(str(place or "") for place in (change.before, change.after))
        case _:
            return _named(change)


def _named(change: Named | CompileChange) -> tuple[object, ...]:
    """What is left of a change that is told by names."""
    match change:
        case LoopChanged():
            apart = (("parted", bool(change.parted)), ("joined", bool(change.joined)))
            return bool(change.came), bool(change.went), *(name for name, is_so in apart if is_so)
        case MetricChanged(name, before, after):
            return name, (after or 0) > (before or 0)
        case Renamed(kind):
            return (kind,)
        case Replaced() | RunChanged() | BreakChanged() | RecompileChanged() | GraphChanged():
            return change.before, change.after
        case Called():
            return change.gone, change.again
        case Redeclared():
            return ()
        case _:
            assert_never(change)


def _name(site: Site) -> tuple[object, ...]:
    kind = kind_name(site.item)
    match site.item:
        case Block(class_name=class_name):
            return kind, class_name, site.beneath
        case Given(kind=given):
            return kind, given, site.beneath
        case _:
            return kind, site.name, site.beneath


def _item(site: Site) -> tuple[object, ...]:
    match site.item:
        case Work() | Semantic():
            return (*_name(site), _call(site.item, site))
        case Block():
            return _name(site)
        case Given(spec=spec):
            return (*_name(site), _sizeless(spec))


def _call(item: Work | Semantic, site: Site) -> tuple[object, ...]:
    reads = iter(site.reads)

    def told(argument: object) -> object:
        if isinstance(argument, Operand):
            return _sizeless(next(reads, None))
        if isinstance(argument, float):
            return "number"
        sizes = isinstance(argument, tuple) and all(type(each) is int for each in argument)
        return tuple(map(told, argument)) if isinstance(argument, tuple) and not sizes else _sizeless(argument)

    given = tuple(map(told, item.arguments)), tuple((name, told(argument)) for name, argument in item.keywords)
    return (*given, tuple(map(_sizeless, item.outcomes))) if isinstance(item, Work) else given


def _both(pair: Field | LeafChanged | OutputChanged) -> tuple[object, object]:
    return _sizeless(pair.before), _sizeless(pair.after)


def _sizeless(value: object) -> object:
    match value:
        case TensorSpec():
            return value.dtype, len(value.shape), value.layout, _lying(value.geometry)
        case Geometry():
            return _lying(value)
        case Value():
            return "value", _sizeless(value.spec), _lying(value.geometry)
        case tuple():
            sizes = value and all(type(each) is int for each in value)
            return ("sizes", len(value)) if sizes else tuple(map(_sizeless, value))
    return _plain(value)


def _plain(value: object) -> object:
    if isinstance(value, Operand):
        return "value"
    if type(value) is int:
        return "whole number"
    return _record(value) if is_dataclass(value) else value


def _record(record: object) -> tuple[object, ...]:
    names = getattr(record, "__dataclass_fields__", {})
    return (type(record).__name__, *(_sizeless(getattr(record, name)) for name in names))


def _lying(geometry: Geometry | None) -> str:
    """How a tensor lies in its storage: in order, repeated, or otherwise."""
    if geometry is None or geometry.is_contiguous:
        return "contiguous"
    repeated = any(stride == 0 and size > 1 for size, stride in zip(geometry.shape, geometry.stride, strict=True))
    return "expanded" if repeated else "strided"
