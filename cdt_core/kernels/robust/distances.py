"""Squared distances between all updates, right whatever their size and however near each other they are."""

from __future__ import annotations

import math

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from cdt_core.errors import AggregationError
from cdt_core.kernels.robust.passes import Passes
from cdt_core.kernels.robust.rows import Rows, Updates

__all__ = ["Squares", "distances", "squares_between"]

#: Updates that are looked at for one in the middle of the others, columns of each, and how many round it make the centre.
_CANDIDATES = 32
_SAMPLE, _SAMPLE_BLOCK = 1024, 64
_CENTRAL = 16
#: A square of less than this share of the two norms that it comes from lost digits: the difference of the two is taken.
_CANCELLED = 1 / 4
#: float32 of such an exponent are scaled down, so that differences of two have room.
_HUGE_EXPONENT = 126
_DOWN_EXPONENT = -2
#: float64 of a larger exponent, or of a smaller one than its negative, are scaled, so that their squares have room.
_ROOM_EXPONENT = 490
_LEAST_NORM = 2.0 ** (-2 * _ROOM_EXPONENT)


@frozen(eq=False)
class Squares:
    """Squared distances (sites, sites), float64, symmetric, maybe infinite, of updates that were scaled by ``2**exponent``."""

    values: NDArray[np.float64]
    exponent: int


def distances(updates: Updates | Rows) -> NDArray[np.float64]:
    """Squared Euclidean distances between all updates.

    Parameters
    ----------
    updates
        Float array of shape (sites, length), or one vector per site: float16, float32 or float64.

    Returns
    -------
    ndarray, shape (sites, sites)
        float64, exactly symmetric, never negative, zero on the diagonal. Of float32 updates each square is right to 4e-5 of
        itself (2e-8 as a rule; to 1e-5 where all values of an update are equal), of float64 ones to 1e-12 unless it is less
        than 1e-295.

    Raises
    ------
    AggregationError
        No updates; shapes or dtypes that differ; NaN or infinite values, naming the update and the coordinate; squares that
        float64 cannot hold.

    Notes
    -----
    ``|x|^2 + |y|^2 - 2 x.y`` is one product of matrices, but of models that differ little beside their size it is noise: all
    digits cancel. Here the updates are centred first, on the mean of a few that lie in the middle of a sample of columns (one
    that is wrong in other columns only costs time, not digits); products are float32, flushed to float64 every few thousand
    columns; and a pair that still cancels, such as two wrong updates that agree, is measured by its differences.
    sites^2 * length / 2 multiply-adds, one pass over the updates (two where pairs cancel), a few MiB beside them.

    Examples
    --------
    >>> import numpy as np
    >>> model = np.full(4, 1e6, np.float32)
    >>> distances([model, model + np.float32(0.5), model - np.float32(0.5)])
    array([[0., 1., 1.],
           [1., 0., 4.],
           [1., 4., 0.]])
    """
    squares = squares_between(Passes.of(updates))
    with np.errstate(over="ignore"):
        unscaled = np.ldexp(squares.values, -2 * squares.exponent)
    if not np.isfinite(unscaled).all():
        one, other = (int(site) for site in np.argwhere(~np.isfinite(unscaled))[0])
        raise AggregationError(
            f"the squared distance of updates {one} and {other} is beyond float64; divide the updates by a common number"
        )
    return unscaled


def squares_between(passes: Passes) -> Squares:
    """Squared distances of scaled updates, so that those of most updates have room; infinite where others are too far away."""
    is_double = passes.work_dtype == np.float64
    central, exponent = _centre(passes)
    sums = passes.gram(central, math.ldexp(1.0, exponent))
    if sums is None or (is_double and not _LEAST_NORM < _middle(np.diagonal(sums)) < math.inf):
        exact = _exponent(passes.magnitudes(), is_double=is_double)  # or it names what is not finite
        if sums is None or exact != exponent:
            exponent = exact
            sums = passes.gram(central, math.ldexp(1.0, exponent))
    if sums is None:
        raise AggregationError("the updates changed while they were read; give arrays that nobody writes to")
    halves = np.diagonal(sums) / 2
    with np.errstate(invalid="ignore", over="ignore"):
        both = halves[:, np.newaxis] + halves
        upper = np.triu(2 * np.maximum(both - sums, 0), 1)
        pairs = np.argwhere(np.triu(~(upper >= 2 * _CANCELLED * both), 1))  # or both are beyond float64
    if pairs.size:
        upper[pairs[:, 0], pairs[:, 1]] = passes.apart(
            np.ascontiguousarray(pairs, np.uint32), math.ldexp(1.0, exponent)
        )
    return Squares(upper + upper.T, exponent)


def _centre(passes: Passes) -> tuple[NDArray[np.uint32], int]:
    """Some updates that lie in the middle, and the exponent of a scale at which squares of most values have room."""
    blocks = max(1, _SAMPLE // _SAMPLE_BLOCK)
    starts = np.unique(np.linspace(0, max(0, passes.length - _SAMPLE_BLOCK), blocks).astype(np.intp))
    columns = np.unique((starts[:, np.newaxis] + np.arange(_SAMPLE_BLOCK)).clip(max=max(0, passes.length - 1)))
    sample = Passes.of([vector[columns[: passes.length]] for vector in passes.vectors])
    magnitudes = np.array([np.abs(vector).max(initial=0) for vector in sample.vectors], float)
    exponent = _exponent(magnitudes, is_double=passes.work_dtype == np.float64)
    candidates = np.unique(np.linspace(0, passes.sites - 1, min(passes.sites, _CANDIDATES)).astype(np.uint32))
    pairs = np.stack(np.broadcast_arrays(candidates[:, np.newaxis], np.arange(passes.sites, dtype=np.uint32)), axis=-1)
    squares = sample.apart(np.ascontiguousarray(pairs.reshape(-1, 2)), math.ldexp(1.0, exponent))
    nearness = np.sort(squares.reshape(len(candidates), passes.sites), axis=1)[:, (passes.sites - 1) // 2]
    around = squares.reshape(len(candidates), passes.sites)[np.argmin(nearness)]
    most = min(_CENTRAL, (passes.sites + 1) // 2)
    return np.argsort(around, kind="stable")[:most].astype(np.uint32), exponent


def _exponent(magnitudes: NDArray[np.float64], *, is_double: bool) -> int:
    """Of a scale at which squares of the one in the middle have room: a few that are huge or tiny must not blur all others."""
    largest = math.frexp(magnitudes.max())[1]
    if not is_double:
        return _DOWN_EXPONENT if largest > _HUGE_EXPONENT else 0
    size = math.frexp(_middle(magnitudes))[1]
    if size > _ROOM_EXPONENT:
        return -size
    # Up only as far as the squares of the largest have room, too.
    return min(-size, max(0, _ROOM_EXPONENT - largest), 2 * _ROOM_EXPONENT) if size < -_ROOM_EXPONENT else 0


def _middle(numbers: NDArray[np.float64]) -> float:
    return float(np.sort(numbers)[(len(numbers) - 1) // 2])
