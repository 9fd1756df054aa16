"""Panels say what the graph holds, and where it holds nothing they say how that is had."""

from __future__ import annotations

import functools
import re
from dataclasses import replace
from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from torch import Tensor, nn

from pytest_torchgraph import trace
from pytest_torchgraph.capture.activation import values
from pytest_torchgraph.capture.scaling import by_batch
from pytest_torchgraph.explorer.advice import checkpoints, narrower, prunable
from pytest_torchgraph.explorer.block import Block, Chart, Code, Grid, Heat, Line, Span
from pytest_torchgraph.explorer.lowering import LOWERINGS, lowered, plain, wrapped
from pytest_torchgraph.explorer.panel import (
    ADVICE,
    ALONE,
    COMPARE,
    FINDINGS,
    FLOW,
    MEMORY,
    MODULE,
    OPERATIONS,
    PAIR,
    PERFORMANCE,
    SOURCE,
    VALUES,
    Panel,
)
from pytest_torchgraph.explorer.panels.chosen import Chosen
from pytest_torchgraph.explorer.panels.performance import overlay
from pytest_torchgraph.explorer.subject import Subject, of_graph, of_model
from pytest_torchgraph.snapshot.loading import graph_of
from pytest_torchgraph.snapshot.reader import read
from pytest_torchgraph.snapshot.recorded import recorded_line
from pytest_torchgraph.snapshot.writer import write
from pytest_torchgraph.words.printable import printable
from tests.explorer.small import pictures, tower
from tests.explorer.test_tree import from_file, pair, ran
from tests.verdict.compilations import BREAK, RECOMPILE, compilation


@functools.cache
def valued() -> Subject:
    model, tokens = tower()
    return ran().with_values(values(model, tokens, backward=True))


def told(panel: Panel, subject: Subject, path: str = "", width: int = 100, cursor: int | None = None) -> str:
    return plain(lowered(panel.blocks(subject, Chosen((subject.modules[path],), cursor)), width))


def test_every_kind_of_block_can_be_shown() -> None:
    assert set(LOWERINGS) == set(get_args(Block))


@pytest.mark.parametrize("panel", ALONE, ids=lambda panel: panel.name)
@pytest.mark.parametrize("width", [24, 60, 120])
def test_no_line_is_wider_than_there_is_room_whatever_is_known(panel: Panel, width: int) -> None:
    for subject in (of_model(tower()[0]), ran(), valued(), from_file(), pair()):
        for path in subject.modules:
            chosen = Chosen((subject.modules[path],))
            for line in lowered(panel.blocks(subject, chosen), width):
                assert sum(cell_len(text) for text, _ in line) <= width


def test_the_module_panel_tells_what_it_holds_and_what_flows_through() -> None:
    text = told(MODULE, ran(), "layers.1.up")
    for part in ("Linear(8→16)", "144, all trained", "float32 on cpu", "called once", "f32[1,4,8]", "16×8"):
        assert part in text
    assert "the same module as" not in text
    shared = nn.Sequential(nn.Linear(2, 2))
    shared.append(shared[0])
    assert "the same module as 0" in told(MODULE, of_model(shared), "1")


def test_what_a_compiler_made_is_told_of_the_model_and_of_the_module_where_it_stopped() -> None:
    model, tokens = tower()
    graph = trace(model, tokens)
    made = compilation(graphs=2, breaks=(BREAK,), recompiles=(RECOMPILE,), uncompiled=3)
    subject = of_graph(replace(graph, compilation=made))
    whole, layer, other = (told(MODULE, subject, path) for path in ("", "layers.0", "layers.1"))
    assert "the whole model: 2 graphs, 1 graph break, 1 recompilation, 3 operations in no graph" in whole
    assert RECOMPILE.guard in whole
    for text in (whole, layer):
        assert "break  Data-dependent branching (GB0170)  model.py:14 in forward" in text
    assert RECOMPILE.guard not in layer
    assert "compiled" not in other


