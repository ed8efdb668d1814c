"""Cross interpolation by the textbook: elimination on full matrices, rows and columns swapped one at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["interpolate", "prrlu"]

Array = NDArray[Any]


def prrlu(a: Array, tolerance: float) -> tuple[list[int], list[int], float]:
    """Rows and columns that full pivoting takes while a pivot is above ``tolerance`` (at least one), and what it leaves."""
    left = a.copy()
    rows: list[int] = []
    cols: list[int] = []
    while True:
        row, col = (int(at) for at in np.unravel_index(np.abs(left).argmax(), left.shape))
        if rows and (abs(left[row, col]) <= tolerance or len(rows) == min(a.shape)):
            return rows, cols, float(abs(left[row, col]))
        rows, cols = [*rows, row], [*cols, col]
        left = a - a[:, cols] @ np.linalg.pinv(a[np.ix_(rows, cols)], rcond=1e-15) @ a[rows]
        left[rows], left[:, cols] = 0, 0


def interpolate(x: Array, rtol: float) -> Array:
    """The array that crosses of one unfolding after the other make of a full array, from the first axis to the last.

    I. Oseledets and E. Tyrtyshnikov, TT-cross approximation for multidimensional arrays (2010): the skeleton
    decomposition ``a = c @ inv(p) @ r`` of each unfolding.
    """
    tolerance = rtol * float(np.abs(x).max())
    done, rest = np.ones((1, 1)), x.reshape(1, -1)
    for n in x.shape[:-1]:
        rest = rest.reshape(rest.shape[0] * n, -1)
        rows, cols, _ = prrlu(rest, tolerance)
        core = rest[:, cols] @ np.linalg.inv(rest[np.ix_(rows, cols)])
        done = np.tensordot(done, core.reshape(-1, n, len(rows)), 1).reshape(-1, len(rows))
        rest = rest[rows]
    return np.asarray(done @ rest.reshape(len(rest), -1)).reshape(x.shape)
