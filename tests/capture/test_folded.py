"""A canonical graph whose equal layers are worked out once is the one that is worked out layer by layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph.canonical.building import canonical
from pytest_torchgraph.canonical.program import Program
from pytest_torchgraph.capture.effect import operands_of
from pytest_torchgraph.capture.folded import Folding, folded
from pytest_torchgraph.capture.graph import Run, freeze
from pytest_torchgraph.capture.options import Options
from pytest_torchgraph.capture.row import rows_in
from pytest_torchgraph.capture.tracing import repeated
from pytest_torchgraph.capture.unfrozen import UnfrozenGraph
from pytest_torchgraph.snapshot.writer import write
from tests.capture.edited_runs import edits, seen_otherwise

LAYERS = 5


class Layer(nn.Module):
    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.fc = nn.Linear(width, width)
        self.norm = nn.BatchNorm1d(width)

    def forward(self, x: Tensor, *others: Tensor) -> Tensor:
        return sum(others, self.norm(self.fc(x)) * 0.5 + x)


class Attending(Layer):
    def forward(self, x: Tensor, *others: Tensor) -> Tensor:
        y = self.fc(x)[None]
        scale = torch.tensor(2.0)
        return nn.functional.scaled_dot_product_attention(y, y, y)[0] * scale


class Stack(nn.Module):
    """Layers in a list, and what a case makes of them."""

    def __init__(self, body: Callable[[Any, Tensor], Any], layer: Callable[[], nn.Module] = Layer) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layer() for _ in range(LAYERS))
        self.head = nn.Linear(4, 4)
        self.kept = torch.ones(4)
        self.body = body

    def forward(self, x: Tensor) -> Any:
        return self.body(self, x.relu())


class Doubled(nn.Module):
    """A row in each layer of a row."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(*(Layer() for _ in range(3)))

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x).neg()


def through(model: Any, x: Tensor, *others: Tensor) -> list[Tensor]:
    found = [x]
    for layer in model.layers:
        found.append(layer(found[-1], *others))
    return found


def plain(model: Any, x: Tensor) -> Any:
    return model.head(through(model, x)[-1])


def with_mask(model: Any, x: Tensor) -> Any:
    return model.head(through(model, x, x.tanh(), model.kept)[-1]) + x


def last(model: Any, x: Tensor) -> Any:
    return through(model, x)[-1]


def first_and_last(model: Any, x: Tensor) -> Any:
    found = through(model, x)
    return {"first": found[1], "last": found[-1].sin() + found[1]}


def hidden(model: Any, x: Tensor) -> Any:
    return through(model, x)


def one_in_the_middle(model: Any, x: Tensor) -> Any:
    found = through(model, x)
    return found[-1] + found[3]


def two_back(model: Any, x: Tensor) -> Any:
    found = [x, x.sin()]
    for layer in model.layers:
        found.append(layer(found[-1], found[-2]))
    return found[-1].exp()


def with_work_between(model: Any, x: Tensor) -> Any:
    for layer in model.layers:
        x = layer(x).relu()
    return x


def twice(model: Any, x: Tensor) -> Any:
    return model.head(through(model, through(model, x)[-1])[-1])


def one_twice(model: Any, x: Tensor) -> Any:
    return model.layers[3](through(model, x)[-1])


def one_other_number(model: Any, x: Tensor) -> Any:
    model.layers[3].fc.bias = None
    return model.head(through(model, x)[-1])


def tied(model: Any, x: Tensor) -> Any:
    model.layers[3].fc.weight = model.layers[1].fc.weight
    return model.head(through(model, x)[-1])


def tied_to_the_head(model: Any, x: Tensor) -> Any:
    model.layers[3].fc.weight = model.head.weight
    return model.head(through(model, x)[-1])


def weight_read_outside(model: Any, x: Tensor) -> Any:
    return through(model, x)[-1] @ model.layers[3].fc.weight.T


def sizes_change(model: Any, x: Tensor) -> Any:
    return model.layers[4](model.layers[3](model.layers[2](model.layers[1](model.layers[0](x)))[:1].repeat(2, 1)))


