"""A module that is in another mode than the rest is named; what it does stands behind an edit of the model."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph.capture.tracing import trace
from pytest_torchgraph.comparison import Comparison, compare
from pytest_torchgraph.graph import Graph

Edit = Callable[["Net"], object]


class Part(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear, self.drop, self.norm = nn.Linear(8, 8), nn.Dropout(0.5), nn.BatchNorm1d(8)
        self.act: nn.Module = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.norm(self.drop(self.linear(x))))


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.parts, self.head = nn.ModuleList(Part() for _ in range(3)), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        for part in self.parts:
            x = part(x)
        return self.head(x)

    def part(self, at: int) -> Part:
        part = self.parts[at]
        assert isinstance(part, Part)
        return part


def graph(*edits: Edit, trains: bool = False) -> Graph:
    model = Net().train(trains)
    for edit in edits:
        edit(model)
    return trace(model, torch.ones(4, 8), backward=trains)


def drop_trains(model: Net) -> None:
    model.part(1).drop.train()


def norms_train(model: Net) -> None:
    for at in range(3):
        model.part(at).norm.train()


def norms_do_not(model: Net) -> None:
    for at in range(3):
        model.part(at).norm.eval()


def gelu(model: Net) -> None:
    model.part(0).act = nn.GELU().eval()


def told(comparison: Comparison) -> tuple[str, str]:
    leading = comparison.verdict.findings[0]
    return leading.cause, leading.title


@pytest.mark.parametrize(
    ("edit", "trains", "place"),
    [
        (drop_trains, False, "parts.1.drop"),
        (norms_train, False, "parts.*.norm ×3"),
        (norms_do_not, True, "parts.*.norm ×3"),
    ],
)
def test_modules_in_the_other_mode_are_named_both_ways(edit: Edit, trains: bool, place: str) -> None:
    plain, edited = graph(trains=trains), graph(edit, trains=trains)
    mode, other = ("train", "evaluation") if trains else ("eval", "training")
    back = "training" if trains else "evaluation"
    assert told(compare(plain, edited)) == (f"{other}-mode", f"{place}: as in {other} mode now (run: {mode} -> mixed)")
    assert told(compare(edited, plain)) == (f"{back}-mode", f"{place}: as in {back} mode now (run: mixed -> {mode})")


def test_all_that_a_mode_brings_is_told_with_it() -> None:
    failing = compare(graph(), graph(norms_train)).verdict.failing
    assert {finding.kind for finding in failing} == {"run", "memory"}


def test_a_flag_that_nothing_acts_on_is_a_note() -> None:
    comparison = compare(graph(), graph(lambda model: model.head.train()))
    assert (comparison.verdict.status, comparison.verdict.findings[0].title) == ("note", "run: eval -> mixed")


def test_an_edit_is_told_before_the_mode_of_another_module() -> None:
    findings = compare(graph(), graph(gelu, drop_trains)).verdict.findings
    assert [finding.kind for finding in findings[:2]] == ["operation", "run"]


def test_a_dropout_that_is_another_one_is_told_as_one_more_and_one_less() -> None:
    before, after = graph(drop_trains), graph(lambda model: model.part(2).drop.train())
    titles = {finding.title for finding in compare(before, after).verdict.failing if finding.cause == "dropout"}
    assert titles == {
        "dropout in parts.2.drop (+4 operations)",
        "dropout no longer in parts.1.drop (-4 operations)",
    }
