"""Nearest-neighbour mixing: a step before a rule, for sites whose honest updates differ."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cdt_core.errors import AggregationError
from cdt_core.kernels.blas import on_one_blas_thread
from cdt_core.kernels.robust.distances import squares_between
from cdt_core.kernels.robust.krum import is_count
from cdt_core.kernels.robust.passes import Passes
from cdt_core.kernels.robust.rows import Rows
from cdt_core.kernels.stopping import heed
from cdt_robust.following import follow
from cdt_robust.updates import Ballot, Updates, Vector

__all__ = ["nearest_neighbour_mixing"]

#: Numbers of a block of columns: 1 MiB as float64.
_BLOCK_NUMBERS = 1 << 17


def nearest_neighbour_mixing(
    updates: Updates, weights: ArrayLike, *, f: int | None = None, then: str = "median", **parameters: Any
) -> Vector:
    """Replace each update by the mean of the ``n - f`` nearest to it, itself among them, then apply a rule ([1]_, Algorithm 2).

    Parameters
    ----------
    updates
        Float array of shape (sites, length), or one vector per site.
    weights
        Shape (sites,), finite, >= 0, not all zero. Each site of a weight above 0 has one vote; others take no part.
    f
        How many of the n votes may be wrong, fewer than half; None: as many as can be.
    then
        Name of the rule that follows, any of this plugin's but a step before rules.
    parameters
        Of that rule.

    Returns
    -------
    ndarray, shape (length,)
        In the widest dtype among the updates.

    Raises
    ------
    AggregationError
        ``f`` or ``then`` out of range; what the rule refuses; shapes, dtypes, weights or values that have no distance.

    Notes
    -----
    Honest updates of sites with different data lie far apart, and wrong ones hide among them. Mixed, the honest come close to
    their mean: the error of median, trimmed mean, Krum and geometric median then has the best order that is possible ([1]_,
    Theorem 2). Breakdown point: that of the rule, at most 1/2. The mixed updates take as much memory as the updates;
    sites^2 * length multiply-adds beside the distances.

    References
    ----------
    .. [1] Allouah, Farhadkhani, Guerraoui, Gupta, Pinot, Stephan, "Fixing by Mixing: A Recipe for Optimal Byzantine ML under
       Heterogeneity", AISTATS 2023.

    Examples
    --------
    >>> import numpy as np
    >>> updates = np.array([[1.0], [3.0], [2.0], [4.0], [1e9]])
    >>> nearest_neighbour_mixing(updates, np.ones(5), f=1, then="median")
    array([2.5])
    """
    rows = Ballot.of(updates, weights).kept
    votes = len(rows.vectors)
    wrong = (votes - 1) // 2 if f is None else f
    if not is_count(wrong) or not 0 <= 2 * wrong < votes:
        raise AggregationError(f"f is {f!r}; of {votes} votes, fewer than half may be wrong: 0 to {(votes - 1) // 2}")
    return follow(then, _mixed(rows, votes - wrong), parameters)


@on_one_blas_thread
def _mixed(rows: Rows, kept: int) -> Vector:
    """Each row the mean of the ``kept`` nearest to it."""
    sites, length = len(rows.vectors), rows.vectors[0].size
    nearest = np.argsort(squares_between(Passes.of(rows)).values, axis=1, kind="stable")[:, :kept]
    shares: NDArray[np.float64] = np.zeros((sites, sites))
    np.put_along_axis(shares, nearest, 1 / kept, axis=1)
    mixed = np.empty((sites, length), rows.dtype)
    width = max(1, _BLOCK_NUMBERS // sites)
    for start in range(0, length, width):
        heed()
        columns = slice(start, start + width)
        mixed[:, columns] = shares @ np.stack([row[columns] for row in rows.vectors], dtype=np.float64)
    return mixed
