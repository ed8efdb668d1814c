"""The geometric median: what to use when nothing is known but that fewer than half of the sites are wrong."""

from __future__ import annotations

from numpy.typing import ArrayLike

from cdt_core.kernels.robust import geometric_median as kernel
from cdt_core.kernels.robust import median
from cdt_robust.updates import Ballot, Updates, Vector

__all__ = ["geometric_median"]


def geometric_median(updates: Updates, weights: ArrayLike, *, iterations: int = 100) -> Vector:
    """The point whose distances to the updates have the least sum, as robust federated aggregation computes it [1]_.

    Every site of a weight above 0 has one vote. The paper weights a site by its samples; but a site states its own number, and
    what can be stated must not buy influence. :func:`cdt_core.kernels.robust.geometric_median` takes weights that are known.

    Parameters
    ----------
    updates
        Float array of shape (sites, length), or one vector per site.
    weights
        Shape (sites,), finite, >= 0, not all zero. A site of weight 0 takes no part, whatever its update holds.
    iterations
        How many at most; fewer where the point moves no more.

    Returns
    -------
    ndarray, shape (length,)
        In the widest dtype among the updates, added in float64.

    Raises
    ------
    AggregationError
        Shapes, dtypes, weights, values or a count that have no median; names the update.

    Notes
    -----
    Breakdown point 1/2: fewer wrong votes than that move it by no more than a multiple of the distances among the others,
    wherever they lie. It begins at the median of each coordinate, not at the mean as in the paper: from a mean that far updates
    drag away, each iteration takes back only a share. It turns with the coordinates, as no coordinate-wise rule does. One pass
    over the updates for each iteration, and one median.

    References
    ----------
    .. [1] Pillutla, Kakade, Harchaoui, "Robust Aggregation for Federated Learning", IEEE Transactions on Signal Processing 70,
       2022.

    Examples
    --------
    >>> import numpy as np
    >>> geometric_median(np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0], [1e6, 1e6]]), np.ones(5)).round(2)
    array([1.58, 1.58])
    """
    rows = Ballot.of(updates, weights).kept
    return kernel(rows, iterations=iterations, start=median(rows))
