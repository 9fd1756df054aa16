"""The analysis as tables: repeated modules are one row, and nothing of a name can harm the terminal."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn

from pytest_torchgraph.analysis.overview import analyse
from pytest_torchgraph.analysis.tally import Total
from pytest_torchgraph.capture.tracing import trace
from pytest_torchgraph.graph import Graph, expanded
from pytest_torchgraph.report.analysis import flops, render
from pytest_torchgraph.verdict.quantity import seconds
from tests.capture.small import Calls, example

X = example(4, 8)


class Block(nn.Module):
    def __init__(self, *, deviates: bool = False) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 8)
        self.deviates = deviates

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.fc(x)
        return (y + x).tanh() if self.deviates else y + x


def layered(deviating: int | None = None) -> Graph:
    blocks = nn.Sequential(*(Block(deviates=number == deviating) for number in range(6)))
    return trace(Calls(lambda module, x: module.layers(x), layers=blocks), X, backward=True, timing=2)


def rows(text: str) -> list[str]:
    return [line.split("  ")[0] for line in re.sub(r"(?m)^ ", "", text).splitlines()]


def test_repeated_modules_are_one_row_with_their_sums() -> None:
    text = render(analyse(layered()))
    (block,) = (line for line in text.splitlines() if "Block" in line)
    assert block.strip().startswith("0, 1, 2, 3, …: Block ×6 ")
    assert "432" in block.split()
    assert "fc: Linear ×6" in text


def test_a_module_that_deviates_has_a_row_of_its_own() -> None:
    text = render(analyse(layered(deviating=3)))
    assert "0, 1, 2, 4, …: Block ×5" in text
    assert "3: Block" in text


def test_modules_are_shown_as_deep_as_asked_for() -> None:
    assert "fc: Linear" not in render(analyse(layered()), depth=2)


def test_times_and_the_recorder_s_own_are_told_where_there_are_any() -> None:
    timed, untimed = render(analyse(layered())), render(analyse(expanded(layered().canonical)))
    assert "of recording taken out" in timed
    assert "forward  backward" in timed
    assert "of recording taken out" not in untimed
    assert "backward" not in untimed.partition("operations\n")[0]
    assert "critical path: " in untimed


def test_every_line_fits_the_terminal() -> None:
    deep = nn.Sequential(nn.Sequential(nn.Sequential(nn.Sequential(nn.Linear(8, 8)))))
    for graph in (layered(), trace(deep, X, timing=1)):
        for width in (100, 140):
            assert all(len(line) <= width for line in render(analyse(graph), width=width).splitlines())


def test_names_are_shown_without_what_a_terminal_would_obey() -> None:
    model = nn.Sequential()
    model.add_module("\x1b[31m[bold]red[/bold]", nn.Linear(8, 8))
    text = render(analyse(trace(model, X)))
    assert "\x1b" not in text
    assert "[bold]red[/bold]" in text


def test_colour_is_used_where_it_is_asked_for() -> None:
    assert "\x1b[" in render(analyse(layered()), colour=True)
    assert "\x1b" not in render(analyse(layered()))


def test_what_is_done_twice_is_told() -> None:
    with torch.no_grad():
        text = render(analyse(trace(lambda x: x.exp() + x.exp(), X)))
    assert "done again with the same operands: 1 aten.exp" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "?"), (0.0, "0 ns"), (2e-9, "2 ns"), (1.5e-6, "1.5 µs"), (0.0123, "12.3 ms"), (2.0, "2 s")],
)
def test_seconds_have_a_unit_that_fits(value: float | None, text: str) -> None:
    assert seconds(value) == text


def test_flops_are_told_with_what_is_not_known() -> None:
    assert flops(Total(1_310_000)) == "1.31 MFLOPs"
    assert flops(Total(12)) == "12 FLOPs"
    assert flops(Total(0, ("aten.mm",))) == "? FLOPs"
