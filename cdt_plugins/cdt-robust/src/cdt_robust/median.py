"""Coordinate-wise median: what to use when up to half of the sites may be wrong."""

from __future__ import annotations

from numpy.typing import ArrayLike

from cdt_core.kernels import robust
from cdt_robust.updates import Ballot, Updates, Vector

__all__ = ["median"]


def median(updates: Updates, weights: ArrayLike) -> Vector:
    """Median of each coordinate over the sites ([1]_, Definition 1 and Algorithm 1).

    Every site of a weight above 0 has one vote. Larger weights do not count for more: a site states its own weight, and
    what can be stated must not buy influence.

    Parameters
    ----------
    updates
        Float array of shape (sites, length), or one vector per site.
    weights
        Shape (sites,), finite, >= 0, not all zero. A site of weight 0 takes no part, whatever its update holds.

    Returns
    -------
    ndarray, shape (length,)
        In the updates' dtype; of an even number of votes, the mean of the middle two, taken in float64.

    Raises
    ------
    AggregationError
        Shapes, dtypes, weights or values that have no median (NaN, infinite); names the update.

    Notes
    -----
    Breakdown point 1/2: while fewer than half of the votes are arbitrary, each coordinate stays within the range of the
    others' values. On honest sites whose updates differ in mean it is further from their mean than the trimmed mean is.
    See :func:`cdt_core.kernels.robust.median` for its cost. Any order of the sites gives the same bits.

    References
    ----------
    .. [1] Yin, Chen, Ramchandran, Bartlett, "Byzantine-Robust Distributed Learning: Towards Optimal Statistical Rates",
       ICML 2018.

    Examples
    --------
    >>> import numpy as np
    >>> median(np.array([[1.0, 5.0], [2.0, 4.0], [1e9, -1e9]]), weights=[1, 1, 1])
    array([2., 4.])
    """
    return robust.median(Ballot.of(updates, weights).kept)
