"""Operations that are proved to hold no products: all others without a formula have unknown FLOPs.

Proved are PyTorch's own ``Tag.pointwise``, views, what makes a tensor of nothing but numbers, and the names listed
here, whose work grows as their operands and results do. What differentiates a light operation is light: reverse mode
takes no more than a constant times the work (Baur and Strassen, *The complexity of partial derivatives*, 1983).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch


def words(*texts: str) -> frozenset[str]:
    """All words of *texts*."""
    return frozenset(word for text in texts for word in text.split())


REDUCTIONS = """
    _aminmax _foreach_powsum _is_all_true _is_any_true _logcumsumexp all allclose amax amin aminmax any argmax argmin
    bincount count_nonzero cummax _cummax_helper cummin _cummin_helper cumprod cumsum dist equal hash_tensor histc
    histogram _histogramdd_bin_edges _histogramdd_from_bin_cts _histogramdd_from_bin_tensors kthvalue linalg__powsum
    linalg_cross linalg_vector_norm logcumsumexp logsumexp max mean median min mode nanmedian nansum native_norm norm
    powsum prod renorm segment_reduce _segment_reduce sort std std_mean sum topk trace var var_mean
    _nested_sum _sparse_csr_prod _sparse_csr_sum _sparse_sum
"""
"""A cross product has two products for each result, whatever is multiplied."""
LOSSES = """
    _ctc_loss _cudnn_ctc_loss binary_cross_entropy binary_cross_entropy_with_logits huber_loss miopen_ctc_loss mse_loss
    multi_margin_loss multilabel_margin_loss multilabel_margin_loss_forward nll_loss nll_loss_forward nll_loss2d
    nll_loss2d_forward smooth_l1_loss soft_margin_loss _use_cudnn_ctc_loss _use_miopen_ctc_loss
"""
NORMS = """
    _batch_norm_no_update _batch_norm_with_update _batch_norm_with_update_functional batch_norm
    batch_norm_backward_elemt batch_norm_backward_reduce batch_norm_elemt batch_norm_gather_stats
    batch_norm_gather_stats_with_counts batch_norm_stats batch_norm_update_stats cudnn_batch_norm embedding_renorm
    _fused_rms_norm _log_softmax log_softmax
    _masked_softmax miopen_batch_norm _native_batch_norm_legit _native_batch_norm_legit_functional
    _native_batch_norm_legit_no_training native_batch_norm native_group_norm native_layer_norm
    _nested_tensor_softmax_with_shape quantized_batch_norm _safe_softmax _softmax softmax _sparse_log_softmax
    _sparse_softmax _weight_norm_interface
"""
GATHERS = """
    _chunk_cat _coalesce _coalesced _convert_indices_from_coo_to_csr _convert_indices_from_csr_to_coo _embedding_bag
    _embedding_bag_dense _embedding_bag_forward_only _embedding_bag_per_sample_weights _index_put_impl
    _jagged_to_padded_dense_forward _nested_from_padded _nested_from_padded_and_nested_example
    _nested_from_padded_tensor _nested_select _nested_tensor_from_mask _nested_tensor_from_mask_left_aligned
    _nested_tensor_from_tensor_list _pack_padded_sequence _padded_dense_to_jagged_forward _sparse_mask_projection
    _spdiags _stack _to_dense _to_sparse _to_sparse_bsc _to_sparse_bsr _to_sparse_csc _to_sparse_csr _unique _unique2
    _unsafe_index _unsafe_index_put _unsafe_masked_index _unsafe_masked_index_put_accumulate as_strided_scatter
    block_diag bucketize cat channel_shuffle col2im constant_pad_nd diag_embed diagonal diagonal_scatter embedding
    embedding_dense flip gather im2col index index_add index_copy index_fill index_put index_reduce index_select isin
    lu_unpack masked_scatter masked_select nonzero nonzero_static pixel_shuffle pixel_unshuffle put reflection_pad1d
    reflection_pad2d reflection_pad3d repeat repeat_interleave replication_pad1d replication_pad2d replication_pad3d
    roll rot90 scatter scatter_add scatter_reduce searchsorted select select_scatter slice slice_scatter sparse_mask
    stack take to_padded_tensor tril triu unfold unique_consecutive unique_dim unique_dim_consecutive unsafe_split
    unsafe_split_with_sizes
