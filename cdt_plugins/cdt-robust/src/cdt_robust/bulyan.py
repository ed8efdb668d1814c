"""Bulyan: what to use when wrong updates may hide a large value in few coordinates."""

from __future__ import annotations

from numpy.typing import ArrayLike

from cdt_core.errors import AggregationError
from cdt_core.kernels.robust import bulyan as kernel
from cdt_robust.updates import Ballot, Updates, Vector

__all__ = ["bulyan"]

#: Votes without which Bulyan holds against no wrong one.
_LEAST_VOTES = 7


def bulyan(updates: Updates, weights: ArrayLike, *, f: int | None = None) -> Vector:
    """Of the updates that Krum ranks best, by coordinate the mean of the values nearest to the median [1]_.

    Parameters
    ----------
    updates
        Float array of shape (sites, length), or one vector per site.
    weights
        Shape (sites,), finite, >= 0, not all zero. Each site of a weight above 0 has one vote; others take no part.
    f
        How many of the n votes may be wrong, ``n >= 4 f + 3``; None: as many as can be, at least one.

    Returns
    -------
    ndarray, shape (length,)
        In the widest dtype among the updates, added in float64; never outside the range of the values that it averages.

    Raises
    ------
    AggregationError
        Too few votes for ``f``; shapes, dtypes, weights or values that have no distance, naming the update.

    Notes
    -----
    A distance hardly sees one coordinate of a million; the second step bounds each coordinate by values of honest sites. It
    holds against fewer wrong votes than any other robust rule here, less than a quarter. See
    :func:`cdt_core.kernels.robust.bulyan`, also for how its choice differs from the paper's, and why.

    References
    ----------
    .. [1] El Mhamdi, Guerraoui, Rouault, "The Hidden Vulnerability of Distributed Learning in Byzantium", ICML 2018.

    Examples
    --------
    >>> import numpy as np
    >>> bulyan(np.array([[1.0], [2.0], [2.5], [2.25], [1.5], [3.0], [1e9]]), np.ones(7))
    array([2.25])
    """
    rows = Ballot.of(updates, weights).kept
    return kernel(rows, _most(len(rows.vectors)) if f is None else f)


def _most(votes: int) -> int:
    if votes < _LEAST_VOTES:
        raise AggregationError(
            f"Bulyan of {votes} votes holds against none that is wrong; "
            f"give at least {_LEAST_VOTES} updates with a weight above 0"
        )
    return (votes - 3) // 4
