"""Tables of codes as the kernels want them: rows of 16 bytes or a multiple, and the place of each code of each column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import PrivacyError
from cdt_core.kernels import _partition

__all__ = ["DENSELY", "MOST_CODES", "MOST_ROWS", "checked_codes", "packed", "places_of"]

#: Rows are counted in 32 bits.
MOST_ROWS = 2**32 - 2
#: Codes of a column are below this, or below the number of rows: memory is as many numbers as there may be codes.
MOST_CODES = 1 << 24
DENSELY = "number the distinct values from 0 (numpy.unique with return_inverse=True)"
_SHORT, _LONG = 1 << 16, 1 << 32


def checked_codes(codes: NDArray[Any]) -> NDArray[Any]:
    """The codes (rows, columns), if that is what they are.

    Raises
    ------
    PrivacyError
        Not two dimensions, no row or column, no integers.
    """
    array = np.asarray(codes)
    if array.ndim != 2 or 0 in array.shape:
        raise PrivacyError(
            f"codes are a table of rows and columns, at least one of each; these have shape {array.shape}"
        )
    if array.dtype.kind not in "iu":
        raise PrivacyError(f"codes are integers, these are {array.dtype}; give each distinct value a number")
    if len(array) > MOST_ROWS:
        raise PrivacyError(f"{len(array)} rows are more than {MOST_ROWS}")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def packed(codes: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Rows (n, a multiple of 8) of uint16 or uint32, zeros behind the codes, and the largest code of each column.

    Raises
    ------
    PrivacyError
        A code is negative or does not fit 32 bits; names the column and the row.
    """
    least, most = np.zeros((2, codes.shape[1]), codes.dtype)
    _partition.limits(codes, least, most)
    if least.any():
        _refuse(codes, codes < 0, "is negative; give missing values a code of their own")
    if int(most.max()) >= _LONG:
        _refuse(codes, codes >= _LONG, "does not fit 32 bits; number the distinct values from 0")
    width = -(-codes.shape[1] // _partition.WIDTH) * _partition.WIDTH
    rows = np.zeros((len(codes), width), np.uint16 if int(most.max()) < _SHORT else np.uint32)
    _partition.pack(codes, rows)
    return rows, most.astype(np.int64)


def _refuse(codes: NDArray[Any], wrong: NDArray[np.bool_], why: str) -> None:
    if wrong.any():
        row, column = (int(place[0]) for place in np.nonzero(wrong))
        raise PrivacyError(f"code {codes[row, column]} of column {column}, row {row}, {why}")


def places_of(
    most: NDArray[np.int64], places: Sequence[NDArray[np.float64] | None] | None, rows: int
) -> tuple[NDArray[np.float64], NDArray[np.uint64]]:
    """Places of all codes one column after the other, and where each column begins (columns + 1).

    Raises
    ------
    PrivacyError
        Places are fewer than codes, not finite, or fall, or codes are far more than ``rows``; names the column.
    """
    if int(most.max()) >= max(MOST_CODES, rows):
        raise PrivacyError(
            f"code {int(most.max())} of column {int(most.argmax())} is too large for {rows} rows; {DENSELY}"
        )
    given = [None] * len(most) if places is None else list(places)
    if len(given) != len(most):
        raise PrivacyError(f"{len(given)} sets of places for {len(most)} columns; give one for each, or None")
    columns = [_evenly(int(last)) if one is None else _numbers(one) for one, last in zip(given, most, strict=True)]
    for number, (column, last) in enumerate(zip(columns, most, strict=True)):
        if column.ndim != 1 or column.size <= last:
            raise PrivacyError(f"column {number} has codes up to {last}, but {column.size} places")
        if not np.isfinite(column).all() or (np.diff(column) < 0).any():
            raise PrivacyError(f"places of column {number} must be finite and rise with the codes")
    first = np.concatenate([[0], np.cumsum([column.size for column in columns])]).astype(np.uint64)
    return np.concatenate(columns).astype(np.float64), first


def _numbers(places: Any) -> NDArray[np.float64]:
    try:
        return np.asarray(places, np.float64)
    except (TypeError, ValueError) as error:
        raise PrivacyError(f"places of a column are numbers, one for each code: {error}") from error


def _evenly(last: int) -> NDArray[np.float64]:
    return np.arange(last + 1) / max(last, 1)
