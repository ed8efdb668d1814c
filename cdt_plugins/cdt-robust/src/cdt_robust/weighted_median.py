"""Weighted median of each coordinate: what to use when weights are known, not stated."""

from __future__ import annotations

from numpy.typing import ArrayLike

from cdt_core.kernels import robust
from cdt_robust.updates import Updates, Vector

__all__ = ["weighted_median"]


def weighted_median(updates: Updates, weights: ArrayLike) -> Vector:
    """Median of each coordinate where a site counts as often as its weight says.

    Here weights buy influence: they must be what the coordinator knows of the sites, such as reputation, or be bounded by
    it, never what the sites say of themselves. Where they do, use :func:`cdt_robust.median.median`.

    Parameters
    ----------
    updates
        Float array of shape (sites, length), or one vector per site.
    weights
        Shape (sites,), finite, >= 0, not all zero. A site of weight 0 takes no part, whatever its update holds.

    Returns
    -------
    ndarray, shape (length,)
        In the updates' dtype: the least value up to which sites have half of the weight; where they have exactly half, the
        mean of it and the next, taken in float64.

    Raises
    ------
    AggregationError
        Shapes, dtypes, weights or values that have no median (NaN, infinite); names the update.

    Notes
    -----
    Breakdown point 1/2 of the weight: while sites of less than half of it are arbitrary, each coordinate stays within the
    range of the others' values. Any order of the sites gives the same bits. See
    :func:`cdt_core.kernels.robust.weighted_median`.

    Examples
    --------
    >>> import numpy as np
    >>> weighted_median(np.array([[1.0, 5.0], [2.0, 4.0], [1e9, -1e9]]), weights=[1.0, 0.5, 0.4])
    array([1., 5.])
    """
    return robust.weighted_median(updates, weights)
