"""Alternating least squares on equations sampled by leverage scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.linalg

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

__all__ = ["leverage_scores", "sampled_sweep"]


def leverage_scores(factor: Array) -> Array:
    """Squared row norms of an orthonormal basis of the factor's columns: (n,), in double precision, summing to its rank."""
    vectors, singular, _ = np.linalg.svd(factor.astype(np.result_type(factor.dtype, np.float64)), full_matrices=False)
    kept = singular > singular[0] * max(factor.shape) * np.finfo(vectors.dtype).eps
    return np.asarray((np.abs(vectors[:, kept]) ** 2).sum(axis=1))


def sampled_sweep(x: Array, factors: list[Array], count: int, rng: np.random.Generator) -> None:
    """Renew each factor from ``count`` sampled fibres of ``x`` along its axis.

    Fibres are drawn with probabilities that are products of the other factors' leverage scores, which bound those of their
    Khatri-Rao product; rows are weighted with ``1 / sqrt(count p)`` (Larsen and Kolda 2022, sections 4.1 and 4.2).
    """
    scores = [leverage_scores(f) for f in factors]
    for mode in range(x.ndim):
        places: list[Any] = []
        rows = np.ones((count, factors[0].shape[1]), x.dtype)
        weights = np.full(count, 1.0 / count)
        for k, factor in enumerate(factors):
            if k == mode:
                places.append(slice(None))
                continue
            share = scores[k] / scores[k].sum() if scores[k].sum() > 0 else np.full(len(factor), 1 / len(factor))
            drawn = rng.choice(len(factor), count, p=share)
            weights /= share[drawn]
            rows *= factor[drawn]
            places.append(drawn)
        fibres = x[tuple(places)]  # NumPy puts the sampled places first, unless the slice comes before all of them
        factors[mode] = _fitted(rows, fibres.T if mode == 0 else fibres, np.sqrt(weights))
        scores[mode] = leverage_scores(factors[mode])


def _fitted(rows: Array, fibres: Array, weights: Array) -> Array:
    """The factor with ``rows @ factor^T`` nearest to the fibres, (count, n), in weighted least squares."""
    wide = np.result_type(rows.dtype, np.float64)
    left, right = rows.astype(wide) * weights[:, None], fibres.astype(wide) * weights[:, None]
    q, r = np.linalg.qr(left)
    pivots = np.abs(np.diagonal(r))
    if pivots.min() > pivots.max() * len(left) * np.finfo(r.dtype).eps and len(left) >= left.shape[1]:
        solved = scipy.linalg.solve_triangular(r, q.conj().T @ right, check_finite=False)
    else:
        solved = scipy.linalg.lstsq(left, right, check_finite=False)[0]
    return np.ascontiguousarray(solved.T, fibres.dtype)