def test_the_overlay_has_the_documented_lines() -> None:
    module, layer = ran().modules["layers.0.up"], ran().layers["layers.0.up"]
    lines = ["".join(text for text, _ in line.spans) for line in overlay(ran(), module, layer)]
    assert lines[0].startswith("layers.0.up   144 params   Shape: 16×8   Time: ")
    assert lines[0].endswith("Mem: 576 B")
    assert lines[1].startswith("├─ forward()    ⚡ ")
    assert "Input: f32[1,4,8]   Output: f32[1,4,16]" in lines[1]
    assert lines[2].startswith("├─ backward()   ⚡ ")
    assert lines[2].endswith("Gradient: computed")
    assert lines[3] == "└─ memory       📊 576 B     Parameters: 144 × 4 bytes"


@pytest.mark.parametrize("panel", [PERFORMANCE, SOURCE, MEMORY, VALUES], ids=lambda panel: panel.name)
def test_what_a_file_does_not_hold_is_said_with_how_it_is_had(panel: Panel) -> None:
    text = " ".join(told(panel, from_file(), "layers.0").split())
    assert "torchgraph explore MODULE:FACTORY" in text
    assert re.search(r"\d(μs|ms|s)\b|\d [kMG]?FLOPs", text) is None


@pytest.mark.parametrize("panel", [PERFORMANCE, FLOW, OPERATIONS, MEMORY, VALUES], ids=lambda panel: panel.name)
def test_a_model_without_a_run_says_how_one_is_had(panel: Panel) -> None:
    assert "explore_model(model, inputs)" in " ".join(told(panel, of_model(tower()[0]), "layers.0").split())


def test_a_file_tells_parameters_from_buffers_no_more_than_it_can() -> None:
    model, x = pictures()
    graph = trace(model.eval(), x)
    snapshot = read(write(graph.canonical, test="t", recorded=recorded_line(graph)))
    subject = of_graph(graph_of(snapshot), recorded=snapshot.recorded)
    text = told(MODULE, subject, "bn1")
    assert "running_mean" in text
    assert "A file does not tell parameters from buffers." in text
    assert "buffer " not in text.replace("buffers", "")


def test_the_source_has_the_operations_beside_the_lines_that_asked_for_them() -> None:
    text = told(SOURCE, ran(), "layers.0", 120)
    line = next(line for line in text.splitlines() if "return x + self.down" in line)
    for name in ("addmm", "relu"):
        assert name in line
    assert "forward  small.py:" in text
    assert "return self.head(x)" not in text


def test_the_source_of_a_library_module_names_the_line_that_called_it() -> None:
    text = told(SOURCE, ran(), "layers.0.up", 120)
    assert "return F.linear(input, self.weight, self.bias)" in text
    assert "asked for at  small.py:" in text


def test_the_flow_names_who_made_and_who_reads_a_tensor() -> None:
    text = told(FLOW, ran(), "layers.1.norm", 140)
    assert "f32[1,4,8]  ← layers.0: add" in text
    assert "from native_layer_norm → layers.1.up: addmm" in text
    assert "input tokens" in told(FLOW, ran(), "embed")
    assert "what the model returns" in told(FLOW, ran(), "head")


class Overwriting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Identity(), nn.Tanh()

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x * 2)
        y.relu_()
        return self.last(y).exp()


def test_the_flow_names_the_operation_that_wrote_last() -> None:
    model = Overwriting()
    subject = of_graph(trace(model, torch.ones(2, 2)), around=of_model(model))
    assert "the model: relu_" in told(FLOW, subject, "last")


def test_operations_are_told_in_order_with_marks_and_what_their_names_mean() -> None:
    text = told(OPERATIONS, ran(), "layers.0", 160)
    rows = [line.split()[0] for line in text.splitlines() if "small.py" in line]
    assert rows[:5] == ["native_layer_norm", "addmm", "relu", "addmm", "add"]
    assert "matmul" in text
    assert "aten.relu from torch.nn.functional.relu" in text
    assert "goes backward through ReluBackward0" in text


def test_the_memory_cursor_names_what_is_alive_there() -> None:
    subject = ran()
    graph = subject.graph
    assert graph is not None
    for cursor in (-1, 0, graph.memory.peak_at, len(graph.operations) - 1):
        text = told(MEMORY, subject, "", 100, cursor)
        assert f"step {cursor + 1:,} of {len(graph.operations):,}" in text
    at_peak = told(MEMORY, subject, "", 100)
    assert "the peak" in at_peak
    largest = max(life.bytes for life in graph.memory.lives or () if life.alive(graph.memory.peak_at))
    assert largest
    assert told(MEMORY, subject, "", 100, 10**9) == told(MEMORY, subject, "", 100, len(graph.operations) - 1)


