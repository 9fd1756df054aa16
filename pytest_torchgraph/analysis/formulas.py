"""FLOPs of matmul-like operations, from shapes alone and without PyTorch.

Counted as ``torch.utils.flop_counter`` counts: a multiply-add is two FLOPs, whatever is added afterwards (a bias, a
mask, an activation) is none, and attention is counted in full where a causal mask would let a kernel skip half.
"""

from __future__ import annotations

import math
from typing import Any

from pytest_torchgraph.analysis.algebra import ALGEBRA, Formula
from pytest_torchgraph.recorded.tensor import Shape


def applied(formula: Formula, shapes: Any, named: Any, out: Any) -> int | None:
    """The formula's result, or ``None`` when it does not understand this call."""
    try:
        return int(formula(*shapes, **named, out_shape=out))
    except (TypeError, ValueError, IndexError, AssertionError, AttributeError):
        return None


def matrix_vector(matrix: Shape, _: Shape, **__: Any) -> int:
    """``mv``: a row of the matrix times the vector for each result."""
    return 2 * math.prod(matrix)


def added_matrix_vector(_: Shape, matrix: Shape, vector: Shape, **__: Any) -> int:
    """``addmv``: the addition is not counted, as in the registry's ``addmm``."""
    return matrix_vector(matrix, vector)


def dot(left: Shape, _: Shape, **__: Any) -> int:
    """Multiply-adds of two vectors."""
    return 2 * math.prod(left)


def added_outer(_: Shape, left: Shape, right: Shape, **__: Any) -> int:
    """``addr``: an ``addmm`` with an inner size of one."""
    return 2 * math.prod(left) * math.prod(right)


def product(left: Shape, right: Shape, *_: Any, **__: Any) -> int:
    """``mm`` or ``bmm``, whatever is done to the result (``_int_mm``, ``_scaled_mm``)."""
    return 2 * math.prod(left) * right[-1]


def added_product(_: Shape, left: Shape, right: Shape, *__: Any, **___: Any) -> int:
    """``addmm`` and ``baddbmm``, and ``addbmm``, whose batches are summed: every batch is a product."""
    return product(left, right)


def grouped_product(left: Shape, right: Shape, *_: Any, **__: Any) -> int:
    """``_grouped_mm`` and its scaled kin: each row is in one group, whose matrix it meets.

    ``[M, K] x [G, K, N]`` splits the rows, ``[G, M, K] x [K, N]`` the columns, ``[M, K] x [K, N]`` the inner size, as
    ``aten/src/ATen/native/GroupedMMUtils.h`` tells them apart; together the groups are one product of ``M x K x N``.
    Only two stacks of matrices are ``G`` products. Rows beyond the last group's end, which the shapes do not tell, are
    counted.
    """
    stacks = left[0] if len(left) == len(right) == 3 else 1
    return 2 * stacks * left[-2] * left[-1] * right[-1]


def linear(inputs: Shape, *_: Any, out_shape: Shape, **__: Any) -> int:
    """Any layer whose weight may be packed: as many multiply-adds per result as an input row is long."""
    return 2 * math.prod(out_shape) * inputs[-1]


def convolution(_: Shape, weight: Shape, *__: Any, out_shape: Shape, **___: Any) -> int:
    """Each element of the result meets the filters of its group, which are what the weight holds."""
    return 2 * out_shape[0] * math.prod(out_shape[2:]) * math.prod(weight)


def transposed_convolution(inputs: Shape, weight: Shape, *_: Any, **__: Any) -> int:
    """Each element of the input meets the filters of its group."""
    return 2 * inputs[0] * math.prod(inputs[2:]) * math.prod(weight)


def any_convolution(inputs: Shape, weight: Shape, *rest: Any, out_shape: Shape, **_: Any) -> int:
    """``convolution(input, weight, bias, stride, padding, dilation, transposed, ...)``."""
    if rest[4]:
        return transposed_convolution(inputs, weight)
    return convolution(inputs, weight, out_shape=out_shape)


def convolution_backward(grad: Shape, inputs: Shape, weight: Shape, *rest: Any, **_: Any) -> int:
    """``convolution_backward(grad, input, weight, ..., transposed, output_padding, groups, output_mask)``.

    The gradients of the input and of the weight have the products of the forward pass each, with any number of groups.
    PyTorch's own formula takes the weight's times ``groups`` (``conv_backward_flop`` in 2.13).
    """
    transposed, mask = rest[-4], rest[-1]
    forward = transposed_convolution(inputs, weight) if transposed else convolution((), weight, out_shape=grad)
    return sum(map(bool, mask[:2])) * forward


