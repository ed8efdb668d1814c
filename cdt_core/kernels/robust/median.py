"""The median of each coordinate: what holds while fewer than half of the votes are wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cdt_core.kernels import _robust
from cdt_core.kernels.robust.rows import Rows, Updates
from cdt_core.kernels.robust.weights import checked_weights, votes

__all__ = ["median", "weighted_median"]

#: Votes that are counted in 32 bits.
_FEW_VOTES = 2**31


def median(updates: Updates | Rows, weights: ArrayLike | None = None) -> NDArray[Any]:
    """Median of each column of the updates, equal to ``np.median(updates, axis=0)``.

    Parameters
    ----------
    updates
        (n, d) array or n vectors (d,), of float16, float32 or float64.
    weights
        Shape (n,): :func:`weighted_median`. Without them each row has one vote.

    Returns
    -------
    ndarray, shape (d,)
        In the widest dtype of the updates. Of an even n, the mean of the middle two, taken in double precision and rounded:
        unlike NumPy's it does not overflow. -0.0 counts as below 0.0.

    Raises
    ------
    AggregationError
        Shapes or dtypes that have no median; NaN or infinite values; names the row and the column.

    Notes
    -----
    Columns side by side: sorted by networks in registers [1]_ up to 128 rows, 0.5 to 0.8 ns a number of float32; of more
    rows the keys above pivots are counted, some ten passes for ordinary numbers, and no more than some twice the bits of a
    number for any. While fewer than n/2 rows are arbitrary, each number of the result lies within the range of the others.

    References
    ----------
    .. [1] Batcher, "Sorting networks and their applications", AFIPS Spring Joint Computer Conference 32, 1968: odd-even merge.

    Examples
    --------
    >>> import numpy as np
    >>> median(np.array([[1.0, 5.0], [2.0, 4.0], [1e9, -1e9]]))
    array([2., 4.])
    """
    return Rows.of(updates).reduce(_robust.median) if weights is None else weighted_median(updates, weights)


def weighted_median(updates: Updates | Rows, weights: ArrayLike) -> NDArray[Any]:
    """Median of each column, each row counted as often as its weight says.

    The smallest value up to which rows have half of all weight; where they have exactly half of it, the mean of that value
    and of the next larger one that a row has. Rows of equal weight give :func:`median`.

    Parameters
    ----------
    updates
        As for :func:`median`.
    weights
        Shape (n,), finite, >= 0, not all 0; rows of weight 0 are not looked at. Weights are exact where, as multiples of
        one number, they add up to less than 2**53, as counts do; else they are rounded by up to 2**-51 of their sum.

    Returns
    -------
    ndarray, shape (d,)
        As :func:`median`.

    Raises
    ------
    AggregationError
        As :func:`median`, and weights that are not one finite number >= 0 for each row.

    Notes
    -----
    While rows of less than half of all weight are arbitrary, each number of the result lies within the range of the others. The
    votes of the values above pivots are counted, some ten passes; where float32 updates have 2**31 votes or more, as float64.

    Examples
    --------
    >>> import numpy as np
    >>> weighted_median(np.array([[1.0], [2.0], [3.0]]), [1, 1, 3]), weighted_median(np.array([[1.0], [2.0], [3.0]]), [1, 1, 2])
    (array([3.]), array([2.5]))
    """
    rows = Rows.of(updates)
    checked = checked_weights(weights, len(rows.vectors))
    chosen = np.flatnonzero(checked)
    counted = votes(checked[chosen])
    rows = rows.only(chosen)
    if rows.dtype.itemsize < np.dtype(np.float64).itemsize and int(counted.sum()) < _FEW_VOTES:
        few = counted.astype(np.int32)
        return rows.reduce(lambda block, out: _robust.weighted_median(block, out, few))
    return rows.reduce(lambda block, out: _robust.weighted_median(block, out, counted), np.float64)