def test_values_are_told_and_wrong_ones_stand_out() -> None:
    text = told(VALUES, valued(), "layers.1")
    assert "returned  f32[1,4,8]" in text
    assert "gradient flow" in text
    assert "up.weight" in text
    assert "are not finite" not in text
    model, tokens = tower()
    with torch.no_grad():
        model.layers[1].get_parameter("up.weight")[0, 0] = float("nan")
    broken = ran().with_values(values(model, tokens))
    assert "of 32 elements are not finite" in told(VALUES, broken, "layers.1")
    assert "No gradient reached a parameter" in told(VALUES, broken, "layers.1")
    assert "Press v" in told(VALUES, ran(), "layers.1")


def test_fewer_bits_are_advised_for_weights_that_matrix_products_read_and_count_right() -> None:
    found = {one.path: one for one in narrower(ran(), ran().tree)}
    assert set(found) == {"embed", *(f"layers.{n}.{name}" for n in range(3) for name in ("up", "down"))}
    up = found["layers.0.up"]
    assert (up.weights, up.bytes, up.bfloat16, up.int8) == (("weight",), 512, 256, 128 + 4 * 16)
    half = of_model(tower()[0].bfloat16())
    assert all(one.bfloat16 is None and one.int8 is not None for one in narrower(half, half.tree))
    assert narrower(of_model(nn.LayerNorm(4)), of_model(nn.LayerNorm(4)).tree) == []


def test_pruning_is_advised_for_weights_that_do_little_and_for_no_other() -> None:
    assert prunable(valued(), valued().tree) == []
    model, tokens = tower()
    with torch.no_grad():
        model.get_parameter("layers.0.up.weight").mul_(1e-6)
        model.get_parameter("layers.2.down.weight")[:, :10] = 0
    subject = ran().with_values(values(model, tokens))
    names = {one.name: one.reason for one in prunable(subject, subject.tree)}
    assert set(names) == {"layers.0.up.weight", "layers.2.down.weight"}
    assert names["layers.2.down.weight"] == "62% of it are zeros"
    assert [one.name for one in prunable(subject, subject.modules["layers.2"])] == ["layers.2.down.weight"]


class Deep(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(16, 64), nn.GELU(), nn.Linear(64, 16)) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = x + block(x)
        return x


def test_checkpointing_is_advised_with_what_it_really_frees_and_computes_again() -> None:
    model, x = Deep(), torch.randn(4, 16)
    subject = of_graph(trace(model, x, backward=True), around=of_model(model))
    (found,) = checkpoints(subject, subject.tree)
    assert (found.path, found.count) == ("blocks.0", 3)
    assert found.freed == 2 * 4 * 64 * 4
    graph = subject.graph
    assert graph is not None
    assert found.again.at_least == graph.select(module="blocks.0", phase="forward").flops
    assert checkpoints(of_graph(trace(model, x), around=of_model(model)), subject.tree) == []


def test_advice_says_how_it_was_worked_out_and_when_it_does_not_hold() -> None:
    text = told(ADVICE, valued(), "layers.0")
    assert text.count("how    ") >= 4
    assert text.count("unless ") + text.count("without ") >= 4
    assert "no other batch was recorded" in text


def test_the_largest_batch_that_is_advised_fits_and_the_next_does_not() -> None:
    model, tokens = tower()
    growth = by_batch(model, tokens, None, backward=True)
    assert growth.scaling is not None
    text = told(ADVICE, valued().with_values(values(model, tokens, backward=True), growth))
    (row,) = (line for line in text.splitlines() if line.startswith("1 GiB"))
    batch = int(row.split()[-1].replace(",", ""))
    assert growth.scaling.at("peak", batch=batch) <= 2**30 < growth.scaling.at("peak", batch=batch + 1)
    assert growth.scaling.at("peak", batch=8) == trace(model, tokens.repeat(8, 1), backward=True).memory.peak
    assert f"({tokens.shape[0]} here)" in " ".join(text.split())