def convolution_backward_2d(grad: Shape, _: Shape, weight: Shape, *rest: Any, **__: Any) -> int:
    """``_slow_conv2d_backward``: a convolution for the input's gradient and one for the weight's, where wanted."""
    wanted = rest[-1][:2] if rest and isinstance(rest[-1], tuple) and len(rest[-1]) == 3 else (True, True)
    return sum(map(bool, wanted)) * convolution((), weight, out_shape=grad)


def convolution_tbc(_: Shape, weight: Shape, *__: Any, out_shape: Shape, **___: Any) -> int:
    """``conv_tbc`` on ``[time, batch, channels]``, with a weight of ``[width, in, out]``."""
    return 2 * out_shape[0] * out_shape[1] * math.prod(weight)


def affine_grid(theta: Shape, *_: Any, out_shape: Shape, **__: Any) -> int:
    """``affine_grid_generator``: the matrix of its image for each point (``AffineGridGenerator.cpp``)."""
    return 2 * math.prod(out_shape) * theta[-1]


def foreach_product(left: tuple[Shape, ...], right: tuple[Shape, ...], **_: Any) -> int:
    """``_foreach_mm``: one product for each pair of matrices."""
    return sum(product(one, other) for one, other in zip(left, right, strict=True))


def linear_backward(inputs: Shape, _: Shape, weight: Shape, mask: tuple[bool, ...], **__: Any) -> int:
    """``linear_backward(input, grad, weight, output_mask)``: the products of the forward pass for each gradient."""
    return sum(map(bool, mask[:2])) * 2 * math.prod(inputs) * weight[0]


def linear_backward_input(_: Any, grad: Shape, weight: Shape, **__: Any) -> int:
    """``mkldnn_linear_backward_input(input_size, grad, weight)``."""
    return 2 * math.prod(grad) * weight[-1]


def linear_backward_weights(grad: Shape, inputs: Shape, *_: Any, **__: Any) -> int:
    """``mkldnn_linear_backward_weights(grad, input, weight, ...)``."""
    return 2 * math.prod(grad) * inputs[-1]


def combination(inputs: Shape, coefficients: Shape, **_: Any) -> int:
    """``_compute_linear_combination`` of ``matrix_exp``: each row of coefficients weighs all inputs."""
    return 2 * math.prod(coefficients) * math.prod(inputs[1:])


def attention(query: Shape, key: Shape, value: Shape, *_: Any, **__: Any) -> int:
    """Two batched products, as ``sdpa_flop_count`` counts them; grouped keys are met by every query's head."""
    batch, heads, queries, width = query
    return 2 * batch * heads * queries * key[-2] * (width + value[-1])


def attention_backward(_: Shape, query: Shape, key: Shape, value: Shape, *__: Any, **___: Any) -> int:
    """Five products, as ``sdpa_backward_flop_count``: the scores again, two gradients through each of the products."""
    batch, heads, queries, width = query
    return 2 * batch * heads * queries * key[-2] * (3 * width + 2 * value[-1])


def flex_attention_backward(query: Shape, key: Shape, value: Shape, *_: Any, **__: Any) -> int:
    """The same with the gradient elsewhere; what a block mask skips is counted, as in the registry."""
    return attention_backward((), query, key, value)


def flash_attention(query: Shape, key: Shape, value: Shape, ends: Any, *_: Any, **__: Any) -> int:
    """``_flash_attention_forward`` on ``[batch, length, heads, width]``; sequences packed by *ends* are not known."""
    require_unpacked(ends)
    return attention(*(heads_first(shape) for shape in (query, key, value)))


def efficient_attention(query: Shape, key: Shape, value: Shape, _: Any, ends: Any, *__: Any, **___: Any) -> int:
    """``_efficient_attention_forward``, which takes a bias before the ends."""
    return flash_attention(query, key, value, ends)


def flash_attention_backward(_: Shape, query: Shape, key: Shape, value: Shape, *rest: Any, **__: Any) -> int:
    """``_flash_attention_backward(grad, query, key, value, out, logsumexp, ends, ...)``."""
    require_unpacked(rest[2])
    return attention_backward((), *(heads_first(shape) for shape in (query, key, value)))


def efficient_attention_backward(_: Shape, query: Shape, key: Shape, value: Shape, *rest: Any, **__: Any) -> int:
    """``_efficient_attention_backward(grad, query, key, value, bias, out, ends, ...)``."""
    return flash_attention_backward((), query, key, value, *rest)


