"""All of ``x^H x`` (or of ``x x^H``, where that is smaller) at once: one pass, then LAPACK's eigenvalues of a dense matrix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.linalg
import scipy.linalg.blas

from cdt_core.kernels.eigen.certificate import error_bounds
from cdt_core.kernels.eigen.krylov import Ritz

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdt_core.kernels.eigen.rows import Rows

__all__ = ["by_columns", "by_rows"]

#: Of one call of BLAS.
_OPERATIONS = 4_000_000_000


def by_columns(x: Rows, k: int, trace: float) -> tuple[Ritz, NDArray[Any]]:
    """The k largest eigenpairs from the (n, n) matrix ``x^H x``: ``m n^2`` operations and about ``6 n^3``, one pass.

    ``trace`` and the values are in the unit of ``x``, as they are below.
    """
    n = x.shape[1]
    gram = _gram(n, x.dtype, (tile.conj().T for tile in x.tiles()), x.unit)
    values, vectors = scipy.linalg.eigh(gram, lower=True, check_finite=False, subset_by_index=(n - k, n - 1))
    values, vectors = np.maximum(values[::-1], 0.0), np.ascontiguousarray(vectors[:, ::-1])
    product = _hermitian_product(gram, vectors)
    return _measured(values, product - vectors * values, trace, n), vectors


def by_rows(x: Rows, k: int, trace: float) -> tuple[Ritz, NDArray[Any]]:
    """The k largest eigenpairs of ``x^H x`` from the (m, m) matrix ``x x^H``, for fewer samples than variables.

    A right vector is ``x^H u`` made orthonormal; where the rank is below k the rest are any vectors of the null space. The
    residuals are measured with one more product.
    """
    m, n = x.shape
    gram = _gram(m, x.dtype, (tile for _, tile in x.column_tiles()), x.unit)
    found = min(k, m)
    values, left = scipy.linalg.eigh(
        gram, lower=True, check_finite=False, overwrite_a=True, subset_by_index=(m - found, m - 1)
    )
    values, left = np.maximum(values[::-1], 0.0), left[:, ::-1]
    vectors = np.zeros((n, k), x.dtype)
    for part, tile in x.column_tiles():
        vectors[part, :found] = tile.conj().T @ left / np.sqrt(x.unit)
    rank = int(np.sum(values > max(m, n) * np.finfo(np.float64).eps * values[0]))
    vectors = _orthonormal(vectors, rank)
    values = np.append(values[:rank], np.zeros(k - rank))
    return _measured(values, x.product(vectors) - vectors * values, trace, n), vectors


def _orthonormal(vectors: NDArray[Any], rank: int) -> NDArray[Any]:
    """The first ``rank`` columns made orthonormal, the others replaced by directions that have nothing of them."""
    vectors[:, rank:] = np.random.default_rng(0).standard_normal((len(vectors), vectors.shape[1] - rank))
    q, r = np.linalg.qr(vectors)
    phase = np.diagonal(r).copy()
    phase = np.where(phase == 0, 1.0, phase / np.where(phase == 0, 1.0, np.abs(phase)))
    return np.ascontiguousarray(q * phase)


def _measured(values: NDArray[np.float64], rest: NDArray[Any], trace: float, n: int) -> Ritz:
    """The certificate of pairs of which ``rest`` is the residual; no other Ritz value is known."""
    rounding = 4 * float(np.sqrt(n)) * float(np.finfo(np.float64).eps) * float(values[0])
    residuals = np.linalg.norm(rest, axis=0)
    bounds, proven = error_bounds(values, residuals, trace - float(values.sum()), rounding)
    return Ritz(values, np.eye(len(values)), residuals + rounding, bounds, proven)


def _gram(side: int, dtype: np.dtype[Any], tiles: Iterator[NDArray[Any]], unit: float) -> NDArray[Any]:
    """The lower triangle of the sum of ``a a^H / unit`` over (side, any) tiles, by columns."""
    update = scipy.linalg.blas.zherk if dtype.kind == "c" else scipy.linalg.blas.dsyrk
    gram = np.zeros((side, side), dtype, order="F")
    step = max(32, _OPERATIONS // (side * side))
    for tile in tiles:
        for first in range(0, tile.shape[1], step):
            a = np.asfortranarray(tile[:, first : first + step])
            gram = update(1.0, a, beta=1.0, c=gram, lower=1, overwrite_c=1)
    gram /= unit
    return gram


def _hermitian_product(lower: NDArray[Any], v: NDArray[Any]) -> NDArray[Any]:
    multiply = scipy.linalg.blas.zhemm if lower.dtype.kind == "c" else scipy.linalg.blas.dsymm
    return np.asarray(multiply(1.0, lower, np.asfortranarray(v), lower=1))
