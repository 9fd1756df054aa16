"""FLOPs of linear algebra, of distances and of Fourier transforms, from shapes alone.

Factorizations are counted as LAPACK Working Note 41 has them, which counts a multiply-add as two FLOPs as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

from pytest_torchgraph.recorded.tensor import Shape

Formula: TypeAlias = Callable[..., int]


def distances(one: Shape, _: Shape, *__: Any, out_shape: Shape, **___: Any) -> int:
    """``_cdist_forward``: a difference, a power and an addition per pair and feature (``DistanceOpsKernel.cpp``)."""
    return 3 * math.prod(out_shape) * one[-1]


def own_distances(points: Shape, *_: Any, out_shape: Shape, **__: Any) -> int:
    """``_pdist_forward``: the same for each pair of rows."""
    return 3 * math.prod(out_shape) * points[-1]


def euclidean_distances(one: Shape, _: Shape, *__: Any, out_shape: Shape, **___: Any) -> int:
    """``_euclidean_dist``: a product of the points, to which two columns are added (``Distance.cpp``)."""
    return 2 * math.prod(out_shape) * (one[-1] + 2)


def triangular_solve(matrix: Shape, _: Shape, *__: Any, out_shape: Shape, **___: Any) -> int:
    """Substitution, ``n²`` per column (``trsm``, LAPACK Working Note 41, appendix C)."""
    return math.prod(out_shape) * matrix[-1]


def triangular_solve_of(_: Shape, matrix: Shape, *__: Any, out_shape: tuple[Shape, ...], **___: Any) -> int:
    """``triangular_solve(right, matrix, ...)``, which returns the matrix too."""
    return triangular_solve(matrix, (), out_shape=out_shape[0])


def cholesky(matrix: Shape, *_: Any, **__: Any) -> int:
    """``n³ / 3`` (``potrf``, LAPACK Working Note 41, appendix C)."""
    return math.prod(matrix[:-2]) * matrix[-1] ** 3 // 3


def cholesky_inverse(matrix: Shape, *_: Any, **__: Any) -> int:
    """``2 n³ / 3`` (``potri``, LAPACK Working Note 41, appendix C)."""
    return math.prod(matrix[:-2]) * 2 * matrix[-1] ** 3 // 3


def cholesky_solve(_: Shape, matrix: Shape, *__: Any, out_shape: Shape, **___: Any) -> int:
    """Two substitutions, ``2 n²`` per column (``potrs``, LAPACK Working Note 41, appendix C)."""
    return 2 * math.prod(out_shape) * matrix[-1]


def factorization(matrix: Shape, *_: Any, **__: Any) -> int:
    """``2 n³ / 3`` for LU (``getrf``, LAPACK Working Note 41, appendix C), ``m n² - n³ / 3`` where not square."""
    rows, columns = max(matrix[-2:]), min(matrix[-2:])
    return math.prod(matrix[:-2]) * (3 * rows * columns**2 - columns**3) // 3


def solution_of_factors(matrix: Shape, *_: Any, out_shape: Shape, **__: Any) -> int:
    """``linalg_lu_solve``: two substitutions, ``2 n²`` per column (``getrs``, LAPACK Working Note 41, appendix C)."""
    return 2 * math.prod(out_shape) * matrix[-1]


def solution(matrix: Shape, _: Shape, *__: Any, out_shape: tuple[Shape, ...], **___: Any) -> int:
    """LU and two substitutions per column (``gesv``)."""
    return factorization(matrix) + solution_of_factors(matrix, out_shape=out_shape[0])


def inverse(matrix: Shape, *_: Any, **__: Any) -> int:
    """``2 n³`` (``getrf`` and ``getri``, LAPACK Working Note 41, appendix C)."""
    return 2 * math.prod(matrix[:-2]) * matrix[-1] ** 3


def fourier(inputs: Shape, dims: tuple[int, ...], *_: Any, **__: Any) -> int:
    """``_fft_c2c``: ``5 N log2 N`` for ``N`` points, as FFTW counts (https://www.fftw.org/speed/method.html)."""
    points = math.prod(inputs[dim] for dim in dims)
    return round(5 * math.prod(inputs) * math.log2(points)) if points else 0


def real_fourier(inputs: Shape, dims: tuple[int, ...], *_: Any, **__: Any) -> int:
    """``_fft_r2c``: half of that."""
    return fourier(inputs, dims) // 2


def fourier_to_real(_: Shape, dims: tuple[int, ...], *__: Any, out_shape: Shape, **___: Any) -> int:
    """``_fft_c2r``: half of that, for the points of the result."""
    return fourier(out_shape, dims) // 2


ALGEBRA: dict[str, Formula] = {
    "aten._cdist_forward": distances,
    "aten._pdist_forward": own_distances,
    "aten._euclidean_dist": euclidean_distances,
    "aten.linalg_solve_triangular": triangular_solve,
    "aten.triangular_solve": triangular_solve_of,
    "aten.cholesky": cholesky,
    "aten.cholesky_inverse": cholesky_inverse,
    "aten.cholesky_solve": cholesky_solve,
    "aten._cholesky_solve_helper": cholesky_solve,
    "aten.linalg_lu": factorization,
    "aten.linalg_lu_solve": solution_of_factors,
    "aten._linalg_det": factorization,
    "aten._linalg_slogdet": factorization,
    "aten.linalg_cholesky_ex": cholesky,
    "aten.linalg_lu_factor_ex": factorization,
    "aten._linalg_solve_ex": solution,
    "aten.linalg_inv_ex": inverse,
    "aten._fft_c2c": fourier,
    "aten._fft_r2c": real_fourier,
    "aten._fft_c2r": fourier_to_real,
}
REAL = frozenset({"aten._fft_c2c", "aten._fft_r2c", "aten._fft_c2r"})
"""Formulas of real operations; all others count products, of which a complex one is four real ones."""
COMPLEX = 4
"""Real products in a complex one."""
