"""The median of each coordinate: what holds while fewer than half of the rows are wrong."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from cdt_core.kernels import _robust
from cdt_core.kernels.robust.rows import Rows, Updates

__all__ = ["median"]


def median(updates: Updates) -> NDArray[Any]:
    """Median of each column of the updates, equal to ``np.median(updates, axis=0)`` in every bit.

    Parameters
    ----------
    updates
        (n, d) array or n vectors (d,), of float16, float32 or float64.

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
    Columns side by side, in registers: sorted by pruned networks [1]_ up to 128 rows. While fewer than n/2 rows are arbitrary,
    each number of the result lies within the range of the others.

    References
    ----------
    .. [1] Batcher, "Sorting networks and their applications", AFIPS Spring Joint Computer Conference 32, 1968: odd-even merge.

    Examples
    --------
    >>> import numpy as np
    >>> median(np.array([[1.0, 5.0], [2.0, 4.0], [1e9, -1e9]]))
    array([2., 4.])
    """
    return Rows.of(updates).reduce(_robust.median)
