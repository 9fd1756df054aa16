"""What the page draws of two graphs: aligned lines, modules, operations and memory, and their numbers add up."""

from __future__ import annotations

import random
import re
from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, get_args

import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from pytest_torchgraph import trace
from pytest_torchgraph.canonical.program import Program
from pytest_torchgraph.diff.change import Added, Altered, Removed
from pytest_torchgraph.diff.compare import compare
from pytest_torchgraph.diff.tree import Tree
from pytest_torchgraph.graph import Graph, expanded
from pytest_torchgraph.report import memory, operations
from pytest_torchgraph.report.case import report_of
from pytest_torchgraph.report.formats import FORMATS, rendered
from pytest_torchgraph.report.json import read, render
from pytest_torchgraph.report.memory import memory_of
from pytest_torchgraph.report.modules import modules_of
from pytest_torchgraph.report.operations import operations_of
from pytest_torchgraph.report.sides import rows_of
from pytest_torchgraph.snapshot.writer import write
from pytest_torchgraph.words.status import SPOKEN, Judged, Lone, Outlined, Status, Written
from tests.diff.programs import attention, layers
from tests.report.cases import seen
from tests.snapshot.strategies import count_works, programs

if TYPE_CHECKING:
    import pytest


def every(rows: Any) -> Iterator[tuple[str, str | None, str | None]]:
    for mark, before, after, beneath, _ in rows:
        yield mark, before, before if mark == "=" else after
        yield from every(beneath)


def shown(rows: Any) -> list[tuple[str, str | None, str | None]]:
    return [row for row in every(rows) if row[0] != "="]


def body_of(program: Program) -> list[str]:
    return [line.lstrip(" ") for line in write(program, test="", recorded="").splitlines()[3:-1]]


def sides_of(before: Program, after: Program) -> tuple[list[str], list[str]]:
    rows = list(every(rows_of(before, after)))
    return [row[1] for row in rows if row[1] is not None], [row[2] for row in rows if row[2] is not None]


def modules(before: Program, after: Program) -> Any:
    return modules_of(Tree(before), Tree(after), compare(before, after))


def table(before: Program, after: Program) -> dict[str, Any]:
    found: dict[str, Any] = operations_of(Tree(before), Tree(after), compare(before, after))
    return found


def entries(root: Any) -> Iterator[Any]:
    yield root[:7]
    for inner in root[7]:
        yield from entries(inner)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(st.tuples(programs(), programs()), min_size=1, max_size=3), st.booleans())
def test_any_two_graphs_give_every_report_and_its_numbers_add_up(
    pairs: list[tuple[Program, Program]], related: bool
) -> None:
    if related:
        pairs = [(before, before) for before, _ in pairs]
    report = report_of(seen(*pair, test=f"t{number}") for number, pair in enumerate(pairs))
    assert sum(report.counts.values()) == len(report.cases) == len(pairs)
    assert sum(len(change.cases) for change in report.changes) == len(report.loud)
    for form in FORMATS:
        assert rendered(report, form).encode()
    assert read(render(report)) == report
    for before, after in pairs:
        numbers_add_up(before, after)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 5), st.integers(0, 5))
def test_the_numbers_of_related_graphs_add_up(seed: int, first: int, count: int) -> None:
    chance = random.Random(seed)
    changes = {number: {"extra": chance.choice(["clone", "relu"])} for number in range(count) if chance.random() < 0.4}
    numbers_add_up(layers(first), layers(count, change=lambda number: changes.get(number, {})))


class Copying(nn.Module):
    def __init__(self, *, copies: bool) -> None:
        super().__init__()
        self.fc, self.copies = nn.Linear(4, 4), copies

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.fc(x.clone() if self.copies else x).relu()
        return y


