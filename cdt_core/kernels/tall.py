"""Products of matrices with few rows or few columns, of which the other side is long: what tensor decompositions consist of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.linalg

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["left_gram", "left_project", "normal_product", "r_factor", "right_gram", "right_project"]


def left_gram(a: NDArray[Any]) -> NDArray[Any]:
    """``a @ a^H`` of an (n, m) array of floats or complex numbers, m the long side: (n, n), summed in double precision."""
    wide = a.astype(np.result_type(a.dtype, np.float64), copy=False)
    return np.asarray(wide @ wide.conj().T)


def right_gram(a: NDArray[Any]) -> NDArray[Any]:
    """``a^H @ a`` of an (m, n) array, m the long side: (n, n), summed in double precision."""
    wide = a.astype(np.result_type(a.dtype, np.float64), copy=False)
    return np.asarray(wide.conj().T @ wide)


def left_project(basis: NDArray[Any], a: NDArray[Any]) -> NDArray[Any]:
    """``basis^H @ a`` of an (n, r) basis and an (n, m) array: (r, m), of the array's dtype."""
    return np.asarray(basis.conj().T.astype(a.dtype) @ a)


def right_project(a: NDArray[Any], basis: NDArray[Any]) -> NDArray[Any]:
    """``a @ basis`` of an (m, n) array and an (n, r) basis: (m, r), of the array's dtype."""
    return np.asarray(a @ basis.astype(a.dtype))


def r_factor(a: NDArray[Any]) -> NDArray[Any]:
    """The (n, n) upper triangle ``r`` of ``a = q @ r``, of an (m, n) array with m >= n; ``q`` is never formed."""
    wide = a.astype(np.result_type(a.dtype, np.float64), copy=False)
    return np.asarray(scipy.linalg.qr(wide, mode="r", check_finite=False)[0])[: a.shape[1]]


def normal_product(x: NDArray[Any], v: NDArray[Any], mean: NDArray[Any] | None = None) -> NDArray[Any]:
    """``(x - mean)^H @ ((x - mean) @ v)`` of an (m, n) array and (n, b) vectors: (n, b); ``x`` is read once, never copied."""
    y = x @ v
    if mean is not None:
        y = y - mean @ v
    found = x.conj().T @ y
    return np.asarray(found if mean is None else found - np.outer(mean.conj(), y.sum(axis=0)))
