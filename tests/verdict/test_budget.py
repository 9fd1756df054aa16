from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import Any

import pytest

from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.memory import Life
from pytest_torchgraph.verdict.budget import check_budget, parse_budget
from pytest_torchgraph.verdict.measure import BudgetUnreadable
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


def test_the_scopes_beyond_the_third_are_told_in_one_line() -> None:
    torch = pytest.importorskip("torch")
    from pytest_torchgraph import trace

    names = {name: torch.nn.Linear(4, 4) for name in "abcde"}
    (finding,) = check_budget(trace(torch.nn.Sequential(OrderedDict(names)), torch.ones(2, 4)), {"matmuls": 4})
    assert finding.details == ("a: 1", "b: 1", "c: 1", "2 other scopes: 2")


def test_scopes_that_are_only_numbers_are_called_modules() -> None:
    torch = pytest.importorskip("torch")
    from pytest_torchgraph import trace

    several = trace(torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 4)), torch.ones(2, 4))
    (finding,) = check_budget(several, {"matmuls": 1})
    assert finding.details == ("modules 0, 1 ×2: 2",)
    (finding,) = check_budget(trace(torch.nn.Sequential(torch.nn.Linear(4, 4)), torch.ones(2, 4)), {"matmuls": 0})
    assert finding.details == ("module 0: 1",)


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
        ("opps", r"there is no such key; did you mean 'ops'\? Keys: ops, views, .*, or an operation name\.$"),
        ("bytes", "this is not measured"),
        ("backwards.ops", r"no phase 'backwards'; did you mean 'backward'\? Phases: forward, backward, between, opt"),
        ("backward.opps", "there is no such key; did you mean 'ops'"),
        ("backward.peak", "peak is measured for the whole run only"),
        ("backward.aten.contiguous", "Write aten.clone"),
        ("aten.contiguous", "Write aten.clone"),
        ("aten clone", "there is no such key"),
        ("", "there is no such key"),
    ],
)
def test_a_key_that_limits_nothing_is_refused(key: str, words: str) -> None:
    with pytest.raises(BudgetUnreadable, match=words):
        parse_budget({key: 0})


def in_phases() -> Graph:
    """The graph, its last four operations in a backward phase that ends with an optimizer step."""
    plain = graph()
    phases = ["forward"] * 7 + ["backward"] * 3 + ["optimizer"]
    operations = tuple(replace(each, phase=phase) for each, phase in zip(plain.operations, phases, strict=True))
    calls = (replace(plain.calls[0], scope=3),)
    lives = (
        Life(0, "parameters", 2**20, -1, None),
        Life(2, "saved", 2**22, 0, 9),
        Life(1, "gradients", 2**21, 8, None),
    )
    return replace(plain, operations=operations, calls=calls, memory=replace(plain.memory, lives=lives, saved=2**22))


def test_a_phase_has_keys_of_its_own() -> None:
    limits = {
        "forward.ops": "=7",
        "backward.ops": "=3",
        "optimizer.ops": "=1",
        "backward.copies": "=3",
        "backward.aten.clone": "=3",
        "backward.flops": "=0",
        "forward.attention": 0,
        "saved": "=4 MiB",
        "gradients": "=2 MiB",
        "state": "=0",
    }
    assert check_budget(in_phases(), limits) == []
    titles = [finding.title for finding in check_budget(in_phases(), {"backward.copies": 0, "saved": "1 MiB"})]
    assert titles == ["backward.copies 3, budget at most 0", "saved 4.0 MiB, budget at most 1.0 MiB"]
    (finding,) = check_budget(in_phases(), {"backward.copies": 0})
    assert finding.details == ("layers.2: 3",)


def test_work_that_no_module_did_is_told_by_its_phase() -> None:
    stepped = in_phases()
    operations = tuple(replace(each, scope=0) if each.index in (0, 7, 8, 10) else each for each in stepped.operations)
    stepped = replace(stepped, operations=operations)
    details = {key: check_budget(stepped, {key: 0})[0].details for key in ("matmuls", "copies", "backward.ops")}
    assert details["matmuls"] == ("layers.* ×2: 2", "the model: 1", "optimizer: 1")
    assert details["copies"] == ("layers.* ×3: 5", "backward: 2")
    assert details["backward.ops"] == ("backward: 2", "layers.2: 1")


@pytest.mark.parametrize("key", ["backward.ops", "saved", "gradients", "state", "between.copies"])
def test_a_phase_that_did_not_run_cannot_be_limited(key: str) -> None:
    with pytest.raises(BudgetUnreadable, match=r"this run has no \w+ phase; phases recorded: forward\."):
        check_budget(graph(), {key: 10**9})


def test_the_message_about_a_missing_phase_says_how_to_record_it() -> None:
    with pytest.raises(BudgetUnreadable, match=r"Trace with backward=True\.$"):
        check_budget(graph(), {"backward.ops": 0})


def test_what_a_graph_read_from_a_file_cannot_tell_is_refused() -> None:
    stepped = in_phases()
    stored = replace(stepped, memory=replace(stepped.memory, lives=None, saved=7))
    assert check_budget(stored, {"saved": "=7"}) == []
    with pytest.raises(BudgetUnreadable, match="budget 'gradients': a snapshot file holds the peak and totals"):
        check_budget(stored, {"gradients": 0})


@pytest.mark.parametrize("limits", [10, "ops=10", ["ops"]])
def test_a_budget_that_is_no_mapping_is_refused(limits: Any) -> None:
    with pytest.raises(BudgetUnreadable, match=r"expected a mapping of keys and limits, such as budget=\{'ops': 120"):
        parse_budget(limits)


@pytest.mark.parametrize("key", ["attention", "scaled_dot_product_attention", "aten.scaled_dot_product_attention"])
def test_attention_calls_are_limited_under_every_name(key: str) -> None:
    assert broken(**{key: 1}) == []
    (finding,) = check_budget(graph(), {key: 0})
    assert finding.details == ("layers.0: 1",)


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