"""
POOLING = """
    _adaptive_avg_pool2d _adaptive_avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d
    adaptive_max_pool2d adaptive_max_pool3d avg_pool1d avg_pool2d avg_pool3d cudnn_grid_sampler fractional_max_pool2d
    fractional_max_pool3d _grid_sampler_2d_cpu_fallback grid_sampler_2d grid_sampler_3d max_pool2d
    max_pool2d_with_indices max_pool3d_with_indices max_unpool2d max_unpool3d mkldnn_adaptive_avg_pool2d
    mkldnn_max_pool2d mkldnn_max_pool3d quantized_max_pool1d quantized_max_pool2d quantized_max_pool3d
    _upsample_bicubic2d_aa _upsample_bilinear2d_aa _upsample_lanczos2d_aa _upsample_nearest_exact1d
    _upsample_nearest_exact2d _upsample_nearest_exact3d upsample_bicubic2d upsample_bilinear2d upsample_linear1d
    upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_trilinear3d
"""
COPIES = """
    _copy_from _copy_from_and_resize _lazy_clone _make_per_channel_quantized_tensor _make_per_tensor_quantized_tensor
    _mkldnn_reshape _mkldnn_transpose _pin_memory _resize_output _reshape _to_copy _unsafe_view clone copy
    copy_sparse_to_sparse dequantize fill int_repr lift lift_fresh narrow resize resize_as resize_as_sparse set
    sparse_resize sparse_resize_and_clear to_mkldnn zero
"""
FACTORIES = """
    _empty_per_channel_affine_quantized _fill_mem_eff_dropout_mask_ _new_zeros_with_same_feature_meta
    _sparse_coo_tensor_with_dims_and_tensors empty_like empty_quantized full_like new_empty new_empty_strided new_full
    linspace logspace new_ones new_zeros ones_like rand_like randint_like randn_like sparse_compressed_tensor zeros_like
"""
RANDOM = """
    _fused_dropout _philox_key_fold_in _philox_key_split _philox_normal _philox_uniform _sample_dirichlet
    _standard_gamma bernoulli binomial cauchy exponential geometric log_normal multinomial native_dropout normal
    normal_functional poisson random rrelu_with_noise rrelu_with_noise_functional uniform
"""
ELEMENTWISE = """
    _add_relu _amp_foreach_non_finite_check_and_unscale _amp_update_scale _dirichlet_grad _masked_scale _prelu_kernel
    _standard_gamma_grad _thnn_fused_gru_cell _thnn_fused_lstm_cell _thnn_fused_lstm_cell_backward_impl
    _transform_bias_rescale_qkv complex elu floor_divide glu hardshrink hardsigmoid hardswish hardtanh leaky_relu
    log_sigmoid log_sigmoid_forward polar softplus softshrink
    _fake_quantize_learnable_per_channel_affine _fake_quantize_learnable_per_tensor_affine
    _fake_quantize_per_tensor_affine_cachemask_tensor_qparams _fused_moving_avg_obs_fq_helper
    _fused_moving_avg_obs_fq_helper_functional fake_quantize_per_channel_affine_cachemask
    fake_quantize_per_tensor_affine_cachemask quantize_per_channel quantize_per_tensor quantize_per_tensor_dynamic
    _fused_adagrad _fused_adam _fused_adamw _fused_sgd
"""
"""What carries no tag and works element by element: gates of recurrent cells, quantisation, optimizers."""
QUESTIONS = """
    _assert_async _assert_tensor_metadata _dimI _dimV _functional_assert_async _functional_assert_scalar
    _functional_sym_constrain_range _functional_sym_constrain_range_for_size _fused_sdp_choice _has_same_storage_numel
    _linalg_check_errors _local_scalar_dense _nested_compute_contiguous_strides_offsets _nested_get_jagged_dummy
    _nested_get_lengths _nested_get_max_seqlen _nested_get_min_seqlen _nested_get_offsets _nested_get_ragged_idx
    _nested_tensor_size _nested_tensor_storage_offsets _nested_tensor_strides _nnz _validate_compressed_sparse_indices
    dense_dim is_coalesced is_pinned is_same_size is_set_to q_per_channel_axis q_per_channel_scales
    q_per_channel_zero_points q_scale q_zero_point qscheme record_stream sparse_dim
