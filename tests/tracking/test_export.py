"""Every format is what the programs that read it expect, of recorded graphs and of snapshots."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import pytest_torchgraph.tracking
from pytest_torchgraph.capture.tracing import trace
from pytest_torchgraph.graph import Graph, expanded
from pytest_torchgraph.recorded.timing import Span
from pytest_torchgraph.tracking import export_computational_graph, visualize_computational_graph
from pytest_torchgraph.tracking.export import FORMATS, NeedsTiming, export, render
from pytest_torchgraph.tracking.export.chrome import complete, nested, order
from tests.capture.small import Calls, example
from tests.models import MODELS

X = example(4, 8)
MODEL = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
SCHEMA = Path(pytest_torchgraph.tracking.__file__).with_name("graph.schema.json")


@pytest.fixture(scope="module")
def step() -> Graph:
    """A timed training step."""
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
    return trace(model, X, backward=True, optimizer=torch.optim.Adam(model.parameters()), timing=2)


def from_file(graph: Graph) -> Graph:
    """What a snapshot of *graph* holds."""
    return expanded(graph.canonical)


def validator() -> Any:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(SCHEMA.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_json_follows_its_schema(step: Graph) -> None:
    document = json.loads(render(step, "json"))
    validator().validate(document)
    assert (document["format"], document["version"]) == ("torchgraph", 1)
    assert document["summary"]["total_nodes"] == len(document["nodes"])
    assert document["timing"]["runs"] == 2


@pytest.mark.parametrize("name", MODELS)
def test_json_of_every_model_follows_its_schema_from_a_run_and_from_a_file(name: str) -> None:
    found: Any = MODELS[name]()
    backward: Any = None if name in {"custom_op", "kv_cache"} else "auto"  # those have no gradient
    graph = trace(found.model, found.args, found.kwargs, backward=backward)
    for one in (graph, from_file(graph)):
        validator().validate(json.loads(render(one, "json")))


@pytest.mark.parametrize(
    "defect",
    [
        lambda document: document.pop("nodes"),
        lambda document: document.update(version=2),
        lambda document: document["nodes"][0].update(operation_type="other"),
        lambda document: document["nodes"][0].update(id="nowhere"),
        lambda document: document["edges"][0].pop("target_id"),
        lambda document: document["summary"].update(total_nodes=-1),
    ],
)
def test_the_schema_refuses_another_document(defect: Any, step: Graph) -> None:
    document = json.loads(render(step, "json"))
    defect(document)
    assert not validator().is_valid(document)


def test_csv_has_a_row_for_each_operation(step: Graph) -> None:
    rows = list(csv.DictReader(io.StringIO(render(step, "csv"))))
    assert [row["operation"] for row in rows] == [operation.name for operation in step.operations]
    assert sum(int(row["flops"] or 0) for row in rows) == step.flops.at_least
    assert all(float(row["seconds"]) >= 0 for row in rows)
    assert {row["phase"] for row in rows} == {"forward", "backward", "optimizer"}


def test_graphml_is_read_back_as_the_same_graph(step: Graph) -> None:
    networkx = pytest.importorskip("networkx")
    document = json.loads(render(step, "json"))
    found = networkx.parse_graphml(render(step, "graphml"))
    assert set(found.nodes) == {node["id"] for node in document["nodes"]}
    pairs = sorted((edge["source_id"], edge["target_id"]) for edge in document["edges"])
    assert sorted((a, b) for a, b in found.edges()) == pairs
    assert found.nodes["op:1"]["operation_type"] == "tensor_op"


def test_names_that_xml_cannot_hold_do_not_break_graphml() -> None:
    odd = nn.Module()
    odd.add_module("a\x00<b>&", nn.Linear(8, 8))
    model = nn.Sequential(*odd.children())
    model.add_module("\x1b[31m", nn.ReLU())
    networkx = pytest.importorskip("networkx")
    assert len(networkx.parse_graphml(render(trace(model, X), "graphml")))


def chrome(graph: Graph) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(render(graph, "chrome"))
    return document


def test_the_chrome_trace_nests_and_joins(step: Graph) -> None:
    events = chrome(step)["traceEvents"]
    slices = [event for event in events if event["ph"] == "X"]
    assert_nested(slices)
    modules = [event["name"] for event in slices if event["cat"] == "module"]
    assert modules == ["Sequential", "0", "1", "2"]
    named = [event["name"] for event in slices if event["name"].startswith("aten.")]
    assert named == [operation.packet for operation in step.operations]
    assert {"backward", "Adam", "0 backward", "2 backward"} <= {event["name"] for event in slices}
    starts = {event["id"]: event for event in events if event["ph"] == "s"}
    ends = {event["id"]: event for event in events if event["ph"] == "f"}
    assert starts.keys() == ends.keys() != set()
    assert all(starts[key]["ts"] <= ends[key]["ts"] for key in starts)


def test_operations_that_take_no_time_stay_in_turn(step: Graph) -> None:
    timing = step.timing
    assert timing is not None
    still = [replace(span, seconds=0.0) if at % 2 else span for at, span in enumerate(timing.operations)]
    spans = [replace(span, start=still[at - 1].start) if at and not at % 2 else span for at, span in enumerate(still)]
    events = chrome(replace(step, timing=replace(timing, operations=tuple(spans))))["traceEvents"]
    named = [event["name"] for event in events if event["ph"] == "X" and event["name"].startswith("aten.")]
    assert named == [operation.packet for operation in step.operations]


def assert_nested(slices: list[dict[str, Any]]) -> None:
    """Perfetto drops slices of one row that overlap without one lying within the other, speedscope nests them wrongly.

    Both add ``ts`` and ``dur`` as doubles, and neither forgives the last bit.
    """
    for row in {event["tid"] for event in slices}:
        assert_row_nested([event for event in slices if event["tid"] == row])


def assert_row_nested(slices: list[dict[str, Any]]) -> None:
    open_until: list[float] = []
    last = 0.0
    for event in slices:
        start, end = event["ts"], event["ts"] + event["dur"]
        assert start >= last
        last = start
        while open_until and open_until[-1] <= start:
            open_until.pop()
        assert not open_until or end <= open_until[-1]
        open_until.append(end)


@given(
    lengths=st.lists(st.floats(1e-9, 1e-3), min_size=2, max_size=12),
    begun=st.floats(0, 1e4),
    noise=st.sampled_from((0.0, 1e-12, -1e-12, 4e-10, -4e-10)),
)
def test_spans_that_touch_share_an_end(lengths: list[float], begun: float, noise: float) -> None:
    starts = [begun + sum(lengths[:place]) for place in range(len(lengths))]
    around = Span(begun, sum(lengths))
    spans = [around, *(Span(at + noise, length - noise) for at, length in zip(starts, lengths, strict=True))]
    events = nested(sorted((complete(str(place), "", span, 1, {}) for place, span in enumerate(spans)), key=order))
    assert_nested(events)
    assert all(event["dur"] >= 0 for event in events)
    inside = sorted((event for event in events if event["name"] != "0"), key=lambda event: int(event["name"]))
    assert all(one["ts"] + one["dur"] <= other["ts"] for one, other in pairwise(inside))


def test_a_span_that_begins_where_what_lies_around_was_moved_to_is_moved_along() -> None:
    spans = [Span(1.9346416257612873 - 4e-10, 1.4e-9), Span(1.9346416257612873, 8.98e-5), Span(1.93464162576, 8.97e-5)]
    events = [complete(str(place), "", span, 1, {}) for place, span in enumerate(spans)]
    assert_nested(nested(sorted(events, key=order)))


def test_the_memory_counter_ends_at_what_is_left_and_peaks_at_the_peak(step: Graph) -> None:
    counters = [event for event in chrome(step)["traceEvents"] if event["ph"] == "C"]
    totals = [sum(event["args"].values()) for event in counters]
    assert max(totals) == step.memory.peak
    assert totals[-1] == step.memory.timeline[-1]
    assert all(value >= 0 for event in counters for value in event["args"].values())


@pytest.mark.parametrize("name", ["resnet", "checkpointed", "reused_module", "cond", "thread_inside", "moe"])
def test_chrome_traces_of_models_nest(name: str) -> None:
    found: Any = MODELS[name]()
    graph = trace(found.model, found.args, found.kwargs, backward="auto", timing=1)
    assert_nested([event for event in chrome(graph)["traceEvents"] if event["ph"] == "X"])


def test_a_timeline_of_a_graph_without_times_is_refused(step: Graph) -> None:
    with pytest.raises(NeedsTiming, match="no times"):
        render(from_file(step), "chrome")


def test_model_explorer_gets_a_graph_collection_in_its_own_form(step: Graph) -> None:
    collection = json.loads(render(step, "model-explorer"))
    assert collection.keys() == {"label", "graphs"}
    (graph,) = collection["graphs"]
    nodes = {node["id"]: node for node in graph["nodes"]}
    assert len(nodes) == len(graph["nodes"])
    for node in nodes.values():
        assert {"id", "label", "namespace"} <= node.keys()
        assert all(isinstance(attribute["value"], str) for attribute in node["attrs"])
        for edge in node["incomingEdges"]:
            outputs = {output["id"] for output in nodes[edge["sourceNodeId"]]["outputsMetadata"]}
            assert edge["sourceNodeOutputId"] in outputs | {"0"}
            assert all(isinstance(value, str) for value in edge.values())
    spaces = {node["namespace"] for node in nodes.values()}
    assert {"inputs", "forward/0", "forward/1", "backward/2", "optimizer"} <= spaces
    assert all(isinstance(value, str) for told in graph["groupNodeAttributes"].values() for value in told.values())
    first = next(node for node in nodes.values() if node["label"] == "addmm")
    assert "input:0" in {edge["sourceNodeId"] for edge in first["incomingEdges"]}


def test_namespaces_tell_the_calls_of_a_module_apart() -> None:
    from pytest_torchgraph.tracking.export.model_explorer import namespaces_of

    found: Any = MODELS["reused_module"]()
    names = namespaces_of(trace(found.model, found.args, found.kwargs))
    assert len(set(names)) == len(names)
    assert any(name.endswith("#2") for name in names)


def test_a_namespace_is_one_for_model_explorer_whatever_a_module_is_called() -> None:
    model = nn.Sequential()
    model.add_module("a/b;c", nn.Linear(8, 8))
    (graph,) = json.loads(render(trace(model, X), "model-explorer"))["graphs"]
    assert {node["namespace"] for node in graph["nodes"]} == {"inputs", "forward/a_b_c"}


def test_events_that_do_the_same_are_told_the_same_of_so_that_speedscope_has_one_name_for_them() -> None:
    def three_times(_: Any, x: torch.Tensor) -> torch.Tensor:
        for _step in range(3):
            x = x.sin()
        return x

    with torch.no_grad():
        graph = trace(Calls(three_times), X, timing=1)
    told = [event["args"] for event in chrome(graph)["traceEvents"] if event["name"] == "aten.sin"]
    assert len(told) == 3
    assert told[0] == told[1] == told[2]


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "chrome"])
def test_a_snapshot_is_exported_where_no_times_are_needed(name: str, step: Graph) -> None:
    assert render(from_file(step), name)


@pytest.mark.parametrize("name", FORMATS)
def test_a_model_is_exported_to_a_file_and_its_path_returned(name: str, tmp_path: Path) -> None:
    path = tmp_path / "graph.out"
    assert export_computational_graph(MODEL, X, path, name) == str(path)
    assert path.read_text("utf-8")
    assert list(tmp_path.iterdir()) == [path]


def test_dot_is_a_digraph(step: Graph) -> None:
    assert "digraph" in render(step, "dot")


def test_an_ampersand_is_no_entity_of_dot() -> None:
    model = nn.Sequential()
    model.add_module("q&lt;k&v", nn.Linear(8, 8))
    text = render(trace(model, X), "dot")
    assert "q&amp;lt;k&amp;v" in text
    assert not re.search(r"&(?!amp;)", text)


def test_an_unknown_format_lists_those_that_there_are_before_anything_runs(tmp_path: Path) -> None:
    def never(x: Any) -> Any:
        raise AssertionError("the model ran")

    with pytest.raises(ValueError, match="unknown format 'yaml': choose one of json, dot, graphml, chrome"):
        export_computational_graph(never, X, tmp_path / "a", "yaml")


def test_a_path_that_cannot_be_written_is_told_and_nothing_is_left(tmp_path: Path, step: Graph) -> None:
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        export(step, tmp_path / "nowhere" / "graph.json", "json")
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        export(step, tmp_path, "json")
    assert not list(tmp_path.iterdir())


def test_a_failure_leaves_the_file_that_was_there(tmp_path: Path, step: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "graph.json"
    path.write_text("before", encoding="utf-8")

    def full(self: Path, *args: Any, **kwargs: Any) -> int:
        self.touch()
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match="No space left"):
            export(step, path, "json")
    with pytest.raises(NeedsTiming):
        export(from_file(step), path, "chrome")
    assert path.read_text("utf-8") == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("library", "use"),
    [
        ("networkx", lambda graph: render(graph, "graphml")),
        ("pandas", lambda graph: import_module("pytest_torchgraph.tracking.frames").data_frames(graph)),
        ("plotly", lambda _: visualize_computational_graph(MODEL, X)),
        ("matplotlib", lambda _: visualize_computational_graph(MODEL, X, renderer="matplotlib")),
    ],
)
def test_a_missing_library_is_told_with_the_command_that_installs_it(
    library: str, use: Any, step: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError) as told:
        use(step)
    extra = "drawing" if library in {"plotly", "matplotlib"} else "tracking"
    assert f"needs {library}: pip install 'pytest-torchgraph[{extra}]'" in str(told.value)
    assert "\n" not in str(told.value)


def test_an_unknown_renderer_lists_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="unknown renderer 'ascii': choose one of plotly, matplotlib"):
        visualize_computational_graph(MODEL, X, renderer="ascii")


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\uff1d", "\t=", "\r=", "\n=", "\x1b"])
def test_no_cell_of_a_csv_is_a_formula(step: Graph, begin: str) -> None:
    hostile = f"{begin}HYPERLINK(1)"
    first, *rest = step.operations
    renamed = replace(step, operations=(replace(first, name=hostile), *rest))
    row = next(csv.DictReader(io.StringIO(render(renamed, "csv"), newline="")))
    assert row["operation"] == (f"'{hostile}" if begin.isprintable() else hostile.encode("unicode_escape").decode())
    assert row["index"] == "0"
