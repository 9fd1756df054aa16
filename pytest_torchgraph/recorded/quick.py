"""Frozen records that are made by the ten thousand."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from typing import TypeVar

Made = TypeVar("Made")


def quick(kind: type[Made]) -> type[Made]:
    """*kind*, a frozen dataclass with slots, made in half of the time.

    Stands above ``@dataclass(frozen=True, slots=True)``, whose own constructor sets every field through
    ``object.__setattr__``, which looks it up by its name; this one calls what sets the slot.
    """
    scope: dict[str, object] = {}
    given: list[str] = []
    named: list[str] = []
    body: list[str] = []
    for field in fields(kind):  # type: ignore[arg-type]
        scope[f"set_{field.name}"] = getattr(kind, field.name).__set__
        (named if field.kw_only else given).append(_parameter(field, scope))
        body.append(f"  set_{field.name}(self, {field.name})")
    parameters = ", ".join(["self", *given, *(["*", *named] if named else [])])
    exec("\n".join([f"def __init__({parameters}):", *body]), scope)  # noqa: S102 -- as `dataclasses` does it
    made, plain = scope["__init__"], kind.__init__
    made.__qualname__, made.__module__ = plain.__qualname__, kind.__module__  # type: ignore[attr-defined]
    made.__annotations__ = plain.__annotations__
    kind.__init__ = made  # type: ignore[assignment]
    return kind


def _parameter(field: Field[object], scope: dict[str, object]) -> str:
    """*field* among the parameters of the constructor, its default taken from *scope*."""
    if field.default_factory is not MISSING or not field.init:
        raise TypeError(f"{field.name} is worked out when the record is made")
    if field.default is MISSING:
        return field.name
    scope[f"of_{field.name}"] = field.default
    return f"{field.name}=of_{field.name}"
