"""Dataclasses with slots that are made quickly, and whose instances are.

``dataclasses`` compiles each method of a class by itself when the class is made: six for a frozen one, most of which
nobody calls, which was two fifths of what importing this package took. Here one is compiled, and the two that compare
when they are first called; the others are the same functions for all. And where ``dataclasses`` lets a frozen instance
set every field through ``object.__setattr__``, which looks it up by its name, the constructor calls what sets the slot.
"""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import MISSING, Field, FrozenInstanceError, fields
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Made = TypeVar("Made")


class _Absent:
    """Stands for a field that the constructor was not given."""

    def __repr__(self) -> str:
        return "<factory>"


ABSENT = _Absent()


def quick(
    *, slots: bool, frozen: bool = False, eq: bool = True, kw_only: bool = False
) -> Callable[[type[Made]], type[Made]]:
    """What ``dataclasses.dataclass`` is for a class with slots: fields, constructor, text, equality, hash and copies.

    That is what type checkers take ``dataclass`` of this module for. No class made by the one inherits from a frozen
    class made by the other.
    """
    if not slots:
        raise TypeError("without slots a class is made by dataclasses.dataclass")
    return partial(_made, frozen=frozen, eq=eq, kw_only=kw_only)


def _made(plain: type[Made], *, frozen: bool, eq: bool, kw_only: bool) -> type[Made]:
    own = {name for name, value in vars(plain).items() if value is not None}
    kind = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)(plain)
    methods: dict[str, Any] = {"__init__": _constructor(kind), "__repr__": _text}
    if frozen:
        methods |= _refusing(kind) | {"__getstate__": _state, "__setstate__": _put_back}
    if eq:
        methods |= _comparing(kind, hashed=frozen)
    for name, method in methods.items():
        if name not in own:
            setattr(kind, name, method)
    return kind


def _constructor(kind: type[Any]) -> Any:
    scope: dict[str, object] = {"absent": ABSENT}
    given: list[str] = []
    named: list[str] = []
    body: list[str] = []
    for field in fields(kind):
        name = field.name
        if field.init:
            (named if field.kw_only else given).append(_parameter(field, scope))
        if field.init or field.default_factory is not MISSING or field.default is not MISSING:
            scope[f"set_{name}"] = getattr(kind, name).__set__
            body.append(f"set_{name}(self, {_value(field, scope)})")
    if hasattr(kind, "__post_init__"):
        body.append("self.__post_init__()")
    parameters = ", ".join(["self", *given, *(["*", *named] if named else [])])
    init = _compiled(kind, {f"__init__({parameters})": body or ["pass"]}, scope)["__init__"]
    init.__annotations__ = {each.name: each.type for each in fields(kind) if each.init} | {"return": None}
    return init


def _parameter(field: Field[Any], scope: dict[str, object]) -> str:
    """*field* among the parameters of the constructor, its default taken from *scope*."""
    if field.default_factory is not MISSING:
        return f"{field.name}=absent"
    if field.default is MISSING:
        return field.name
    scope[f"of_{field.name}"] = field.default
    return f"{field.name}=of_{field.name}"


def _value(field: Field[Any], scope: dict[str, object]) -> str:
    """What the constructor sets *field* to."""
    if field.default_factory is not MISSING:
        scope[f"make_{field.name}"] = field.default_factory
        made = f"make_{field.name}()"
        return f"{made} if {field.name} is absent else {field.name}" if field.init else made
    if field.init:
        return field.name
    scope[f"of_{field.name}"] = field.default
    return f"of_{field.name}"


def _compiled(kind: type[Any], bodies: dict[str, list[str]], scope: dict[str, object]) -> dict[str, Any]:
    """Methods of *kind* by name, which find the names of *scope*, and those of the module in which *kind* stands."""
    lines = [f"def made({', '.join(scope)}):"]
    for head, body in bodies.items():
        lines += [f" def {head}:", *(f"  {line}" for line in body)]
    names = [head.partition("(")[0] for head in bodies]
    lines.append(f" return ({', '.join(names)},)")
    made: dict[str, Any] = {}
    exec("\n".join(lines), vars(sys.modules[kind.__module__]), made)  # noqa: S102 -- as `dataclasses` does it
    methods = dict(zip(names, made["made"](**scope), strict=True))
    for name, method in methods.items():
        method.__qualname__ = f"{kind.__qualname__}.{name}"
    return methods


def _comparing(kind: Any, *, hashed: bool) -> dict[str, Any]:
    """Equality and hash of *kind*, which compile both when one of them is first called."""

    def __eq__(self: Any, other: object) -> Any:  # noqa: N807
        _compare_quickly(kind, methods)
        return kind.__eq__(self, other)

    def __hash__(self: Any) -> int:  # noqa: N807
        _compare_quickly(kind, methods)
        return hash(self)

    methods = {"__eq__": __eq__, "__hash__": __hash__ if hashed else None}
    return methods


def _compare_quickly(kind: type[Any], later: dict[str, Any]) -> None:
    compared = [each.name for each in fields(kind) if each.compare]
    own, others = (f"({''.join(f'{side}.{name}, ' for name in compared)})" for side in ("self", "other"))
    equal = ["if other.__class__ is self.__class__:", f" return {own} == {others}", "return NotImplemented"]
    hashed = [each.name for each in fields(kind) if (each.compare if each.hash is None else each.hash)]
    bodies = {
        "__eq__(self, other)": equal,
        "__hash__(self)": [f"return hash(({''.join(f'self.{name}, ' for name in hashed)}))"],
    }
    for name, method in _compiled(kind, bodies, {}).items():
        if later[name] is not None and vars(kind).get(name) is later[name]:
            setattr(kind, name, method)


def _refusing(kind: type[Any]) -> dict[str, Any]:
    """What lets no field of a frozen instance be set or deleted; a class derived from *kind* may add others."""
    names = {each.name for each in fields(kind)}

    def __setattr__(self: Any, name: str, value: object) -> None:  # noqa: N807
        if type(self) is kind or name in names:
            raise FrozenInstanceError(f"cannot assign to field {name!r}")
        super(kind, self).__setattr__(name, value)

    def __delattr__(self: Any, name: str) -> None:  # noqa: N807
        if type(self) is kind or name in names:
            raise FrozenInstanceError(f"cannot delete field {name!r}")
        super(kind, self).__delattr__(name)

    return {"__setattr__": __setattr__, "__delattr__": __delattr__}


def _text(self: Any) -> str:
    told = ", ".join([f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr])
    return f"{type(self).__qualname__}({told})"


def _state(self: Any) -> list[Any]:
    return [getattr(self, each.name) for each in fields(self)]


def _put_back(self: Any, state: Iterable[Any]) -> None:
    for each, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, each.name, value)


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 -- what `quick` makes, to a type checker
else:
    dataclass = quick
