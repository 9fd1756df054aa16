"""Records from plain data that somebody else may have written: each field is what its annotation says, or refused."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def decoded(kind: type[T], value: object) -> T:
    """*value*, as ``json.loads`` gives it, as a record of the data class *kind*; raises ``ValueError``."""
    found: T = _decoded(kind, value, kind.__name__.lower())
    return found


def _decoded(kind: Any, value: object, where: str) -> Any:
    if is_dataclass(kind):
        return _record(kind, value, where)
    origin, inner = get_origin(kind), get_args(kind)
    if origin is tuple and isinstance(value, list):
        return tuple(_decoded(inner[0], each, f"{where}[{number}]") for number, each in enumerate(value))
    if origin in (Union, types.UnionType):
        return None if value is None else _decoded(inner[0], value, where)
    if origin is Literal and isinstance(value, str) and value in inner:
        return value
    if origin is Mapping and isinstance(value, dict):
        return value
    if type(value) is kind:
        return value
    raise ValueError(f"{where} is {_shown(value)}")


def _record(kind: Any, value: object, where: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{where} is {_shown(value)}")  # noqa: TRY004  one kind of error for a file that is wrong
    given = {}
    for field in fields(kind):
        if field.name in value:
            given[field.name] = _decoded(_hints(kind)[field.name], value[field.name], f"{where}.{field.name}")
        elif field.default is MISSING:
            raise ValueError(f"{where} has no {field.name!r}")
    return kind(**given)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
