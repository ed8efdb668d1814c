"""Updates as the kernels of distances read them: checked, in parts of columns, never stacked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from cdt_core.errors import AggregationError
from cdt_core.kernels import _robust_distances as kernels
from cdt_core.kernels.robust.rows import Rows, Updates
from cdt_core.kernels.stopping import heed

__all__ = ["Passes", "Vector"]

Vector: TypeAlias = NDArray[np.floating[Any]]

#: Numbers that are read at once (a few milliseconds), and products that are made at once (some tens).
_NUMBERS = 1 << 23
_PRODUCTS = 1 << 30
#: Numbers that are copied at once where rows have gaps or another dtype: 1 MiB of float32.
_COPIED = 1 << 18


@frozen(eq=False)
class _Part:
    """Columns ``start`` to ``stop`` of ``rows``, which have what the updates have in ``columns``."""

    rows: kernels.Rows
    start: int
    stop: int
    columns: slice


@frozen(eq=False)
class Passes:
    """Updates whose shapes and dtypes are checked; their values are checked by whoever reads them first.

    Parameters
    ----------
    rows
        One vector of shape (length,) per site, as they were given (no copy).
    """

    rows: Rows

    @classmethod
    def of(cls, updates: Updates | Rows) -> Passes:
        """Check shapes and dtypes, as :meth:`Rows.of` does.

        Raises
        ------
        AggregationError
            No updates, or one that is no vector of floats or has another length than the first.
        """
        return cls(Rows.of(updates))

    @property
    def vectors(self) -> tuple[Vector, ...]:
        """One for each site."""
        return self.rows.vectors

    @property
    def dtype(self) -> np.dtype[Any]:
        """The widest dtype among the updates: what results have."""
        return self.rows.dtype

    @property
    def sites(self) -> int:
        """How many updates there are."""
        return len(self.vectors)

    @property
    def length(self) -> int:
        """Values of each."""
        return int(self.vectors[0].size)

    @property
    def work_dtype(self) -> np.dtype[Any]:
        """What the kernels read: float32 or float64."""
        return np.result_type(self.dtype, np.float32)

    def gram(self, central: NDArray[np.uint32], scale: float) -> NDArray[np.float64] | None:
        """Products of the scaled updates less the mean of the central ones, upper triangle; None: some are not finite."""
        sums = np.zeros((self.sites, self.sites))
        for part in self._parts(_PRODUCTS // self.sites**2):
            if not kernels.gram(part.rows, part.start, part.stop, central, scale, sums):
                return None
        return sums

    def apart(self, pairs: NDArray[np.uint32], scale: float) -> NDArray[np.float64]:
        """Squared distances of the scaled updates of each pair, from their differences."""
        squares = np.zeros(len(pairs))
        for part in self._parts(_PRODUCTS // (4 * max(1, len(pairs)))):
            kernels.apart(part.rows, part.start, part.stop, pairs, scale, squares)
        return squares

    def combine(self, weights: NDArray[np.float64], *, keep: float = 0.0, z: Vector | None = None) -> Vector:
        """``keep * z`` + the sum of the updates by weight, in ``z`` where that is given."""
        room = np.zeros(self.length, self.work_dtype) if z is None else z
        for part in self._parts(_NUMBERS // self.sites):
            kernels.weigh(part.rows, part.start, part.stop, weights, keep, room[part.columns], 1.0, None)
        if room.dtype == np.float64:
            # Weights that should sum up to one may do so but for rounding.
            np.clip(room, -np.finfo(np.float64).max, np.finfo(np.float64).max, out=room)
        return room

    def measure(
        self, z: Vector, weights: NDArray[np.float64] | None = None, *, keep: float = 0.0, scale: float = 1.0
    ) -> NDArray[np.float64]:
        """Squared distances of the scaled updates from ``z``; with weights, :meth:`combine` first replaces it."""
        squares = np.zeros(self.sites)
        for part in self._parts(_NUMBERS // self.sites):
            kernels.weigh(part.rows, part.start, part.stop, weights, keep, z[part.columns], scale, squares)
        return squares

    def window_mean(self, kept: int) -> Vector:
        """Mean of the ``kept`` values of each column that are nearest to its median; the updates are known to be finite."""
        out = np.empty(self.length, self.work_dtype)
        for part in self._parts(_NUMBERS // (8 * self.sites)):
            kernels.window_mean(part.rows, part.start, part.stop, kept, out[part.columns])
        return out

    def only(self, sites: Sequence[int] | NDArray[np.intp]) -> Passes:
        """The updates of some sites, in that order."""
        return Passes(self.rows.only(np.asarray(sites, np.intp)))

    def largest(self) -> float:
        """The largest magnitude; raises as :meth:`magnitudes`."""
        return float(self.magnitudes().max())

    def magnitudes(self) -> NDArray[np.float64]:
        """The largest magnitude of each update, shape (sites,).

        Raises
        ------
        AggregationError
            A value is NaN or infinite; names the update and the coordinate.
        """
        largest = np.zeros(self.sites)
        for row, (site, vector) in enumerate(zip(self.rows.numbers, self.vectors, strict=True)):
            for start in range(0, self.length, _COPIED):
                heed()
                magnitudes = np.abs(vector[start : start + _COPIED])
                if not np.isfinite(magnitudes).all():
                    column = start + int(np.flatnonzero(~np.isfinite(magnitudes))[0])
                    raise AggregationError(
                        f"update {site} is {vector[column]} at coordinate {column}; "
                        "have the site send finite values, or leave it out"
                    )
                largest[row] = max(largest[row], magnitudes.max())
        return largest

    def _parts(self, most: int) -> Iterator[_Part]:
        """All columns, at most about ``most`` at once; what has gaps or another dtype is copied, some columns at a time."""
        most, dtype = max(most, 1024), self.work_dtype
        if all(_is_plain(vector, dtype) for vector in self.vectors):
            rows = kernels.Rows(self.vectors)
            for start in range(0, self.length, most):
                heed()
                yield _Part(rows, start, min(start + most, self.length), slice(None))
            return
        width = min(most, max(256, _COPIED // self.sites))
        room = np.empty((self.sites, min(width, self.length)), dtype)
        for start in range(0, self.length, width):
            heed()
            columns = slice(start, min(start + width, self.length))
            here = room[:, : columns.stop - start]
            for row, vector in zip(here, self.vectors, strict=True):
                row[:] = vector[columns]
            yield _Part(kernels.Rows(tuple(here)), 0, columns.stop - start, columns)


def _is_plain(vector: Vector, dtype: np.dtype[Any]) -> bool:
    flags = vector.flags
    return bool(vector.dtype == dtype and vector.dtype.isnative and flags.c_contiguous and flags.aligned)