"""
"""What asks a tensor, and computes none."""
LIGHT = words(REDUCTIONS, LOSSES, NORMS, GATHERS, POOLING, COPIES, FACTORIES, RANDOM, ELEMENTWISE, QUESTIONS)
"""Of ATen; in place (``_``), as a list (``_foreach_``), as a copy of a view (``_copy``) and backward too."""
QUANTIZED = words(
    """
    add add_out add_relu add_relu_out add_scalar add_scalar_out add_scalar_relu add_scalar_relu_out batch_norm
    batch_norm1d batch_norm1d_relu batch_norm2d batch_norm2d_relu batch_norm3d batch_norm3d_relu batch_norm_relu cat
    cat_out cat_relu cat_relu_out celu clamp dropout elu embedding_4bit embedding_bag_2bit_rowwise_offsets
    embedding_bag_4bit embedding_bag_4bit_rowwise_offsets embedding_bag_byte embedding_bag_byte_rowwise_offsets
    embedding_byte group_norm hardswish instance_norm layer_norm leaky_relu max_pool1d max_pool2d mul mul_out mul_relu
    mul_relu_out mul_scalar mul_scalar_out mul_scalar_relu mul_scalar_relu_out prelu relu6 sigmoid softmax threshold
    """
)
"""Of ``quantized``: the same, on packed integers."""
COMMUNICATION = frozenset({"c10d", "_c10d_functional", "_c10d_functional_autograd", "_dtensor"})
BOOKKEEPING = frozenset({"profiler", "streams", "rngprims", "debugprims"})
SHARDING = frozenset({"all_gather_copy_in", "chunk_cat", "split_with_sizes_copy"})
"""Of ``fsdp``: copies into and out of what is communicated."""
SUFFIXES = ("_backward_data", "_backward_jvp", "_backward", "_jvp", "_copy")


@cache
def is_light(target: Any) -> bool:
    """Whether the operation *target* is proved to hold no products."""
    if not isinstance(target, torch._ops.OpOverload):
        return False
    if torch.Tag.pointwise in target.tags or target.is_view or torch.Tag.inplace_view in target.tags:
        return True
    namespace, _, name = target._schema.name.partition("::")
    if namespace in COMMUNICATION | BOOKKEEPING:
        return True
    if namespace == "fsdp":
        return name in SHARDING
    if namespace in ("quantized", "_quantized"):
        return name in QUANTIZED
    return namespace == "aten" and (makes_of_numbers(target) or any(map(is_light_name, spellings(name))))


def makes_of_numbers(target: torch._ops.OpOverload) -> bool:
    """Whether no tensor is given to *target*."""
    arguments = [argument for argument in target._schema.arguments if not argument.is_out]
    return not any("Tensor" in str(argument.type) for argument in arguments)


def is_light_name(name: str) -> bool:
    """Whether *name* is listed, or any overload of it is a view or works element by element."""
    if name in LIGHT:
        return True
    packet = getattr(torch.ops.aten, name, None)
    if not isinstance(packet, torch._ops.OpOverloadPacket):
        return False
    overloads = [getattr(packet, overload) for overload in packet.overloads()]
    return any(torch.Tag.pointwise in overload.tags or overload.is_view for overload in overloads)


def spellings(name: str) -> set[str]:
    """*name*, and what it does in place, for each of a list, as a copy, or as the gradient of."""
    found = {name}
    if name.endswith("_") and not name.endswith("__"):
        found.add(name[:-1])
    found |= {one.removeprefix("_foreach_") for one in found}
    found |= {one.removesuffix(suffix) for one in found for suffix in SUFFIXES if one.endswith(suffix)}
    return found
