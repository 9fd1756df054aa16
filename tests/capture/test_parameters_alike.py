"""What an optimizer does for parameters that are alike is worked out once, and the canonical graph is the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adagrad, Adam, AdamW, NAdam, Optimizer, RMSprop

from pytest_torchgraph.canonical.building import canonical
from pytest_torchgraph.canonical.program import Program
from pytest_torchgraph.capture.attribution import Linking, phases_of
from pytest_torchgraph.capture.effect import operands_of
from pytest_torchgraph.capture.folded import folded
from pytest_torchgraph.capture.graph import Run, freeze
from pytest_torchgraph.capture.options import Options
from pytest_torchgraph.capture.parameters_alike import FoundAlike, alike_in
from pytest_torchgraph.capture.tracing import repeated
from pytest_torchgraph.capture.unfrozen import UnfrozenGraph
from pytest_torchgraph.snapshot.writer import write
from tests.capture.edited_runs import edits, seen_otherwise


def model() -> nn.Sequential:
    """Six parameters of two shapes, and two of others."""
    torch.manual_seed(0)
    return nn.Sequential(*(nn.Linear(4, 4) for _ in range(3)), nn.Linear(4, 2))


def in_groups(parameters: Any) -> Optimizer:
    """Weights decay and biases do not."""
    one: list[Any] = []
    other: list[Any] = []
    for parameter in parameters:
        (one if parameter.dim() > 1 else other).append(parameter)
    return AdamW([{"params": one, "weight_decay": 0.1}, {"params": other, "weight_decay": 0.0}], foreach=False)


class Clumsy(SGD):
    """Does something for one parameter that it does for no other."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        for place, parameter in enumerate(self.param_groups[0]["params"]):
            parameter.add_(parameter.grad * (0.5 if place == 2 else 0.25), alpha=-1)


class Chained(SGD):
    """Reads the gradient of the parameter before."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        parameters = self.param_groups[0]["params"]
        for one, other in zip(parameters, parameters[2:], strict=False):
            other.add_(other.grad, alpha=-1).add_(one.grad.sum())


Making = Callable[[Any], Optimizer]
OPTIMIZERS: dict[str, Making] = {
    "adamw": partial(AdamW, foreach=False),
    "adam_amsgrad": partial(Adam, amsgrad=True, weight_decay=0.01, foreach=False),
    "momentum": partial(SGD, lr=0.1, momentum=0.9, nesterov=True, foreach=False),
    "rmsprop": partial(RMSprop, centered=True, foreach=False),
    "adagrad": partial(Adagrad, foreach=False),
    "nadam": partial(NAdam, foreach=False),
    "in_groups": in_groups,
    "clumsy": partial(Clumsy, lr=0.1),
}
OTHERS: dict[str, Making] = {
    "foreach": partial(AdamW, foreach=True),
    "capturable_rate": partial(Adam, lr=torch.tensor(0.1), foreach=False),
    "chained": partial(Chained, lr=0.1),
}


def run_of(made: Making, *, warmup: int = 1, net: Callable[[], nn.Module] = model) -> Run:
    """One step of an optimizer, by default the second, whose state is there."""
    module = net()
    options = Options(backward=True, optimizer=made(module.parameters()), warmup=warmup)
    with repeated(module, torch.ones(2, 4), None, options) as run:
        found: Run = vars(run())["run"]
    return found


def found_in(run: Run) -> list[FoundAlike]:
    links = Linking(run.log, run.scopes, run.followed).link()
    return alike_in(run, links, phases_of(run.log, links, run.scopes, run.followed))


def same(program: Program, run: Run) -> bool:
    """Whether *program* is the canonical graph of *run*, byte for byte."""
    expected = canonical(freeze(run))
    return program == expected and text(program) == text(expected)


def text(program: Program) -> str:
    return write(program, test="test", recorded="")


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
@pytest.mark.parametrize("warmup", [0, 1])
def test_what_is_done_for_parameters_alike_is_worked_out_once(name: str, warmup: int) -> None:
    run = run_of(OPTIMIZERS[name], warmup=warmup)
    (found,) = found_in(run)
    assert {"2.weight", "1.bias"} <= found.like.keys()
    program = folded(run)
    assert program is not None
    assert same(program, run)


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_steps_that_are_no_loop_over_parameters_are_worked_out_one_by_one(name: str) -> None:
    run = run_of(OTHERS[name])
    assert not found_in(run)
    program = folded(run)
    assert program is None or same(program, run)


def test_parameters_that_are_not_treated_alike_are_told_apart() -> None:
    (found,) = found_in(run_of(OPTIMIZERS["clumsy"]))
    assert found.like == {"2.weight": "0.weight", "1.bias": "0.bias", "2.bias": "0.bias"}


def test_values_that_are_read_after_a_step_stay_their_own() -> None:
    class Leaving(SGD):
        @torch.no_grad()
        def step(self, closure: Any = None) -> Any:
            kept.extend(parameter.sub_(parameter.grad) * 2 for parameter in self.param_groups[0]["params"])

    class Reading(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = model()
            self.optimizer = Leaving(self.net.parameters(), lr=0.1)

        def forward(self, x: Tensor) -> Tensor:
            self.net(x).sum().backward()
            self.optimizer.step()
            found = torch.stack([one.sum() for one in kept]).sum()
            kept.clear()
            return found

    kept: list[Tensor] = []
    with repeated(Reading(), torch.ones(2, 4), None, Options()) as traced:
        run: Run = vars(traced())["run"]
    assert not found_in(run)
    program = folded(run)
    assert program is None or same(program, run)


def test_a_stored_step_is_recognised_without_working_out_the_run() -> None:
    module = model()
    options = Options(backward=True, optimizer=AdamW(module.parameters(), foreach=False), warmup=1)
    with repeated(module, torch.ones(2, 4), None, options) as run:
        first, second = run(), run()
        assert second.is_canonically(first.canonical)
        assert type(second) is UnfrozenGraph


def places_of(found: FoundAlike, run: Run) -> set[int]:
    """The operations that are done for the first of the biases that are alike."""
    sights = run.identity.sights
    told = set(found.operations.values())
    named = {at for at in told for raw in operands_of(run.log[at]) if (sights[raw.storage].name or "") == "0.bias"}
    return set(range(min(named), max(named) + 1)) & told


@pytest.mark.parametrize("warmup", [0, 1])
def test_whatever_is_done_otherwise_for_one_parameter_is_seen(warmup: int) -> None:
    run = run_of(OPTIMIZERS["adamw"], warmup=warmup)
    (found,) = found_in(run)
    turn = [at for at, first in found.operations.items() if first in places_of(found, run)]
    others = [raw for at in found.within for raw in operands_of(run.log[at])]
    tried, differing = seen_otherwise(run, edits(run, turn[::3], others))
    assert tried > 10
    assert differing > 5
