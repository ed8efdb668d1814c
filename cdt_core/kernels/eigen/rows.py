"""A data matrix seen as blocks of rows, wherever it lies: in memory, in a mapped file, in a Zarr array, in a Dask graph."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from cdt_core.errors import TensorError
from cdt_core.kernels import _tensor
from cdt_core.kernels.normal import has_plain_rows, normal_product

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Rows", "rows_of"]

#: How much of an array that is not in memory is loaded at once.
_LOADED_BYTES = 64 << 20

#: Of an array in memory: small enough that a copy of it as float64 stays in the last cache.
_SEEN_BYTES = 4 << 20

Array = Any


@attrs.frozen(eq=False)
class Rows:
    """An (m, n) matrix less its column means, never copied as a whole; ``mean`` is None where nothing is subtracted."""

    array: Array
    mean: NDArray[Any] | None = None

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
            yield _loaded(self.array[first : first + rows])

    def tiles(self) -> Iterator[NDArray[Any]]:
        """The rows less the mean in double precision, a few MB of them at once."""
        rows = max(1, _SEEN_BYTES // (self.shape[1] * self.dtype.itemsize))
        for block in self.blocks():
            for first in range(0, len(block), rows):
                yield self._centred(block[first : first + rows], slice(None))

    def column_tiles(self) -> Iterator[tuple[slice, NDArray[Any]]]:
        """The columns less their means in double precision, a few of them at once, and which."""
        m, n = self.shape
        if isinstance(self.array, np.ndarray):
            columns = max(16, _SEEN_BYTES // (m * self.dtype.itemsize))
        else:
            columns = _whole_chunks(self.array, 1, max(1, _LOADED_BYTES // (m * self.dtype.itemsize)))
        for first in range(0, n, columns):
            part = slice(first, first + columns)
            yield part, self._centred(_loaded(self.array[:, part]), part)

    def _centred(self, block: NDArray[Any], columns: slice) -> NDArray[Any]:
        return block.astype(self.dtype) if self.mean is None else block - self.mean[columns]

    def product(self, v: NDArray[Any]) -> NDArray[Any]:
        """``x^H (x v)`` of (n, b) vectors in one pass."""
        found = np.zeros(v.shape, self.dtype)
        for block in self.blocks():
            found += normal_product(block, v, self.mean)
        return found


def rows_of(x: Array, centre: bool) -> tuple[Rows, float]:
    """The matrix less its means (if asked), and its squared Frobenius norm: one pass.

    Raises
    ------
    TensorError
        No matrix of numbers, an empty one, one with NaN or Inf, or one whose squares a float64 cannot hold.
    """
    plain = Rows(x if hasattr(x, "dtype") and hasattr(x, "shape") else np.asarray(x))
    x = plain.array
    _must_be_numbers(x)
    m, n = plain.shape
    shift = _loaded(x[:1])[0].astype(plain.dtype) if centre else np.zeros(n, plain.dtype)
    sums, squares, seen = np.zeros(n, plain.dtype), 0.0, 0
    with np.errstate(all="ignore"):
        for block in plain.blocks():
            squares += _moments(block, shift, sums)
            if not np.isfinite(squares):
                raise _unusable(block, seen)
            seen += len(block)
    offset = sums / m
    total = max(0.0, squares - m * float(np.vdot(offset, offset).real)) if centre else squares
    if 0 < squares < np.finfo(np.float64).tiny / np.finfo(np.float64).eps:
        raise TensorError(
            "the squares of these values are too small for float64: multiply the matrix by a large number first"
        )
    return Rows(x, shift + offset if centre else None), total


def _must_be_numbers(x: Array) -> None:
    if len(x.shape) != 2 or 0 in x.shape:
        raise TensorError(
            f"a data matrix has samples as rows and variables as columns, at least one of each, not shape {tuple(x.shape)}"
        )
    if np.dtype(x.dtype).kind not in "fciub" or np.result_type(x.dtype, np.float64) not in (np.float64, np.complex128):
        raise TensorError(
            f"a data matrix holds numbers that fit into float64 or complex128, not {x.dtype}: convert it first"
        )
    if np.ma.is_masked(x):
        raise TensorError("the data matrix has masked values: leave out or fill what is missing before a decomposition")
    if hasattr(x, "tocsr"):
        raise TensorError("the data matrix is sparse: give an array (x.toarray()), or use scipy.sparse.linalg.svds")


def _moments(block: NDArray[Any], shift: NDArray[Any], sums: NDArray[Any]) -> float:
    """To ``sums``, add those of the columns less ``shift``; returns the sum of squares of what is summed."""
    if has_plain_rows(block):
        return _tensor.normal_moments(block, shift, sums)
    squares = 0.0
    rows = max(1, _SEEN_BYTES // (block.shape[1] * 16))
    for first in range(0, len(block), rows):
        tile = block[first : first + rows] - shift
        sums += tile.sum(axis=0)
        squares += float(np.vdot(tile, tile).real)
    return squares


def _unusable(block: NDArray[Any], first_row: int) -> TensorError:
    bad = np.argwhere(~np.isfinite(block))
    if len(bad):
        row, column = (int(place) for place in bad[0])
        value = block[row, column]
        return TensorError(
            f"x[{first_row + row}, {column}] is {value}: leave out or fill what is missing before a decomposition"
        )
    return TensorError(
        "the squares of these values are too large for float64: divide the matrix by a large number first"
    )


def _loaded(part: Any) -> NDArray[Any]:
    """A piece of any array as NumPy: Dask computes it, Zarr has read it already."""
    return np.asarray(part.compute() if hasattr(part, "compute") else part)


def _whole_chunks(array: Array, axis: int, wanted: int) -> int:
    """The number of rows or columns nearest below ``wanted`` that cuts no chunk of a Zarr or evenly chunked Dask array."""
    chunks = getattr(array, "chunks", None)
    if not chunks:
        return wanted
    chunk = int(chunks[axis] if isinstance(chunks[axis], int) else max(chunks[axis]))
    return max(1, wanted // chunk) * chunk if chunk <= wanted else wanted
