"""What a training step does beside forward and backward is told as what it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from pytest_torchgraph.capture.recording import record
from pytest_torchgraph.capture.tracing import trace
from pytest_torchgraph.diff.compare import compare
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.verdict.drift import judge
from pytest_torchgraph.verdict.finding import Finding


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 32), nn.LayerNorm(32), nn.GELU(), nn.Linear(32, 4))


def step(*, clip: bool = True, autocast: bool = False, given: int = 6, zero: bool = False, **options: Any) -> Graph:
    """A step written by hand with AdamW, of the first *given* parameters, whose gradients may be clipped before it."""
    model, xs = net(), [torch.ones(4, 8) for _ in range(2)]
    optimizer = torch.optim.AdamW(list(model.parameters())[:given], **options)

    def once() -> None:
        for x in xs:
            with torch.autocast("cpu", enabled=autocast):
                loss = model(x).float().square().mean()
            loss.backward()
        if clip:
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=not zero)

    once()
    with record(model) as recording:
        once()
    return recording.graph


def told(before: Graph, after: Graph) -> tuple[Finding, ...]:
    return judge(compare(before.canonical, after.canonical), same_backend=True).findings


def test_an_optimizer_one_by_one_is_told_though_clipping_works_on_all_at_once() -> None:
    at_once, one_by_one = step(foreach=True), step(foreach=False)
    leading, back = told(at_once, one_by_one), told(one_by_one, at_once)
    assert leading[0].title == (
        "the optimizer works on 6 parameters one after the other, no longer at once by _foreach_ operations"
        " (optimizer.ops 21 -> 60)"
    )
    assert (leading[0].cause, back[0].cause) == ("unfused", "fused")
    assert not {finding.kind for finding in (*leading, *back)} & {"sync", "scope"}


def test_another_option_of_an_optimizer_that_works_at_once_is_no_fusion() -> None:
    plain, more = step(foreach=True), step(foreach=True, amsgrad=True)
    assert not {"fused", "unfused"} & {finding.cause for finding in (*told(plain, more), *told(more, plain))}


class Own(torch.optim.Optimizer):
    """Works on all parameters at once, then does *more* with the first ones."""

    def __init__(self, parameters: Any, more: Callable[[list[torch.Tensor]], object], first: int = 6) -> None:
        super().__init__(parameters, {})
        self.more, self.first = more, first

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        learnt = self.param_groups[0]["params"]
        for each in learnt:
            self.state[each].setdefault("mean", torch.zeros_like(each))
        means = [self.state[each]["mean"] for each in learnt]
        torch._foreach_add_(means, [each.grad for each in learnt])
        torch._foreach_add_(learnt, means, alpha=-0.1)
        self.more(learnt[: self.first])


def own(more: Callable[[list[torch.Tensor]], object], first: int = 6) -> Graph:
    model = net()
    return trace(model, torch.ones(4, 8), backward=torch.mean, optimizer=Own(model.parameters(), more, first))


def test_an_optimizer_that_ends_otherwise_still_works_on_all_at_once() -> None:
    at_once, one = own(torch._foreach_abs_), own(lambda learnt: [each.neg_() for each in learnt])
    assert not {"fused", "unfused"} & {finding.cause for finding in (*told(at_once, one), *told(one, at_once))}


def test_a_single_operation_in_place_of_another_may_be_the_whole_optimizer() -> None:
    def sgd(**options: bool) -> Graph:
        model = net()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, **options)
        return trace(model, torch.ones(4, 8), backward=torch.mean, optimizer=optimizer)

    plain, fused = sgd(foreach=False), sgd(fused=True)
    assert [told(plain, fused)[0].cause, told(fused, plain)[0].cause] == ["fused", "unfused"]


def test_parameters_that_keep_their_state_are_still_updated() -> None:
    def shrink(learnt: list[torch.Tensor]) -> None:
        for each in learnt:
            each.mul_(0.9).clamp_(-1, 1)

    findings = told(own(shrink), own(shrink, 4))
    assert any("leaves out 2 parameters" in finding.title for finding in findings)
    assert not any("never updated" in finding.hint for finding in findings)


@pytest.mark.parametrize("foreach", [True, False])
@pytest.mark.parametrize("given", [1, 4])
def test_parameters_that_the_optimizer_was_not_given_are_named(*, foreach: bool, given: int) -> None:
    every, some = step(foreach=foreach), step(foreach=foreach, given=given)
    there, back = told(every, some)[0], told(some, every)[0]
    count = f"{6 - given}"
    names = "3.bias, 3.weight" if given == 4 else "0.bias, 1.bias, 1.weight, …"
    assert there.title == f"the optimizer leaves out {count} parameters: {names}"
    assert back.title == f"the optimizer works on {count} more parameters: {names}"
    assert {there.cause, back.cause} == {"other-parameters"}
    assert "they get a gradient and no update" in there.hint
    assert not any(each.cause == "other-optimizer" for each in (*told(every, some), *told(some, every)))


def test_work_that_an_optimizer_no_longer_does_for_some_parameters_does_not_leave_them_out() -> None:
    def decayed(*, biases: bool) -> Graph:
        model = net()
        weights, others = ([each for each in model.parameters() if (each.ndim > 1) is many] for many in (True, False))
        decay = 0.01 if biases else 0.0
        groups: list[dict[str, Any]] = [{"params": weights}, {"params": others, "weight_decay": decay}]
        optimizer = torch.optim.AdamW(groups, lr=0.1, foreach=False)
        return trace(model, torch.ones(4, 8), backward=torch.mean, optimizer=optimizer)

    hints = {finding.hint for finding in told(decayed(biases=True), decayed(biases=False))}
    assert not any("never updated" in hint for hint in hints)


def test_a_frozen_part_is_no_parameter_that_the_optimizer_leaves_out() -> None:
    def learnt(*, frozen: bool) -> Graph:
        model = net()
        model[0].requires_grad_(not frozen)
        optimizer = torch.optim.AdamW([each for each in model.parameters() if each.requires_grad], foreach=True)
        return trace(model, torch.ones(4, 8), backward=torch.mean, optimizer=optimizer)

    findings = told(learnt(frozen=False), learnt(frozen=True))
    assert findings[0].cause == "gradient-lost"
    assert not any("never updated" in each.hint or each.cause == "other-optimizer" for each in findings)


def test_work_between_backward_and_optimizer_is_told_as_such() -> None:
    clipped, plain, zeroed = step(), step(clip=False), step(zero=True)
    there, back, zero = told(clipped, plain)[0], told(plain, clipped)[0], told(clipped, zeroed)[0]
    assert there.title == "work between backward and optimizer removed (8 operations)"
    assert back.title == "work between backward and optimizer added (8 operations)"
    assert zero.title.startswith("work between backward and optimizer added (")
    for finding in (there, back, zero):
        assert "gradients are clipped, scaled or set to zero" in finding.hint
    assert [each.cause for each in (there, back)] == ["phase-removed", "phase-added"]


def test_how_a_gradient_lies_in_memory_is_a_consequence_and_no_configuration() -> None:
    for findings in (told(step(autocast=True), step()), told(step(), step(autocast=True))):
        assert "done in" in findings[0].title
        assert "other-configuration" not in {finding.cause for finding in findings}
        (gradient,) = [finding for finding in findings if ".grad" in finding.title]
        assert (gradient.kind, gradient.severity) == ("follow", "fail")


class Deep(nn.Module):
    """So many layers of a kind, then a head."""

    def __init__(self, layers: int, norm: Callable[[int], nn.Module] = nn.LayerNorm) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Sequential(norm(8), nn.Linear(8, 8), nn.GELU()) for _ in range(layers))
        self.head = nn.Linear(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x)
        out: torch.Tensor = self.head(x)
        return out


def trained(model: nn.Module) -> Graph:
    return trace(model, torch.ones(4, 8), backward=torch.mean, optimizer=torch.optim.AdamW(model.parameters()))


def test_parameters_that_come_with_a_layer_are_told_after_the_layer() -> None:
    three, four = trained(Deep(3)), trained(Deep(4))
    there, back = told(three, four), told(four, three)
    assert (there[0].cause, back[0].cause) == ("module-added", "module-removed")
    names = "layers.3.0.bias, layers.3.0.weight, layers.3.1.bias, …"
    (more,) = (each for each in there if "optimizer works" in each.title)
    (fewer,) = (each for each in back if "optimizer leaves" in each.title)
    assert more.title == f"the optimizer works on 4 more parameters, new in the model: {names}"
    assert fewer.title == f"the optimizer leaves out 4 parameters, no longer the model's: {names}"
    assert not more.hint
    assert not fewer.hint


class Widened(nn.Module):
    """A head, and before it what widens and narrows; or that after the head, under other names, at other work."""

    def __init__(self, *, after: bool) -> None:
        super().__init__()
        self.after, self.head = after, nn.Linear(8, 8)
        up, down = nn.Linear(8, 16), nn.Linear(16, 8)
        self.fresh = nn.ModuleDict({"up": up, "down": down} if after else {})
        self.old = nn.ModuleDict({} if after else {"wide": up, "narrow": down})

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor
        if self.after:
            made = self.fresh["down"](self.fresh["up"](self.head(x).exp()).sin()).neg()
        else:
            made = self.head(self.old["narrow"](self.old["wide"](x).relu()))
        return made


def test_parameters_that_may_be_the_same_under_other_names_are_not_said_to_be_gone() -> None:
    old, fresh = trained(Widened(after=False)), trained(Widened(after=True))
    for findings in (told(old, fresh), told(fresh, old)):
        (title,) = [finding.title for finding in findings if finding.title.startswith("the optimizer")]
        assert title.startswith("the optimizer works on 4 parameters of other names and the same sizes: ")


def test_parameters_that_go_with_an_exchanged_module_are_told_after_the_exchange() -> None:
    layer, root = trained(Deep(3)), trained(Deep(3, nn.RMSNorm))
    assert (told(layer, root)[0].cause, told(root, layer)[0].cause) == ("other-norm", "other-norm")
