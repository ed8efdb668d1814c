"""Centred clipping: what to use over many rounds, with the last round's result as the centre."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cdt_core.errors import AggregationError
from cdt_core.kernels.robust import median
from cdt_core.kernels.robust.away import Away, away_from
from cdt_core.kernels.robust.geometric import checked_start
from cdt_core.kernels.robust.krum import is_count
from cdt_core.kernels.robust.passes import Passes
from cdt_core.kernels.robust.weights import is_number
from cdt_robust.updates import Ballot, Updates, Vector

__all__ = ["centered_clip"]


def centered_clip(
    updates: Updates,
    weights: ArrayLike,
    *,
    start: Vector | None = None,
    radius: float | None = None,
    iterations: int = 3,
) -> Vector:
    """Mean of the updates' differences from a centre, each cut to a radius, added to the centre ([1]_, section 4).

    Parameters
    ----------
    updates
        Float array of shape (sites, length), or one vector per site.
    weights
        Shape (sites,), finite, >= 0, not all zero. Each site of a weight above 0 has one vote; others take no part.
    start
        The first centre, shape (length,): the last round's result where there is one. None: the median of each coordinate.
    radius
        Length to which a difference is cut, above 0. None: the median distance from the centre, anew each iteration.
    iterations
        How often, each time around the last result; 1 or more.

    Returns
    -------
    ndarray, shape (length,)
        In the widest dtype among the updates, added in float64.

    Raises
    ------
    AggregationError
        Shapes, dtypes, weights, values or parameters that do not fit; names the update.

    Notes
    -----
    No update moves the result by more than ``radius / n`` an iteration. With its defaults the breakdown point is 1/2: both the
    first centre and the radius are medians. ``iterations + 1`` passes over the updates.

    References
    ----------
    .. [1] Karimireddy, He, Jaggi, "Learning from History for Byzantine Robust Optimization", ICML 2021, Algorithm 2.

    Examples
    --------
    >>> import numpy as np
    >>> updates = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0], [300.0, 400.0]])
    >>> centered_clip(updates, np.ones(5), start=np.zeros(2), radius=1.0, iterations=1)
    array([0.12, 0.16])
    """
    length = None if radius is None else _checked_length(radius)
    if not is_count(iterations) or iterations < 1:
        raise AggregationError(f"iterations is {iterations!r}; give a number of 1 or more")
    passes = Passes.of(Ballot.of(updates, weights).kept)
    z = checked_start(median(passes.rows) if start is None else start, passes)
    away = away_from(passes, z)
    for turn in range(iterations):
        counts = _counts(away, length)
        keep = 1 - float(counts.mean())
        if turn < iterations - 1:
            away = away_from(passes, z, counts / passes.sites, keep=keep)
        else:
            passes.combine(counts / passes.sites, keep=keep, z=z)
    return z.astype(passes.dtype, copy=False)


def _checked_length(radius: float) -> float:
    try:
        length = float(radius) if is_number(radius) else 0.0
    except OverflowError:
        length = math.inf
    if not 0 < length < math.inf:
        raise AggregationError(f"radius is {radius!r}; give a length above 0")
    return length


def _counts(away: Away, radius: float | None) -> NDArray[np.float64]:
    """The share that is left of each difference, where it is cut to the radius or to the median length."""
    half = int(away.order()[(len(away.roots) - 1) // 2])
    root, power = (away.roots[half], int(away.powers[half])) if radius is None else (radius, 0)
    if not root:
        return np.where(away.roots, 0.0, 1.0)
    return np.asarray(1 / np.maximum(1.0, away.over(root, power)))
