"""Quantiles of a histogram with equal bins."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["quantiles", "share_beyond"]


def quantiles(counts: NDArray[np.int64], edges: tuple[float, float], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quantiles ``at``, interpolated linearly inside their bins; off by one bin width at most.

    ``counts`` has equal bins over ``edges`` and at least one count.
    """
    cumulative = np.cumsum(counts)
    rank = at * (cumulative[-1] - 1) + 0.5
    bins = np.searchsorted(cumulative, rank, side="left")
    before = cumulative[bins] - counts[bins]
    inside = (rank - before) / counts[bins]
    share = np.clip((bins + inside) / counts.size, 0.0, 1.0)
    found: NDArray[np.float64] = edges[0] * (1.0 - share) + edges[1] * share
    return found


def share_beyond(
    counts: NDArray[np.int64], edges: tuple[float, float], low: float, high: float
) -> tuple[float, float, float]:
    """Share of values below ``low`` or above ``high``: estimate, least and most that the bins allow.

    Bins over a range that overflows float64 allow anything.
    """
    if not math.isfinite(edges[1] - edges[0]):
        return 0.0, 0.0, 1.0
    borders: NDArray[Any] = np.linspace(edges[0], edges[1], counts.size + 1)
    left, right = borders[:-1], borders[1:]
    width = np.maximum(right - left, np.finfo(np.float64).tiny)
    total = max(1, int(counts.sum()))
    outside = np.clip((low - left) / width, 0, 1) + np.clip((right - high) / width, 0, 1)
    certain = counts[(right < low) | (left > high)].sum()
    possible = counts[(left < low) | (right > high)].sum()
    return float((counts * np.minimum(outside, 1)).sum() / total), float(certain / total), float(possible / total)
