"""The tracker: what it tells, when it may be asked, and that it leaves everything as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from pytest_torchgraph.capture.recording import AlreadyRecording
from pytest_torchgraph.tracking import (
    ComputationalGraphTracker,
    OperationType,
    analyze_computational_graph_execution,
    track_computational_graph_execution,
    visualize_computational_graph,
)
from tests.capture.small import Calls, example

X = example(4, 8)


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))


def kinds(tracker: ComputationalGraphTracker) -> set[OperationType]:
    return {node.operation_type for node in tracker.nodes}


def test_all_kinds_of_nodes_and_edges_are_there_in_a_training_step() -> None:
    network = model()
    optimizer = torch.optim.Adam(network.parameters())
    with ComputationalGraphTracker(network) as tracker:
        network(X).sum().backward()
        optimizer.step()
    assert kinds(tracker) == set(OperationType)
    assert {edge.edge_type for edge in tracker.edges} == {"data_flow", "gradient_flow", "memory_flow"}
    assert tracker.get_graph_summary()["phases"].keys() == {"forward", "backward", "optimizer"}


def test_what_needs_no_gradient_is_tracked_forward_alone() -> None:
    with torch.no_grad():
        tracker = track_computational_graph_execution(model(), X)
    assert OperationType.BACKWARD not in kinds(tracker)
    assert OperationType.GRADIENT_OP not in kinds(tracker)
    frozen = model().requires_grad_(requires_grad=False)
    assert "backward" not in track_computational_graph_execution(frozen, X).get_graph_summary()["phases"]
    wanted = track_computational_graph_execution(frozen, X.clone().requires_grad_())
    assert "backward" in wanted.get_graph_summary()["phases"]


def test_a_model_without_floating_point_outputs_is_tracked_forward() -> None:
    tracker = track_computational_graph_execution(Calls(lambda _, x: x.argmax(-1), inner=model()), X)
    assert tracker.get_graph_summary()["phases"] == {"forward": 1}


def test_tracking_leaves_parameters_buffers_gradients_and_random_state_as_they_were() -> None:
    network = model()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    random = torch.get_rng_state()
    track_computational_graph_execution(network, X, repeats=2)
    analyze_computational_graph_execution(network, X)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert torch.equal(random, torch.get_rng_state())


def test_a_model_that_has_no_gradient_is_tracked_forward_and_a_note_says_why() -> None:
    def writes_what_is_saved(module: Any, x: torch.Tensor) -> torch.Tensor:
        y = module.inner(x).exp()
        return y.add_(1)

    tracker = track_computational_graph_execution(Calls(writes_what_is_saved, inner=nn.Linear(8, 8)), X)
    (note,) = tracker.get_graph_data()["notes"]
    assert note.startswith("there is no backward pass: one of the variables needed for gradient computation")
    assert tracker.get_graph_summary()["phases"] == {"forward": 3}


def test_a_model_that_fails_raises_its_own_error() -> None:
    with pytest.raises(RuntimeError, match="mat1 and mat2 shapes cannot be multiplied"):
        track_computational_graph_execution(nn.Linear(3, 3), X)


def test_inputs_may_be_a_tuple_or_a_mapping() -> None:
    add = Calls(lambda _, a, b: a + b)
    for inputs in ((X, X), {"a": X, "b": X}):
        model_of: Any = add if isinstance(inputs, tuple) else lambda a, b: a + b
        tracker = track_computational_graph_execution(model_of, inputs)
        assert tracker.get_graph_summary()["operations"] == 1


def test_without_memory_and_times_none_are_told() -> None:
    tracker = track_computational_graph_execution(model(), X, track_memory=False, track_timing=False)
    summary = tracker.get_graph_summary()
    assert (summary["execution_time"], summary["peak_memory"], summary["memory_usage"]) == (None, None, None)
    assert OperationType.MEMORY_OP not in kinds(tracker)
    assert all(node.execution_time is None and node.memory_usage is None for node in tracker.nodes)
    assert tracker.graph.timing is None


def test_without_tensor_operations_nobody_looks_for_their_lines() -> None:
    quiet = track_computational_graph_execution(model(), X, track_tensor_ops=False).graph
    told = track_computational_graph_execution(model(), X).graph
    assert not any(operation.source for operation in quiet.operations)
    assert any(operation.source for operation in told.operations)
    assert quiet == told


def test_without_tensor_operations_modules_and_gradients_are_told() -> None:
    tracker = track_computational_graph_execution(model(), X, track_tensor_ops=False)
    assert kinds(tracker) == {
        OperationType.FORWARD,
        OperationType.LAYER_OP,
        OperationType.BACKWARD,
        OperationType.GRADIENT_OP,
        OperationType.MEMORY_OP,
    }
    ids = {node.id for node in tracker.nodes}
    assert {edge.source_id for edge in tracker.edges if edge.edge_type == "memory_flow"} <= ids
    layers = [node for node in tracker.nodes if node.operation_type == OperationType.LAYER_OP]
    assert [node.name for node in layers] == ["0", "1", "2", "3"]
    flows = [(edge.source_id, edge.target_id) for edge in tracker.edges if edge.edge_type == "data_flow"]
    assert flows == [("module:1", "module:2"), ("module:2", "module:3"), ("module:3", "module:4")]
    backward = [
        (edge.source_id, edge.target_id)
        for edge in tracker.edges
        if edge.edge_type == "gradient_flow" and edge.source_id.startswith("backward")
    ]
    assert backward == [("backward:4", "backward:3"), ("backward:3", "backward:2"), ("backward:2", "backward:1")]


def test_modules_are_told_with_shapes_parameters_time_and_memory() -> None:
    tracker = track_computational_graph_execution(nn.Sequential(nn.Linear(8, 16), nn.ReLU()), X)
    first = next(node for node in tracker.nodes if node.id == "module:1")
    assert first.input_shapes == [(4, 8)]
    assert first.output_shapes == [(4, 16)]
    assert first.parameters == {
        "in_features": 8,
        "out_features": 16,
        "weight": {"shape": [16, 8], "dtype": "float32"},
        "bias": {"shape": [16], "dtype": "float32"},
    }
    assert first.execution_time is not None
    assert first.timestamp is not None
    assert first.memory_usage == 4 * 16 * 4
    assert first.child_ids == ["module:2"]


def test_every_edge_joins_two_nodes_which_know_each_other() -> None:
    tracker = track_computational_graph_execution(model(), X)
    nodes = {node.id: node for node in tracker.nodes}
    assert len(nodes) == len(tracker.nodes)
    for edge in tracker.edges:
        assert edge.target_id in (nodes[edge.source_id].child_ids or ())
        assert edge.source_id in (nodes[edge.target_id].parent_ids or ())
    summary = tracker.get_graph_summary()
    assert summary["total_nodes"] == len(nodes) == sum(summary["nodes_by_type"].values())
    assert summary["total_edges"] == len(tracker.edges) == sum(summary["edges_by_type"].values())


def test_an_operation_of_a_library_of_its_own_is_custom() -> None:
    @torch.library.custom_op("torchgraph_tests::twice", mutates_args=())
    def twice(x: torch.Tensor) -> torch.Tensor:
        return x * 2

    with torch.no_grad():
        tracker = track_computational_graph_execution(lambda x: twice(x) + 1, X)
    types = [(node.name, node.operation_type) for node in tracker.nodes if node.id.startswith("op:")]
    assert types == [
        ("torchgraph_tests.twice", OperationType.CUSTOM),
        ("aten.add", OperationType.TENSOR_OP),
    ]


def test_several_runs_give_a_spread() -> None:
    tracker = track_computational_graph_execution(model(), X, repeats=3)
    timing = tracker.get_graph_data()["timing"]
    assert timing["runs"] == 3
    assert timing["total_spread"] is not None
    assert timing["overhead"] >= 0


def test_a_tracker_can_be_used_again_and_tells_of_the_last_run() -> None:
    network = model()
    tracker = ComputationalGraphTracker(network)
    with tracker:
        network(X)
    first = tracker.get_graph_summary()["operations"]
    with tracker:
        network(X)
        network(X)
    assert tracker.get_graph_summary()["operations"] == 2 * first


def test_what_comes_at_the_wrong_time_is_told() -> None:
    network = model()
    tracker = ComputationalGraphTracker(network)
    with pytest.raises(RuntimeError, match="nothing was tracked yet"):
        tracker.get_graph_summary()
    with pytest.raises(RuntimeError, match="has not started"):
        tracker.stop_tracking()
    tracker.start_tracking()
    try:
        with pytest.raises(RuntimeError, match="has started already"):
            tracker.start_tracking()
        with pytest.raises(RuntimeError, match="still on"):
            tracker.get_graph_data()
        with pytest.raises(AlreadyRecording):
            track_computational_graph_execution(network, X)
    finally:
        tracker.stop_tracking()
    assert tracker.get_graph_summary()["operations"] == 0


def test_an_exception_in_the_block_ends_tracking_and_passes() -> None:
    tracker = ComputationalGraphTracker(model())
    with pytest.raises(ZeroDivisionError), tracker:
        _ = 1 / 0
    with tracker:
        tracker.model(X)
    assert tracker.get_graph_summary()["operations"] > 0


def test_an_analysis_may_be_short() -> None:
    assert analyze_computational_graph_execution(model(), X, detailed=False).keys() == {"summary"}


def test_the_analysis_tells_every_part() -> None:
    analysis = analyze_computational_graph_execution(model(), X)
    assert analysis["performance"]["runs"] == 3
    assert len(analysis["performance"]["costliest"]) == 10
    assert [layer["path"] for layer in analysis["layers"]] == ["", "0", "1", "2", "3"]
    assert set(analysis["layer_analysis"]) == {"Sequential", "0", "1", "2", "3"}
    told = sum(map(len, analysis["layer_analysis"].values()))
    assert told == analysis["summary"]["operations"]
    assert {"critical_path", "recomputation", "memory", "operations"} <= set(analysis)


def test_the_analysis_comes_as_data_frames_where_pandas_is_installed() -> None:
    pytest.importorskip("pandas")
    frames = track_computational_graph_execution(model(), X).data_frames()
    assert list(frames) == ["operations", "kinds", "layers", "costliest"]
    assert frames["layers"]["parameters"].iloc[0] == sum(parameter.numel() for parameter in model().parameters())
    assert (frames["operations"]["seconds"] >= 0).all()


def test_importing_the_api_imports_neither_torch_nor_what_draws() -> None:
    import subprocess
    import sys

    heavy = "{'torch', 'plotly', 'matplotlib', 'networkx', 'pandas', 'rich'}"
    code = f"import sys, pytest_torchgraph.tracking; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_user_s_code_is_told_apart_from_the_model_that_it_calls_once() -> None:
    linear = nn.Linear(4, 2)
    with ComputationalGraphTracker(linear) as tracker:
        linear(torch.ones(3, 4)).sum().backward()
    modules = [node.name for node in tracker.nodes if node.id.startswith("module:")]
    backward = [node.name for node in tracker.nodes if node.id.startswith("backward:")]
    assert modules == ["run", "Linear"]
    assert sorted(backward) == ["Linear backward", "run backward"]
    assert tracker.get_graph_summary()["module_calls"] == 1


def test_a_layer_tells_what_it_was_built_with() -> None:
    convolution = nn.Sequential(nn.Conv2d(3, 8, (3, 5), stride=2, padding=(1, 2)))
    tracker = track_computational_graph_execution(convolution, torch.ones(1, 3, 8, 8))
    (node,) = (node for node in tracker.nodes if node.operation_type is OperationType.LAYER_OP)
    assert node.parameters is not None
    assert {name: node.parameters[name] for name in ("kernel_size", "stride", "padding", "groups")} == {
        "kernel_size": (3, 5),
        "stride": (2, 2),
        "padding": (1, 2),
        "groups": 1,
    }
    assert node.parameters["weight"]["shape"] == [8, 3, 3, 5]


def test_an_autograd_node_tells_when_it_ran_and_what_it_took() -> None:
    tracker = track_computational_graph_execution(nn.Linear(4, 2), torch.ones(3, 4))
    ran = [
        node
        for node in tracker.nodes
        if node.metadata and node.metadata.get("operations") and "saved_bytes" in node.metadata
    ]
    assert ran
    assert all(node.timestamp is not None and node.memory_usage is not None for node in ran)


def test_a_figure_of_matplotlib_is_the_current_one_of_pyplot(tmp_path: Path) -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    figure = visualize_computational_graph(nn.Linear(4, 2), torch.ones(3, 4), renderer="matplotlib")
    try:
        assert pyplot.gcf() is figure
        pyplot.title("A title of the user's")
        pyplot.tight_layout()
        pyplot.savefig(tmp_path / "graph.png")
        pixels = pyplot.imread(tmp_path / "graph.png")
    finally:
        pyplot.close(figure)
    assert (pixels[..., :3] < 0.9).any(axis=-1).mean() > 0.01
