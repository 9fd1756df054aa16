"""The tree is what the model is: folded, opened, searched."""

from __future__ import annotations

import functools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from pytest_torchgraph import compare, trace
from pytest_torchgraph.capture.activation import values
from pytest_torchgraph.explorer.config import ExplorerConfig
from pytest_torchgraph.explorer.formatting import format_param_count
from pytest_torchgraph.explorer.measure import BY_NAME, known_measures, share_of
from pytest_torchgraph.explorer.module import walked
from pytest_torchgraph.explorer.pair import of_pair
from pytest_torchgraph.explorer.rows import Row, Rows, State
from pytest_torchgraph.explorer.search import HINTS, search
from pytest_torchgraph.explorer.subject import Subject, of_graph, of_model
from pytest_torchgraph.explorer.tree_line import spans_of
from pytest_torchgraph.recorded.activation import Values
from pytest_torchgraph.snapshot.loading import graph_of
from pytest_torchgraph.snapshot.reader import read
from pytest_torchgraph.snapshot.recorded import recorded_line
from pytest_torchgraph.snapshot.writer import write
from tests.explorer.small import Layer, pictures, tower


@functools.cache
def ran() -> Subject:
    model, tokens = tower()
    return of_graph(trace(model, tokens, backward=True, timing=1), around=of_model(model))


@functools.cache
def valued() -> Values:
    model, tokens = tower()
    return values(model, tokens, backward=True)


@functools.cache
def from_file() -> Subject:
    model, tokens = tower()
    graph = trace(model, tokens, backward=True)
    snapshot = read(write(graph.canonical, test="t", recorded=recorded_line(graph)))
    return of_graph(graph_of(snapshot), recorded=snapshot.recorded)


def lines(subject: Subject, state: State) -> list[str]:
    return [f"{row.guides}{row.name}" for row in Rows(subject).of(state)]


def row_of(subject: Subject, state: State, path: str) -> Row:
    return next(row for row in Rows(subject).of(state) if row.path == path)


def test_modules_that_lie_as_deep_in_each_other_as_pytorch_reads_them_are_shown() -> None:
    model: nn.Module = nn.Linear(2, 2)
    for _ in range(600):
        model = nn.Sequential(model)
    subject = of_model(model)
    state = State()
    state.open_to(subject.tree, None)
    assert len(lines(subject, state)) == 601 == len(subject.modules)
    assert subject.tree.parameters.at_least == 6


def test_nothing_that_takes_long_is_worked_out_again_for_other_settings_or_values() -> None:
    subject = ran()
    for other in (subject.configured(ExplorerConfig(compact_view=True)), subject.with_values(valued())):
        worked_out = {name for name in vars(subject) if name not in {"config", "values", "growth", "amounts"}}
        assert {"work", "readers", "ends", "memory"} <= worked_out
        assert all(vars(other)[name] is vars(subject)[name] for name in worked_out)
    assert subject.configured(subject.config) is subject


def test_layers_that_are_alike_are_one_row_that_can_be_opened_and_unfolded() -> None:
    subject, state = ran(), State()
    assert lines(subject, state) == ["Tower", "├─embed", "├─layers", "└─head"]
    state.toggle(row_of(subject, state, "layers"))
    assert lines(subject, state)[2:4] == ["├─layers", "│ └─0-2"]
    state.toggle(row_of(subject, state, "layers.0"))
    assert lines(subject, state)[3:7] == ["│ └─0-2", "│   ├─norm", "│   ├─up", "│   └─down"]
    assert [module.path for module in row_of(subject, state, "layers.0.up").modules] == [
        "layers.0.up",
        "layers.1.up",
        "layers.2.up",
    ]
    state.toggle_fold(row_of(subject, state, "layers.0"))
    assert [line for line in lines(subject, state) if line[-1].isdecimal()] == ["│ ├─0", "│ ├─1", "│ └─2"]


def test_a_fold_is_measured_by_all_that_it_stands_for() -> None:
    subject, state = ran(), State(opened={"", "layers"})
    fold = row_of(subject, state, "layers.0")
    for measure in known_measures(subject):
        each = [measure.of(subject, [module]).size for module in fold.modules]
        assert measure.of(subject, fold.modules).size == pytest.approx(sum(each))


def test_what_only_holds_others_costs_what_they_do() -> None:
    subject = ran()
    layers = subject.modules["layers"]
    for name in ("ops", "flops", "time"):
        inside = [BY_NAME[name].of(subject, [child]).size for child in layers.children]
        assert BY_NAME[name].of(subject, [layers]).size == pytest.approx(sum(inside)) != 0


def test_a_tensor_that_two_modules_share_counts_once_in_the_whole() -> None:
    subject = ran()
    assert subject.tree.parameters.at_least == sum(one.numel() for one in tower()[0].parameters())
    assert share_of(subject, BY_NAME["params"], [subject.modules["head"]]) == 80 / 968


def test_everything_opens_to_a_depth_and_no_deeper_than_is_wanted() -> None:
    subject, state = ran(), State()
    state.open_to(subject.tree, 2)
    assert "│ └─0-2" in lines(subject, state)
    state.open_to(subject.tree, None)
    assert "│   └─down" in lines(subject, state)
    shallow = of_model(tower()[0], ExplorerConfig(max_depth=1))
    assert lines(shallow, state) == ["Tower", "├─embed", "├─layers", "└─head"]


