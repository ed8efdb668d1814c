"""The geometric median: the point whose distances to the updates have the least sum."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cdt_core.errors import AggregationError
from cdt_core.kernels.robust.krum import is_count
from cdt_core.kernels.robust.passes import Passes, Vector
from cdt_core.kernels.robust.rows import Rows, Updates
from cdt_core.kernels.robust.weights import checked_weights, shares

__all__ = ["checked_start", "geometric_median"]

#: A point lies on an update that is nearer than this share of the median distance.
_ON = 1e-6
#: Iterations end when the next point is nearer to the last than this share of the median distance.
_TOLERANCE = 1e-6


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
        In the updates' dtype, added in float64.

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
    z, squares, scale = _begin(passes, votes, start)
    last = np.zeros(passes.sites)
    for turn in range(iterations):
        away = np.sqrt(squares)
        middle = _weighted_median(away, votes)
        here = away <= _ON * middle
        if here.any():
            if not _leave(passes, z, np.where(here, 0, votes / np.where(here, 1, away / scale)), votes[here].sum()):
                break
            squares = passes.measure(z, scale=scale)
            continue
        step = votes / away
        step /= step.sum()
        # The next point is the sum of (step - last) * (update - point) away from this one.
        if np.abs(step - last) @ away <= _TOLERANCE * middle:
            break
        last = step
        if turn == iterations - 1:
            passes.combine(step, z=z)
        else:
            squares = passes.measure(z, step, scale=scale)
    return z.astype(passes.dtype, copy=False)


def _weighted_median(away: NDArray[np.float64], votes: NDArray[np.float64]) -> float:
    order = np.argsort(away)
    half = int(np.searchsorted(np.cumsum(votes[order]), 0.5))
    return float(away[order[min(half, len(order) - 1)]])


def _leave(passes: Passes, z: Vector, pulls: NDArray[np.float64], holds: float) -> bool:
    """Move ``z`` off the updates that it lies on, unless these hold it harder than the others pull: then it is the median.

    ``pulls`` are the shares of the others over their distances, 0 for those that ``z`` lies on; those have the share ``holds``.
    """
    total = float(pulls.sum())
    if total == 0:
        return False
    towards = passes.combine(pulls / total)
    pull = total * float(np.linalg.norm((towards - z).astype(np.float64)))
    if not pull > holds:
        return False
    z += (towards - z) * z.dtype.type(1 - holds / pull)
    return True


def _begin(
    passes: Passes, votes: NDArray[np.float64], start: Vector | None
) -> tuple[Vector, NDArray[np.float64], float]:
    """The first point, the squared distances from it, and the scale at which those have room in float64."""
    if start is None:
        z = np.zeros(passes.length, passes.work_dtype)
        return z, *passes.measure_in_scale(z, votes)
    z = checked_start(start, passes)
    return z, *passes.measure_in_scale(z)


def checked_start(start: Vector, passes: Passes) -> Vector:
    """A copy of the first point, in the dtype of the passes.

    Raises
    ------
    AggregationError
        It is no vector of the updates' length, or not finite.
    """
    given = np.asarray(start)
    if given.dtype.kind != "f" or given.shape != (passes.length,) or not np.isfinite(given).all():
        raise AggregationError(
            f"start has dtype {given.dtype} and shape {given.shape}; give {passes.length} finite floats, as the updates have"
        )
    return given.astype(passes.work_dtype)
