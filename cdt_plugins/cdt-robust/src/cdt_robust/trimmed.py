"""Coordinate-wise trimmed mean: what to use when a known share of the sites may be wrong."""

from __future__ import annotations

import math
from fractions import Fraction

from numpy.typing import ArrayLike

from cdt_core.errors import AggregationError
from cdt_core.kernels import robust
from cdt_core.kernels.robust.trimmed import rows_cut
from cdt_core.kernels.robust.weights import is_number
from cdt_robust.updates import Ballot, Updates, Vector

__all__ = ["trimmed_mean"]


def trimmed_mean(updates: Updates, weights: ArrayLike, *, trim: float = 0.2) -> Vector:
    """Mean of each coordinate without its lowest and highest values ([1]_, Definition 2 and Algorithm 1).

    Every site of a weight above 0 has one vote. Larger weights do not count for more: a site states its own weight, and
    what can be stated must not buy influence.

    Parameters
    ----------
    updates
        Float array of shape (sites, length), or one vector per site.
    weights
        Shape (sites,), finite, >= 0, not all zero. A site of weight 0 takes no part, whatever its update holds.
    trim
        Share of the votes that is cut at each end, ``0 < trim < 1/2``; of n votes ``floor(trim * n)`` are cut, at least one.

    Returns
    -------
    ndarray, shape (length,)
        In the updates' dtype, added to the precision of float64; never outside the range of the values that are kept.

    Raises
    ------
    AggregationError
        A trim share out of range, or that would cut none of so few votes; shapes, dtypes, weights or values that have no
        mean (NaN, infinite), naming the update.

    Notes
    -----
    Breakdown point ``trim``: while at most that share of the votes is arbitrary, each coordinate stays within the range of
    the others' values. See :func:`cdt_core.kernels.robust.trimmed_mean` for its cost. Any order of the sites
    gives the same bits.

    References
    ----------
    .. [1] Yin, Chen, Ramchandran, Bartlett, "Byzantine-Robust Distributed Learning: Towards Optimal Statistical Rates",
       ICML 2018.

    Examples
    --------
    >>> import numpy as np
    >>> trimmed_mean(np.array([[1.0], [2.0], [3.0], [4.0], [1e9]]), weights=[1, 1, 1, 1, 1])
    array([3.])
    """
    ballot = Ballot.of(updates, weights)
    _refuse_no_cut(len(ballot.rows), trim)
    return robust.trimmed_mean(ballot.kept, trim)


def _refuse_no_cut(votes: int, trim: float) -> None:
    # The fraction that was meant: 1/3 in float64 is a little less.
    share = Fraction(float(trim)).limit_denominator(1_000_000) if is_number(trim) and 0 < trim < 0.5 else Fraction(0)
    if not 0 < share < Fraction(1, 2):
        raise AggregationError(f"trim is {trim!r}; give the share to cut at each end, above 0 and below 0.5")
    if rows_cut(votes, trim) == 0:
        raise AggregationError(
            f"trim {trim} of {votes} votes cuts none, which protects from nothing; "
            f"give at least {math.ceil(1 / share)} updates with a weight above 0, or a larger trim"
        )
