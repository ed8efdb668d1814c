"""The geometric median: the point whose distances to the updates have the least sum."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cdt_core.errors import AggregationError
from cdt_core.kernels.robust.away import Away, away_from
from cdt_core.kernels.robust.krum import is_count
from cdt_core.kernels.robust.passes import Passes, Vector
from cdt_core.kernels.robust.rows import Rows, Updates, as_array
from cdt_core.kernels.robust.weights import checked_weights, shares

__all__ = ["checked_start", "geometric_median"]

#: A point lies on an update that is nearer than this share of the median distance.
_ON = 1e-6
#: Iterations end when the next point is nearer to the last than this share of the median distance.
_TOLERANCE = 1e-6
#: An update that is further than so many times the median distance counts as that far where steps are added up.
_FAR = 1e300


def geometric_median(
    updates: Updates | Rows,
    weights: ArrayLike | None = None,
    *,
    iterations: int = 100,
    start: Vector | None = None,
) -> Vector:
    """Geometric median by the Weiszfeld iteration of robust federated aggregation ([1]_, Algorithm 2).

    Parameters
    ----------
    updates
        Float array of shape (sites, length), or one vector per site: float16, float32 or float64.
    weights
        Shape (sites,), finite, >= 0, not all zero; None: all equal. One of weight 0 takes no part, whatever its update is.
    iterations
        How many at most, 1 or more; fewer where the point moves no more.
    start
        Where to begin, shape (length,); None: at the weighted mean. Wrong updates that are far away drag the mean along, and
        each iteration takes back only a share of that: begin at a median where they may be.

    Returns
    -------
    ndarray, shape (length,)
        In the updates' dtype, added in float64. An update 1e308 times as far as the median distance is left out.

    Raises
    ------
    AggregationError
        Shapes, dtypes, weights or counts that do not fit; NaN or infinite values, naming the update and the coordinate.

    Notes
    -----
    An iteration is the mean of the updates, each by its weight over its distance from the last point. Distances
    from a point and the next point are computed in one pass: block by block of columns, the new point first, then how far the
    updates are from it. So ``iterations`` take ``iterations + 1`` passes over the updates, and memory for the result. Where
    the paper smooths distances that vanish, a point that lies on an update leaves it if the others pull harder than it holds
    ([2]_), and is the median if not.

    References
    ----------
    .. [1] Pillutla, Kakade, Harchaoui, "Robust Aggregation for Federated Learning", IEEE Transactions on Signal Processing 70,
       2022.
    .. [2] Vardi, Zhang, "The multivariate L1-median and associated data depth", PNAS 97(4), 2000, equation 2.6.

    Examples
    --------
    >>> import numpy as np
    >>> updates = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0], [1e6, 1e6]])
    >>> geometric_median(updates).round(3)
    array([1.577, 1.577])
    """
    passes = Passes.of(updates)
    given = np.ones(passes.sites) if weights is None else weights
    votes = shares(checked_weights(given, passes.sites))
    if not is_count(iterations) or iterations < 1:
        raise AggregationError(f"iterations is {iterations!r}; give a number of 1 or more")
    voting = np.flatnonzero(votes)
    passes, votes = passes.only(voting), votes[voting]
    z = np.zeros(passes.length, passes.work_dtype) if start is None else checked_start(start, passes)
    away = away_from(passes, z, votes if start is None else None)
    last = np.zeros(passes.sites)
    for turn in range(iterations):
        middle = _weighted_median(away, votes)
        if not away.roots[middle]:
            break
        unit = float(away.roots[middle]), int(away.powers[middle])
        ratios = away.over(*unit)
        if (here := ratios <= _ON).any():
            if not _leave(passes, z, np.where(here, 0, votes / np.where(here, 1, ratios)), votes[here].sum(), unit):
                break
            away = away_from(passes, z)
            continue
        step = votes / ratios
        step /= step.sum()
        if _is_short(step - last, ratios):
            break
        last = step
        if turn == iterations - 1:
            passes.combine(step, z=z)
        else:
            away = away_from(passes, z, step)
    return z.astype(passes.dtype, copy=False)


def _is_short(step: NDArray[np.float64], ratios: NDArray[np.float64]) -> bool:
    """Whether the sum of ``step * (update - point)``, which is where the next point is from this one, says to end."""
    return bool(np.abs(step) @ np.where(step, np.minimum(ratios, _FAR), 0) <= _TOLERANCE)


def _weighted_median(away: Away, votes: NDArray[np.float64]) -> int:
    """The site whose distance is the median."""
    order = away.order()
    half = int(np.searchsorted(np.cumsum(votes[order]), 0.5))
    return int(order[min(half, len(order) - 1)])


def _leave(passes: Passes, z: Vector, pulls: NDArray[np.float64], holds: float, unit: tuple[float, int]) -> bool:
    """Move ``z`` off the updates that it lies on, unless these hold it harder than the others pull: then it is the median.

    ``pulls`` are the shares of the others over their distances in that unit, 0 for those that ``z`` lies on; those have the
    share ``holds``.
    """
    total = float(pulls.sum())
    if total == 0:
        return False
    towards = passes.combine(pulls / total)
    pull = total * float(away_from(Passes.of([towards]), z).over(*unit)[0])
    if not pull > holds:
        return False
    z *= holds / pull
    z += towards * z.dtype.type(1 - holds / pull)
    return True


def checked_start(start: Vector, passes: Passes) -> Vector:
    """A copy of the first point, in the dtype of the passes.

    Raises
    ------
    AggregationError
        It is no vector of the updates' length, or not finite.
    """
    given = as_array(start, "start")
    if given.dtype.kind == "f" and given.shape == (passes.length,):
        with np.errstate(over="ignore"):
            first = given.astype(passes.work_dtype)
        if np.isfinite(first).all():
            return first
    raise AggregationError(
        f"start has dtype {given.dtype} and shape {given.shape}; give {passes.length} finite floats, as the updates have"
    )
