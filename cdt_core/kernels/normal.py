"""The product of a tall matrix's normal matrix with vectors, in one pass: what iterations for eigenpairs consist of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.errors import TensorError
from cdt_core.kernels import _tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SUMMED_ROWS", "has_plain_rows", "normal_product"]

#: So many rows are summed, then added to the others: of equal rows each sum is rounded the same way, and such errors add up.
SUMMED_ROWS = 4096

#: Of one call into compiled code: a few hundredths of a second, so that Ctrl-C is heard.
_OPERATIONS = 4_000_000_000

#: Rows that are copied at once where rows have to be.
_COPIED_BYTES = 4 << 20


def normal_product(x: NDArray[Any], v: NDArray[Any], mean: NDArray[Any] | None = None) -> NDArray[Any]:
    """``(x - mean)^H @ ((x - mean) @ v)`` of an (m, n) array and (n, b) vectors: (n, b); ``x`` is read once, never copied.

    ``4 m n b`` operations in double precision (complex: four times as many), whatever the dtype of ``x``. The mean is
    subtracted from each value of a tile of rows while that is in cache, so that a large mean costs no digits; extra memory is
    that tile, and three arrays of the size of ``v``. Float32 and float64 with contiguous rows go through the compiled kernel;
    anything else goes tile by tile through a copy of the tile.

    Raises
    ------
    TensorError
        Shapes that do not fit each other.
    """
    if x.ndim != 2 or v.ndim != 2 or x.shape[1] != len(v) or (mean is not None and mean.shape != x.shape[1:]):
        shapes = f"x of shape {x.shape}, v of shape {v.shape}" + (
            "" if mean is None else f", a mean of shape {mean.shape}"
        )
        raise TensorError(f"{shapes}: v must have a row, and the mean a number, for each column of x")
    if not v.size:
        return np.zeros(v.shape, np.result_type(x.dtype, v.dtype, np.float64))
    if np.iscomplexobj(x) or np.iscomplexobj(v):
        return _normal_product_complex(x, v, mean)
    n, b = v.shape
    side, width = _tensor.NORMAL_SIDE, _tensor.NORMAL_WIDTH
    padded = np.zeros((-(-n // side) * side, -(-b // width) * width))
    padded[:n, :b] = v
    found, part = np.zeros_like(padded), np.empty_like(padded)
    centre = None if mean is None else np.require(mean, np.float64, ["C", "A"])
    for block in _blocks(x, min(SUMMED_ROWS, max(1, _OPERATIONS // (4 * n * padded.shape[1])))):
        part[:] = 0
        _tensor.normal_product(_with_plain_rows(block), centre, padded, part)
        found += part
    return np.ascontiguousarray(found[:n, :b])


def _blocks(x: NDArray[Any], rows: int) -> Iterator[NDArray[Any]]:
    if not has_plain_rows(x):
        rows = min(rows, max(1, _COPIED_BYTES // (8 * max(1, x.shape[1]))))
    for first in range(0, len(x), rows):
        yield x[first : first + rows]


def has_plain_rows(x: NDArray[Any]) -> bool:
    """Whether compiled code can read an (m, n) array as it lies: float32 or float64, each row contiguous, rows in order."""
    plain = x.dtype in (np.float32, np.float64) and x.dtype.isnative and x.flags.aligned and x.strides[1] == x.itemsize
    return plain and (len(x) < 2 or (x.strides[0] >= x.itemsize * x.shape[1] and x.strides[0] % x.itemsize == 0))


def _with_plain_rows(block: NDArray[Any]) -> NDArray[Any]:
    return block if has_plain_rows(block) else np.require(block, np.float64, ["C", "A"])


def _normal_product_complex(x: NDArray[Any], v: NDArray[Any], mean: NDArray[Any] | None) -> NDArray[Any]:
    found = np.zeros(v.shape, np.complex128)
    rows = min(SUMMED_ROWS, max(1, _COPIED_BYTES // (16 * max(1, x.shape[1]))))
    for first in range(0, len(x), rows):
        tile = x[first : first + rows].astype(np.complex128)
        if mean is not None:
            tile -= mean
        found += tile.conj().T @ (tile @ v)
    return found
