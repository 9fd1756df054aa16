"""Records that are made quickly are made as the plain ones are."""

from dataclasses import FrozenInstanceError, dataclass, field, replace
from inspect import signature
from typing import Any

import pytest

from pytest_torchgraph.recorded.quick import quick


@dataclass(frozen=True, slots=True)
class Plain:
    """A record."""

    number: int
    text: str = "a"
    other: int | None = field(default=None, compare=False, kw_only=True)


@quick
@dataclass(frozen=True, slots=True)
class Quick:
    """The same."""

    number: int
    text: str = "a"
    other: int | None = field(default=None, compare=False, kw_only=True)


@pytest.mark.parametrize(("given", "named"), [((1,), {}), ((1, "b"), {"other": 3}), ((), {"number": 1, "text": "c"})])
def test_a_quick_record_holds_what_a_plain_one_does(given: tuple[Any, ...], named: dict[str, Any]) -> None:
    made, plain = Quick(*given, **named), Plain(*given, **named)
    assert (made.number, made.text, made.other) == (plain.number, plain.text, plain.other)
    assert repr(made) == repr(plain).replace("Plain", "Quick")
    assert made == Quick(*given, **{**named, "other": 7})
    assert hash(made) == hash(plain)
    assert replace(made, number=5) == Quick(5, made.text)


def test_a_quick_record_takes_what_the_plain_one_does_and_stays_as_it_was_made() -> None:
    assert signature(Quick) == signature(Plain)
    made: Any = Quick
    for given, named in (((), {}), ((1, "a", 2), {}), ((1,), {"others": 2})):
        with pytest.raises(TypeError, match=r"Quick\.__init__"):
            made(*given, **named)
    with pytest.raises(FrozenInstanceError):
        Quick(1).number = 2  # type: ignore[misc]


def test_a_field_that_is_worked_out_is_refused() -> None:
    with pytest.raises(TypeError, match="others is worked out"):

        @quick
        @dataclass(frozen=True, slots=True)
        class Wrong:
            others: list[int] = field(default_factory=list)
