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
_CANCELLED = 1 / 16
#: float32 of such an exponent are scaled down, so that differences of two have room.
_HUGE_EXPONENT = 100
_DOWN_EXPONENT = -30


@frozen(eq=False)
class Squares:
    """Squared distances (sites, sites), float64, symmetric, of updates that were scaled by ``2**exponent``."""

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
        float64, exactly symmetric, never negative, zero on the diagonal. Of float32 updates each square is right to 5e-6 of
        itself (2e-8 as a rule; most is lost where all values of an update are equal), of float64 ones to 1e-13.

    Raises
    ------
    AggregationError
        No updates; shapes or dtypes that differ; NaN or infinite values, naming the update and the coordinate; squares that
        float64 cannot hold.

    Notes
    -----
    ``|x|^2 + |y|^2 - 2 x.y`` is one product of matrices, but of models that differ little beside their size it is noise: all
    digits cancel. Here the updates are centred first, on the mean of a few that lie in the middle (of a sample of columns, so
    that a wrong update cannot drag the centre away); products are float32, flushed to float64 every few thousand columns; and a
    pair that still cancels, such as two wrong updates that agree, is measured by its differences. sites^2 * length / 2
    multiply-adds, one pass over the updates (two where pairs cancel), a few MiB beside them.

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
    """Squared distances of scaled updates: their order is that of the distances even where those are beyond float64."""
    central, exponent = _centre(passes)
    sums = passes.gram(central, math.ldexp(1.0, exponent))
    if sums is None or not np.isfinite(sums).all():
        largest = passes.largest()  # or it names what is not finite
        exponent = _DOWN_EXPONENT if passes.work_dtype == np.float32 else -math.frexp(largest)[1]
        sums = passes.gram(central, math.ldexp(1.0, exponent))
    if sums is None:
        raise AggregationError("the updates changed while they were read; give arrays that nobody writes to")
    norms = np.diagonal(sums)
    both = norms[:, np.newaxis] + norms
    upper = np.triu(np.maximum(both - 2 * sums, 0), 1)
    pairs = np.argwhere(np.triu(upper < _CANCELLED * both, 1))
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
    magnitude = max((float(np.abs(vector).max(initial=0)) for vector in sample.vectors), default=0.0)
    exponent = _exponent(magnitude, is_double=passes.work_dtype == np.float64)
    candidates = np.unique(np.linspace(0, passes.sites - 1, min(passes.sites, _CANDIDATES)).astype(np.uint32))
    pairs = np.stack(np.broadcast_arrays(candidates[:, np.newaxis], np.arange(passes.sites, dtype=np.uint32)), axis=-1)
    squares = sample.apart(np.ascontiguousarray(pairs.reshape(-1, 2)), math.ldexp(1.0, exponent))
    nearness = np.sort(squares.reshape(len(candidates), passes.sites), axis=1)[:, (passes.sites - 1) // 2]
    around = squares.reshape(len(candidates), passes.sites)[np.argmin(nearness)]
    most = min(_CENTRAL, (passes.sites + 1) // 2)
    return np.argsort(around, kind="stable")[:most].astype(np.uint32), exponent


def _exponent(magnitude: float, *, is_double: bool) -> int:
    if not 0 < magnitude < math.inf:
        return 0
    size = math.frexp(magnitude)[1]
    if is_double:
        return -size
    return _DOWN_EXPONENT if size > _HUGE_EXPONENT else 0
