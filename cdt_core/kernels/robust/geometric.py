"""The geometric median: the point whose distances to the updates have the least sum."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cdt_core.errors import AggregationError
from cdt_core.kernels.robust.krum import is_count
from cdt_core.kernels.robust.passes import Passes, Vector
from cdt_core.kernels.robust.rows import Updates

__all__ = ["geometric_median"]

#: A distance counts for no less than this share of the median distance: the smoothing of RFA, in the updates' own unit.
_SMOOTHING = 1e-6
#: Iterations end when the next point is nearer to the last than this share of the median distance.
_TOLERANCE = 1e-6
#: Squares below that lost bits to the end of float64's range.
_LEAST_SQUARE = 1e-200


def geometric_median(
    updates: Updates,
    weights: ArrayLike | None = None,
    *,
    iterations: int = 100,
    start: Vector | None = None,
) -> Vector:
    """Geometric median by the smoothed Weiszfeld iteration of robust federated aggregation ([1]_, Algorithm 2).

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
    updates are from it. So ``iterations`` take ``iterations + 1`` passes over the updates, and memory for the result. No
    distance counts for less than a millionth of their median (the paper's smoothing, independent of the updates' unit).

    References
    ----------
    .. [1] Pillutla, Kakade, Harchaoui, "Robust Aggregation for Federated Learning", IEEE Transactions on Signal Processing 70,
       2022.

    Examples
    --------
    >>> import numpy as np
    >>> updates = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0], [1e6, 1e6]])
    >>> geometric_median(updates).round(3)
    array([1.577, 1.577])
    """
    passes = Passes.of(updates)
    shares = _shares(weights, passes.sites)
    if not is_count(iterations) or iterations < 1:
        raise AggregationError(f"iterations is {iterations!r}; give a number of 1 or more")
    voting = np.flatnonzero(shares)
    passes, shares = passes.only(voting), shares[voting]
    z, squares, scale = _begin(passes, shares, start)
    last = np.zeros(passes.sites)
    for turn in range(iterations):
        step = _step(squares, shares, last)
        if step is None:
            break
        last = step
        if turn == iterations - 1:
            passes.combine(step, z=z)
        else:
            squares = passes.measure(z, step, scale=scale)
    return z.astype(passes.dtype, copy=False)


def _step(
    squares: NDArray[np.float64], shares: NDArray[np.float64], last: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """What each update counts for in the next point; None: that is the point, or one as good."""
    away = np.sqrt(squares)
    order = np.argsort(away)
    half = min(int(np.searchsorted(np.cumsum(shares[order]), 0.5)), len(order) - 1)
    middle = away[order[half]]
    if middle == 0:  # half of the updates are the point itself
        return None
    by = shares / np.maximum(away, _SMOOTHING * middle)
    by /= by.sum()
    # The next point is the sum of (by - last) * (update - point) away from this one.
    return None if np.abs(by - last) @ away <= _TOLERANCE * middle else by


def _begin(
    passes: Passes, shares: NDArray[np.float64], start: Vector | None
) -> tuple[Vector, NDArray[np.float64], float]:
    """The first point, the squared distances from it, and the scale at which those have room in float64."""
    if start is None:
        z = np.zeros(passes.length, passes.work_dtype)
        squares = passes.measure(z, shares)
    else:
        z = _checked_start(start, passes)
        squares = passes.measure(z)
    if np.isfinite(squares).all() and squares.max() > _LEAST_SQUARE:
        return z, squares, 1.0
    largest = max(passes.largest(), float(np.abs(z).max(initial=0)))  # or it names what is not finite
    scale = math.ldexp(1.0, max(-1000, min(1000, -math.frexp(largest)[1]))) if largest else 1.0
    return z, passes.measure(z, scale=scale), scale


def _checked_start(start: Vector, passes: Passes) -> Vector:
    given = np.asarray(start)
    if given.dtype.kind != "f" or given.shape != (passes.length,) or not np.isfinite(given).all():
        raise AggregationError(
            f"start has dtype {given.dtype} and shape {given.shape}; give {passes.length} finite floats, as the updates have"
        )
    return given.astype(passes.work_dtype)


def _shares(weights: ArrayLike | None, sites: int) -> NDArray[np.float64]:
    """Weights over their sum."""
    given = np.ones(sites) if weights is None else np.asarray(weights)
    if given.dtype.kind not in "iuf" or given.shape != (sites,):
        raise AggregationError(
            f"weights have dtype {given.dtype} and shape {given.shape}; give one number for each of the {sites} updates"
        )
    wrong = np.flatnonzero(~(np.isfinite(given) & (given >= 0)))
    if wrong.size:
        raise AggregationError(f"the weight of update {wrong[0]} is {given[wrong[0]]}; give a finite number >= 0")
    if not given.any():
        raise AggregationError("all weights are 0, so no update counts; give at least one a weight above 0")
    # Divided by the largest first: the sum of weights such as 1e308 would overflow.
    scaled = given / float(given.max())
    shares: NDArray[np.float64] = scaled / scaled.sum()
    return shares
