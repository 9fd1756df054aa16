"""The analysis: what is told of modules, kinds, the critical path, what is done twice, and memory."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from pytest_torchgraph.analysis.critical import critical_path
from pytest_torchgraph.analysis.layer import Layer
from pytest_torchgraph.analysis.overview import Analysis, analyse
from pytest_torchgraph.capture.tracing import trace
from pytest_torchgraph.graph import Graph, expanded
from pytest_torchgraph.recorded.timing import Span, Timing
from tests.capture.small import Calls, example
from tests.models import MODELS

X = example(4, 8)
MODEL = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))


def timed(graph: Graph, *seconds: float) -> Graph:
    """*graph* as if its operations had taken so long."""
    spans = tuple(Span(0.0, each) for each in seconds)
    scopes = tuple(Span(0.0, sum(seconds)) for _ in graph.scopes)
    timing = Timing(
        runs=1,
        seconds=seconds,
        spread=None,
        total=sum(seconds),
        total_spread=None,
        operations=spans,
        scopes=scopes,
        overhead=0.5,
        per_operation=0.1,
    )
    return replace(graph, timing=timing)


def layer(analysis: Analysis, path: str) -> Layer:
    return next(row for row in analysis.layers if row.path == path)


def test_a_module_is_told_with_its_shapes_parameters_and_cost() -> None:
    with torch.no_grad():
        analysis = analyse(trace(MODEL, X))
    first = layer(analysis, "0")
    assert (first.class_name, first.depth, first.calls, first.operations) == ("Linear", 1, 1, 1)
    assert (first.inputs, first.outputs) == (("f32[4,8]",), ("f32[4,16]",))
    assert (first.parameters, first.parameter_bytes) == (8 * 16 + 16, 4 * (8 * 16 + 16))
    assert first.flops.exactly() == 2 * 4 * 8 * 16
    assert first.forward_seconds is None
    assert layer(analysis, "1").parameters == 0
    whole = layer(analysis, "")
    assert (whole.operations, whole.parameters) == (3, 144 + 34)
    assert whole.inputs == ("f32[4,8]",)
    assert whole.outputs == ("f32[4,2]",)
    assert whole.share_of_peak == 1.0


def test_shares_of_the_peak_add_up() -> None:
    analysis = analyse(trace(MODEL, X, backward=True))
    inner = [row.peak_bytes or 0 for row in analysis.layers if row.depth == 1]
    whole = layer(analysis, "").peak_bytes
    assert whole == analysis.memory.peak
    assert 0 < sum(inner) <= whole


def test_a_module_that_is_called_twice_is_one_row_with_two_calls() -> None:
    shared = nn.Linear(8, 8)
    analysis = analyse(trace(Calls(lambda module, x: module.inner(module.inner(x)), inner=shared), X))
    row = layer(analysis, "inner")
    assert row.calls == 2
    assert row.parameters == 72


def test_times_of_modules_are_those_of_their_operations_by_phase() -> None:
    graph = trace(MODEL, X, backward=True)
    seconds = tuple(1.0 if operation.phase == "forward" else 10.0 for operation in graph.operations)
    analysis = analyse(timed(graph, *seconds))
    for row in analysis.layers:
        assert row.forward_seconds is not None
        assert row.backward_seconds is not None
    whole, parts = layer(analysis, ""), [layer(analysis, path) for path in "012"]
    assert whole.forward_seconds == float(sum(operation.phase == "forward" for operation in graph.operations))
    assert all((part.backward_seconds or 0) >= 10 for part in parts)


def test_kinds_are_sorted_by_what_they_cost() -> None:
    with torch.no_grad():
        graph = trace(lambda x: (x @ x.T).exp().sin(), X)
    untimed = analyse(graph)
    assert untimed.kinds[0].name == "aten.mm"
    assert untimed.performance.costliest[0].name == "aten.mm"
    assert untimed.performance.seconds is None
    assert untimed.performance.operations_per_second is None
    slow_sine = analyse(timed(graph, 0.0, 1.0, 1.0, 5.0))
    assert slow_sine.kinds[0].name == "aten.sin"
    assert slow_sine.performance.costliest[0].seconds == 5.0
    assert slow_sine.performance.operations_per_second == 3 / 7  # a transposition is no work
    assert slow_sine.performance.flops_per_second == graph.flops.at_least / 7


def test_rates_of_what_is_known_only_in_part_are_unknown() -> None:
    sparse = torch.eye(3).to_sparse()
    graph = trace(lambda: (torch.sparse.mm(sparse, torch.eye(3)), X + 1), ())
    analysis = analyse(timed(graph, *(1.0 for _ in graph.operations)))
    assert analysis.performance.bytes_per_second is None
    assert analysis.as_dict()["performance"]["bytes_moved"] is None
    assert analysis.as_dict()["performance"]["bytes_moved_at_least"] > 0


def branches(x: Tensor) -> Tensor:
    left = x.exp().sin().cos()
    right = x.tanh()
    return left + right


def test_the_critical_path_is_the_longest_chain() -> None:
    with torch.no_grad():
        graph = trace(branches, X)
    names = [operation.packet for operation in graph.operations]
    by_count = critical_path(graph)
    assert by_count.by == "operations"
    assert [names[index] for index in by_count.operations] == ["aten.exp", "aten.sin", "aten.cos", "aten.add"]
    assert (by_count.length, by_count.whole, by_count.parallelism) == (4, 5, 1.25)
    by_time = critical_path(timed(graph, 1.0, 1.0, 1.0, 9.0, 1.0))
    assert by_time.by == "time"
    assert [names[index] for index in by_time.operations] == ["aten.tanh", "aten.add"]
    assert (by_time.length, by_time.whole) == (10.0, 13.0)


def test_a_run_of_nothing_has_an_analysis() -> None:
    analysis = analyse(trace(lambda x: x, X))
    assert analysis.critical_path.operations == ()
    assert analysis.critical_path.parallelism == 1.0
    assert analysis.performance.costliest == ()
    assert analysis.memory.peak_operation is None
    json.dumps(analysis.as_dict())


def test_what_checkpointing_runs_again_is_told_by_module() -> None:
    inner = nn.Sequential(nn.Linear(8, 8), nn.Tanh())
    model = Calls(lambda module, x: checkpoint(module.inner, x, use_reentrant=False), inner=inner)
    again = analyse(trace(model, X, backward=True)).recomputation
    assert again.operations == 2
    assert again.modules == {"inner.0": 1, "inner.1": 1}
    assert again.flops.at_least == 2 * 4 * 8 * 8
    assert again.repeated == {}
    assert analyse(trace(MODEL, X, backward=True)).recomputation.operations == 0


def test_work_that_is_done_twice_on_the_same_values_is_told() -> None:
    with torch.no_grad():
        graph = trace(lambda x: x.exp() + x.exp() + x[0].exp().sum() + x.add(1).sum() + x.add(2).sum(), X)
    assert analyse(graph).recomputation.repeated == {"aten.exp": 1}


def test_work_on_what_was_written_in_between_or_is_drawn_anew_is_not_done_twice() -> None:
    def forward(x: Tensor) -> Tensor:
        y = x.clone()
        first = y.exp()
        y.add_(1)
        return first + y.exp() + torch.rand_like(x) + torch.rand_like(x) + x.clone()

    assert analyse(trace(forward, X)).recomputation.repeated == {}


def test_memory_is_told_by_category_phase_and_place() -> None:
    use = analyse(trace(MODEL, X, backward=True)).memory
    assert use.by_category is not None
    assert sum(use.by_category.values()) == use.peak
    assert set(use.phase_peaks) == {"forward", "backward"}
    assert max(use.phase_peaks.values()) == use.peak
    assert use.peak_operation is not None


def test_a_backward_operation_is_told_with_the_line_of_its_forward_one() -> None:
    rows = analyse(trace(lambda x: branches(x.requires_grad_()), X.clone(), backward=True)).performance.costliest
    backward = [row for row in rows if row.phase == "backward" and row.source is not None]
    assert backward
    assert all((row.source or "").partition(":")[0] == __file__ for row in backward if "sin" in row.name)


def test_a_graph_from_a_file_is_analysed_without_what_files_do_not_hold() -> None:
    graph = trace(MODEL, X)
    analysis = analyse(expanded(graph.canonical))
    assert analysis.memory.by_category is None
    assert analysis.memory.peak == graph.memory.peak
    first = layer(analysis, "0")
    assert (first.inputs, first.outputs) == (("f32[4,8]",), ("f32[4,16]",))
    assert first.share_of_peak is None
    assert analysis.as_dict()["performance"]["flops"] is None


@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_an_analysis_that_is_plain_and_adds_up(name: str) -> None:
    example_of: Any = MODELS[name]()
    backward: Any = None if name in {"custom_op", "kv_cache"} else "auto"  # those have no gradient
    graph = trace(example_of.model, example_of.args, example_of.kwargs, backward=backward)
    analysis = analyse(graph)
    json.dumps(analysis.as_dict())
    assert sum(kind.operations for kind in analysis.kinds) == len(graph.operations)
    assert analysis.layers[0].operations == graph.count("ops")
    assert analysis.critical_path.length <= analysis.critical_path.whole
