"""A gradient that is lost is told whatever else changed; what is explained otherwise is not taken for one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from pytest_torchgraph.capture.tracing import trace
from pytest_torchgraph.comparison import compare as compared
from pytest_torchgraph.diff.change import Added
from pytest_torchgraph.diff.compare import compare
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.verdict.drift import judge
from pytest_torchgraph.verdict.finding import Verdict
from tests.capture.small import Calls

GRADIENT = {"gradient-added", "gradient-lost"}


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8))


def step(function: Callable[..., Tensor], *, optimizer: bool = False, **options: Any) -> Graph:
    torch.manual_seed(0)
    model = Calls(function, first=net(), second=net())
    learnt = torch.optim.SGD(model.parameters(), lr=0.1) if optimizer else None
    return trace(model, torch.ones(4, 8), backward=torch.mean, optimizer=learnt, **options)


def verdict_of(before: Graph, after: Graph) -> Verdict:
    return judge(compare(before.canonical, after.canonical))


def causes(before: Graph, after: Graph) -> set[str]:
    return {finding.cause for finding in verdict_of(before, after).findings}


def in_a_row(m: Any, x: Tensor) -> Tensor:
    made: Tensor = m.second(m.first(x))
    return made


def cut(m: Any, x: Tensor) -> Tensor:
    made: Tensor = m.second(m.first(x).detach())
    return made


def test_a_cut_before_the_last_part_names_the_parameters_that_learn_no_more() -> None:
    verdict = verdict_of(step(in_a_row), step(cut))
    leading = verdict.findings[0]
    assert (leading.cause, verdict.status) == ("gradient-lost", "drift")
    assert leading.title == (
        "gradient lost: 4 parameters get no gradient any more: first.0.bias, first.0.weight, first.2.bias, …"
    )
    assert "detach" in leading.hint
    assert "no_grad" in leading.hint


@pytest.mark.parametrize("optimizer", [False, True])
def test_a_teacher_that_is_differentiated_leads_with_what_is_saved_for_it(*, optimizer: bool) -> None:
    def distil(m: Any, x: Tensor, *, teacher: bool) -> Tensor:
        student = m.first(x)
        with nullcontext() if teacher else torch.no_grad():
            target = m.second(x)
        return functional.mse_loss(student, target)

    graphs = [step(lambda m, x, flag=flag: distil(m, x, teacher=flag), optimizer=optimizer) for flag in (False, True)]
    leading = verdict_of(*graphs).findings[0]
    assert leading.cause == "gradient-added"
    assert leading.title.startswith("saved 768 B -> 1.2 KiB (+66.7%): more of second is differentiated (")
    assert "4 parameters more get a gradient" in leading.title


def test_a_path_that_is_cut_beside_another_is_told_though_every_parameter_learns() -> None:
    def both(m: Any, x: Tensor, *, whole: bool) -> Tensor:
        found = m.first(x)
        made: Tensor = found + m.second(found if whole else found.detach())
        return made

    graphs = [step(lambda m, x, flag=flag: both(m, x, whole=flag)) for flag in (True, False)]
    verdict = verdict_of(*graphs)
    assert verdict.status == "drift"
    assert verdict.findings[0].title == "gradient lost: part of second.0 is differentiated no longer (-2 operations)"


def test_where_the_gradient_was_lost_is_named_by_the_line_of_the_forward_work() -> None:
    def weighed(_: Any, x: Tensor, *, whole: bool) -> Tensor:
        weight = x.square().mean(-1, keepdim=True).rsqrt()
        return x * (weight if whole else weight.detach())

    def run(m: Any, x: Tensor, *, whole: bool) -> Tensor:
        return weighed(m, m.first(x), whole=whole)

    graphs = [step(lambda m, x, flag=flag: run(m, x, whole=flag)) for flag in (True, False)]
    (row, *_) = compared(*graphs).outline("test").sections[0].rows
    line = weighed.__code__.co_firstlineno + 1
    assert row.source.startswith("near test_gradients.py:")
    assert str(line) in row.source or str(line + 1) in row.source


def test_a_lost_gradient_is_told_beside_another_edit() -> None:
    def with_a_copy(m: Any, x: Tensor) -> Tensor:
        return cut(m, x).clone()

    found = causes(step(in_a_row), step(with_a_copy))
    assert {"gradient-lost", "extra-copy"} <= found


def test_a_gradient_that_is_lost_where_the_forward_work_was_edited_is_told() -> None:
    class Weighed(nn.Module):
        def __init__(self, *, cut: bool) -> None:
            super().__init__()
            self.weight, self.bias, self.cut = nn.Parameter(torch.ones(8)), nn.Parameter(torch.ones(8)), cut

        def forward(self, x: Tensor) -> Tensor:
            scaled = x * self.weight
            return (scaled.detach().clone() if self.cut else scaled) + self.bias

    graphs = [trace(Weighed(cut=cut), torch.ones(4, 8), backward=torch.mean) for cut in (False, True)]
    found = [finding for finding in verdict_of(*graphs).findings if finding.cause == "gradient-lost"]
    assert [finding.title for finding in found] == ["gradient lost: 1 parameter gets no gradient any more: weight"]


def test_lost_gradients_of_a_part_that_is_called_no_longer_are_told_after_that() -> None:
    found = verdict_of(step(in_a_row), step(lambda m, x: m.second(x))).findings
    assert [(each.kind, each.cause) for each in found if each.cause in GRADIENT] == [("follow", "gradient-lost")]
    assert found[0].cause == "module-removed"


def test_a_part_before_the_first_one_is_newly_differentiated_and_no_other() -> None:
    found = verdict_of(step(lambda m, x: m.second(x)), step(in_a_row)).findings
    assert [(each.kind, each.cause) for each in found if each.cause in GRADIENT] == [("follow", "gradient-added")]
    assert "second" not in next(each for each in found if each.cause in GRADIENT).title
    assert found[0].cause == "module-added"


def test_another_way_to_cut_a_value_into_parts_is_no_gradient() -> None:
    def halves(m: Any, x: Tensor, *, chunk: bool) -> Tensor:
        found = m.first(x)
        left, right = found.chunk(2, -1) if chunk else (found[:, :4], found[:, 4:])
        made: Tensor = left * right
        return made

    graphs = [step(lambda m, x, flag=flag: halves(m, x, chunk=flag)) for flag in (False, True)]
    assert not GRADIENT & causes(*graphs)
    assert not GRADIENT & causes(*reversed(graphs))


def test_an_operation_that_is_replaced_brings_its_own_backward_work() -> None:
    before, after = step(lambda m, x: in_a_row(m, x).relu()), step(lambda m, x: functional.silu(in_a_row(m, x)) * 2)
    assert not GRADIENT & (causes(before, after) | causes(after, before))


def test_what_checkpointing_runs_again_is_no_gradient() -> None:
    def again(m: Any, x: Tensor) -> Tensor:
        made: Tensor = m.second(checkpoint(m.first, x, use_reentrant=False))
        return made

    before, after = step(in_a_row), step(again)
    assert not GRADIENT & (causes(before, after) | causes(after, before))


def test_a_test_that_goes_backward_for_the_first_time_gains_no_gradient() -> None:
    model = Calls(in_a_row, first=net(), second=net())
    before, after = trace(model, torch.ones(4, 8)), trace(model, torch.ones(4, 8), backward=torch.mean)
    assert not GRADIENT & (causes(before, after) | causes(after, before))


def test_work_that_only_the_formula_of_a_derivative_repeats_is_no_advice() -> None:
    def norm(m: Any, x: Tensor, *, whole: bool) -> Tensor:
        found = m.first(x)
        weight = (found * found).mean(-1, keepdim=True).rsqrt()
        made: Tensor = found * (weight if whole else weight.detach())
        return made

    graphs = [step(lambda m, x, flag=flag: norm(m, x, whole=flag)) for flag in (False, True)]
    changes = compare(graphs[0].canonical, graphs[1].canonical).changes
    assert any(isinstance(change, Added) and change.again for change in changes)
    assert not {"repeated-work", "repeat-removed"} & (causes(*graphs) | causes(*reversed(graphs)))


def test_one_more_reader_that_only_adds_its_gradient_is_told() -> None:
    def run(m: Any, x: Tensor, *, whole: bool) -> Tensor:
        found = m.first(x)
        made: Tensor = m.second(x) + found + (found if whole else found.detach())
        return made

    graphs = [step(lambda m, x, flag=flag: run(m, x, whole=flag)) for flag in (False, True)]
    assert "gradient-added" in causes(*graphs)
    assert "gradient-lost" in causes(*reversed(graphs))


def test_work_that_a_model_repeats_is_told_with_the_backward_work_it_brings() -> None:
    def twice(m: Any, x: Tensor, *, again: bool) -> Tensor:
        found = m.first(x)
        other = m.first(x) if again else found
        made: Tensor = found * other
        return made

    graphs = [step(lambda m, x, flag=flag: twice(m, x, again=flag)) for flag in (False, True)]
    assert "repeated-work" in causes(*graphs)


def test_parameters_that_another_call_still_trains_are_not_told_as_lost() -> None:
    def both(m: Any, x: Tensor) -> Any:
        return m.first(x) + m.first(x)

    def one(m: Any, x: Tensor) -> Any:
        return m.first(x).detach() + m.first(x)

    for before, after, told in ((both, one, "part of first is differentiated no longer"), (one, both, "more of first")):
        leading = verdict_of(step(before), step(after)).findings[0]
        assert told in leading.title
        assert "parameter" not in leading.title


def test_what_a_hook_keeps_of_a_gradient_is_no_gradient_that_was_gained() -> None:
    kept = []

    def hooked(m: Any, x: Tensor) -> Tensor:
        made: Tensor = m.first(x)
        made.register_hook(lambda grad: kept.append(grad.square()))
        found: Tensor = m.second(made)
        return found

    before, after = step(in_a_row), step(hooked)
    assert "unused-result" in causes(before, after)
    assert not causes(before, after) & GRADIENT
