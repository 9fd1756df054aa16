"""How many FLOPs the products of PyTorch's API calls have, worked out from what they are asked for alone.

Nothing here is taken from the recorder: a call is known by its name, and counted by the sizes of its arguments and its
result. A multiply-add is two FLOPs, a complex one four times as many; the gradient of each operand of a product is a
product of the same size.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor


class Product(NamedTuple):
    """FLOPs of the real products of one call, and of those of its gradients; ``None`` where that is another sum."""

    forward: int
    backward: int | None = None


def times(result: Tensor, width: int, *operands: Tensor) -> Product:
    """A contraction of *width* for each element of the result.

    Of the gradients nothing is said unless both operands are matrices: those of vectors only multiply.
    """
    forward = 2 * result.numel() * width
    wanted = sum(operand.requires_grad for operand in operands)
    plain = all(operand.dim() >= 2 for operand in operands)
    return Product(forward, wanted * forward if plain else None)


def of_convolution(sample: Any, result: Tensor) -> Product:
    weight = sample.args[0]
    return times(result, weight[0].numel(), sample.input, weight)


def of_transposed_convolution(sample: Any, _: Tensor) -> Product:
    weight = sample.args[0]
    return times(sample.input, weight[0].numel(), sample.input, weight)


def of_einsum(sample: Any, result: Tensor) -> Product | None:
    equation, operands = sample.args[0], sample.input
    if len(operands) != 2 or "." in equation:
        return None
    names = equation.replace(" ", "").partition("->")[0].split(",")
    sizes: dict[str, int] = {}
    for name, operand in zip(names, operands, strict=True):
        sizes.update(zip(name, operand.shape, strict=True))
    summed = [size for letter, size in sizes.items() if all(letter in name for name in names)]
    is_product = result.numel() * math.prod(summed) == math.prod(sizes.values()) and not has_repeats(names)
    return Product(2 * math.prod(sizes.values())) if is_product and summed else None


def has_repeats(names: list[str]) -> bool:
    """Whether an operand is read along a diagonal."""
    return any(len(set(name)) < len(name) for name in names)


def of_tensordot(sample: Any, result: Tensor) -> Product | None:
    dims = sample.kwargs["dims"]
    summed = sample.input.shape[-dims:] if isinstance(dims, int) else [sample.input.shape[dim] for dim in dims[0]]
    # What is one wide is only multiplied.
    return (
        None if 1 in (*sample.input.shape, *sample.args[0].shape) else Product(2 * result.numel() * math.prod(summed))
    )


def of_attention(sample: Any, result: Tensor) -> Product:
    query, key = sample.input, sample.args[0]
    width = query.shape[-1] + result.shape[-1]
    return Product(2 * math.prod(result.shape[:-1]) * key.shape[-2] * width)


def of_bilinear(sample: Any, _: Tensor) -> Product:
    second, weight = sample.args[:2]
    forward = 2 * math.prod(sample.input.shape[:-1]) * weight.numel()
    return Product(forward, forward * sum(one.requires_grad for one in (sample.input, second, weight)))


def of_distances(sample: Any, result: Tensor) -> Product:
    """Of many rows a product of the points with two more columns, and differences else."""
    other, power = sample.args[0], sample.kwargs.get("p", sample.args[1] if len(sample.args) > 1 else 2.0)
    width = sample.input.shape[-1]
    many = max(sample.input.shape[-2], other.shape[-2]) > 25
    is_product = power == 2.0 and many and 0 not in (*result.shape, width)
    return Product(2 * result.numel() * (width + 2) if is_product else 3 * result.numel() * width)


def of_factors(matrix: Tensor) -> int:
    """LU of square matrices: two thirds of a cube."""
    return 2 * math.prod(matrix.shape[:-2]) * matrix.shape[-1] ** 3 // 3


PRODUCTS: dict[str, Callable[[Any, Any], Product | None]] = {
    "mm": lambda sample, result: times(result, sample.input.shape[1], sample.input, sample.args[0]),
    "bmm": lambda sample, result: times(result, sample.input.shape[2], sample.input, sample.args[0]),
    "mv": lambda sample, result: times(result, sample.input.shape[1], sample.input, sample.args[0]),
    "matmul": lambda sample, result: times(result, sample.input.shape[-1], sample.input, sample.args[0]),
    "__rmatmul__": lambda sample, result: times(result, sample.args[0].shape[-1], sample.input, sample.args[0]),
    "dot": lambda sample, result: Product(2 * sample.input.numel()),
    "vdot": lambda sample, result: Product(2 * sample.input.numel()),
    "inner": lambda sample, result: (
        Product(2 * result.numel() * sample.input.shape[-1]) if sample.input.dim() else None
    ),
    "linalg.vecdot": lambda sample, result: (
        Product(2 * sample.input.numel()) if sample.input.dim() == 1 else Product(0)
    ),
    "addmm": lambda sample, result: times(result, sample.args[0].shape[1], *sample.args[:2]),
    "baddbmm": lambda sample, result: times(result, sample.args[0].shape[2], *sample.args[:2]),
    "addbmm": lambda sample, result: times(result, math.prod(sample.args[0].shape[::2]), *sample.args[:2]),
    "addmv": lambda sample, result: times(result, sample.args[0].shape[1], *sample.args[:2]),
    "addr": lambda sample, result: Product(2 * result.numel()),
    "nn.functional.linear": lambda sample, result: times(result, sample.input.shape[-1], sample.input, sample.args[0]),
    "nn.functional.bilinear": of_bilinear,
    **dict.fromkeys(("nn.functional.conv1d", "nn.functional.conv2d", "nn.functional.conv3d"), of_convolution),
    **dict.fromkeys(
        ("nn.functional.conv_transpose1d", "nn.functional.conv_transpose2d", "nn.functional.conv_transpose3d"),
        of_transposed_convolution,
    ),
    "einsum": of_einsum,
    "tensordot": of_tensordot,
    "nn.functional.scaled_dot_product_attention": of_attention,
    "cdist": of_distances,
    "linalg.det": lambda sample, result: Product(of_factors(sample.input)),
    "linalg.slogdet": lambda sample, result: Product(of_factors(sample.input)),
    "linalg.inv": lambda sample, result: Product(2 * math.prod(sample.input.shape[:-2]) * sample.input.shape[-1] ** 3),
    "linalg.cholesky": lambda sample, result: Product(
        math.prod(sample.input.shape[:-2]) * sample.input.shape[-1] ** 3 // 3
    ),
}
"""The products that PyTorch's samples ask for, by the name of the call."""
COMPOSED = frozenset(
    {
        # Products of products, factorizations and what is solved with them.
        *("linalg.multi_dot", "linalg.matrix_power", "cov", "corrcoef", "linalg.vander", "matrix_exp"),
        *("linalg.cholesky_ex", "linalg.inv_ex", "linalg.lu", "linalg.lu_factor", "linalg.lu_factor_ex"),
        *("linalg.lu_solve", "linalg.solve", "linalg.solve_ex", "linalg.solve_triangular", "linalg.tensorsolve"),
        *("linalg.tensorinv", "linalg.ldl_factor", "linalg.ldl_factor_ex", "linalg.ldl_solve", "linalg.qr", "qr"),
        *("linalg.svd", "linalg.svdvals", "svd", "linalg.eig", "linalg.eigvals", "linalg.eigh", "linalg.eigvalsh"),
        *("linalg.householder_product", "linalg.lstsq", "linalg.pinv", "pinverse", "linalg.matrix_rank"),
        *("linalg.cond", "linalg.norm", "linalg.matrix_norm", "norm", "cholesky", "cholesky_inverse", "cholesky_solve"),
        *("triangular_solve", "lu", "lu_solve", "logdet", "geqrf", "ormqr", "pca_lowrank", "svd_lowrank"),
        *("nn.functional.multi_head_attention_forward", "nn.functional.linear_cross_entropy"),
        *("nn.functional.pdist", "sparse.mm", "sparse.sampled_addmm", "torch.ops.aten._flash_attention_forward"),
        *("torch.ops.aten._efficient_attention_forward", "nn.functional.multi_margin_loss"),
        # Fourier transforms.
        *("stft", "istft"),
    }
) - {"linalg.vander", "nn.functional.multi_margin_loss"}
"""Calls that hold products of which this file has no sum: their FLOPs are unknown or some number, but never 0."""


def holds_products(name: str) -> bool:
    """Whether the call *name* does matmul-like work."""
    return name in PRODUCTS or name in COMPOSED or (name.startswith("fft.") and "shift" not in name)
