"""Every example of the tracking API's documentation runs as it is written."""

from __future__ import annotations

import textwrap
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

QUICK_START = """
    import torch
    import torch.nn as nn
    from pytest_torchgraph.tracking import track_computational_graph_execution, visualize_computational_graph

    # Create a simple model
    model = nn.Sequential(
        nn.Linear(10, 20),
        nn.ReLU(),
        nn.Linear(20, 1)
    )

    # Create input tensor
    input_tensor = torch.randn(1, 10, requires_grad=True)

    # Track the computational graph
    tracker = track_computational_graph_execution(model, input_tensor)

    # Get summary
    summary = tracker.get_graph_summary()
    print(f"Total operations: {summary['total_nodes']}")
    print(f"Execution time: {summary['execution_time']:.4f}s")
"""
QUICK_PICTURE = """
    # Visualize the graph
    fig = visualize_computational_graph(model, input_tensor, renderer='plotly')
    fig.show()
"""
TRACK = """
    tracker = track_computational_graph_execution(model, input_tensor)

    # Get summary
    summary = tracker.get_graph_summary()
    print(f"Operations: {summary['total_nodes']}")

    # Get detailed data
    graph_data = tracker.get_graph_data()
    print(f"Nodes: {len(graph_data['nodes'])}")
    print(f"Edges: {len(graph_data['edges'])}")
"""
ANALYZE = """
    analysis = analyze_computational_graph_execution(model, input_tensor)

    print(f"Total operations: {analysis['summary']['total_nodes']}")
    print(f"Execution time: {analysis['summary']['execution_time']:.4f}s")

    # Performance metrics
    if 'performance' in analysis:
        perf = analysis['performance']
        print(f"Operations per second: {perf['operations_per_second']:.2f}")

    # Layer-wise analysis
    if 'layer_analysis' in analysis:
        for layer_name, operations in analysis['layer_analysis'].items():
            print(f"{layer_name}: {len(operations)} operations")
"""
VISUALIZE = """
    # Create interactive visualization
    fig = visualize_computational_graph(model, input_tensor, renderer='plotly')
    fig.show()

    # Save to HTML file
    fig.write_html("computational_graph.html")

    # Use matplotlib instead
    fig = visualize_computational_graph(model, input_tensor, renderer='matplotlib')
    fig.savefig("computational_graph.png")
"""
EXPORT = """
    filepath = export_computational_graph(model, input_tensor, "graph.json")
    print(f"Graph exported to: {filepath}")

    # Load and inspect the exported data
    import json
    with open(filepath, 'r') as f:
        graph_data = json.load(f)

    print(f"Nodes: {len(graph_data['nodes'])}")
    print(f"Edges: {len(graph_data['edges'])}")
"""
OPTIONS = """
    # Track with specific options
    tracker = track_computational_graph_execution(
        model, 
        input_tensor,
        track_memory=True,      # Track memory usage
        track_timing=True,      # Track execution timing
        track_tensor_ops=False  # Disable tensor operation tracking for performance
    )
"""  # noqa: W291 -- as it is written
MANUAL = """
    from pytest_torchgraph.tracking import ComputationalGraphTracker

    # Create tracker manually
    tracker = ComputationalGraphTracker(model, track_memory=True)

    # Start tracking
    tracker.start_tracking()

    # Run your model
    output = model(input_tensor)
    loss = output.sum()
    loss.backward()

    # Stop tracking
    tracker.stop_tracking()

    # Get results
    summary = tracker.get_graph_summary()
    graph_data = tracker.get_graph_data()
"""
PERFORMANCE = """
    # Get detailed performance analysis
    analysis = analyze_computational_graph_execution(model, input_tensor, detailed=True)

    # Access performance metrics
    performance = analysis['performance']
    print(f"Operations per second: {performance['operations_per_second']:.2f}")
    print(f"Memory usage: {performance['memory_usage']}")

    # Access layer-wise analysis
    layer_analysis = analysis['layer_analysis']
    for layer_name, operations in layer_analysis.items():
        print(f"\\n{layer_name}:")
        for op in operations:
            print(f"  - {op['operation_type']}: {op['input_shapes']} -> {op['output_shapes']}")
"""
PLOTLY = """
    import plotly.graph_objects as go

    # Create visualization
    fig = visualize_computational_graph(model, input_tensor, renderer='plotly')

    # Customize the plot
    fig.update_layout(
        title="PyTorch Computational Graph",
        width=1200,
        height=800
    )

    # Save as HTML
    fig.write_html("computational_graph.html")

    # Display in Jupyter notebook
    fig.show()
"""
MATPLOTLIB = """
    import matplotlib.pyplot as plt

    # Create visualization
    fig = visualize_computational_graph(model, input_tensor, renderer='matplotlib')

    # Customize the plot
    plt.title("PyTorch Computational Graph")
    plt.tight_layout()

    # Save as PNG
    plt.savefig("computational_graph.png", dpi=300, bbox_inches='tight')
    plt.show()
"""
LARGE = """
    # Disable tensor operation tracking for better performance
    tracker = track_computational_graph_execution(
        model, input_tensor, track_tensor_ops=False
    )
"""
LOOP = """
    # Wrap your existing training loop
    def train_with_tracking(model, dataloader, num_epochs=10):
        for epoch in range(num_epochs):
            for batch_idx, (data, target) in enumerate(dataloader):
                # Track computational graph for first batch of each epoch
                if batch_idx == 0:
                    tracker = track_computational_graph_execution(model, data)
                    summary = tracker.get_graph_summary()
                    print(f"Epoch {epoch}: {summary['total_nodes']} operations")

                # Your existing training code
                optimizer.zero_grad()
                output = model(data)
                loss = criterion(output, target)
                loss.backward()
                optimizer.step()
"""
PICTURES = {
    "quick_start": QUICK_START + QUICK_PICTURE,
    "visualize": VISUALIZE,
    "plotly": PLOTLY,
    "matplotlib": MATPLOTLIB,
}
EXAMPLES = {
    "quick_start": QUICK_START,
    "track": TRACK,
    "analyze": ANALYZE,
    "export": EXPORT,
    "options": OPTIONS,
    "manual": MANUAL,
    "performance": PERFORMANCE,
    "large": LARGE,
}


