"""Column means and the sum of squares of a data matrix: one pass that finds what a decomposition cannot use, too."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.errors import TensorError
from cdt_core.kernels import _tensor
from cdt_core.kernels.eigen.rows import Rows, loaded
from cdt_core.kernels.normal import SUMMED_ROWS, has_plain_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["rows_of"]

#: Numbers that are summed in one go: a tenth of a millisecond, so that Ctrl-C is heard and errors of long sums are small.
_SUMMED = 1 << 16

#: How much larger than the sum of squares about the mean it may be about another point before it is summed once more.
_FAR = 16.0

#: Below this, a sum of squares has lost digits to underflow.
_LEAST = float(np.finfo(np.float64).tiny / np.finfo(np.float64).eps)


def rows_of(x: Any, centre: bool) -> tuple[Rows, float, int]:
    """The matrix less its means (if asked), its squared Frobenius norm, and how often it was read for that.

    Twice where the first row is much further from the mean than rows are on the whole: the sum about the first row has lost the
    digits of the one about the mean then.

    Raises
    ------
    TensorError
        No matrix of numbers, an empty one, one with NaN or Inf, or one whose squares a float64 cannot hold.
    """
    plain = Rows(_array(x))
    n = plain.shape[1]
    shift = loaded(plain.array[:1])[0].astype(plain.dtype) if centre else np.zeros(n, plain.dtype)
    total, mean, about = _about(plain, shift)
    passes = 1
    if centre and about > _FAR * total:
        total, mean, about = _about(plain, mean)
        passes += 1
    if about < _LEAST and _differs(plain, shift):
        raise TensorError(
            "the squares of these values are too small for float64: multiply the matrix by a large number first"
        )
    total = total if centre else about
    unit = 2.0 ** math.floor(math.log2(total)) if total else 1.0
    return Rows(plain.array, mean if centre else None, unit), total, passes


def _about(rows: Rows, shift: NDArray[Any]) -> tuple[float, NDArray[Any], float]:
    """Sum of squares about the mean, the mean, and the sum of squares about ``shift``."""
    m, n = rows.shape
    sums, squares, seen = np.zeros(n, rows.dtype), [0.0], 0
    with np.errstate(all="ignore"):
        for block in rows.blocks():
            for piece in _pieces(block):
                part = np.zeros(n, rows.dtype)
                squares.append(_moments(piece, shift, part))
                if not math.isfinite(squares[-1]):
                    raise _unusable(piece, seen)
                sums += part
                seen += len(piece)
    offset = sums / m
    try:
        about = math.fsum(squares)
    except OverflowError as error:
        raise _too_large() from error
    return max(0.0, about - m * float(np.vdot(offset, offset).real)), shift + offset, about


def _pieces(block: NDArray[Any]) -> Iterator[NDArray[Any]]:
    rows = min(SUMMED_ROWS, max(1, _SUMMED // block.shape[1]))
    for first in range(0, len(block), rows):
        yield block[first : first + rows]


def _moments(piece: NDArray[Any], shift: NDArray[Any], sums: NDArray[Any]) -> float:
    """To ``sums``, add those of the columns less ``shift``; returns the sum of squares of what is summed."""
    if has_plain_rows(piece):
        return _tensor.normal_moments(piece, shift, sums)
    apart = piece - shift
    sums += apart.sum(axis=0)
    return float(np.vdot(apart, apart).real)


def _differs(rows: Rows, shift: NDArray[Any]) -> bool:
    """Whether there is anything but ``shift``, whose squares vanished."""
    return any(bool((piece != shift).any()) for block in rows.blocks() for piece in _pieces(block))


def _array(x: Any) -> Any:
    """What is a matrix of numbers, as it is."""
    if not all(hasattr(x, name) for name in ("dtype", "shape", "__getitem__")):
        try:
            x = np.asarray(x)
        except (TypeError, ValueError) as error:
            raise TensorError(f"{type(x).__name__} is no data matrix: {error}") from error
    if len(x.shape) != 2 or 0 in x.shape:
        raise TensorError(
            f"a data matrix has samples as rows and variables as columns, at least one of each, not shape {tuple(x.shape)}"
        )
    if any(math.isnan(length) for length in x.shape):
        raise TensorError("the data matrix does not know how many rows it has: x.compute_chunk_sizes() counts them")
    try:
        wide = np.result_type(np.dtype(x.dtype), np.float64)
    except TypeError:
        wide = np.dtype(object)
    if wide not in (np.float64, np.complex128) or np.dtype(x.dtype).kind not in "fciub":
        raise TensorError(
            f"a data matrix holds numbers that fit into float64 or complex128, not {x.dtype}: convert it first"
        )
    if hasattr(x, "tocsr"):
        raise TensorError("the data matrix is sparse: give an array (x.toarray()), or use scipy.sparse.linalg.svds")
    return loaded(x) if isinstance(x, np.ndarray) else x


def _unusable(piece: NDArray[Any], first_row: int) -> TensorError:
    bad = np.argwhere(~np.isfinite(piece))
    if len(bad):
        row, column = (int(place) for place in bad[0])
        value = piece[row, column]
        return TensorError(
            f"x[{first_row + row}, {column}] is {value}: leave out or fill what is missing before a decomposition"
        )
    return _too_large()


def _too_large() -> TensorError:
    return TensorError(
        "the squares of these values are too large for float64: divide the matrix by a large number first"
    )