def heads_first(shape: Shape) -> Shape:
    """``[batch, length, heads, width]`` as ``[batch, heads, length, width]``."""
    batch, length, heads, width = shape
    return batch, heads, length, width


def require_unpacked(ends: Any) -> None:
    """Raise ``ValueError`` for sequences that lie packed in one tensor: their lengths are values, not shapes."""
    if ends is not None:
        raise ValueError("packed sequences")


def multi_head_attention(query: Shape, key: Shape, value: Shape, width: int, *_: Any, **__: Any) -> int:
    """``_native_multi_head_attention``, the fast path of ``nn.MultiheadAttention``.

    Projections in and out and two products between, as ``native_multi_head_attention_cpu`` in
    ``aten/src/ATen/native/transformers/attention.cpp`` runs them.
    """
    batch, queries, _width = query
    keys = key[1]
    projections = 2 * batch * width * width * (2 * queries + keys + value[1])
    return projections + 4 * batch * queries * keys * width


def encoder_layer(source: Shape, width: int, *rest: Any, **__: Any) -> int:
    """``_transformer_encoder_layer_fwd``: attention, then two linear layers.

    Source: ``transformer_encoder_forward`` in ``aten/src/ATen/native/transformers/transformer.cpp``. The weights of the
    linear layers are the 15th and 17th argument.
    """
    weights: tuple[Shape, Shape] = (rest[12], rest[14])
    rows = math.prod(source[:-1])
    return multi_head_attention(source, source, source, width) + 2 * rows * sum(map(math.prod, weights))


def recurrent_layer(inputs: Shape, weight: Shape, hidden_weight: Shape, *_: Any, **__: Any) -> int:
    """``mkldnn_rnn_layer``: one layer in one direction, both weights at every step of every sequence.

    Source: ``mkldnn_rnn_layer`` in ``aten/src/ATen/native/mkldnn/RNN.cpp``; the input is ``[steps, batch, width]``.
    """
    return 2 * math.prod(inputs[:-1]) * (math.prod(weight) + math.prod(hidden_weight))


def recurrent_layer_backward(inputs: Shape, weight: Shape, hidden_weight: Shape, *_: Any, **__: Any) -> int:
    """``mkldnn_rnn_layer_backward``: two for each product forward, its input's gradient and its weight's."""
    return 2 * recurrent_layer(inputs, weight, hidden_weight)


def recurrent_layers(inputs: Shape, weights: tuple[Shape, ...], *_: Any, **__: Any) -> int:
    """``_cudnn_rnn`` and ``miopen_rnn``: the matrices of all layers and directions, each at every step."""
    return 2 * math.prod(inputs[:-1]) * sum(math.prod(weight) for weight in weights if len(weight) == 2)


def recurrent_layers_backward(inputs: Shape, weights: tuple[Shape, ...], *_: Any, **__: Any) -> int:
    """Twice the products of the forward pass."""
    return 2 * recurrent_layers(inputs, weights)


def trilinear(one: Shape, two: Shape, three: Shape, *rest: Any, **__: Any) -> int:
    """``_trilinear`` of ``nn.Bilinear``: every combination of indices once, the scaling by the third not counted.

    Source: ``_trilinear`` in ``aten/src/ATen/native/Linear.cpp``, which inserts dimensions of size one at the places
    that the next three arguments name.
    """
    shapes = [expanded(shape, places) for shape, places in zip((one, two, three), rest[:3], strict=True)]
    sizes: list[int] = [0 if 0 in each else max(each) for each in zip(*shapes, strict=True)]
    return 2 * math.prod(sizes)


def expanded(shape: Shape, places: Shape) -> Shape:
    """*shape* with sizes of one inserted at *places*."""
    sizes = list(shape)
    for place in places:
        sizes.insert(place, 1)
    return tuple(sizes)


