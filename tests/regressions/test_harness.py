"""The checks of a pair fail where something is wrong: planted defects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from tests.regressions.pair import Pair, Run, Told, pairs_in, require_equal_numbers, require_told

MASK = pairs_in("drift")["causal_mask_passed"]
SAME = pairs_in("harmless")["reshape_for_view"]


def a_pair(before: Callable[[Tensor], Tensor], after: Callable[[Tensor], Tensor]) -> Pair:
    def side(function: Callable[[Tensor], Tensor]) -> Callable[[], Run]:
        return lambda: Run(model=function, args=torch.ones(3))

    return Pair("planted", side(before), side(after), Told(status="same"))


def test_other_numbers_are_refused() -> None:
    with pytest.raises(AssertionError, match="not close"):
        require_equal_numbers(a_pair(lambda x: x + 1, lambda x: x + 2))


def test_numbers_beyond_the_stated_tolerance_are_refused() -> None:
    pair = a_pair(lambda x: x + 1, lambda x: x + 1.001)
    require_equal_numbers(replace(pair, told=Told(atol=1e-2)))
    with pytest.raises(AssertionError, match="not close"):
        require_equal_numbers(pair)


def test_other_gradients_are_refused() -> None:
    def side(factor: float) -> Callable[[], Run]:
        return lambda: Run(model=nn.Linear(3, 3), args=torch.ones(3), backward=lambda made: made.sum() * factor)

    with pytest.raises(AssertionError, match="not close"):
        require_equal_numbers(Pair("planted", side(1), side(2), Told()))


def test_a_pair_without_numbers_is_refused() -> None:
    with pytest.raises(AssertionError, match="proves nothing"):
        require_equal_numbers(a_pair(lambda x: None, lambda x: None))  # type: ignore[arg-type, return-value]


WRONG = {
    "no drift": replace(SAME, told=MASK.told),
    "drift where there must be none": replace(MASK, told=SAME.told),
    "another cause": replace(MASK, told=replace(MASK.told, cause="extra-copy")),
    "another module": replace(MASK, told=replace(MASK.told, module="layers.*.norm ×4")),
    "fewer modules": replace(MASK, told=replace(MASK.told, module="layers.*.attention ×3")),
    "another status": replace(MASK, told=replace(MASK.told, status="improved")),
    "another line": replace(MASK, marked=("causal_mask_passed.py:1",)),
    "a line more": replace(MASK, marked=("causal_mask_passed.py:1", *MASK.marked)),
    "no line": replace(MASK, marked=()),
    "the other way round": replace(MASK, before=MASK.after, after=MASK.before),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_report_that_says_something_else_is_refused(case: str) -> None:
    with pytest.raises(AssertionError):
        require_told(WRONG[case])


def test_the_pairs_that_the_defects_are_planted_in_are_sound() -> None:
    for pair in (MASK, SAME):
        require_equal_numbers(pair)
        require_told(pair)
