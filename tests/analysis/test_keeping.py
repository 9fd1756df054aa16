"""What is alive is told by the line that made it and by what keeps it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph import compare, trace
from pytest_torchgraph.analysis.keeping import (
    Engine,
    HeldAs,
    Keeping,
    LeftBehind,
    ReadLater,
    Returned,
    SavedFor,
)
from pytest_torchgraph.analysis.overview import analyse
from pytest_torchgraph.graph import Graph, expanded
from pytest_torchgraph.recorded.memory import LivesUnknown
from pytest_torchgraph.report.analysis import render
from pytest_torchgraph.verdict.budget import check_budget
from pytest_torchgraph.verdict.measure import BudgetUnreadable
from tests.analysis import kept

WIDE = 4096
X = torch.randn(WIDE)


def keeper_at_peak(graph: Graph, name: str) -> object:
    """What keeps at the peak what the last operation called *name* made."""
    made = max(one.index for one in graph.operations if one.packet == name)
    at = graph.memory.peak_at
    (life,) = (
        life for life in graph.memory.known_lives() if graph.storages[life.storage].producer == made and life.alive(at)
    )
    return Keeping(graph).keeper(life, at)


def held_by_a_variable(x: Tensor) -> Tensor:
    long = x.repeat(8)
    total = long.sum()
    wide = x.repeat(16)
    return wide.sum() + total + len(long)


def test_a_variable_that_nothing_reads_again_is_told() -> None:
    graph = trace(held_by_a_variable, X)
    keepers = [row.keeper for row in graph.memory_by_line() if row.bytes == 8 * 4 * WIDE]
    assert keepers == ["not read again"]


def test_what_is_still_to_be_read_names_the_last_reader_and_its_line() -> None:
    def work(x: Tensor) -> Tensor:
        long = x.repeat(8)
        return long.exp() * long

    graph = trace(work, X)
    (repeat, exp, mul) = (one.index for one in graph.operations if not one.is_view)
    assert "aten.repeat: still to be read by aten.mul (test_keeping.py:" in str(graph.memory_by_line(exp))
    assert "aten.repeat: being read by aten.mul (test_keeping.py:" in str(graph.memory_by_line(mul))
    assert repeat < exp < mul


def test_what_is_returned_is_told_by_its_path() -> None:
    graph = trace(lambda x: {"wide": x.repeat(8)}, X)
    assert keeper_at_peak(graph, "aten.repeat") == Returned("wide")


def test_autograd_is_told_by_its_nodes() -> None:
    model = nn.Sequential(nn.Linear(64, 64), nn.Sigmoid(), nn.Linear(64, 64))
    graph = trace(model, torch.randn(512, 64), backward=True)
    assert keeper_at_peak(graph, "aten.sigmoid") == SavedFor(("AddmmBackward0", "SigmoidBackward0"))


class Keeps(torch.autograd.Function):
    """Keeps two tensors that its backward pass does not read: one saved, one as an attribute."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        saved, ctx.attribute = x.repeat(8), x.repeat(4)
        ctx.save_for_backward(saved)
        return x * 2

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        del ctx
        return grads[0] * 2


def test_what_a_custom_function_keeps_and_does_not_read_is_kept_for_it_and_counted_as_saved() -> None:
    graph = trace(lambda x: Keeps.apply(x).exp(), torch.ones(WIDE, requires_grad=True), backward=True)
    kept = [row for row in graph.memory_by_line() if row.keeper == "kept for KeepsBackward"]
    assert sum(row.bytes for row in kept) == (8 + 4) * 4 * WIDE
    assert graph.memory.saved == (8 + 4 + 1) * 4 * WIDE


def test_hooks_on_what_is_saved_are_called_as_often_as_without_a_recording() -> None:
    unpacked = []

    def unpack(tensor: Tensor) -> Tensor:
        unpacked.append(tensor)
        return tensor

    def run(x: Tensor) -> Tensor:
        with torch.autograd.graph.saved_tensors_hooks(lambda tensor: tensor, unpack):
            made: Tensor = Keeps.apply(x)
        return made

    trace(run, torch.ones(4, requires_grad=True), backward=True)
    assert unpacked == []


def test_what_has_a_name_is_held_by_it() -> None:
    graph = trace(nn.Linear(8, 8), torch.randn(2, 8))
    keeping = Keeping(graph)
    assert {
        keeping.keeper(life, 0) for life in graph.memory.known_lives() if life.category in ("parameters", "inputs")
    } == {HeldAs("parameters"), HeldAs("inputs")}


def test_what_a_backward_pass_holds_is_no_variable() -> None:
    model = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 64))
    graph = trace(model, torch.randn(512, 64), backward=True)
    keeping = Keeping(graph)
    keepers = {
        type(keeping.keeper(life, graph.memory.peak_at))
        for life in graph.memory.known_lives()
        if life.made_in == "backward" and life.alive(graph.memory.peak_at)
    }
    assert keepers <= {Engine, ReadLater, HeldAs}
    assert Engine in keepers