FOLDS = {
    "plain": Stack(plain),
    "with_mask": Stack(with_mask),
    "last": Stack(last),
    "first_and_last": Stack(first_and_last),
    "attending": Stack(plain, Attending),
    "doubled": Stack(plain, Doubled),
    "weight_read_outside": Stack(weight_read_outside),
    "sequential": nn.Sequential(nn.Linear(4, 4), nn.Sequential(*(Layer() for _ in range(4))), nn.ReLU()),
    "many_sequences": nn.Sequential(*(nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.ReLU()) for _ in range(4))),
}
OTHERS = {
    "hidden": Stack(hidden),
    "one_in_the_middle": Stack(one_in_the_middle),
    "two_back": Stack(two_back),
    "with_work_between": Stack(with_work_between),
    "twice": Stack(twice),
    "one_twice": Stack(one_twice),
    "one_other_number": Stack(one_other_number),
    "tied": Stack(tied),
    "tied_to_the_head": Stack(tied_to_the_head),
    "sizes_change": Stack(sizes_change),
    "without_work": nn.Sequential(*(nn.Flatten() for _ in range(4)), nn.ReLU()),
}


def run_of(model: nn.Module, *, grad: bool = False) -> Run:
    """One run of *model*, in eval mode without gradients."""
    with torch.set_grad_enabled(grad), repeated(model.train(grad), torch.ones(2, 4), None, Options()) as run:
        found: Run = vars(run())["run"]
    return found


def same(program: Program, run: Run) -> bool:
    """Whether *program* is the canonical graph of *run*, byte for byte."""
    expected = canonical(freeze(run))
    return program == expected and text(program) == text(expected)


def text(program: Program) -> str:
    return write(program, test="test", recorded="")


@pytest.mark.parametrize("name", sorted(FOLDS))
@pytest.mark.parametrize("grad", [False, True])
def test_equal_layers_are_worked_out_once(name: str, *, grad: bool) -> None:
    run = run_of(FOLDS[name], grad=grad)
    program = folded(run)
    assert program is not None
    assert same(program, run)


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_layers_that_are_read_otherwise_are_told_apart(name: str) -> None:
    run = run_of(OTHERS[name])
    program = folded(run)
    assert program is None or same(program, run)


def test_a_stored_graph_is_recognised_without_working_out_the_run() -> None:
    with torch.no_grad(), repeated(FOLDS["plain"], torch.ones(2, 4), None, Options()) as run:
        first, second = run(), run()
        program = first.canonical
        assert second.is_canonically(program)
        assert type(second) is UnfrozenGraph
        assert not second.is_canonically(replace(program, metrics=()))
        assert type(second) is not UnfrozenGraph


def test_an_answer_that_is_wrong_is_seen_wherever_a_test_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted defect: equal layers that are said to be whatever is expected."""
    monkeypatch.setattr(Folding, "program", lambda _, expected: expected)
    model, x = Stack(plain), torch.ones(2, 4)
    with torch.no_grad(), repeated(model, x, None, Options()) as run:
        program = run().canonical
        model.body = lambda model, x: plain(model, x.sin_())
        with pytest.raises(AssertionError):
            run().is_canonically(program)


def test_whatever_one_layer_does_otherwise_is_seen() -> None:
    run = run_of(FOLDS["with_mask"])
    (row,) = rows_in(run)
    segment = row.segments[3]
    inside = [raw for entry in run.log[segment.start : segment.operations[-1] + 1] for raw in operands_of(entry)]
    tried, differing = seen_otherwise(run, edits(run, segment.operations[::2], inside))
    assert tried > 20
    assert differing > 15


def test_where_the_numbers_already_differ_no_layer_is_worked_out(monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_of(FOLDS["with_mask"])
    expected = canonical(freeze(run))
    assert folded(run, expected) == expected
    numbers = dict(expected.metrics)
    assert {"ops", "peak"} <= numbers.keys()
    monkeypatch.setattr("pytest_torchgraph.capture.folded.canonical", unasked)
    for name in ("ops", "peak"):
        told = tuple({**numbers, name: numbers[name] + 1}.items())
        assert folded(run, replace(expected, metrics=told)) is None


def unasked(*_: Any) -> None:
    raise RuntimeError("asked for")
