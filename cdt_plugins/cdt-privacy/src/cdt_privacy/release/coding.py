"""Columns of any type as codes: distinct values in their order, numbered from 0, missing values after all others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from attrs import frozen
from numpy.typing import NDArray

from cdt_core.errors import PrivacyError

__all__ = ["MISSING_PLACE", "Coded", "coded", "observed"]

#: Place of a missing value beside numbers, which lie from 0 to 1: a class that holds both is cut there first.
MISSING_PLACE = 2.0

_NUMBERS = {"integer", "floating", "decimal", "mixed-integer-float"}
_DATES = {"date", "datetime", "datetime64"}


@frozen(eq=False)
class Coded:
    """A column as codes.

    Parameters
    ----------
    codes
        Code of each row (rows,), uint32.
    values
        Distinct values by code, without the missing one: NumPy numbers, ``datetime64``, ``timedelta64``, or objects.
    kind
        ``"number"``, ``"date"``, ``"duration"``, ``"ordered"`` (categories with an order) or ``"category"``.
    has_missing
        Whether the code after the last value, ``len(values)``, is that of missing values.
    """

    name: str
    codes: NDArray[np.uint32]
    values: NDArray[Any]
    kind: str
    has_missing: bool

    @property
    def size(self) -> int:
        """Number of codes."""
        return len(self.values) + self.has_missing

    @property
    def is_line(self) -> bool:
        """Values have distances: numbers, dates and durations."""
        return self.kind in ("number", "date", "duration")

    @property
    def places(self) -> NDArray[np.float64]:
        """Places of the codes: values from 0 to 1, by distance or, of categories, evenly; missing ones apart."""
        if self.is_line:
            numbers = self.values.astype(np.float64 if self.kind == "number" else np.int64).astype(np.float64)
        else:
            numbers = np.arange(len(self.values), dtype=np.float64)
        # Halves first: the difference of two finite numbers may not be one.
        span = numbers[-1] / 2 - numbers[0] / 2 if numbers.size else 0.0
        line = (numbers / 2 - numbers[0] / 2) / span if span > 0 else np.zeros(numbers.size)
        return np.concatenate([line, [MISSING_PLACE]]) if self.has_missing else line


def coded(series: pd.Series) -> Coded:
    """Codes of a column.

    Raises
    ------
    PrivacyError
        Values that cannot be told apart or have no order: infinities, complex numbers, lists; names the column.
    """
    name = str(series.name)
    if isinstance(series.dtype, pd.CategoricalDtype):
        return _categories(name, series)
    if series.dtype.kind == "c":
        raise PrivacyError(f"column {name!r} holds complex numbers, which have no order; split them into two columns")
    try:
        numbers, found = pd.factorize(series)
    except (TypeError, NotImplementedError, OverflowError) as error:
        raise PrivacyError(f"column {name!r} holds values that cannot be told apart: {error}") from error
    try:
        kind, values = _typed(name, np.asarray(found) if not isinstance(found.dtype, pd.DatetimeTZDtype) else found)
    except PrivacyError:
        raise
    except (TypeError, ValueError, OverflowError) as error:
        raise PrivacyError(
            f"column {name!r} holds dates or numbers that do not lie on one line: {error}; make them of one kind, or texts"
        ) from error
    order = _order(values, kind)
    rank = np.empty(len(order) + 1, np.uint32)
    rank[order] = np.arange(len(order), dtype=np.uint32)
    rank[-1] = len(order)  # factorize gives missing values the number -1
    return Coded(name, rank[numbers], values[order], kind, bool((numbers < 0).any()))


def observed(codes: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Codes numbered anew without those that no row has, in the same order."""
    there = np.bincount(codes) > 0
    return codes if there.all() else (np.cumsum(there) - 1).astype(np.uint32)[codes]


def _categories(name: str, series: pd.Series) -> Coded:
    """Of a categorical column: the categories in their order, those that no row has included."""
    values = np.empty(len(series.cat.categories), object)
    values[:] = series.cat.categories.to_list()
    numbers = series.cat.codes.to_numpy()
    codes = np.where(numbers < 0, len(values), numbers).astype(np.uint32)
    return Coded(name, codes, values, "ordered" if series.cat.ordered else "category", bool((numbers < 0).any()))


def _typed(name: str, found: Any) -> tuple[str, NDArray[Any]]:
    """What kind of values these are, and they as an array of that kind."""
    inferred = pd.api.types.infer_dtype(found, skipna=True) if found.dtype.kind == "O" else ""
    if found.dtype.kind == "M" or inferred in _DATES:
        stamps = pd.DatetimeIndex(pd.to_datetime(found, utc=isinstance(found.dtype, pd.DatetimeTZDtype)))
        return "date", stamps.tz_localize(None).to_numpy()
    if found.dtype.kind == "m":
        return "duration", np.asarray(found)
    if found.dtype.kind in "iuf" or inferred in _NUMBERS:
        values = np.asarray(found)
        if values.dtype.kind == "O":
            values = pd.to_numeric(values.astype(float) if inferred == "decimal" else values)
            values.astype(np.float64)  # OverflowError where an integer is no float, so that it has no place
        if values.dtype.kind == "f" and np.isinf(values).any():
            raise PrivacyError(f"column {name!r} holds infinities, which lie in no interval; make them missing values")
        return "number", values.astype(np.float64) if values.dtype == np.float16 else values
    values = np.empty(len(found), object)
    values[:] = found
    return "category", values


def _order(values: NDArray[Any], kind: str) -> NDArray[np.intp]:
    if kind != "category":
        return np.argsort(values, kind="stable")
    keys = [(type(value).__name__, value if isinstance(value, str | bytes | bool) else str(value)) for value in values]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), np.intp)
