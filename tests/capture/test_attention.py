"""``scaled_dot_product_attention`` is kept for its meaning, whoever calls it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention as imported_early

from pytest_torchgraph import record, trace
from pytest_torchgraph.recorded.operation import Call, tensors_in
from tests.capture.small import Calls, example, stream_of

NAME = "aten::scaled_dot_product_attention"
Q = example(2, 4, 6, 8)
KEYS = ("CPU", "AutogradCPU", "CUDA", "AutogradCUDA")


def calls_of(function: Any, *args: Tensor) -> tuple[Call, ...]:
    return trace(Calls(lambda module, *given: function(*given)), args).calls


def has_own_kernel() -> bool:
    return any(torch._C._dispatch_has_kernel_for_dispatch_key(NAME, key) for key in KEYS)


def test_a_direct_call_keeps_all_its_arguments() -> None:
    (call,) = calls_of(lambda q: torch.nn.functional.scaled_dot_product_attention(q, q, q, is_causal=True), Q)
    assert call.name == "scaled_dot_product_attention"
    assert len(tensors_in(call.arguments)) == 3
    assert dict(call.keywords) == {
        "attn_mask": None,
        "dropout_p": 0.0,
        "is_causal": True,
        "scale": None,
        "enable_gqa": False,
    }


def test_a_function_imported_before_is_seen() -> None:
    assert len(calls_of(lambda q: imported_early(q, q, q), Q)) == 1


def test_keyword_arguments_are_seen() -> None:
    (call,) = calls_of(lambda q: imported_early(query=q, key=q, value=q, scale=0.5), Q)
    assert dict(call.keywords)["scale"] == 0.5


def test_a_mask_is_a_tensor_of_the_call() -> None:
    (call,) = calls_of(lambda q, mask: imported_early(q, q, q, attn_mask=mask), Q, torch.ones(6, 6, dtype=torch.bool))
    assert len(tensors_in(tuple(value for _, value in call.keywords))) == 1


def test_dropout_and_grouped_queries_are_kept() -> None:
    grouped, dropped = calls_of(
        lambda q: (
            imported_early(q, q[:, :2], q[:, 2:], enable_gqa=True),
            imported_early(q, q, q, dropout_p=0.3),
        ),
        Q,
    )
    assert dict(grouped.keywords)["enable_gqa"] is True
    assert dict(dropped.keywords)["dropout_p"] == 0.3


def test_the_operations_of_the_backend_know_their_call() -> None:
    graph = trace(Calls(lambda module, q: imported_early(q, q, q) + 1), Q)
    within = [operation.call for operation in graph.operations if "dot_product" in operation.name]
    assert within == [0]
    assert graph.operations[-1].call is None


@pytest.mark.parametrize("grad", [True, False])
def test_multi_head_attention_is_seen(grad: bool) -> None:
    model = nn.MultiheadAttention(8, 2, batch_first=True)
    x = example(2, 5, 8)
    with torch.set_grad_enabled(grad):
        graph = trace(Calls(lambda module, x: module.attention(x, x, x, need_weights=False), attention=model), x)
    assert [graph.scopes[call.scope].path for call in graph.calls] == ["attention"]
    assert graph.attention == 1


def test_an_encoder_layer_in_training_is_seen() -> None:
    model = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    graph = trace(model, example(2, 5, 8))
    (call,) = graph.calls
    assert graph.scopes[call.scope].path == "self_attn"
    assert dict(call.keywords)["dropout_p"] == 0.1


def test_the_fast_path_that_bypasses_the_call_counts_as_attention() -> None:
    model = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    with torch.no_grad():
        graph = trace(model, example(2, 5, 8))
    assert graph.calls == ()
    assert graph.op_counts["aten._transformer_encoder_layer_fwd"] == 1
    assert graph.attention == 1


def test_the_operations_are_those_of_an_unwatched_call() -> None:
    mask = torch.zeros(6, 6)
    for function in (
        lambda: imported_early(Q, Q, Q),
        lambda: imported_early(Q, Q, Q, attn_mask=mask),
        lambda: imported_early(Q, Q, Q, dropout_p=0.3),
        lambda: imported_early(Q.double(), Q.double(), Q.double(), is_causal=True),
    ):
        names = [operation.name for operation in trace(function).operations]
        assert names == stream_of(function)


def test_gradients_flow_through_a_watched_call() -> None:
    def step(q: Tensor) -> Tensor:
        (gradient,) = torch.autograd.grad(imported_early(q, q, q).sum(), q)
        return gradient

    plain = Q.clone().requires_grad_()
    with record() as recording:
        watched = step(plain)
    assert torch.equal(watched, step(plain))
    assert len(recording.graph.calls) == 1


def test_no_kernel_is_left_behind() -> None:
    assert not has_own_kernel()
    with record():
        assert has_own_kernel()
    assert not has_own_kernel()
    with pytest.raises(RuntimeError):
        trace(Calls(lambda module, q: imported_early(q, q[..., :3], q)), Q)
    assert not has_own_kernel()
