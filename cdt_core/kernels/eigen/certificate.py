"""Bounds of the error of Ritz values from their residuals.

With the Hermitian matrix written in a basis whose first j vectors are Ritz vectors, ``[[M, R^H], [R, N]]``, each of the j
largest eigenvalues is within ``2 r^2 / (g + sqrt(g^2 + 4 r^2))`` of a Ritz value, r the norm of R and g the gap between M and
N (C.-K. Li and R.-C. Li, Linear Algebra Appl. 395, 2005, 183-190, theorem 2). What is known of N decides how honest g is:
N has the other Ritz values, and below them a block whose eigenvalues sum up to what the trace leaves. That they are all
non-negative makes the sum a bound of the largest. A value by itself has Kato's and Temple's bound, its residual squared over
the gap to the nearest other (Parlett, The Symmetric Eigenvalue Problem, 1998, section 10.5 and theorem 11.7.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["error_bounds"]


def error_bounds(
    values: NDArray[np.float64], residuals: NDArray[np.float64], left: float, rounding: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Bound of the error of each Ritz value, and whether its gap is proven.

    Parameters
    ----------
    values
        (p,) all Ritz values of the subspace, falling.
    residuals
        (p,) norms of their residuals.
    left
        Trace of the matrix less the sum of ``values``: no eigenvalue of the rest is larger.
    rounding
        Added to each bound.

    Notes
    -----
    The residual bound needs no gap. A proven bound is preferred to one of half its size that is not. A bound by the first j
    pairs holds for each of them, so each takes the best of all j.
    """
    squared = np.cumsum(residuals**2)
    coupling = np.sqrt(np.maximum(0.0, squared[-1] - squared)) if len(squared) else squared
    following = np.append(values[1:], 0.0)
    proven = _best(values - _largest(following, max(left, 0.0), coupling), squared)
    found = _best(values - following, squared) if len(values) > 1 else np.full(len(values), np.inf)
    if len(values) > 1:
        found[-1] = np.inf
    assumed = np.minimum(np.minimum(residuals, found), _alone(values, residuals))
    certain = proven <= np.maximum(2 * assumed, rounding)
    return np.where(certain, proven, assumed) + rounding, certain


def _largest(value: NDArray[np.float64], left: float, coupling: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bound of the eigenvalues of ``[[diag(<= value), c^T], [c, N']]`` with ``||N'|| <= left`` and ``||c|| <= coupling``."""
    middle, half = (value + left) / 2, (value - left) / 2
    return np.asarray(middle + np.hypot(half, coupling))


def _alone(values: NDArray[np.float64], residuals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Kato's and Temple's bound of each value by itself, from the gap to where others can be; infinite where there is none."""
    apart = np.abs(values[:, None] - values) - residuals
    np.fill_diagonal(apart, np.inf)
    gap = apart.min(axis=1, initial=np.inf)
    gap[-1:] = 0.0  # below the last value found nothing is known
    clear = gap > residuals
    return np.where(clear, residuals**2 / np.where(clear, gap, 1.0), np.inf)


def _best(gap: NDArray[np.float64], squared: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each pair the least bound of all leading groups that it belongs to; infinite where no group has a gap."""
    safe = np.where(gap > 0, gap, 1.0)
    bound = np.where(gap > 0, 2 * squared / (safe + np.sqrt(safe**2 + 4 * squared)), np.inf)
    return np.minimum.accumulate(bound[::-1])[::-1]
