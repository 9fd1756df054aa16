"""Packed quantized weights show their shape, dtype and scheme, and are parameters."""

from __future__ import annotations

import re
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.ao import quantization

from pytest_torchgraph import trace
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.operation import Packed, PackedTensor
from pytest_torchgraph.snapshot.literal import LITERAL, literal_of, literal_text
from pytest_torchgraph.snapshot.reader import read
from pytest_torchgraph.snapshot.writer import write
from tests.capture.small import example


def dynamic(scheme: Any) -> nn.Module:
    model: Any = nn.Sequential(nn.Linear(8, 16))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return quantization.quantize_dynamic(model, {nn.Linear: scheme})


def packed_in(graph: Graph) -> list[Packed]:
    return [one for operation in graph.operations for one in operation.arguments if isinstance(one, Packed)]


@pytest.mark.parametrize(
    ("config", "weight"),
    [
        (quantization.default_dynamic_qconfig, PackedTensor("qint8", (16, 8), "per_tensor_affine")),
        (quantization.per_channel_dynamic_qconfig, PackedTensor("qint8", (16, 8), "per_channel_affine")),
        (quantization.float16_dynamic_qconfig, PackedTensor("float16", (16, 8))),
    ],
)
def test_a_packed_weight_shows_what_it_holds(config: Any, weight: PackedTensor) -> None:
    graph = trace(dynamic(config), example(2, 8), verify=True)
    assert packed_in(graph) == [Packed((weight, PackedTensor("float32", (16,))))]
    width = 2 if weight.dtype == "float16" else 1
    memory = graph.memory
    assert memory.parameter_bytes == 16 * 8 * width + 4 * 16
    assert memory.resident == memory.parameter_bytes + 4 * 2 * 8
    assert memory.peak == memory.resident + 4 * 2 * 16
    text = write(graph.canonical, test="test", recorded="here")
    assert read(text).program == graph.canonical


def test_a_weight_that_two_calls_read_counts_once() -> None:
    model = dynamic(quantization.default_dynamic_qconfig)
    graph = trace(lambda x: model(x) + model(x + 1), example(2, 8))
    assert len(packed_in(graph)) == 2
    assert graph.memory.parameter_bytes == 16 * 8 + 4 * 16


def test_another_scheme_is_another_graph() -> None:
    configs = quantization.default_dynamic_qconfig, quantization.per_channel_dynamic_qconfig
    first, second = (trace(dynamic(config), example(2, 8)) for config in configs)
    assert first != second


tensors = st.builds(
    PackedTensor,
    st.sampled_from(["qint8", "float32"]),
    st.lists(st.integers(0, 99), max_size=4).map(tuple),
    st.sampled_from(["", "per_tensor_affine"]),
)


@given(st.lists(tensors, max_size=4))
def test_packed_weights_are_written_and_read(found: list[PackedTensor]) -> None:
    packed = Packed(tuple(found))
    assert re.fullmatch(LITERAL, packed.text, re.ASCII)
    assert literal_of(literal_text(packed)) == packed
