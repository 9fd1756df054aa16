"""Dataclasses that are made quickly are what those of ``dataclasses`` are."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from copy import copy, deepcopy
from dataclasses import FrozenInstanceError, astuple, dataclass, field, fields, replace
from inspect import signature
from typing import Any, get_type_hints

import pytest

from pytest_torchgraph.quick import dataclass as made_quickly
from pytest_torchgraph.quick import quick


def made_by(decorator: Callable[..., Any]) -> dict[str, Any]:
    """Classes of the same names and fields, made by *decorator*."""

    @decorator(frozen=True, slots=True)
    class Record:
        """A record."""

        number: int
        text: str = "a"
        parts: list[int] = field(default_factory=list, repr=False)
        other: int | None = field(default=None, compare=False, kw_only=True)

        @property
        def doubled(self) -> int:
            """Twice the number."""
            return 2 * self.number

    @decorator(frozen=True, slots=True, kw_only=True)
    class Derived(Record):
        """A record of a record."""

        number: int = 3
        last: tuple[int, ...] = ()

    @decorator(slots=True)
    class Mutable:
        """A record that changes."""

        number: int
        half: int = field(init=False)
        made: list[int] = field(default_factory=list, init=False)

        def __post_init__(self) -> None:
            self.half = self.number // 2

    @decorator(frozen=True, slots=True, eq=False)
    class Unequal:
        """A record that equals itself only."""

        number: int

    @decorator(frozen=True, slots=True)
    class Own:  # noqa: PLW1641 -- its hash is made
        """A record with methods of its own."""

        number: int

        def __eq__(self, other: object) -> bool:
            return True

        def __repr__(self) -> str:
            return "own"

    @decorator(frozen=True, slots=True)
    class Empty:
        """Nothing."""

    return {kind.__name__: kind for kind in (Record, Derived, Mutable, Unequal, Own, Empty)}


PLAIN, QUICK = made_by(dataclass), made_by(quick)


@made_quickly(frozen=True, slots=True)
class Pickled:
    """A record that a module knows by its name."""

    number: int
    text: str = "a"


@pytest.mark.parametrize("name", sorted(PLAIN))
def test_a_quick_class_has_the_fields_and_the_constructor_of_a_plain_one(name: str) -> None:
    quickly, plainly = QUICK[name], PLAIN[name]
    assert str(signature(quickly)) == str(signature(plainly))
    assert get_type_hints(quickly.__init__) == get_type_hints(plainly.__init__)
    assert (quickly.__slots__, quickly.__match_args__) == (plainly.__slots__, plainly.__match_args__)
    told = [(each.name, each.type, each.kw_only, each.compare, each.repr) for each in fields(quickly)]
    assert told == [(each.name, each.type, each.kw_only, each.compare, each.repr) for each in fields(plainly)]
    assert not hasattr(quickly(*[1] * (name not in ("Derived", "Empty"))), "__dict__")


@pytest.mark.parametrize("name", ["Record", "Derived", "Mutable", "Own", "Empty"])
@pytest.mark.parametrize(
    ("given", "named"),
    [
        ((), {}),
        ((1,), {}),
        ((1, "b"), {"other": 3}),
        ((), {"number": 1, "text": "c", "last": (1,)}),
        ((1,), {"parts": [2]}),
        ((1, "b", [1], 2), {}),
        ((1,), {"others": 2}),
    ],
)
def test_a_quick_record_holds_equals_and_reads_as_a_plain_one(
    name: str, given: tuple[Any, ...], named: dict[str, Any]
) -> None:
    outcomes: list[tuple[Any, ...] | None] = []
    for kind in (QUICK[name], PLAIN[name]):
        try:
            made = kind(*given, **named)
        except TypeError:
            outcomes.append(None)
            continue
        again, other = kind(*given, **named), kind(**{"number": 9} if fields(kind) else {})
        equal = (made == again, made == other, made != other, made == 1, made is not again)
        outcomes.append((astuple(made), repr(made), equal, made == copy(made), deepcopy(made) == made))
    assert outcomes[0] == outcomes[1]


def test_a_quick_record_is_hashed_by_what_is_compared() -> None:
    quickly, plainly = QUICK["Derived"], PLAIN["Derived"]
    told = {"parts": (), "last": (1,)}
    assert hash(quickly(other=1, **told)) == hash(quickly(other=2, **told)) == hash(plainly(**told))
    assert quickly(other=1) == quickly(other=2) != QUICK["Record"](3)
    with pytest.raises(TypeError, match="unhashable"):
        hash(QUICK["Mutable"](1))
    unequal = QUICK["Unequal"](1)
    assert {unequal: 1} == {unequal: 1} != {QUICK["Unequal"](1): 1}
    assert hash(QUICK["Own"](1)) == hash(PLAIN["Own"](1))


def test_a_frozen_quick_record_stays_as_it_was_made() -> None:
    made = QUICK["Derived"](number=1)
    for change in (lambda: setattr(made, "number", 2), lambda: setattr(made, "new", 2), lambda: delattr(made, "text")):
        with pytest.raises(FrozenInstanceError, match=r"cannot (assign to|delete) field"):
            change()
    assert replace(made, number=5).doubled == 10
    mutable = QUICK["Mutable"](8)
    mutable.number = 3
    assert (mutable.number, mutable.half, mutable.made) == (3, 4, [])


def test_each_record_has_a_default_of_its_own() -> None:
    one, other = QUICK["Record"](1), QUICK["Record"](1)
    one.parts.append(2)
    assert (one.parts, other.parts) == ([2], [])


def test_a_quick_record_is_pickled_and_copied() -> None:
    made = Pickled(1, "b")
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(made, protocol))  # noqa: S301 -- just written here
        assert again == made
        assert type(again) is Pickled


def test_what_is_derived_from_a_quick_class_compares_by_its_own_kind_and_adds_attributes() -> None:
    class Named(Pickled):
        """With attributes of its own."""

    named: Any = Named(1)
    named.name = "a"
    assert named == Named(1) != Pickled(1)
    assert hash(named) == hash(Named(1))
    with pytest.raises(FrozenInstanceError):
        named.number = 2


def test_a_class_without_slots_is_refused() -> None:
    with pytest.raises(TypeError, match=r"dataclasses\.dataclass"):
        quick(slots=False)
