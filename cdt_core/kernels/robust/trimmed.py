"""The trimmed mean of each coordinate: what holds while a known share of the rows is wrong."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from numpy.typing import NDArray

from cdt_core.errors import AggregationError
from cdt_core.kernels import _robust
from cdt_core.kernels.robust.rows import Rows, Updates
from cdt_core.kernels.robust.weights import is_number

__all__ = ["rows_cut", "trimmed_mean"]

#: Finer shares than one in a million rows are not told apart.
_LARGEST_DENOMINATOR = 1_000_000


def trimmed_mean(updates: Updates | Rows, trim: float) -> NDArray[Any]:
    """Mean of each column without its lowest and its highest values.

    Parameters
    ----------
    updates
        (n, d) array or n vectors (d,), of float16, float32 or float64.
    trim
        Share of the rows that is cut at each end, ``0 <= trim < 1/2``: ``floor(trim * n)`` values; 0 gives the mean.

    Returns
    -------
    ndarray, shape (d,)
        In the widest dtype of the updates; never outside the range of the values that are kept. Those are added as multiples of
        2**-51 of the largest of them (2**-50 above 2,048 rows, and so on), which rounds no more than a sum of float64 and gives
        the same bits for any order of the rows.

    Raises
    ------
    AggregationError
        A share out of range; shapes or dtypes that have no mean; NaN or infinite values; names the row and the column.

    Notes
    -----
    Yin, Chen, Ramchandran, Bartlett, ICML 2018, Definition 2. While at most ``floor(trim * n)`` rows are arbitrary, each
    number of the result lies within the range of the others. Of up to 128 rows halves are sorted by networks; in one pass
    the lowest values of both, paired, leave those to be cut (about 0.8 ns a number of float32). Of more rows the two ends
    are found as the median is.

    Examples
    --------
    >>> import numpy as np
    >>> trimmed_mean(np.array([[1.0], [2.0], [3.0], [4.0], [1e9]]), 0.2)
    array([3.])
    """
    rows = Rows.of(updates)
    cut = rows_cut(len(rows.vectors), trim)
    return rows.reduce(lambda block, out: _robust.trimmed(block, out, cut))


def rows_cut(rows: int, trim: float) -> int:
    """How many of so many rows a share cuts at each end: ``floor(trim * rows)`` of the fraction that was meant.

    Raises
    ------
    AggregationError
        The share is not from 0 to below 1/2.

    Examples
    --------
    >>> rows_cut(100, 0.29)  # 0.29 * 100 is 28.999999999999996
    29
    """
    share = Fraction(-1)
    if is_number(trim) and 0 <= trim < 0.5:
        share = Fraction(float(trim)).limit_denominator(_LARGEST_DENOMINATOR)
    if not 0 <= share < Fraction(1, 2):
        raise AggregationError(f"trim is {trim!r}; give the share to cut at each end, from 0 to below 0.5")
    return math.floor(share * rows)
