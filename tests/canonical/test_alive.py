"""What is alive at the peak is told in a few lines, and adds up to it."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from pytest_torchgraph import trace
from pytest_torchgraph.canonical.alive import LONGEST, OTHERS, Place, What
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.memory import Life
from pytest_torchgraph.snapshot.reader import read
from pytest_torchgraph.snapshot.writer import write


def stack(layers: int) -> nn.Module:
    return nn.Sequential(*(nn.Sequential(nn.Linear(8, 8), nn.GELU()) for _ in range(layers)))


def told(graph: Graph) -> dict[str, tuple[int, int]]:
    return {str(one.what): (one.count, one.bytes) for one in graph.canonical.alive}


def test_values_of_like_modules_are_one_line() -> None:
    graph = trace(stack(6), torch.ones(4, 8))
    assert told(graph) == {
        "saved *.0: addmm f32[4,8]": (6, 6 * 128),
        "saved *.1: gelu f32[4,8]": (5, 5 * 128),
        "temporary *.1: gelu f32[4,8]": (1, 128),
        "input input f32[4,8]": (1, 128),
    }


@pytest.mark.parametrize("phases", ["forward", "backward", "optimizer"])
def test_the_lines_add_up_to_the_peak(phases: str) -> None:
    model = stack(3)
    optimizer = torch.optim.AdamW(model.parameters()) if phases == "optimizer" else None
    graph = trace(model, torch.ones(4, 8), backward=phases != "forward", optimizer=optimizer)
    memory = graph.memory
    held = memory.parameter_bytes + memory.buffer_bytes
    assert sum(one.bytes for one in graph.canonical.alive) + held == memory.peak


def test_what_is_small_shares_a_line() -> None:
    model = nn.Sequential(*(nn.Linear(width, width + 1) for width in range(2, 22)))
    graph = trace(model, torch.ones(1, 2))
    lines = graph.canonical.alive
    assert len(lines) == LONGEST
    assert lines[-1].what == OTHERS
    assert sum(one.count for one in lines) == len({life.storage for life in kept(graph)})


def kept(graph: Graph) -> list[Life]:
    lives = graph.memory.lives or ()
    return [one for one in lives if one.alive(graph.memory.peak_at) and one.category not in ("parameters", "buffers")]


def test_a_file_says_the_same() -> None:
    program = trace(stack(3), torch.ones(4, 8)).canonical
    text = write(program, test="t", recorded="r")
    assert read(text).program.alive == program.alive
    cut = text.replace("alive 128 input input f32[4,8]", "alive 128")
    assert "alive" in dict(read(cut).program.metrics)


@given(st.text())
def test_a_text_that_is_read_is_told_again(text: str) -> None:
    assert str(What.read(text)) == text
    assert str(Place.read(text)) == text


def test_a_module_that_is_called_as_a_phase_is_in_a_file_what_it_is_in_the_graph() -> None:
    model = nn.Sequential()
    model.add_module("backward x", nn.Sequential(nn.Linear(8, 8), nn.ReLU()))
    program = trace(model, torch.ones(4, 8)).canonical
    found = read(write(program, test="t", recorded="r")).program
    assert (found.alive, found.peak_at) == (program.alive, program.peak_at)
    assert found == program
