"""From cells of text to typed columns, only where no cell changes its value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cdt_core.readers.columns import EXACT_IN_DOUBLE

__all__ = ["MISSING", "typed"]

#: Cells that stand for a missing number, where all others of the column are numbers.
MISSING = ("", "NA", "N/A", "#N/A", "NaN", "nan", "NULL", "null", "None", "n/a")

_WHOLE = r"^(0|-?[1-9][0-9]{0,19})$"
_NUMBER = r"^[+-]?((0|[1-9][0-9]*)?\.[0-9]+|(0|[1-9][0-9]*)\.?)([eE][+-]?[0-9]+)?$|^[+-]?[iI]nf(inity)?$"
_COMMA_NUMBER = r"^[+-]?(0|[1-9][0-9]*)?(,[0-9]+)?([eE][+-]?[0-9]+)?$"


def typed(cells: pa.ChunkedArray, *, decimal_comma: bool) -> NDArray[Any] | pa.ChunkedArray:
    """``cells`` as int64, uint64 or float64 (missing is NaN), or unchanged when they are not all numbers.

    ``decimal_comma`` allows "1,5" for 1.5, for tables that are not cut at commas.
    """
    trimmed = pc.utf8_trim_whitespace(cells)
    missing = pc.is_in(trimmed, value_set=pa.array(MISSING, pa.string()))
    present = trimmed.filter(pc.invert(missing))
    if not len(present):
        return np.full(len(cells), np.nan) if _all_empty(trimmed) else cells
    if _all_match(present, _WHOLE):
        found = _whole(present, len(cells), np.asarray(missing))
        return cells if found is None else found
    if decimal_comma and _all_match(present, _COMMA_NUMBER) and _any_comma(present):
        present = pc.replace_substring(present, ",", ".")
    if not _all_match(present, _NUMBER):
        return cells
    try:
        numbers = pc.cast(pc.replace_substring_regex(present, r"^\+", ""), pa.float64())
    except pa.ArrowInvalid:
        return cells
    found = np.asarray(numbers)
    infinite = pc.sum(pc.match_substring_regex(present, "[iI]nf")).as_py()
    if np.count_nonzero(np.isinf(found)) != infinite:  # beyond float64, so that it would become infinite
        return cells
    return _spread(found, np.asarray(missing))


def _all_match(cells: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(cells, pattern)).as_py())


def _any_comma(cells: pa.ChunkedArray) -> bool:
    return bool(pc.any(pc.match_substring(cells, ",")).as_py())


def _all_empty(cells: pa.ChunkedArray) -> bool:
    return bool(len(cells)) and bool(pc.all(pc.equal(cells, "")).as_py())


def _whole(present: pa.ChunkedArray, count: int, missing: NDArray[Any]) -> NDArray[Any] | None:
    """Whole numbers exactly, or ``None`` when no type holds them all."""
    for kind in (pa.int64(), pa.uint64()):
        try:
            numbers = np.asarray(pc.cast(present, kind))
        except pa.ArrowInvalid:
            continue
        if len(numbers) == count:
            return numbers
        if max(abs(int(numbers.min())), abs(int(numbers.max()))) <= EXACT_IN_DOUBLE:
            return _spread(numbers.astype(np.float64), missing)
        return None
    return None


def _spread(numbers: NDArray[Any], missing: NDArray[Any]) -> NDArray[Any]:
    """The numbers in their rows, NaN in the others."""
    result = np.full(len(missing), np.nan)
    result[~missing] = numbers
    return result