def test_what_is_gone_from_a_renamed_module_is_in_the_table() -> None:
    before = nn.Sequential(OrderedDict(old=Copying(copies=True)))
    after = nn.Sequential(OrderedDict(new=Copying(copies=False)))
    sides = [trace(model, torch.ones(2, 4)).canonical for model in (before, after)]
    found = table(sides[0], sides[1])
    gone = [[found["words"][at] for at in row[1:3]] for row in found["rows"] if row[0] == "-"]
    assert gone == [["clone", "old"]]


def numbers_add_up(before: Program, after: Program) -> None:
    works = count_works(before.root.items), count_works(after.root.items)
    difference = compare(before, after)
    added = sum(change.operations for change in difference.changes if isinstance(change, Added))
    removed = sum(change.operations for change in difference.changes if isinstance(change, Removed))
    marks = [row[0] for row in table(before, after)["rows"]]
    assert len(marks) - marks.count("-") == works[1]
    assert len(marks) - marks.count("+") == works[0]
    assert (marks.count("+"), marks.count("-")) == (added, removed)
    root = modules(before, after)
    assert (root[3], root[4]) == works
    assert sides_of(before, after) == (body_of(before), body_of(after))


def test_every_line_of_both_files_stands_on_its_side_in_order() -> None:
    before, after = attention(4), attention(4, mask=True, is_causal=False)
    assert sides_of(before, after) == (body_of(before), body_of(after))
    assert not shown(rows_of(before, before))


def test_one_changed_line_stands_beside_itself() -> None:
    rows = shown(rows_of(layers(3), layers(3, change=lambda _: {"act": "gelu"})))
    assert rows == [
        ("~", "relu(%mm) f32[2,64]", "gelu(%mm) f32[2,64]"),
        ("~", "mm(%relu, fc2.weight:f32[16,64]) f32[2,16]", "mm(%gelu, fc2.weight:f32[16,64]) f32[2,16]"),
    ]


def test_an_added_line_stands_alone() -> None:
    rows = shown(rows_of(layers(3), layers(3, change=lambda _: {"extra": "clone"})))
    assert ("+", None, "clone(%mm) f32[2,64]") in rows
    assert all(mark in "~+" for mark, *_ in rows)


def test_a_stack_that_is_told_in_parts_stands_beside_its_first_part() -> None:
    rows = shown(rows_of(layers(32), layers(32, change=lambda n: {"extra": "clone"} if n == 17 else {})))
    assert rows[0][0] == "~"
    assert str(rows[0][1]).startswith("layers.0-31: Mlp ×32")
    assert str(rows[0][2]).startswith("layers.0-16: Mlp ×17")


def test_modules_count_what_is_beneath_them_and_equal_layers_are_one_entry() -> None:
    root = modules(layers(32), layers(32, change=lambda n: {"extra": "clone"} if n == 17 else {}))
    assert list(entries(root)) == [
        ["", "", "Model", 96, 97, 1, 1],
        ["layers.0-16", "layers.*", "Mlp", 3, 3, 0, 17],
        ["layers.17", "layers.17", "Mlp", 3, 4, 1, 1],
        ["layers.18-31", "layers.*", "Mlp", 3, 3, 0, 14],
    ]


def test_modules_that_came_and_went_have_one_side() -> None:
    assert list(entries(modules(layers(1), layers(2))))[2] == ["layers.1", "layers.1", "Mlp", None, 3, 1, 1]
    assert list(entries(modules(layers(2), layers(1))))[2] == ["layers.1", "layers.1", "Mlp", 3, None, 1, 1]


def test_a_renamed_module_is_one_entry() -> None:
    found = list(entries(modules(layers(2), layers(2, prefix="blocks"))))
    assert [entry[:5] for entry in found] == [["", "", "Model", 6, 6], ["blocks.0-1", "blocks.*", "Mlp", 3, 3]]


