"""The weighted mean of each coordinate: what to use when every row is trusted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cdt_core.kernels import _robust
from cdt_core.kernels.robust.rows import Rows, Updates
from cdt_core.kernels.robust.weights import checked_weights, shares

__all__ = ["mean"]


def mean(updates: Updates | Rows, weights: ArrayLike | None = None) -> NDArray[Any]:
    """Mean of each column by weight; one row can move it anywhere.

    Parameters
    ----------
    updates
        (n, d) array or n vectors (d,), of float16, float32 or float64.
    weights
        Shape (n,), finite, >= 0, not all 0; rows of weight 0 are not looked at. Without them all rows weigh the same.

    Returns
    -------
    ndarray, shape (d,)
        In the widest dtype of the updates, added in double precision in the order of the rows; never outside the range of the
        values at a column.

    Raises
    ------
    AggregationError
        Shapes, dtypes or weights that have no mean; NaN or infinite values; names the row and the column.

    Notes
    -----
    One pass over the updates, at the speed of memory.

    Examples
    --------
    >>> import numpy as np
    >>> mean(np.array([[0.0, 1.0], [4.0, 5.0]]), weights=[3, 1])
    array([1., 2.])
    """
    rows = Rows.of(updates)
    count = len(rows.vectors)
    checked = checked_weights(np.ones(count) if weights is None else weights, count)
    chosen = np.flatnonzero(checked)
    share = shares(checked[chosen])
    return rows.only(chosen).reduce(lambda block, out: _robust.mean(block, out, share))
