"""Weighted mean: what to use when every site is trusted."""

from __future__ import annotations

from numpy.typing import ArrayLike

from cdt_core.kernels.robust import mean
from cdt_robust.updates import Updates, Vector

__all__ = ["weighted_mean"]


def weighted_mean(updates: Updates, weights: ArrayLike) -> Vector:
    """Mean of the updates by weight, as federated averaging takes it [1]_.

    Parameters
    ----------
    updates
        Float array of shape (sites, length), or one vector per site.
    weights
        Shape (sites,), finite, >= 0, not all zero: usually each site's number of samples. A site of weight 0 takes no part,
        whatever its update holds.

    Returns
    -------
    ndarray, shape (length,)
        In the updates' dtype, added in float64; never outside the range of the values at a coordinate.

    Raises
    ------
    AggregationError
        Shapes, dtypes, weights or values that have no mean (NaN, infinite); names the update.

    Notes
    -----
    Breakdown point 0: one site can move the result anywhere. One pass over the updates, at the speed of memory.
    The order of the sites may change the last bits, as it does in any sum of floats.

    References
    ----------
    .. [1] McMahan, Moore, Ramage, Hampson, Aguera y Arcas, "Communication-Efficient Learning of Deep Networks from
       Decentralized Data", AISTATS 2017, Algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> weighted_mean(np.array([[0.0, 1.0], [4.0, 5.0]]), weights=[3, 1])
    array([1., 2.])
    """
    return mean(updates, weights)