FORMULAS: dict[str, Formula] = {
    "aten.mv": matrix_vector,
    "aten.addmv": added_matrix_vector,
    "aten.addmv_": added_matrix_vector,
    "aten.dot": dot,
    "aten.vdot": dot,
    "aten.addr": added_outer,
    "aten.addr_": added_outer,
    **dict.fromkeys(("aten.mm", "aten.bmm", "aten._int_mm", "aten._scaled_mm", "aten._scaled_mm_v2"), product),
    **dict.fromkeys(
        (
            *("aten.addmm", "aten.addmm_", "aten._addmm_activation", "aten.addbmm", "aten.addbmm_"),
            *("aten.baddbmm", "aten.baddbmm_"),
        ),
        added_product,
    ),
    "aten._grouped_mm": grouped_product,
    "aten._scaled_grouped_mm": grouped_product,
    "aten._scaled_grouped_mm_v2": grouped_product,
    **dict.fromkeys(
        (
            *("aten.linear", "aten.mkldnn_linear", "mkldnn._linear_pointwise", "aten._mixed_dtypes_linear"),
            *("aten._weight_int8pack_mm", "aten._weight_int4pack_mm", "aten._weight_int4pack_mm_for_cpu"),
            "aten._weight_int4pack_mm_with_scales_and_zeros",
            *("aten._dyn_quant_matmul_4bit", "quantized.linear_leaky_relu"),
            *("quantized.linear", "quantized.linear_relu", "quantized.linear_dynamic", "quantized.linear_relu_dynamic"),
        ),
        linear,
    ),
    **dict.fromkeys(
        (
            *("aten.mkldnn_convolution", "mkldnn._convolution_pointwise", "aten.slow_conv3d_forward"),
            *("aten._conv_depthwise2d", "aten.conv_depthwise3d", "aten.miopen_convolution"),
            *("aten.miopen_depthwise_convolution", "aten.cudnn_convolution_relu", "aten.cudnn_convolution_add_relu"),
            *("aten.miopen_convolution_relu", "aten.miopen_convolution_add_relu", "aten._nnpack_spatial_convolution"),
            *("aten.cudnn_convolution", "aten._mps_convolution", "aten._slow_conv2d_forward"),
            *("aten.slow_conv_dilated2d", "aten.slow_conv_dilated3d"),
        ),
        convolution,
    ),
    **dict.fromkeys(("aten.convolution", "aten._convolution", "aten.convolution_overrideable"), any_convolution),
    "aten.convolution_backward": convolution_backward,
    "aten.convolution_backward_overrideable": convolution_backward,
    **dict.fromkeys(
        (
            *("aten.cudnn_convolution_transpose", "aten.miopen_convolution_transpose"),
            *("aten.slow_conv_transpose2d", "aten.slow_conv_transpose3d"),
        ),
        transposed_convolution,
    ),
    "aten.conv_tbc": convolution_tbc,
    "aten.affine_grid_generator": affine_grid,
    "aten._foreach_mm": foreach_product,
    "aten.linear_backward": linear_backward,
    "aten.mkldnn_linear_backward": linear_backward,
    "aten.mkldnn_linear_backward_input": linear_backward_input,
    "aten.mkldnn_linear_backward_weights": linear_backward_weights,
    "aten._compute_linear_combination": combination,
    "aten._slow_conv2d_backward": convolution_backward_2d,
    **dict.fromkeys(
        (
            *("aten._scaled_dot_product_flash_attention", "aten._scaled_dot_product_flash_attention_for_cpu"),
            *("aten._scaled_dot_product_efficient_attention", "aten._scaled_dot_product_cudnn_attention"),
            *("aten._scaled_dot_product_fused_attention_overrideable", "aten._triton_scaled_dot_attention"),
            "aten._scaled_dot_product_attention_math_for_mps",
        ),
        attention,
    ),
    **dict.fromkeys(
        (
            "aten._scaled_dot_product_flash_attention_backward",
            "aten._scaled_dot_product_flash_attention_for_cpu_backward",
            "aten._scaled_dot_product_efficient_attention_backward",
            "aten._scaled_dot_product_cudnn_attention_backward",
            "aten._scaled_dot_product_fused_attention_overrideable_backward",
        ),
        attention_backward,
    ),
    "higher_order.flex_attention": attention,
    "higher_order.flex_attention_backward": flex_attention_backward,
    "aten._flash_attention_forward": flash_attention,
    "aten._flash_attention_backward": flash_attention_backward,
    "aten._efficient_attention_forward": efficient_attention,
    "aten._efficient_attention_backward": efficient_attention_backward,
    "aten._native_multi_head_attention": multi_head_attention,
    "aten._triton_multi_head_attention": multi_head_attention,
    "aten._transformer_encoder_layer_fwd": encoder_layer,
    "aten.mkldnn_rnn_layer": recurrent_layer,
    "aten.mkldnn_rnn_layer_backward": recurrent_layer_backward,
    "aten._cudnn_rnn": recurrent_layers,
    "aten._cudnn_rnn_backward": recurrent_layers_backward,
    "aten.miopen_rnn": recurrent_layers,
    "aten.miopen_rnn_backward": recurrent_layers_backward,
    "aten._trilinear": trilinear,
    **ALGEBRA,
}
"""By operation without overload."""