def test_the_table_marks_what_came_went_and_changed() -> None:
    found = table(layers(1), layers(1, change=lambda _: {"act": "gelu", "extra": "clone"}))
    rows = [(row[0], found["words"][row[1]], found["words"][row[2]], found["words"][row[3]]) for row in found["rows"]]
    assert rows[1] == ("+", "clone", "layers.0", "f32[2,64]")
    assert ("~", "gelu", "layers.0", "f32[2,64]") in rows
    gone = table(layers(2), layers(1))
    assert [row[0] for row in gone["rows"]] == ["=", "=", "=", "-", "-", "-"]


def test_consequences_of_a_change_are_not_marked_as_changes() -> None:
    before, after = layers(1), layers(1, change=lambda _: {"width": 128})
    follows = [change for change in compare(before, after).changes if isinstance(change, Altered) and change.follows]
    assert follows
    assert modules(before, after)[5] == len(compare(before, after).changes) - len(follows)


def test_a_table_too_long_keeps_what_changed_and_counts_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "LONGEST", 5)
    found = table(layers(32), layers(32, change=lambda n: {"extra": "clone"} if n == 31 else {}))
    assert len(found["rows"]) == 5
    assert found["left_out"] == 97 - 5
    assert found["rows"][0][0] == "+"


def test_every_status_is_spoken() -> None:
    assert set(SPOKEN) == set(get_args(Status))
    assert set(get_args(Judged)) < set(get_args(Outlined)) < set(SPOKEN)
    assert {*get_args(Written), *get_args(Lone)} < set(SPOKEN)
    assert [spoken.word for spoken in SPOKEN.values()][-2:] == ["unchanged", "unchanged"]


def trained(width: int = 64) -> Graph:
    model = nn.Sequential(nn.Linear(16, width), nn.GELU(), nn.Linear(width, 16))
    return trace(model, torch.zeros(2, 16), backward=True)


def test_a_memory_curve_is_what_was_live_and_keeps_the_peak() -> None:
    graph = trained()
    found: Any = memory_of(graph)
    totals = [sum(step) for step in zip(*found["series"].values(), strict=True)]
    assert found["at"] == list(range(len(graph.operations) + 1))
    assert tuple(totals[1:]) == graph.memory.timeline
    assert totals[found["peak"]] == sum(found["categories"].values()) == graph.memory.peak
    assert found["categories"] == {name: count for name, count in graph.memory.by_category().items() if count}
    assert [phase[0] for phase in found["phases"]] == ["backward"]
    assert all(category not in ("parameters", "buffers") for _, category, _ in found["alive"])
    sizes = [count for count, *_ in found["alive"]]
    assert sizes == sorted(sizes, reverse=True)


def test_a_long_curve_is_thinned_and_keeps_the_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = trained()
    monkeypatch.setattr(memory, "POINTS", 5)
    found: Any = memory_of(graph)
    assert len(found["at"]) <= 5
    assert sum(found["categories"].values()) == graph.memory.peak


def test_the_memory_of_a_file_is_not_drawn() -> None:
    assert memory_of(None) is None
    graph = trained()
    assert memory_of(expanded(graph.canonical)) is None


def test_lines_and_operations_tell_where_they_were_asked_for() -> None:
    model = nn.Sequential(nn.Linear(16, 64), nn.GELU(), nn.Linear(64, 16))
    graph = trace(model, torch.zeros(2, 16), backward=True)
    program = graph.canonical
    sources = {row[1]: row[4] for row in _deep(rows_of(program, program, graph))}
    assert all(re.fullmatch(r"\w+\.py:\d+", source) for text, source in sources.items() if "addmm(" in text)
    assert all(row[4] == "" for row in _deep(rows_of(program, program)))
    found = operations.operations_of(Tree(program), Tree(program), compare(program, program), graph)
    words, rows = found["words"], found["rows"]
    assert isinstance(words, list)
    assert isinstance(rows, list)
    nodes = {(words[row[1]], words[row[6]]) for row in rows}
    assert ("gelu_backward", "GeluBackward0") in nodes
    assert ("gelu", "") in nodes


def _deep(rows: Any) -> Iterator[Any]:
    for row in rows:
        yield row
        yield from _deep(row[3])
