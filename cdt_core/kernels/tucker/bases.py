"""Leading directions of the unfoldings of a tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.linalg

from cdt_core.kernels import tall
from cdt_core.kernels.spectrum import all_above, leading, rank_for, top

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

__all__ = ["all_above", "leading", "left_vectors", "orthonormal", "rank_for", "top"]


def left_vectors(three: Array, budget: float, cap: int) -> tuple[Array, Array]:
    """The same of the middle axis of a three-way tensor by orthogonal factorisation: singular values are not squared."""
    columns = three.transpose(1, 0, 2).reshape(three.shape[1], -1)
    if columns.shape[1] > columns.shape[0]:
        rows = columns.T if columns.dtype.kind == "f" else columns.conj().T
        columns = tall.r_factor(rows).conj().T
    vectors, singular, _ = scipy.linalg.svd(columns, full_matrices=False, check_finite=False)
    values = np.concatenate([singular**2, np.zeros(three.shape[1] - len(singular))])
    return vectors[:, : rank_for(values, budget, min(cap, vectors.shape[1]))], values


def orthonormal(basis: Array, dtype: np.dtype[Any]) -> Array:
    """An orthonormal basis of nearly orthonormal columns, in a more precise ``dtype`` (Cholesky QR)."""
    wide = basis.astype(dtype)
    r = np.linalg.cholesky(wide.conj().T @ wide).conj().T
    return np.ascontiguousarray(scipy.linalg.solve_triangular(r, wide.T, trans="T", check_finite=False).T)
