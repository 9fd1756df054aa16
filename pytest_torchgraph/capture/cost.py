"""FLOPs of recorded operations, computed after the run from shapes alone."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import torch
from torch.utils.flop_counter import flop_registry

from pytest_torchgraph.capture.formulas import FORMULAS, Formula
from pytest_torchgraph.capture.tensor import Raw
from pytest_torchgraph.graph.kinds import ATTENTION, MATMULS
from pytest_torchgraph.graph.operation import packet_of
from pytest_torchgraph.graph.tensor import RAGGED

# Operations that hold products and have no formula: their cost is unknown rather than 0.
HEAVY = re.compile(
    r"aten\.(_?sparse_(mm|addmm|sampled_addmm)\w*|_cslt_sparse_mm\w*|_sparse_semi_structured\w*|_?convolution\w*"
    r"|_cdist_backward|_?linalg_(svd|eigh|eig|qr|lstsq|matrix_exp|ldl\w*|lu_solve|lu|householder_product)|geqrf|ormqr"
    r"|lu_solve|cholesky_(solve|inverse)|triangular_solve|\w*conv_transpose\w*|\w*_rnn\w*|_lstm_mps|lstm_mps_backward"
    r"|\w*scaled_dot_product\w*attention\w*|\w*(flash|efficient|cudnn)_attention\w*|\w*_multi_head_attention\w*)"
    # Fused and packed kernels of other namespaces are named after what they hold.
    r"|(quantized|_quantized|onednn|mkldnn|mkldnn_prepacked|xnnpack|metal_prepack)"
    r"\.\w*(conv|linear|matmul|lstm|gru|rnn|attention|_mm)\w*"
    # What a higher-order operator runs is not recorded.
    r"|higher_order\.\w+"
)
LIGHT = frozenset({"aten._fused_sdp_choice"})
# PyTorch's own; an operation that a library registers may hold anything.
NAMESPACES = re.compile(
    r"(aten|prims|rngprims|debugprims|quantized|_quantized|quantized_decomposed|onednn|mkldnn\w*|xnnpack|metal_prepack"
    r"|_?c10d\w*|symm_mem|_dtensor|fsdp|inductor|streams|autograd|higher_order)\."
)


def flops_of(name: str, target: Any, arguments: tuple[Any, ...], keywords: dict[str, Any], results: Any) -> int | None:
    """FLOPs of one operation on the recorded shapes; 0 for work that is not matmul-like, ``None`` where unknown.

    Unknown are matmul-like operations without a formula, products of sparse or ragged tensors, and what a library
    registered without telling ``torch.utils.flop_counter`` how to count it.
    """
    packet = packet_of(name)
    formula = FORMULAS.get(packet) or registered_formula(target)
    if formula is None:
        return None if is_heavy(packet) else 0
    if any(map(hides_sizes, (*arguments, *keywords.values()))):
        return None
    shapes = tuple(shapes_of(argument) for argument in arguments)
    named = {key: shapes_of(value) for key, value in keywords.items()}
    out = shapes_of(results)
    return applied(formula, shapes, named, out[0] if isinstance(out, tuple) and len(out) == 1 else out)


@cache
def is_heavy(packet: str) -> bool:
    """Whether an operation without a formula may hold products."""
    if packet in LIGHT:
        return False
    known = packet in MATMULS or packet in ATTENTION or HEAVY.fullmatch(packet)
    return bool(known) or NAMESPACES.match(packet) is None


def hides_sizes(value: Any) -> bool:
    """Whether the shape of a tensor does not tell how much of it there is."""
    if isinstance(value, Raw):
        return RAGGED in value[2] or str(value[7]).startswith("torch.sparse")
    return isinstance(value, (list, tuple)) and any(map(hides_sizes, value))


def applied(formula: Formula, shapes: Any, named: Any, out: Any) -> int | None:
    """The formula's result, or ``None`` when it does not understand this call."""
    try:
        return int(formula(*shapes, **named, out_shape=out))
    except (TypeError, ValueError, IndexError, AssertionError, AttributeError):
        return None


def registered_formula(target: Any) -> Formula | None:
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
