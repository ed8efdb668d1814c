"""Ranks that an error allows, and the leading eigenvectors of Hermitian matrices for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.linalg

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

__all__ = ["all_above", "leading", "rank_for", "rank_of_singular", "top"]

#: Size of the subspace that is tried before all eigenvectors are computed, as a share of the matrix; for no small ones.
_SUBSPACE, _SMALL = 0.1, 300
#: A share of all energy to leave out for which a small subspace is worth a try.
_LOOSE = 1e-4
#: Steps of a subspace iteration, each of which brings the spectrum's decay to another power.
_STEPS = 3


def rank_for(values: Array, budget: float, cap: int | None) -> int:
    """Least rank >= 1 that leaves at most ``budget`` of the descending ``values`` out, and at most ``cap`` (None: any)."""
    tails = np.concatenate([np.cumsum(np.maximum(values, 0)[::-1])[::-1], [0.0]])
    rank = int(np.argmax(tails <= max(budget, 0.0)))
    return max(rank if cap is None else min(rank, cap), 1)


def rank_of_singular(values: NDArray[np.float64], budget: float, cap: int | None) -> tuple[int, float]:
    """:func:`rank_for` of the squares of descending singular values, and the sum of the squares that it leaves out."""
    rank = rank_for(values**2, budget, cap)
    return rank, float(np.sum(values[rank:] ** 2))


def leading(gram: Array, budget: float, cap: int | None, exact: bool = True) -> tuple[Array, Array]:
    """Vectors (n, r) of the largest eigenvalues of a Hermitian matrix, as many as ``rank_for`` says, and values of its trace.

    Unless ``exact``, the vectors of a subspace iteration are taken where few of them keep enough (Halko, Martinsson and Tropp
    2011, "Finding structure with randomness", algorithm 4.4): they lose a little more than they might, and the values say so.
    """
    n = len(gram)
    if not exact and n >= _SMALL and budget > _LOOSE * float(np.trace(gram).real):
        values, vectors = _subspace(gram, int(_SUBSPACE * n))
        lost = max(float(np.trace(gram).real) - float(values.sum()), 0.0)
        everything = np.concatenate([values, [lost], np.zeros(n - len(values) - 1)])
        r = rank_for(everything, budget, cap)
        if r <= 0.8 * len(values):
            return vectors[:, :r], everything
    values, vectors = _eigh(gram)
    r = rank_for(values[::-1], budget, cap)
    return vectors[:, ::-1][:, :r], values[::-1]


def top(gram: Array, count: int) -> Array:
    """Eigenvectors (n, count) of the largest eigenvalues of a Hermitian matrix."""
    n = len(gram)
    if count < _SUBSPACE * n:
        return np.asarray(scipy.linalg.eigh(gram, subset_by_index=(n - count, n - 1), check_finite=False)[1][:, ::-1])
    return _eigh(gram)[1][:, ::-1][:, :count]


def all_above(gram: Array, bound: float) -> bool:
    """Whether each eigenvalue of a Hermitian matrix is larger than ``bound``: what is left without it has a Cholesky factor."""
    (potrf,) = scipy.linalg.get_lapack_funcs(("potrf",), (gram,))
    shifted = gram.copy(order="F")
    shifted.flat[:: len(gram) + 1] -= gram.dtype.type(bound)
    return bool(potrf(shifted, clean=False, overwrite_a=True)[1] == 0)


def _eigh(gram: Array) -> tuple[Array, Array]:
    """Ascending eigenvalues, and vectors, in the matrix's own precision: NumPy computes those of single precision in double."""
    if np.finfo(gram.dtype).eps > np.finfo(np.float64).eps:
        values, vectors = scipy.linalg.eigh(gram, driver="evd", check_finite=False)
        return values, vectors
    values, vectors = np.linalg.eigh(gram)
    return values, vectors


def _subspace(gram: Array, size: int) -> tuple[Array, Array]:
    """Ritz values, descending, and vectors (n, size) of a subspace iteration from a fixed start."""
    basis = np.random.default_rng(0).standard_normal((len(gram), size)).astype(gram.dtype)
    for _ in range(_STEPS):
        basis, _ = np.linalg.qr(gram @ basis)
    values, vectors = _eigh(basis.conj().T @ (gram @ basis))
    return values[::-1], basis @ vectors[:, ::-1]
