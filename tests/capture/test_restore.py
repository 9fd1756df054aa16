"""Tracing leaves models, inputs and random state as they were, and says so only where it does."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph import trace
from pytest_torchgraph.capture import picture, state
from pytest_torchgraph.capture.operation import _overloads, overload_of
from tests.capture.small import Calls, example

X = example(4, 8)


def draws() -> tuple[float, float, float]:
    """The next random number of every generator, taken without moving it."""
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()  # noqa: NPY002 -- the same
    numbers = float(torch.rand(())), random.random(), float(np.random.random())  # noqa: NPY002 -- the global generator
    torch.set_rng_state(states[0])
    random.setstate(states[1])
    np.random.set_state(states[2])  # noqa: NPY002 -- the global generator
    return numbers


def portrait(model: nn.Module) -> list[tuple[object, ...]]:
    """Contents and structure of a model, in values that compare."""
    found: list[tuple[object, ...]] = []
    for path, module in model.named_modules():
        tensors = [*module._parameters.items(), *module._buffers.items()]
        found.append((path, type(module), module.training, sorted(module._modules), len(module._forward_hooks)))
        found.extend(
            (name, id(tensor), tensor.tolist(), tensor.requires_grad, tensor.is_leaf and id(tensor.grad))
            for name, tensor in tensors
            if tensor is not None
        )
    return found


class Stirring(nn.Module):
    """Changes in its forward whatever a model can change."""

    def __init__(self, change: Callable[[Any, Tensor], object]) -> None:
        super().__init__()
        self.change = change
        self.mix = nn.Linear(8, 8)
        self.norm = nn.BatchNorm1d(8)
        self.drop = nn.Dropout(0.5)
        self.register_buffer("table", torch.zeros(8))

    def forward(self, x: Tensor) -> Any:
        self.change(self, x)
        return self.drop(self.norm(self.mix(x)))


def add_hook(module: Any, x: Tensor) -> None:
    module.mix.register_forward_hook(lambda *_: None)


def swap_data(module: Any, x: Tensor) -> None:
    module.mix.weight.data = torch.ones(8, 8)


def write_weight(module: Any, x: Tensor) -> None:
    with torch.no_grad():
        module.mix.weight.mul_(2)
        module.mix.bias[2:4] = 1


def write_through_view(module: Any, x: Tensor) -> None:
    module.table.view(2, 4)[0].add_(5)


def accumulate(module: Any, x: Tensor) -> None:
    with torch.enable_grad():
        module.mix(x).sum().backward()


def freeze(module: Any, x: Tensor) -> None:
    module.requires_grad_(requires_grad=False)
    module.eval()


def register_again(module: Any, x: Tensor) -> None:
    module.register_buffer("table", torch.ones(8))


def replace_module(module: Any, x: Tensor) -> None:
    module.mix = nn.Linear(8, 8)


def remove_parameter(module: Any, x: Tensor) -> None:
    del module.mix.bias
    module.mix.bias = None


def load_state(module: Any, x: Tensor) -> None:
    module.mix.load_state_dict({"weight": torch.ones(8, 8), "bias": torch.ones(8)})


def change_dtype_and_back(module: Any, x: Tensor) -> None:
    module.mix.to(torch.bfloat16).to(torch.float32)


def keep_loss(module: Any, x: Tensor) -> None:
    module.table.copy_(module.mix(x).sum(0))


CHANGES = [
    add_hook,
    swap_data,
    write_weight,
    write_through_view,
    accumulate,
    freeze,
    register_again,
    replace_module,
    remove_parameter,
    load_state,
    change_dtype_and_back,
    keep_loss,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_the_model_is_as_it_was(change: Callable[[Any, Tensor], object]) -> None:
    model = Stirring(change)
    before, numbers = portrait(model), draws()
    trace(model, X)
    assert portrait(model) == before
    assert draws() == numbers


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_the_model_is_as_it_was_after_an_exception(change: Callable[[Any, Tensor], object]) -> None:
    def change_and_fail(module: Any, x: Tensor) -> None:
        change(module, x)
        torch.rand(3)
        raise ZeroDivisionError

    model = Stirring(change_and_fail)
    before, numbers = portrait(model), draws()
    with pytest.raises(ZeroDivisionError):
        trace(model, X)
    assert portrait(model) == before
    assert draws() == numbers


@pytest.mark.parametrize("change", [change for change in CHANGES if change is not change_dtype_and_back])
def test_every_change_shows_without_restoring(change: Callable[[Any, Tensor], object]) -> None:
    model = Stirring(change)
    before = portrait(model)
    trace(model, X, restore=False)
    assert portrait(model) != before


def test_statistics_and_random_numbers_move_without_restoring() -> None:
    model, numbers = nn.Sequential(nn.BatchNorm1d(8), nn.Dropout(0.5)), draws()
    trace(model, X, restore=False)
    assert model[0].state_dict()["num_batches_tracked"].item() == 1
    assert draws() != numbers


def test_statistics_of_every_norm_are_put_back() -> None:
    model = nn.Sequential(
        nn.BatchNorm1d(8), nn.BatchNorm1d(8, momentum=None), nn.InstanceNorm1d(4, track_running_stats=True)
    )
    before = {name: value.clone() for name, value in model.state_dict().items()}
    trace(lambda x: model[2](model[1](model[0](x))[None]), X)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_random_numbers_of_python_and_numpy_are_put_back() -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        return x * random.random() * float(np.random.random()) + torch.rand(8)  # noqa: NPY002 -- the global generator

    numbers = draws()
    trace(Calls(forward), X)
    assert draws() == numbers


def in_place(x: Tensor) -> None:
    x.add_(1)


def through_a_view(x: Tensor) -> None:
    x.T[1].zero_()


def by_index(x: Tensor) -> None:
    x[x > 0] = 0


def by_out(x: Tensor) -> None:
    torch.mul(x, 2, out=x)


def turned(x: Tensor) -> None:
    x.t_()


def made_smaller(x: Tensor) -> None:
    x.resize_(2, 2)


def made_larger(x: Tensor) -> None:
    x.resize_(64, 8).zero_()


def pointed_elsewhere(x: Tensor) -> None:
    x.set_(torch.ones(3))  # type: ignore[call-overload]


def given_other_data(x: Tensor) -> None:
    x.data = torch.zeros(2)


def given_a_gradient(x: Tensor) -> None:
    x.requires_grad_()
    (x * 2).sum().backward()


WRITES = [
    in_place,
    through_a_view,
    by_index,
    by_out,
    turned,
    made_smaller,
    made_larger,
    pointed_elsewhere,
    given_other_data,
    given_a_gradient,
]


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.__name__)
def test_inputs_are_as_they_were(write: Callable[[Tensor], None], fails: bool) -> None:
    def forward(module: Any, x: Tensor) -> Any:
        write(x)
        return torch.linalg.inv(torch.ones(2, 3)) if fails else x + 1

    x = X.clone()
    with pytest.raises(RuntimeError) if fails else torch.enable_grad():
        trace(Calls(forward), x)
    assert torch.equal(x, X)
    assert x.stride() == X.stride()
    assert not x.requires_grad
    assert x.grad is None


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.__name__)
def test_what_happens_to_inputs_shows_without_restoring(write: Callable[[Tensor], None]) -> None:
    x = X.clone()
    trace(Calls(lambda module, x: write(x)), x, restore=False)
    changed = x.shape != X.shape or not torch.equal(x, X) or x.requires_grad
    assert changed


def test_a_part_of_a_storage_is_put_back_whole() -> None:
    whole = example(20)
    trace(Calls(lambda module, x: x.as_strided((20,), (1,), 0).zero_()), whole[5:8])
    assert torch.equal(whole, example(20))


def test_lists_and_mappings_given_to_the_model_are_unchanged() -> None:
    def forward(module: Any, values: list[Tensor], kept: dict[str, Any]) -> Tensor:
        values.append(values.pop(0) + 1)
        kept["step"] += 1
        kept["cache"]["new"] = values[0]
        return values[0]

    values, kept = [X], {"step": 0, "cache": {}}
    trace(Calls(forward), (values, kept))
    assert len(values) == 1
    assert values[0] is X
    assert kept == {"step": 0, "cache": {}}
    trace(Calls(forward), (values, kept), restore=False)
    assert kept["step"] == 1


def test_gradients_that_were_there_stay() -> None:
    model = nn.Linear(8, 8)
    model(X).sum().backward()
    gradient = model.weight.grad
    assert gradient is not None
    contents = gradient.clone()

    def forward(module: Any, x: Tensor) -> Any:
        module.mix.zero_grad()
        return module.mix(x)

    trace(Calls(forward, mix=model), X)
    assert model.weight.grad is gradient
    assert torch.equal(gradient, contents)


def test_caches_that_a_model_builds_for_itself_are_gone_afterwards() -> None:
    def forward(module: Any, x: Tensor) -> Any:
        if module.table is None:
            module.table = torch.arange(8.0)
        if not hasattr(module, "memo"):
            module.memo = torch.ones(8)
        return x + module.table + module.memo

    model: Any = Calls(forward)
    model.register_buffer("table", None)
    assert trace(model, X, warmup=1).count("ops") < trace(model, X).count("ops")
    assert model.table is None
    assert not hasattr(model, "memo")


def test_warmup_runs_are_undone_too() -> None:
    model = nn.BatchNorm1d(8)
    trace(model, X, warmup=3)
    assert model.state_dict()["num_batches_tracked"].item() == 0


def test_training_flags_that_disagree_are_kept_and_told() -> None:
    model = nn.Sequential(nn.BatchNorm1d(8), nn.Dropout())
    model[1].eval()
    graph = trace(model, X)
    assert graph.origin.training == "mixed"
    assert (model[0].training, model[1].training) == (True, False)


def test_a_write_that_nobody_declares_would_show(monkeypatch: pytest.MonkeyPatch) -> None:
    overload = overload_of(torch.ops.aten.native_batch_norm.default)
    blind = dataclasses.replace(overload, may_write=False)
    monkeypatch.setitem(_overloads, id(overload.target), blind)
    model = nn.BatchNorm1d(8)
    trace(model, X)
    assert not torch.equal(model.state_dict()["running_mean"], torch.zeros(8))


def test_a_generator_that_is_forgotten_would_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "random_undo", lambda: lambda: None)
    numbers = draws()
    trace(nn.Dropout(), X)
    assert draws() != numbers


class Notes(nn.Module):
    """Writes into many containers that are empty at first, some of which inputs hold, too."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(8, 8)
        self.notes: list[list[int]] = [[] for _ in range(5)]

    def forward(self, x: Tensor, kept: dict[str, list[int]]) -> Tensor:
        """Count a call everywhere."""
        for note in (*self.notes, kept["mine"]):
            note.append(1)
        return self.inner(x)


def test_containers_are_put_back_where_they_are_met_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "PIECE", 2)
    model = Notes()
    kept = {"shared": model.notes[3], "mine": list[int]()}
    trace(model, (X, kept))
    assert model.notes == [[], [], [], [], []]
    assert kept == {"shared": [], "mine": []}


def test_what_was_put_back_at_the_end_is_not_held_on_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "PIECE", 2)
    kept = state.State([Notes()])
    assert kept.model.containers
    kept.restore()
    assert not kept.model.containers
    assert not kept.model.leaves
