"""Models of public libraries, tracked with their backward pass and exported."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("transformers")

from pytest_torchgraph.analysis.overview import analyse
from pytest_torchgraph.capture.tracing import trace
from pytest_torchgraph.report.analysis import render as tables
from pytest_torchgraph.tracking.export import render
from tests.models.resnet import example as resnet
from tests.real import factories

MODELS: dict[str, Any] = {"gpt2": factories.gpt2, "llama": factories.llama, "resnet": resnet}


@pytest.mark.parametrize("name", MODELS)
def test_a_real_model_is_told_whole(name: str) -> None:
    found = MODELS[name]()
    graph = trace(found.model, found.args, found.kwargs, backward="auto", timing=2)
    analysis = analyse(graph)
    parameters = {id(parameter): parameter.numel() for parameter in found.model.parameters()}
    assert analysis.layers[0].parameters == sum(parameters.values())
    assert analysis.performance.flops.unknown == ()
    whole, inner = analysis.layers[0], [layer for layer in analysis.layers if layer.depth == 1]
    assert sum(layer.forward_seconds or 0 for layer in inner) <= (whole.forward_seconds or 0) + 1e-9
    assert analysis.memory.by_category is not None
    assert sum(analysis.memory.by_category.values()) == analysis.memory.peak
    assert all(row.source for row in analysis.performance.costliest)
    assert type(found.model).__name__ in tables(analysis)
    document = json.loads(render(graph, "json"))
    kinds = document["summary"]["nodes_by_type"]
    assert kinds.keys() == {"forward", "layer_op", "backward", "gradient_op", "tensor_op", "memory_op"}
    assert kinds["tensor_op"] == len(graph.operations)
    for other in ("csv", "chrome", "model-explorer", "graphml"):
        assert render(graph, other)