def executed(text: str) -> dict[str, Any]:
    """What an example leaves behind, with the names of the documentation given."""
    from pytest_torchgraph import tracking

    names: dict[str, Any] = {name: getattr(tracking, name) for name in tracking.__all__}
    names["model"] = nn.Sequential(nn.Linear(10, 20), nn.ReLU(), nn.Linear(20, 1))
    names["input_tensor"] = torch.randn(1, 10, requires_grad=True)
    exec(compile(textwrap.dedent(text), "example.py", "exec"), names)  # noqa: S102 -- the examples stand above
    return names


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs_as_it_is_written(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    executed(EXAMPLES[name])
    assert "None" not in capsys.readouterr().out


@pytest.mark.parametrize("name", PICTURES)
def test_an_example_with_a_picture_runs_as_it_is_written(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if find_spec("plotly") is None or find_spec("matplotlib") is None:
        pytest.skip("plotly and matplotlib draw the pictures")
    import matplotlib as mpl
    from plotly.basedatatypes import BaseFigure

    mpl.use("agg")
    monkeypatch.setattr(BaseFigure, "show", lambda self: None)
    executed("import warnings; warnings.simplefilter('ignore')\n" + textwrap.dedent(PICTURES[name]))
    if name != "quick_start":
        assert list(Path().glob("computational_graph.*"))


def test_the_training_loop_runs_and_trains_as_without_the_tracker() -> None:
    torch.manual_seed(0)
    batches = [(torch.randn(4, 10), torch.randn(4, 1)) for _ in range(3)]
    trained = []
    for tracked in (True, False):
        names = executed(LOOP)
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(10, 20), nn.BatchNorm1d(20), nn.Dropout(0.5), nn.ReLU(), nn.Linear(20, 1))
        names["optimizer"] = torch.optim.Adam(model.parameters())
        names["criterion"] = nn.MSELoss()
        if not tracked:
            names["track_computational_graph_execution"] = lambda *_: Quiet()
        names["train_with_tracking"](model, batches, num_epochs=2)
        trained.append(model.state_dict())
    assert all(torch.equal(trained[0][name], trained[1][name]) for name in trained[0])


class Quiet:
    """A tracker that tracks nothing."""

    def get_graph_summary(self) -> dict[str, int]:
        return {"total_nodes": 0}


def test_the_fields_and_members_are_those_that_are_documented() -> None:
    from dataclasses import fields

    from pytest_torchgraph.tracking import GraphEdge, GraphNode, OperationType

    assert [field.name for field in fields(GraphNode)] == [
        "id", "name", "operation_type", "module_name", "input_shapes", "output_shapes", "parameters",
        "execution_time", "memory_usage", "metadata", "parent_ids", "child_ids", "timestamp",
    ]  # fmt: skip
    assert [field.name for field in fields(GraphEdge)] == [
        "source_id", "target_id", "edge_type", "tensor_shape", "metadata",
    ]  # fmt: skip
    assert {member.name: member.value for member in OperationType} == {
        "FORWARD": "forward",
        "BACKWARD": "backward",
        "TENSOR_OP": "tensor_op",
        "LAYER_OP": "layer_op",
        "GRADIENT_OP": "gradient_op",
        "MEMORY_OP": "memory_op",
        "CUSTOM": "custom",
    }
    plain = GraphNode("a", "b", OperationType.CUSTOM)
    assert (plain.module_name, plain.parent_ids, plain.timestamp) == (None, None, None)