def test_where_no_batch_can_be_told_the_reason_is() -> None:
    model, tokens = tower()
    asks = by_batch(lambda x: x[x > 0], torch.randn(4), None, backward=None)
    two = by_batch(lambda x, y: x, (tokens, torch.zeros(7)), None, backward=None)
    for growth, reason in ((asks, "a fake tensor holds nothing"), (two, "share no first dimension")):
        text = told(ADVICE, valued().with_values(values(model, tokens, backward=True), growth), width=400)
        assert reason in text


def test_findings_are_those_of_the_report_and_the_chosen_module_comes_first() -> None:
    subject = pair()
    text = told(FINDINGS, subject, "layers.1", 160)
    comparison = subject.comparison
    assert comparison is not None
    assert "in layers.1" in text
    for section in comparison.outline("").sections:
        assert section.title in " ".join(text.split())
    assert "Only one graph is open" in told(FINDINGS, ran())


def test_two_models_are_compared_place_by_place() -> None:
    text = told(COMPARE, pair(), "", 140)
    rows = {line[:12].strip(): line for line in text.splitlines()}
    assert "made otherwise" in text
    assert any(line.startswith("+") and "also" in line for line in text.splitlines())
    assert any(line.startswith("-") and "2" in line for line in text.splitlines()), rows
    assert len(PAIR) == len(ALONE) + 2


def test_layers_that_are_alike_on_both_sides_are_compared_once() -> None:
    before, tokens = tower()
    after, _ = tower()
    after.head = nn.Linear(8, 10)
    subjects = [of_graph(trace(model, tokens), around=of_model(model)) for model in (before, after)]
    from pytest_torchgraph.explorer.pair import of_pair

    text = told(COMPARE, of_pair(subjects[0], subjects[1], None), "", 120)
    assert "0-2 ×3" in text
    assert text.count("norm") == 1
    assert "~  head" in " ".join(text.split("\n")).replace("~    head", "~  head")


def test_a_name_with_control_characters_is_escaped_in_every_panel() -> None:
    model = nn.Sequential()
    model.add_module("\x1b[2Jgone\n", nn.Linear(2, 2))
    subject = of_graph(trace(model, torch.ones(1, 2)), around=of_model(model))
    for panel in ALONE:
        for line in lowered(panel.blocks(subject, Chosen((subject.modules["\x1b[2Jgone\n"],))), 80):
            assert all(text.isprintable() for text, _ in line)


@given(
    st.lists(st.text(st.characters(blacklist_categories=["Cs"]), max_size=12), max_size=6),
    st.integers(4, 40),
    st.integers(0, 8),
)
def test_wrapping_loses_no_word_and_keeps_to_the_width(words: list[str], width: int, indent: int) -> None:
    text = " ".join(printable(word) for word in words)
    rows = list(wrapped(Line(((text, ""),), indent=min(indent, width // 2)), width))
    joined = "".join("".join(part for part, _ in row) for row in rows)
    assert joined.replace(" ", "") == text.replace(" ", "")
    assert all(sum(cell_len(part) for part, _ in row) <= width for row in rows)


def test_a_chart_keeps_its_highest_step_at_any_width() -> None:
    values_of = (*range(100, 0, -1), 1000, *range(100))
    for width in (17, 50, 300):
        lines = lowered([Chart((("all", values_of),), None, height=4)], width)
        assert any(text == "█" for text, _ in lines[0])
        assert sum(bool(text.strip()) for text, _ in lines[0]) == 1
        cursor = lowered([Chart((("all", values_of),), 100, height=4)], width)
        assert any(role == "mark" for line in cursor for _, role in line)


def test_small_things_are_shown_as_they_are() -> None:
    assert plain(lowered([Heat(((0.0, 1.0, None),))], 40)) == "  ██××"
    rows: tuple[tuple[Span, ...], ...] = ((("x", ""), ("1", "")), (("y", ""), ("22", "")))
    assert plain(lowered([Grid(("a", ">b"), rows, "more")], 40)).split() == ["a", "b", "x", "1", "y", "22", "more"]
    assert plain(lowered([Code(("def f():", "    return 1"), 9, {10: "add"})], 60)).splitlines()[1].endswith("add")
    assert replace(Line((("a b", ""),)), wrapped=False).wrapped is False
