"""A data matrix seen as blocks of rows, wherever it lies: in memory, in a mapped file, in a Zarr array, in a Dask graph."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from cdt_core.errors import TensorError
from cdt_core.kernels.normal import SUMMED_ROWS, normal_product

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Rows", "loaded"]

#: How much of an array that is not in memory is loaded at once.
_LOADED_BYTES = 64 << 20

#: Of an array in memory: small enough that a copy of it as float64 stays in the last cache. Normal products copy as much.
_SEEN_BYTES = 4 << 20

Array = Any


@attrs.frozen(eq=False)
class Rows:
    """An (m, n) matrix less its column means, never copied as a whole; ``mean`` is None where nothing is subtracted.

    Products with it are in the unit ``unit``, a power of 2 near the squared Frobenius norm, so that neither they nor their
    squares leave the range of float64.
    """

    array: Array
    mean: NDArray[Any] | None = None
    unit: float = 1.0

    @property
    def shape(self) -> tuple[int, int]:
        """(m, n)."""
        m, n = self.array.shape
        return int(m), int(n)

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """In which numbers are summed: float64 or complex128."""
        return np.dtype(np.result_type(self.array.dtype, np.float64))

    def blocks(self) -> Iterator[NDArray[Any]]:
        """The rows as they are stored, one block after the other."""
        if isinstance(self.array, np.ndarray):
            yield np.asarray(self.array)
            return
        m, n = self.shape
        rows = _whole_chunks(self.array, 0, max(1, _LOADED_BYTES // (n * self.array.dtype.itemsize)))
        for first in range(0, m, rows):
            yield loaded(self.array[first : first + rows])

    def tiles(self) -> Iterator[NDArray[Any]]:
        """The rows less the mean in double precision, a few MB of them at once."""
        rows = self._tile_rows
        for block in self.blocks():
            for first in range(0, len(block), rows):
                yield self._centred(block[first : first + rows], slice(None))

    @property
    def _tile_rows(self) -> int:
        return min(SUMMED_ROWS, max(1, _SEEN_BYTES // (self.shape[1] * self.dtype.itemsize)))

    @property
    def rounding(self) -> float:
        """What the longest chain of additions over rows can lose of a sum: of equal rows all errors add up."""
        m, rows = self.shape[0], min(self.shape[0], self._tile_rows)
        return float(np.finfo(np.float64).eps) / 2 * (rows + m / rows)

    def column_tiles(self) -> Iterator[tuple[slice, NDArray[Any]]]:
        """The columns less their means in double precision, a few of them at once, and which."""
        m, n = self.shape
        if isinstance(self.array, np.ndarray):
            columns = max(16, _SEEN_BYTES // (m * self.dtype.itemsize))
        else:
            columns = _whole_chunks(self.array, 1, max(1, _LOADED_BYTES // (m * self.dtype.itemsize)))
        for first in range(0, n, columns):
            part = slice(first, first + columns)
            yield part, self._centred(loaded(self.array[:, part]), part)

    def _centred(self, block: NDArray[Any], columns: slice) -> NDArray[Any]:
        return block.astype(self.dtype) if self.mean is None else block - self.mean[columns]

    def product(self, v: NDArray[Any]) -> NDArray[Any]:
        """``x^H (x v) / unit`` of (n, b) vectors in one pass."""
        found = np.zeros(v.shape, self.dtype)
        for block in self.blocks():
            found += normal_product(block, v, self.mean)
        return found / self.unit


def loaded(part: Any) -> NDArray[Any]:
    """A piece of any array as NumPy: Dask computes it, Zarr has read it already.

    Raises
    ------
    TensorError
        Masked values in it.
    """
    part = part.compute() if hasattr(part, "compute") else part
    if np.ma.is_masked(part):
        raise TensorError("the data has masked values: leave out or fill what is missing before a decomposition")
    return np.asarray(part)


def _whole_chunks(array: Array, axis: int, wanted: int) -> int:
    """The number of rows or columns nearest below ``wanted`` that cuts no chunk of a Zarr or evenly chunked Dask array."""
    chunks = getattr(array, "chunks", None)
    if not chunks:
        return wanted
    chunk = int(chunks[axis] if isinstance(chunks[axis], int) else max(chunks[axis]))
    return max(1, wanted // chunk) * chunk if chunk <= wanted else wanted
