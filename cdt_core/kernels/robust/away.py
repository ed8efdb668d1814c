"""How far updates are from a point, right whatever their size: the squares of distances leave the range of float64 first."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import AggregationError
from cdt_core.kernels.robust.passes import Passes, Vector

__all__ = ["Away", "away_from"]

#: Squares below that may have lost digits to the end of float64's range.
_LEAST_SQUARE = 1e-280
#: Distances beyond 2**512, or below 2**-465, are measured of updates that were divided, or multiplied, by two to this power.
_POWER = 600


class Away(NamedTuple):
    """Distances, ``roots * 2**powers`` each, shape (sites,): two of them can be too far apart for one range of float64."""

    roots: NDArray[np.float64]
    powers: NDArray[np.intp]

    def order(self) -> NDArray[np.intp]:
        """The sites, the nearest first."""
        return np.lexsort((self.roots, self.powers))

    def over(self, root: float, power: int) -> NDArray[np.float64]:
        """Each over a distance that is not 0; infinite where that has no room."""
        with np.errstate(over="ignore", under="ignore"):
            return np.ldexp(self.roots / root, self.powers - power)


def away_from(passes: Passes, z: Vector, weights: NDArray[np.float64] | None = None, *, keep: float = 0.0) -> Away:
    """Distances of the updates from ``z``; with weights, :meth:`Passes.combine` first replaces it.

    One pass; of float64, another where squares are beyond its range or vanish.

    Raises
    ------
    AggregationError
        A value is NaN or infinite; names the update and the coordinate.
    """
    squares = passes.measure(z, weights, keep=keep)
    powers = np.zeros(len(squares), np.intp)
    if not (finite := np.isfinite(squares)).all():
        passes.largest()  # or it names what is not finite
        if not np.isfinite(z).all():
            # Weights that should sum up to one do so but for rounding.
            np.clip(z, -np.finfo(z.dtype).max, np.finfo(z.dtype).max, out=z)
            return away_from(passes, z)
        again = passes.measure(z, scale=2.0**-_POWER)
        if not np.isfinite(again).all():
            raise AggregationError("the updates changed while they were read; give arrays that nobody writes to")
        squares, powers = np.where(finite, squares, again), np.where(finite, powers, _POWER)
    # Squares of differences of float32 always have room.
    if z.dtype == np.float64 and (small := squares < _LEAST_SQUARE).any():
        again = passes.measure(z, scale=2.0**_POWER)
        # Where multiplied numbers leave the range themselves, what their differences lost is far below these.
        squares = np.where(small & np.isfinite(again), again, squares)
        powers = np.where(small & (np.isfinite(again) | (squares == 0)), -_POWER, powers)
    return Away(np.sqrt(squares), powers)
