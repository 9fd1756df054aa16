from __future__ import annotations

import shutil
from itertools import combinations

import pytest
import torch
from torch import nn

from pytest_torchgraph import trace
from pytest_torchgraph.drawing.diagram import diagram
from pytest_torchgraph.drawing.layout import Box, lay_out
from pytest_torchgraph.drawing.marks import marks_of
from pytest_torchgraph.drawing.model import Node, build, collapsed
from pytest_torchgraph.drawing.options import Options
from pytest_torchgraph.graph import Graph, expanded
from pytest_torchgraph.snapshot.reader import read
from pytest_torchgraph.snapshot.writer import write
from tests.drawing.graphs import LAYERS, forward, from_file, step


def titles(node: Node) -> list[str]:
    return [node.title, *(title for inner in (node.body.nodes if node.body else ()) for title in titles(inner))]


def test_repeated_layers_are_one_box_that_says_how_many() -> None:
    (lane,) = build(forward()).lanes
    assert f"0-{LAYERS - 1}: Layer ×{LAYERS}" in titles(lane)


def test_repeated_layers_are_unfolded_on_request() -> None:
    (lane,) = build(forward(), folded=False).lanes
    assert [title for title in titles(lane) if title.endswith(": Layer")] == [f"{n}: Layer" for n in range(LAYERS)]


def test_every_operation_that_does_work_is_in_exactly_one_lane() -> None:
    lanes = build(step()).lanes
    drawn = sorted(index for lane in lanes for index in lane.operations)
    assert drawn == [operation.index for operation in step().operations if not operation.is_view]


def test_phases_are_told_apart() -> None:
    assert [lane.phase for lane in build(step()).lanes] == ["forward", "backward", "optimizer"]


def test_a_snapshot_file_gives_the_same_boxes() -> None:
    for recorded, stored in zip(build(step()).lanes[:2], build(from_file()).lanes[:2], strict=True):
        assert titles(recorded) == titles(stored)


def test_modules_are_closed_below_a_depth() -> None:
    (lane,) = build(forward()).lanes
    assert "0-5: Layer ×6" not in titles(collapsed(lane, 1))


def inside(inner: Box, outer: Box) -> bool:
    across = outer.x <= inner.x and inner.x + inner.width <= outer.x + outer.width
    return across and outer.y <= inner.y and inner.y + inner.height <= outer.y + outer.height


def apart(one: Box, other: Box) -> bool:
    across = one.x + one.width <= other.x or other.x + other.width <= one.x
    return across or one.y + one.height <= other.y or other.y + other.height <= one.y


@pytest.mark.parametrize("with_dot", [True, False], ids=["dot", "grandalf"])
def test_boxes_lie_in_one_another_or_apart(with_dot: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if with_dot and shutil.which("dot") is None:
        pytest.skip("Graphviz's dot is not installed")
    if not with_dot:
        monkeypatch.setattr(shutil, "which", lambda name: None)
    boxes = lay_out(build(step(), folded=False).lanes).boxes
    assert len(boxes) > 50
    for one, other in combinations(boxes, 2):
        assert apart(one, other) or inside(one, other) or inside(other, one), (one.node.title, other.node.title)


@pytest.mark.parametrize("with_dot", [True, False], ids=["dot", "grandalf"])
def test_forward_runs_down_and_backward_up(with_dot: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if with_dot and shutil.which("dot") is None:
        pytest.skip("Graphviz's dot is not installed")
    if not with_dot:
        monkeypatch.setattr(shutil, "which", lambda name: None)
    scene = lay_out(build(step()).lanes)
    for line in scene.lines:
        rises = line.points[-1][1] < line.points[0][1]
        assert rises == (line.phase == "backward")


def test_marks_are_those_of_the_comparison() -> None:
    marks = marks_of(forward(), forward(copies=True))
    names = [forward(copies=True).operations[index].packet for index in marks.after]
    assert names == ["aten.clone"] * LAYERS
    assert set(marks.after.values()) == {"added"}
    assert f"{LAYERS} added" in marks.note


def test_modules_that_are_said_to_be_the_same_are_marked_by_what_differs_in_them() -> None:
    class Rebuilt(nn.Sequential):
        """Of another name, so that nothing but a person knows what it was."""

    def built(name: str, module: nn.Module) -> Graph:
        model = nn.Sequential()
        model.add_module(name, module)
        return trace(model, torch.ones(2, 4))

    before = built("head", nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Sigmoid()))
    after = built("tail", Rebuilt(nn.GELU(), nn.SiLU(), nn.Sigmoid()))
    assert set(marks_of(before, after).after.values()) == {"added"}
    told = marks_of(before, after, {"head": "tail"})
    assert set(told.after.values()) == set(told.before.values()) == {"altered"}
    made = diagram(after, Options(picture="compare", before=before, same={"head": "tail"}))
    assert "2 altered" in made.note


def test_equal_graphs_have_no_marks() -> None:
    marks = marks_of(forward(), forward())
    assert (marks.before, marks.after, marks.note) == ({}, {}, "the same")


def test_a_comparison_shows_both_graphs_side_by_side() -> None:
    made = diagram(forward(copies=True), Options(picture="compare", before=forward()))
    assert [lane.title for lane in made.lanes] == ["before · forward", "after · forward"]


def test_graphs_from_files_are_marked_like_those_of_a_run() -> None:
    def stored(*, foreach: bool) -> Graph:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
        optimizer = torch.optim.AdamW(model.parameters(), foreach=foreach)
        graph = trace(model, torch.ones(2, 4), backward=True, optimizer=optimizer)
        return expanded(read(write(graph.canonical, test="t", recorded="r")).program)

    files = [stored(foreach=foreach) for foreach in (True, False)]
    marks = marks_of(files[0], files[1])
    for graph, changes, mark in zip(files, (marks.before, marks.after), ("removed", "added"), strict=True):
        marked = {lane.phase: lane.mark for lane in build(graph, changes=changes).lanes}
        assert marked == {"forward": "", "backward": "", "optimizer": mark}
