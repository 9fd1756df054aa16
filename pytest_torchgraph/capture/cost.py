"""FLOPs of recorded operations, computed after the run from shapes alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import flop_registry

from pytest_torchgraph.capture.tensor import Raw
from pytest_torchgraph.graph.tally import ATTENTION_PACKETS, MATMUL_PACKETS, packet_of
from pytest_torchgraph.graph.tensor import Shape

# Matmul-like packets outside `MATMUL_PACKETS`: without a formula their cost is unknown rather than 0.
HEAVY_PACKETS = (
    MATMUL_PACKETS
    | ATTENTION_PACKETS
    | {
        "aten.convolution",
        "aten._convolution",
        "aten.mkldnn_rnn_layer",
        "aten._cudnn_rnn",
        "aten._thnn_fused_lstm_cell",
        "aten._scaled_dot_product_flash_attention_for_cpu",
        "aten._scaled_dot_product_flash_attention",
        "aten._scaled_dot_product_efficient_attention",
        "aten._scaled_dot_product_cudnn_attention",
        "aten._cdist_forward",
        "aten._trilinear",
        "aten.linalg_solve_triangular",
        "quantized.linear",
        "quantized.linear_dynamic",
        "quantized.conv2d",
        "mkldnn._convolution_pointwise",
    }
)


def matrix_vector(matrix: Shape, _: Shape, **__: Any) -> int:
    """Multiply-adds of a matrix and a vector, two FLOPs each, as the registry counts ``mm``."""
    return 2 * math.prod(matrix)


def added_matrix_vector(_: Shape, matrix: Shape, vector: Shape, **__: Any) -> int:
    """``addmv``: the addition is not counted, as in the registry's ``addmm``."""
    return matrix_vector(matrix, vector)


def dot(left: Shape, _: Shape, **__: Any) -> int:
    """Multiply-adds of two vectors."""
    return 2 * math.prod(left)


def flash_attention_on_cpu(query: Shape, key: Shape, value: Shape, *_: Any, **__: Any) -> int:
    """Two batched products, as ``torch.utils.flop_counter.sdpa_flop_count`` counts them for every backend."""
    batch, heads, queries, width = query
    keys, value_width = key[-2], value[-1]
    return 2 * batch * heads * queries * keys * (width + value_width)


OWN_FORMULAS: dict[str, Callable[..., int]] = {
    "aten.mv": matrix_vector,
    "aten.addmv": added_matrix_vector,
    "aten.dot": dot,
    "aten.vdot": dot,
    "aten._scaled_dot_product_flash_attention_for_cpu": flash_attention_on_cpu,
}


def flops_of(name: str, target: Any, arguments: tuple[Any, ...], keywords: dict[str, Any], results: Any) -> int | None:
    """FLOPs of one operation on the recorded shapes; 0 for work that is not matmul-like, ``None`` where unknown."""
    packet = packet_of(name)
    formula = OWN_FORMULAS.get(packet) or registered_formula(target)
    if formula is None:
        return None if packet in HEAVY_PACKETS else 0
    shapes = tuple(shapes_of(argument) for argument in arguments)
    named = {key: shapes_of(value) for key, value in keywords.items()}
    out = shapes_of(results)
    return applied(formula, shapes, named, out[0] if isinstance(out, tuple) and len(out) == 1 else out)


def applied(formula: Callable[..., int], shapes: Any, named: Any, out: Any) -> int | None:
    """The formula's result, or ``None`` when it does not understand this call."""
    try:
        return int(formula(*shapes, **named, out_shape=out))
    except (TypeError, ValueError, IndexError, AssertionError, AttributeError):
        return None


def registered_formula(target: Any) -> Callable[..., int] | None:
    """PyTorch's own formula on shapes, without the wrapper that walks tensors (43 to 158 microseconds a call)."""
    packet = target.overloadpacket if isinstance(target, torch._ops.OpOverload) else target
    registered = flop_registry.get(packet)
    return getattr(registered, "__wrapped__", None)


def shapes_of(value: Any) -> Any:
    """Readings replaced by shapes; everything else as it is."""
    if isinstance(value, Raw):
        return value[2]
    if isinstance(value, (list, tuple)):
        return tuple(shapes_of(part) for part in value)
    return value
