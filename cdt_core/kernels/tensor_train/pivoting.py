"""Partially rank-revealing LU: the rows and columns of a matrix that stand for all of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import scipy.linalg
from scipy.linalg import blas

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Crossing", "Pivots", "prrlu", "rook"]

#: Most turns between rows and columns of a matrix that is not read whole.
_MOST_TURNS = 4


@attrs.frozen(eq=False)
class Pivots:
    """Rows and columns whose crossings ``p = lower @ upper`` hold the matrix up to ``residual``, best first.

    Attributes
    ----------
    rows, cols
        Positions of the r pivots, (r,) each.
    lower, upper
        Factors of the (r, r) matrix of crossings, in the order of the pivots: unit lower and upper triangle.
    residual
        Largest absolute entry of what the r pivots leave of the matrix (its Schur complement).
    """

    rows: NDArray[np.intp]
    cols: NDArray[np.intp]
    lower: NDArray[Any]
    upper: NDArray[Any]
    residual: float

    def transposed(self) -> Pivots:
        """The same pivots of the transposed matrix."""
        scale = np.diag(self.upper)
        lower, upper = (self.upper / scale[:, None]).T, (self.lower * scale).T
        return Pivots(self.cols, self.rows, lower, upper, self.residual)

    def right_solve(self, a: NDArray[Any]) -> NDArray[Any]:
        """``a @ inv(p)`` of an (m, r) array: two triangular solves, never an inverse."""
        half = scipy.linalg.solve_triangular(self.upper, a.T, trans="T", check_finite=False)
        found = scipy.linalg.solve_triangular(self.lower, half, lower=True, trans="T", unit_diagonal=True)
        return np.asarray(found.T)

    def left_solve(self, a: NDArray[Any]) -> NDArray[Any]:
        """``inv(p) @ a`` of an (r, n) array."""
        half = scipy.linalg.solve_triangular(self.lower, a, lower=True, unit_diagonal=True, check_finite=False)
        return np.asarray(scipy.linalg.solve_triangular(self.upper, half, check_finite=False))


def prrlu(a: NDArray[Any], tolerance: float, max_rank: int) -> Pivots:
    """Gaussian elimination with full pivoting that ends at ``tolerance``.

    Parameters
    ----------
    a
        (m, n) array of float64 or complex128; not changed.
    tolerance
        Pivots of at most this size are not taken; the first always is.
    max_rank
        Most pivots, at least 1.

    Notes
    -----
    Y. Nunez Fernandez et al., "Learning tensor networks with tensor cross interpolation", arXiv 2407.02454 (2024),
    its prrLU. Costs 2 m n flops and three passes over the matrix a pivot; extra memory of two matrices.
    """
    left = np.array(a, order="C")
    sizes = np.empty(left.shape)
    update = blas.zgeru if left.dtype.kind == "c" else blas.dger
    rows: list[int] = []
    cols: list[int] = []
    columns: list[NDArray[Any]] = []
    lines: list[NDArray[Any]] = []
    while True:
        row, col = divmod(int(np.abs(left, out=sizes).argmax()), left.shape[1])
        residual = float(sizes[row, col])
        if rows and (residual <= tolerance or len(rows) == min(max_rank, *left.shape)):
            break
        pivot = left[row, col]
        column, line = left[:, col] / pivot if pivot else left[:, col].copy(), left[row].copy()
        update(-1.0, line, column, a=left.T, overwrite_a=True)
        left[row], left[:, col] = 0, 0
        column[rows] = 0  # what elimination has made zero, without its rounding
        line[cols] = 0
        rows.append(row)
        cols.append(col)
        columns.append(column)
        lines.append(line)
    chosen = np.array(rows, np.intp), np.array(cols, np.intp)
    lower = np.array(columns).T[chosen[0]]
    return Pivots(*chosen, lower, np.array(lines)[:, chosen[1]], residual)


@attrs.frozen(eq=False)
class Crossing:
    """Pivots of an (m, n) matrix with the values of their rows, (r, n), and of their columns, (m, r)."""

    pivots: Pivots
    lines: NDArray[Any]
    columns: NDArray[Any]

    def transposed(self) -> Crossing:
        """The same of the transposed matrix."""
        return Crossing(self.pivots.transposed(), self.columns.T, self.lines.T)


def rook(
    read: Callable[[NDArray[np.intp], NDArray[np.intp]], NDArray[Any]],
    shape: tuple[int, int],
    chosen: NDArray[np.intp],
    goal: tuple[float, int],
) -> Crossing:
    """Pivots of a matrix of which only some rows and columns are read.

    Rows are picked by the chosen columns, columns by those rows, until the columns stay: the pivots are then large in
    their rows and columns, if not in all of the matrix.

    Parameters
    ----------
    read
        Gives the values at rows x columns.
    shape
        (m, n).
    chosen
        Columns to begin with; there are never more pivots than these.
    goal
        Tolerance and largest rank, as :func:`prrlu` takes them.

    Notes
    -----
    The block rook search of arXiv 2407.02454.
    """
    all_rows, all_cols = np.arange(shape[0]), np.arange(shape[1])
    columns = read(all_rows, chosen)
    for _ in range(_MOST_TURNS):
        picked = prrlu(columns, *goal)
        lines = read(picked.rows, all_cols)
        pivots = prrlu(lines, *goal)
        fresh = np.setdiff1d(pivots.cols, chosen)
        if not fresh.size:
            break
        columns = np.hstack((columns, read(all_rows, fresh)))
        chosen = np.concatenate((chosen, fresh))
    place = {int(col): at for at, col in enumerate(chosen)}
    residual = max(pivots.residual, picked.residual)
    lines, columns = lines[pivots.rows], columns[:, [place[int(col)] for col in pivots.cols]]
    return Crossing(attrs.evolve(pivots, rows=picked.rows[pivots.rows], residual=residual), lines, columns)
