"""A module called in the place of another of equal shape is drift; a renamed one is a note."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph import trace
from pytest_torchgraph.diff.compare import compare
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.verdict.drift import judge
from pytest_torchgraph.verdict.finding import Verdict
from tests.capture.small import Calls


def linears(**names: int) -> dict[str, nn.Module]:
    return {name: nn.Linear(width, width) for name, width in names.items()}


def verdict_of(before: Callable[..., Tensor], after: Callable[..., Tensor], **children: nn.Module) -> Verdict:
    graphs = [trace(Calls(function, **children), torch.ones(2, 4)) for function in (before, after)]
    return judge(compare(graphs[0].canonical, graphs[1].canonical))


def titles(verdict: Verdict) -> str:
    return "; ".join(finding.title for finding in verdict.findings)


def test_a_projection_used_twice_where_there_were_two_is_drift() -> None:
    verdict = verdict_of(
        lambda m, x: m.q(x) + m.k(x) * m.v(x),
        lambda m, x: m.q(x) + m.k(x) * m.k(x),
        **linears(q=4, k=4, v=4),
    )
    assert verdict.status == "drift"
    assert "calls k once more in the place of v, which is called no longer" in titles(verdict)


def test_one_norm_in_the_place_of_another_is_drift() -> None:
    verdict = verdict_of(
        lambda m, x: m.second(m.one(x)).relu() + m.first(x),
        lambda m, x: m.first(m.one(x)).relu() + m.first(x),
        one=nn.Linear(4, 4),
        first=nn.LayerNorm(4),
        second=nn.LayerNorm(4),
    )
    assert verdict.status == "drift"
    assert "first" in titles(verdict)


def layers_called(*order: int) -> Callable[..., Tensor]:
    def run(module: nn.Module, x: Tensor) -> Tensor:
        layers: nn.ModuleList = module.layers  # type: ignore[assignment]
        for index in order:
            x = layers[index](x)
        return x

    return run


@pytest.mark.parametrize(
    ("order", "told"),
    [
        ((0, 0, 2), "calls layers.0 once more in the place of layers.1, which is called no longer"),
        ((0, 0, 0), "in the place of layers.1"),
        ((1, 0, 2), "layers.0"),
    ],
)
def test_other_layers_of_the_same_shape_are_drift(order: tuple[int, ...], told: str) -> None:
    layers = nn.ModuleList(nn.Sequential(nn.Linear(4, 4), nn.ReLU()) for _ in range(3))
    verdict = verdict_of(layers_called(0, 1, 2), layers_called(*order), layers=layers)
    assert verdict.status == "drift"
    assert told in titles(verdict)


def test_another_parameter_of_the_same_shape_is_drift() -> None:
    class Two(nn.Module):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.first = nn.Parameter(torch.ones(4, 4))
            self.second = nn.Parameter(torch.ones(4, 4))
            self.name = name

        def forward(self, x: Tensor) -> Tensor:
            weight: Tensor = getattr(self, self.name)
            return x @ weight + x @ self.second

    graphs = [trace(Two(name), torch.ones(2, 4)) for name in ("first", "second")]
    assert judge(compare(graphs[0].canonical, graphs[1].canonical)).status == "drift"


def test_a_renamed_module_is_a_note() -> None:
    graphs = [
        trace(Calls(lambda m, x, name=name: getattr(m, name)(x).relu(), **linears(**{name: 4})), torch.ones(2, 4))
        for name in ("projection", "proj")
    ]
    verdict = judge(compare(graphs[0].canonical, graphs[1].canonical))
    assert verdict.status == "note"
    assert "module renamed: projection -> proj" in titles(verdict)


def test_independent_lines_in_another_order_are_a_note() -> None:
    def first(m: Any, x: Tensor) -> Tensor:
        k, v = m.k(x), m.v(x)
        product: Tensor = k * v
        return product

    def second(m: Any, x: Tensor) -> Tensor:
        v, k = m.v(x), m.k(x)
        product: Tensor = k * v
        return product

    assert verdict_of(first, second, **linears(k=4, v=4)).status == "note"


def test_a_model_that_calls_fewer_modules_is_not_improved() -> None:
    layers = nn.ModuleList(nn.Sequential(nn.Linear(4, 4), nn.ReLU()) for _ in range(3))
    verdict = verdict_of(layers_called(0, 1, 2), layers_called(0, 1), layers=layers)
    assert verdict.status == "drift"


def test_tied_parameters_are_not_an_improvement() -> None:
    def tied() -> nn.Module:
        model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
        model[1].weight = model[0].weight
        return model

    graphs = [trace(model, torch.ones(2, 4)) for model in (nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)), tied())]
    assert judge(compare(graphs[0].canonical, graphs[1].canonical)).status == "drift"


def test_a_frozen_backbone_is_not_an_improvement() -> None:
    def model(*, frozen: bool) -> nn.Module:
        made = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
        made[0].requires_grad_(not frozen)
        return made

    graphs = [trace(model(frozen=flag), torch.ones(2, 4), backward=True) for flag in (False, True)]
    assert judge(compare(graphs[0].canonical, graphs[1].canonical)).status == "drift"


def test_fewer_copies_are_an_improvement() -> None:
    verdict = verdict_of(lambda m, x: m.k(x.clone()), lambda m, x: m.k(x), **linears(k=4))
    assert verdict.status == "improved"


def test_work_for_fewer_parameters_names_them() -> None:
    def graph(*, frozen: bool) -> object:
        model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4))
        learnt = [one for name, one in model.named_parameters() if not (frozen and name == "2.bias")]
        return trace(model, torch.ones(2, 4), backward=True, optimizer=torch.optim.SGD(learnt, lr=0.1)).canonical

    verdict = judge(compare(graph(frozen=False), graph(frozen=True)))  # type: ignore[arg-type]
    assert verdict.status == "drift"
    assert "the optimizer leaves out 1 parameter: 2.bias" in titles(verdict)


class Copies(nn.Module):
    def __init__(self, *, copies: bool) -> None:
        super().__init__()
        self.copies = copies

    def forward(self, x: Tensor) -> Tensor:
        made = x.relu()
        return made.clone() if self.copies else made


def test_a_module_that_is_called_like_a_pass_is_none() -> None:
    def graph(*, copies: bool) -> Graph:
        names = ("forward_layer", "backward_layer")
        children = {name: Copies(copies=copies) for name in names}
        return trace(Calls(lambda m, x: m.backward_layer(m.forward_layer(x)), **children), torch.ones(2, 4))

    verdict = judge(compare(graph(copies=False).canonical, graph(copies=True).canonical))
    assert "+2 aten.clone" in titles(verdict)
    assert "backward pass" not in titles(verdict)


@pytest.mark.parametrize("name", ["backward", "optimizer", "between"])
@pytest.mark.parametrize("backward", [False, True])
def test_a_module_that_is_called_just_like_a_pass_is_none(name: str, backward: bool) -> None:
    def graph(*, copies: bool) -> Graph:
        inner = Calls(lambda m, x: m.lin(m.copies(x)), copies=Copies(copies=copies), lin=nn.Linear(4, 4))
        return trace(Calls(lambda m, x: getattr(m, name)(x), **{name: inner}), torch.ones(2, 4), backward=backward)

    verdict = judge(compare(graph(copies=False).canonical, graph(copies=True).canonical))
    assert verdict.findings[0].title == "+1 aten.clone (0 -> 1)"
    assert "pass" not in titles(verdict)


class Pooled(nn.Module):
    """A norm in front of the mean, or behind it."""

    def __init__(self, *, last: bool) -> None:
        super().__init__()
        body, head = (nn.ModuleDict({"act": nn.ReLU()}) for _ in range(2))
        (head if last else body)["norm"] = nn.LayerNorm(4)
        self.body, self.head = body, head

    def forward(self, x: Tensor) -> Tensor:
        for part, after in ((self.body, lambda made: made.mean(1)), (self.head, lambda made: made)):
            x = part["act"](x)
            x = part["norm"](x) if "norm" in part else x
            x = after(x)
        return x


def test_a_module_of_one_class_that_is_called_elsewhere_is_told_with_both_places() -> None:
    x = torch.ones(2, 3, 4)
    first, last = (trace(Pooled(last=last), x).canonical for last in (False, True))
    there, back = (judge(compare(*sides)).findings[0] for sides in ((first, last), (last, first)))
    assert there.title == "LayerNorm called as head.norm, no longer as body.norm (2 operations)"
    assert back.title == "LayerNorm called as body.norm, no longer as head.norm (2 operations)"
