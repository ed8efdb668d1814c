"""Leading directions of the unfoldings of a tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.linalg

from cdt_core.kernels import tall

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

__all__ = ["leading", "left_vectors", "orthonormal", "rank_for"]

#: Where fewer of the eigenvectors than this share are asked for, they alone are computed.
_FEW = 0.08


def rank_for(values: Array, budget: float, cap: int) -> int:
    """Least rank >= 1 that leaves at most ``budget`` of the descending ``values`` out, and at most ``cap``."""
    tails = np.concatenate([np.cumsum(np.maximum(values, 0)[::-1])[::-1], [0.0]])
    return max(min(int(np.argmax(tails <= budget)), cap), 1)


def leading(gram: Array, budget: float, cap: int) -> tuple[Array, Array]:
    """Eigenvectors (n, r) of the largest eigenvalues of a Hermitian matrix, as many as ``rank_for`` says, and all eigenvalues."""
    n = len(gram)
    if cap < _FEW * n:
        values, vectors = scipy.linalg.eigh(gram, subset_by_index=(n - cap, n - 1), check_finite=False)
        rest = max(float(np.trace(gram).real) - float(values.sum()), 0.0)
        return vectors[:, ::-1], np.concatenate([values[::-1], [rest], np.zeros(n - cap - 1)])
    values, vectors = np.linalg.eigh(gram)
    r = rank_for(values[::-1], budget, cap)
    return vectors[:, ::-1][:, :r], values[::-1]


def left_vectors(three: Array, budget: float, cap: int) -> tuple[Array, Array]:
    """The same of the middle axis of a three-way tensor by an orthogonal factorisation, which does not square singular values."""
    columns = three.transpose(1, 0, 2).reshape(three.shape[1], -1)
    if columns.shape[1] > columns.shape[0]:
        columns = tall.r_factor(np.ascontiguousarray(columns.conj().T)).conj().T
    vectors, singular, _ = scipy.linalg.svd(columns, full_matrices=False, check_finite=False)
    values = np.concatenate([singular**2, np.zeros(three.shape[1] - len(singular))])
    return vectors[:, : rank_for(values, budget, min(cap, vectors.shape[1]))], values


def orthonormal(basis: Array, dtype: np.dtype[Any]) -> Array:
    """An orthonormal basis of nearly orthonormal columns, in a more precise ``dtype`` (Cholesky QR)."""
    wide = basis.astype(dtype)
    r = np.linalg.cholesky(wide.conj().T @ wide).conj().T
    return np.ascontiguousarray(scipy.linalg.solve_triangular(r, wide.T, trans="T", check_finite=False).T)
