"""Tensors as matrices of few columns, a piece of rows at a time: in memory, memory-mapped, or chunked arrays of any library."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.errors import TensorError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["Tensor", "array_of", "tensor_of"]

#: Bytes of one piece.
_PIECE_BYTES = 64 << 20


class Tensor:
    """A tensor that is looked at as a matrix whose columns are the places along its last axes.

    ``values`` is its array where that is contiguous and aligned in memory (or memory-mapped), else None: then slices are read.
    """

    def __init__(self, source: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.source, self.shape, self.dtype = source, shape, dtype
        self.values: NDArray[Any] | None = None
        if isinstance(source, np.ndarray) and source.dtype == dtype:
            plain = source.flags.c_contiguous and source.flags.aligned
            self.values = source.view(np.ndarray) if plain else None

    def rows(self, columns: int) -> int:
        """How many rows it has with so many columns."""
        return math.prod(self.shape) // columns

    def pieces(self, columns: int) -> Iterator[tuple[int, NDArray[Any]]]:
        """(first row, rows) of all rows with so many columns, in order: the lengths of some last axes multiplied."""
        if self.values is not None:
            whole = self.values.reshape(-1, columns)
            step = max(1, _PIECE_BYTES // (columns * self.dtype.itemsize))
            for start in range(0, len(whole), step):
                yield start, whole[start : start + step]
            return
        start = 0
        for region in self._regions(columns):
            part = self.read(region).reshape(-1, columns)
            yield start, part
            start += len(part)

    def read(self, region: tuple[slice | int, ...]) -> NDArray[Any]:
        """A region of the source, in one piece of memory.

        Raises
        ------
        TensorError
            It has masked values, or no numbers: there are libraries whose arrays say so only when they are read.
        """
        part = self.source[region]
        part = np.asanyarray(part.compute() if hasattr(part, "compute") else part)  # a lazy one would lose its mask
        if np.ma.is_masked(part):
            raise _masked()
        if part.dtype.kind == "O":
            raise TensorError(f"slices of {type(self.source).__name__} are no arrays of numbers; convert it first")
        return np.require(part, self.dtype, ("C_CONTIGUOUS", "ALIGNED", "ENSUREARRAY"))

    def _regions(self, columns: int) -> Iterator[tuple[slice | int, ...]]:
        """Regions with all columns and about as many bytes as a piece has, in the order of rows, along the source's chunks."""
        if columns == math.prod(self.shape):
            yield (slice(None),) * len(self.shape)
            return
        axis, inner = len(self.shape) - 1, 1
        while axis > 0 and (inner < columns or inner * self.shape[axis] * self.dtype.itemsize <= _PIECE_BYTES):
            inner *= self.shape[axis]
            axis -= 1
        step = max(1, _PIECE_BYTES // (inner * self.dtype.itemsize))
        side = _chunk_side(self.source, len(self.shape), axis)
        step = step // side * side if step >= side else step
        for leading in np.ndindex(self.shape[:axis]):
            for start in range(0, self.shape[axis], step):
                yield (*leading, slice(start, min(start + step, self.shape[axis])))

    def sample(self, columns: int, count: int, run: int) -> NDArray[Any]:
        """About ``count`` rows of a tensor in memory, in runs of ``run`` at random places, which are the same each time."""
        if self.values is None:
            raise TensorError("rows are sampled from memory only: decompose this array with exact=True")
        whole = self.values.reshape(-1, columns)
        runs = max(1, min(count, len(whole)) // run)
        edges = np.linspace(0, len(whole), runs + 1).astype(np.int64)
        rng = np.random.Generator(np.random.Philox(key=len(whole)))
        starts = edges[:-1] + (rng.random(runs) * np.maximum(1, np.diff(edges) - run + 1)).astype(np.int64)
        return np.concatenate([whole[start : start + run] for start in starts])


def _chunk_side(source: Any, axes: int, axis: int) -> int:
    """How long the source's chunks are along an axis; 1 without any."""
    chunks = getattr(source, "chunks", None)
    if chunks is None or len(chunks) != axes:
        return 1
    side = chunks[axis]
    return max(1, int(max(side) if isinstance(side, tuple) else side))


def array_of(x: Any) -> NDArray[Any]:
    """Numbers of any kind in memory, as a NumPy array.

    Raises
    ------
    TensorError
        No array can be made of it, or it is masked.
    """
    if isinstance(x, np.ma.MaskedArray):
        raise _masked()
    try:
        return np.asarray(x)
    except (TypeError, ValueError) as error:
        raise TensorError(f"{type(x).__name__} is no array: {error}") from error


def _masked() -> TensorError:
    return TensorError("a masked array: decompositions know no missing values; fill them first (x.filled(value))")


def tensor_of(x: Any) -> Tensor:
    """An array of any kind that has ``shape``, ``dtype`` and slices.

    Raises
    ------
    TensorError
        No axes, an axis of length 0, or a dtype that is no number.
    """
    if isinstance(x, np.ma.MaskedArray) or not all(hasattr(x, name) for name in ("shape", "dtype", "__getitem__")):
        x = array_of(x)
    try:
        shape, dtype = tuple(int(length) for length in x.shape), np.dtype(x.dtype)
    except (TypeError, ValueError) as error:
        raise TensorError(
            f"an array of {x.dtype} of shape {x.shape}: dtypes have to be NumPy's and lengths known; convert it first"
        ) from error
    if dtype.kind not in "biufc" or dtype.itemsize > 16 or dtype == np.longdouble:
        raise TensorError(
            f"an array of {dtype}: decompositions are of integers, floats or complex numbers; convert it first"
        )
    if not shape or 0 in shape:
        raise TensorError(f"an array of shape {shape}: a decomposition needs at least one axis, and none of length 0")
    dtype = dtype.newbyteorder("=")
    return Tensor(
        x, shape, dtype if dtype in (np.float32, np.float64, np.complex64, np.complex128) else np.dtype(float)
    )
