"""What the kernels of distances compute, in NumPy and float64, as their papers write it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["bulyan", "distances", "geometric_median", "krum_order", "window_mean"]


def distances(updates: NDArray[Any]) -> NDArray[np.float64]:
    """Squared distances between the rows, each from their difference."""
    wide = updates.astype(np.float64)
    return np.array([((wide - row) ** 2).sum(axis=1) for row in wide])


def krum_order(squares: NDArray[np.float64], f: int) -> NDArray[np.intp]:
    """All rows, those of the least Krum score first."""
    near = np.sort(squares, axis=1)[:, 1 : len(squares) - f - 1]
    return np.argsort(near.sum(axis=1), kind="stable")


def bulyan(updates: NDArray[Any], f: int, *, in_turn: bool) -> NDArray[np.float64]:
    """What Krum ranks best, or chooses again and again among what is left; of that the values nearest to their median."""
    if not in_turn:
        ranked = krum_order(distances(updates), f)[: len(updates) - 2 * f]
        return window_mean(updates[ranked], len(updates) - 4 * f)
    left = list(range(len(updates)))
    chosen = []
    squares = distances(updates)
    for _ in range(len(updates) - 2 * f):
        best = left[int(krum_order(squares[np.ix_(left, left)], f)[0])]
        chosen.append(best)
        left.remove(best)
    return window_mean(updates[chosen], len(updates) - 4 * f)


def window_mean(values: NDArray[Any], kept: int) -> NDArray[np.float64]:
    """Mean of the ``kept`` values of each column that are nearest to its median, of two equally near windows the lower."""
    ordered = np.sort(values, axis=0).astype(np.float64)
    n = len(ordered)
    twice = 0.5 * ordered[(n - 1) // 2] + 0.5 * ordered[n // 2]
    means = np.empty(ordered.shape[1])
    for column in range(ordered.shape[1]):
        start = 0
        while start + kept < n and 0.5 * ordered[start, column] + 0.5 * ordered[start + kept, column] < twice[column]:
            start += 1
        means[column] = ordered[start : start + kept, column].mean()
    return means


def geometric_median(updates: NDArray[Any], weights: NDArray[np.float64], iterations: int) -> NDArray[np.float64]:
    """Weiszfeld's iteration from the weighted mean, no distance less than a millionth of their median."""
    wide, by = updates.astype(np.float64), weights / weights.sum()
    z: NDArray[np.float64] = by @ wide
    for _ in range(iterations):
        away = np.sqrt(((wide - z) ** 2).sum(axis=1))
        now = by / np.maximum(away, 1e-6 * np.median(away))
        z = now / now.sum() @ wide
    return z
