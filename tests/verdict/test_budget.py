from __future__ import annotations

import pytest

from pytest_torchgraph.verdict.budget import BudgetUnreadable, check_budget, parse_budget
from pytest_torchgraph.verdict.quantity import AmountUnreadable
from tests.verdict.graphs import graph


def broken(**budget: object) -> list[str]:
    return [finding.title for finding in check_budget(graph(), budget)]


def test_a_kept_budget_finds_nothing() -> None:
    limits = {"ops": 11, "copies": "<=7", "aten.clone": "=7", "aten.clone.default": 7, "aten.relu": 0, "peak": "7 MiB"}
    assert check_budget(graph(), limits) == []
    assert broken(attention=1, matmuls="=4", syncs=0, casts=0, views=0, buffers=0, parameters="3 MiB", flops=4000) == []


def test_a_broken_budget_names_value_limit_and_the_scopes_that_cost_most() -> None:
    (finding,) = check_budget(graph(), {"copies": 4})
    assert finding.title == "copies 7, budget at most 4"
    assert finding.details == ("layers.* ×3: 7",)


def test_no_more_than_three_scopes_are_named_dearest_first() -> None:
    (finding,) = check_budget(graph(), {"peak": "5 MiB"})
    assert finding.title == "peak 7.0 MiB, budget at most 5.0 MiB"
    assert finding.details == ("layers.0: 5.0 MiB", "head: 2.0 MiB")


def test_an_exact_budget_is_broken_from_below_too() -> None:
    assert broken(matmuls="=5") == ["matmuls 4, budget exactly 5"]


def test_a_budget_missed_by_less_than_a_digit_is_told_in_bytes() -> None:
    assert broken(peak=7 * 2**20 - 1) == [f"peak {7 * 2**20} B, budget at most 7.0 MiB"]


def test_a_total_with_unknown_parts_fails_and_names_them() -> None:
    (finding,) = check_budget(graph(flops=None), {"flops": 10**12})
    assert finding.title == "flops are ≥0, budget at most 1000000000000: the total is not known"
    assert finding.details == ("no formula for aten.mm",)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("opps", "did you mean 'ops'"),
        ("graph_breaks", "this is not measured"),
        ("saved", "this is not measured"),
        ("backward.ops", "this is not measured"),
        ("aten.contiguous", "Write aten.clone"),
        ("aten clone", "there is no such key"),
        ("", "there is no such key"),
    ],
)
def test_a_key_that_limits_nothing_is_refused(key: str, words: str) -> None:
    with pytest.raises(BudgetUnreadable, match=words):
        parse_budget({key: 0})


def test_an_operation_that_pytorch_does_not_have_is_refused_with_a_suggestion() -> None:
    with pytest.raises(BudgetUnreadable, match=r"no operation 'aten\.clon'; did you mean 'aten\.clone'"):
        check_budget(graph(), {"aten.clon": 0})
    with pytest.raises(BudgetUnreadable, match=r"no such operation; try aten\.clone"):
        parse_budget({"aten.clon": 0}, known=lambda _: False, suggest=lambda _: "; try aten.clone")


def test_a_size_is_refused_for_a_plain_number() -> None:
    with pytest.raises(BudgetUnreadable, match="'1 kB' was read as 1000 bytes, but ops is a plain number"):
        parse_budget({"ops": "1 kB"})


def test_a_limit_in_no_accepted_form_names_its_key() -> None:
    with pytest.raises(BudgetUnreadable, match=r"budget 'ops': limit 'few' is not understood\. Accepted forms"):
        parse_budget({"ops": "few"})
    assert issubclass(AmountUnreadable, ValueError)
