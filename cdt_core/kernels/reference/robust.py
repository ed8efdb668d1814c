"""NumPy versions of the robust rules by coordinate; updates are (n, d) arrays of finite float32 or float64."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["in_order", "mean", "median", "trimmed_mean", "weighted_median"]

#: Numbers that fit beside each other into a sum of 64 bits, as multiples of 51 bits.
_SUMMED = 2048


def in_order(x: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Each column from its lowest to its highest number, -0.0 below 0.0, and the row that each was in."""
    bits = x.view(f"i{x.itemsize}")
    keys = np.where(bits < 0, bits ^ np.iinfo(bits.dtype).max, bits)
    order = np.argsort(keys, axis=0, kind="stable")
    return np.take_along_axis(x, order, axis=0), order


def _middle(low: NDArray[Any], high: NDArray[Any]) -> NDArray[Any]:
    one, other = low.astype(np.float64), high.astype(np.float64)
    with np.errstate(over="ignore"):
        total = one + other
    return np.where(np.isfinite(total), total / 2, one / 2 + other / 2).astype(low.dtype)


def median(x: NDArray[Any]) -> NDArray[Any]:
    """The median of each column."""
    ordered = in_order(x)[0]
    return _middle(ordered[(len(x) - 1) // 2], ordered[len(x) // 2])


def weighted_median(x: NDArray[Any], votes: NDArray[np.integer[Any]]) -> NDArray[Any]:
    """The number of the vote in the middle of each column; of an even number of votes, between those of the middle two."""
    ordered, order = in_order(x)
    reached = np.cumsum(votes[order], axis=0)
    total = int(votes.sum())
    places = [np.argmax(reached >= rank, axis=0) for rank in ((total + 1) // 2, total // 2 + 1)]
    columns = np.arange(x.shape[1])
    return _middle(ordered[places[0], columns], ordered[places[1], columns])


def trimmed_mean(x: NDArray[Any], cut: int) -> NDArray[Any]:
    """The mean of each column without the ``cut`` lowest and highest numbers."""
    kept = in_order(x)[0][cut : len(x) - cut].astype(np.float64)
    room = 0
    while len(x) >> room > _SUMMED:
        room += 1
    return np.array([_mean_of_units(column, room) for column in kept.T], x.dtype)


def _mean_of_units(kept: NDArray[np.float64], room: int) -> float:
    """The mean of numbers in order, each rounded to a multiple of about 2**-51 of the largest; integers are added."""
    exponent = int(np.abs(kept[[0, -1]]).max().view(np.int64)) >> 52
    scale = 2.0**-64 if exponent > 1900 else 1.0
    unit = np.ldexp(1.0, exponent - (64 if exponent > 1900 else 0) + 2 + room - 1023 - 52)
    total = sum(int(units) for units in np.rint(kept * scale / unit))
    with np.errstate(over="ignore"):  # beside the largest float64
        mean = float(total) / len(kept) * unit / scale
    return float(min(max(mean, kept[0]), kept[-1]))


def mean(x: NDArray[Any], shares: NDArray[np.float64]) -> NDArray[Any]:
    """The sum of the rows times their shares, row by row."""
    total = np.zeros(x.shape[1])
    with np.errstate(over="ignore"):
        for row, share in zip(x, shares, strict=True):
            total = total + row.astype(np.float64) * share
    return np.clip(total, x.min(axis=0), x.max(axis=0)).astype(x.dtype)