QUERIES = [
    ("linear", 7),
    ("Linear down", 3),
    (r"layers\.[01]\.up", 2),
    (r"/layers\.0$/", 1),
    ("class:^Layer$", 3),
    ("params>100", 11),
    ("params>=0.144K params<=144", 3),
    ("op:aten.add", 4),  # the gradients of the shared weight are summed in the embedding
    ("op:add", 4),
    ("op:matmuls", 7),
    ("op:aten.*mm", 7),
    ("calls=1", 15),
    ("sync", 0),
    ("trained", 11),
    ("frozen", 0),
    ("nothing-like-this", 0),
]


@pytest.mark.parametrize(("text", "count"), QUERIES)
def test_a_search_finds_what_it_says(text: str, count: int) -> None:
    found = search(ran(), text)
    assert found is not None
    assert not found.error
    assert len(found.matched) == count, sorted(found.matched)


WRONG = [
    ("parms>1", "there is no measure 'parms'; did you mean 'params'?"),
    ("params>much", "'much' is not a number such as 1M, 64KiB or 2ms"),
    ("params>", "'' is not a number"),
    ("op:", "expects the name of an operation"),
    ("(unclosed", "is no regular expression"),
    ("changes>1", "changes are not known here"),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_words_that_cannot_be_read_are_told_and_hide_nothing(text: str, message: str) -> None:
    found = search(ran(), text)
    assert found is not None
    assert message in found.error
    assert found.shown == frozenset(ran().modules)
    both = search(ran(), f"{text} linear")
    assert both is not None
    assert len(both.matched) == 7


def test_what_a_file_does_not_hold_cannot_be_searched_by() -> None:
    found = search(from_file(), "flops>1")
    assert found is not None
    assert "not known here" in found.error
    assert search(from_file(), "  ") is None


@given(st.text(max_size=12))
def test_no_search_fails(text: str) -> None:
    found = search(ran(), text)
    if found is not None:
        assert lines(ran(), State(found=found))[0] == "Tower"
        assert all(start < end for name in ran().modules for start, end in found.marked(name))


def test_a_search_shows_what_was_found_with_what_is_around_and_opens_the_rest_on_demand() -> None:
    subject = ran()
    state = State(found=search(subject, "up"))
    assert lines(subject, state) == ["Tower", "└─layers", "  └─0-2", "    └─up"]
    state.toggle(row_of(subject, state, "layers.0"))
    assert lines(subject, state)[3:] == ["    ├─norm", "    ├─up", "    └─down"]
    state = State(found=search(subject, "layers.1.up"))
    assert lines(subject, state) == ["Tower", "└─layers", "  └─1", "    └─up"]


def test_a_file_has_the_tree_of_the_run_but_for_what_was_never_called_or_read() -> None:
    live, file = ran(), from_file()
    assert set(file.modules) == set(live.modules)
    assert [one.name for one in walked(file.tree)] == [one.name for one in walked(live.tree)]
    assert file.tree.parameters.at_least == live.tree.parameters.at_least
    assert file.modules["layers.0.up"].title == "Linear(weight 16×8)"
    assert [measure.name for measure in known_measures(file)] == ["params", "bytes", "ops", "calls"]


class Wide(Layer):
    def __init__(self) -> None:
        super().__init__()
        self.also = nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.also(super().forward(x).clone())


def pair() -> Subject:
    before, tokens = tower()
    after, _ = tower()
    after.layers[1] = Wide()
    after.head = nn.Linear(8, 10, bias=False)
    del after.layers[2]
    graphs = [trace(model, tokens) for model in (before, after)]
    subjects = [of_graph(graph) for graph in graphs]
    return of_pair(subjects[0], subjects[1], compare(*graphs))


def test_two_graphs_are_one_tree_in_which_what_came_and_went_is_marked() -> None:
    subject, state = pair(), State()
    state.open_to(subject.tree, None)
    marks = {}
    for row in Rows(subject).of(state):
        line = spans_of(row, subject, BY_NAME["changes"], 80, pinned=False, found=None)
        marks[row.path] = line[0][0].strip()
    assert (marks["layers.2"], marks["layers.1.also"], marks["layers.1"], marks["layers.0.up"]) == ("-", "+", "~", "")
    assert subject.tree.parameters.at_least == subject.modules_alone[""].parameters.at_least
    found = search(subject, "changed")
    assert found is not None
    assert "layers.1" in found.matched
    assert "layers.0.up" not in found.matched


@pytest.mark.parametrize("width", [20, 40, 63, 64, 100])
def test_a_row_is_exactly_as_wide_as_there_is_room(width: int) -> None:
    from rich.cells import cell_len

    model = nn.Sequential()
    model.add_module("名前" * 30, nn.Linear(3, 3))
    for subject in (ran(), of_model(model), pair()):
        state = State()
        state.open_to(subject.tree, None)
        for row in Rows(subject).of(state):
            spans = spans_of(row, subject, BY_NAME["bytes"], width, pinned=True, found=None)
            assert sum(cell_len(text) for text, _ in spans) == width


def test_the_hint_of_the_search_names_only_what_there_is() -> None:
    assert "params>1M" in HINTS
    assert format_param_count(1_000_000) == "1.0M"
    assert search(of_model(pictures()[0]), "params>1M") is not None