class Caching(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cache: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        long = x.repeat(8)
        self.cache.append(long * 2)
        return long.sum()


def test_what_a_call_leaves_behind_is_told_with_its_line() -> None:
    graph = trace(Caching(), X)
    (row,) = graph.left_behind()
    assert row.bytes == 8 * 4 * WIDE
    assert row.name == "aten.mul"
    assert row.source is not None
    assert row.source.function == "forward"
    assert keeper_at_peak(graph, "aten.mul") == LeftBehind()


def test_a_call_that_leaves_nothing_behind_says_nothing() -> None:
    assert trace(lambda x: x.repeat(8).sum(), X).left_behind() == ()
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU())
    step = trace(model, torch.randn(4, 8), backward=True, optimizer=torch.optim.AdamW(model.parameters()))
    assert step.left_behind() == ()


class KeepsItsGraph(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(8, 8), nn.Linear(8, 8)
        self.losses: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.last(torch.sigmoid(self.first(x)))
        self.losses.append(y.sum())
        return y


def test_a_loss_that_is_kept_with_its_graph_leaves_behind_what_autograd_saved() -> None:
    with torch.enable_grad():
        graph = trace(KeepsItsGraph(), torch.randn(4, 8))
    assert {row.name for row in graph.left_behind()} == {"aten.sum", "aten.sigmoid"}
    with torch.enable_grad():
        assert trace(nn.Sequential(nn.Linear(8, 8), nn.Sigmoid(), nn.Linear(8, 8)), X[:8]).left_behind() == ()


def test_a_file_does_not_know() -> None:
    stored = expanded(trace(Caching(), X).canonical)
    for ask in (stored.memory_by_line, stored.left_behind):
        with pytest.raises(LivesUnknown):
            ask()


def test_all_lines_together_are_the_peak() -> None:
    model = nn.Sequential(nn.Linear(64, 256), nn.GELU(), nn.Linear(256, 64))
    graph = trace(model, torch.randn(32, 64), backward=True, optimizer=torch.optim.SGD(model.parameters(), 0.1))
    assert graph.memory_by_line().bytes == graph.memory.peak
    assert graph.memory_by_line(-1).bytes == graph.memory.resident
    for at, live in enumerate(graph.memory.timeline):
        assert graph.memory_by_line(at).bytes == live


def marked(text: str) -> int:
    """The number of the line of ``kept.py`` that ends with the mark *text*."""
    lines = kept.SOURCE.read_text(encoding="utf-8").splitlines()
    (number,) = (at for at, line in enumerate(lines, 1) if line.endswith(f"# {text}"))
    return number


def run(name: str, *, planted: bool) -> Graph:
    torch.manual_seed(0)
    model, arguments, options = kept.MODELS[name](planted)
    found: Callable[..., Any] = trace
    graph: Graph = found(model, arguments, **options)
    return graph


@pytest.mark.parametrize("name", kept.MODELS)
def test_a_planted_regression_of_memory_is_told_with_its_line(name: str) -> None:
    before, after = run(name, planted=False), run(name, planted=True)
    assert after.memory.peak > before.memory.peak
    new = set(after.memory_by_line()) - set(before.memory_by_line())
    assert (marked(name), str(kept.SOURCE)) in {(one.source.line, one.source.file) for one in new if one.source}


@pytest.mark.parametrize("name", kept.LONGER)
def test_the_report_names_the_line_of_what_is_kept_longer(name: str) -> None:
    before, after = run(name, planted=False), run(name, planted=True)
    told = compare(before, after).outline(name).alive
    assert any(f" (kept.py:{marked(name)})" in text for text in told)


def test_the_same_model_has_the_same_lines() -> None:
    name = next(iter(kept.MODELS))
    assert run(name, planted=False).memory_by_line() == run(name, planted=False).memory_by_line()


def test_what_a_call_leaves_behind_has_a_budget_that_names_the_line() -> None:
    graph = trace(Caching(), X)
    assert check_budget(graph, {"alive_after": "1 MiB"}) == []
    (finding,) = check_budget(graph, {"alive_after": 0})
    assert finding.title == "alive_after 128.0 KiB, budget at most 0 B"
    (line,) = finding.details
    assert line.startswith("128 KiB test_keeping.py:")
    assert line.endswith("aten.mul: outlives the run")
    assert check_budget(trace(lambda x: x + 1, X), {"alive_after": 0}) == []
    with pytest.raises(BudgetUnreadable, match="trace the model for that"):
        check_budget(expanded(graph.canonical), {"alive_after": 0})


def test_an_analysis_tells_memory_by_line() -> None:
    use = analyse(trace(Caching(), X)).memory
    assert use.lines is not None
    assert sum(line.bytes for line in use.lines) == use.peak
    assert [line.name for line in use.left_behind or ()] == ["aten.mul"]
    text = render(analyse(trace(Caching(), X)))
    assert "at the peak, by line" in text
    assert "left behind by the run" in text
    stored = analyse(expanded(trace(Caching(), X).canonical))
    assert stored.memory.lines is None
    assert "by line" not in render(stored)
