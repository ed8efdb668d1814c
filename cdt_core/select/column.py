"""One column of a table as users have it, with what it is and where it has no value."""

from __future__ import annotations

from typing import Any, Literal

import attrs
import numpy as np
from numpy.typing import NDArray

__all__ = ["Column", "is_missing", "read_column"]

Array = NDArray[Any]
Kind = Literal["floats", "integers", "dates", "names"]


@attrs.frozen(eq=False)
class Column:
    """``values``: an array, with ``None`` in place of what is missing where its type has no NaN; ``kind``: floats, integers,
    dates, or names (text, booleans and categories, whatever these are written as).
    """

    values: Array
    kind: Kind

    @property
    def missing(self) -> Array:
        """(n,) bool."""
        if self.values.dtype.kind in "fMm":
            return np.asarray(self.values != self.values)
        if self.values.dtype.kind != "O":
            return np.zeros(self.values.shape, bool)
        return np.array([is_missing(value) for value in self.values], bool)

    def numbers(self) -> Array:
        """(n,) float64 of floats, integers, booleans and dates (in days); NaN where missing.

        Raises
        ------
        TypeError, ValueError, OverflowError
            Text and the like, and integers beyond float64.
        """
        values = self.values
        if values.dtype.kind in "Mm":
            values = values.astype(f"{values.dtype.kind}8[us]").astype(np.int64) / 86_400e6
        if values.dtype.kind == "O":
            if any(isinstance(value, str | bytes | complex) for value in values):
                raise TypeError("text or complex numbers")
            values = np.where(self.missing, np.nan, values)
        elif values.dtype.kind not in "biuf":
            raise TypeError("text or complex numbers")
        with np.errstate(over="ignore"):
            numbers = values.astype(np.float64)
        return np.where(self.missing, np.nan, numbers)


def read_column(given: Any) -> Column:
    """A column of NumPy (also masked), pandas (also with types of its own), xarray or dask, or a sequence."""
    if hasattr(given, "compute"):
        given = given.compute()
    dtype = getattr(given, "dtype", None)
    if dtype is not None and not isinstance(dtype, np.dtype) and hasattr(given, "isna"):
        return _of_pandas(given, dtype)
    array = np.asarray(given)
    if np.ma.isMaskedArray(given) and np.ma.getmaskarray(given).any():
        array = array.astype(object)
        array[np.ma.getmaskarray(given)] = None
    if array.dtype.kind in "Mm":
        return Column(array, "dates")
    if array.dtype.kind == "O":
        return Column(array, _kind_of(array))
    return Column(array, _kind(array.dtype.kind))


def is_missing(value: Any) -> bool:
    """Whether a value is none: ``None``, NaN, NaT, or the NA of pandas."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating | np.datetime64 | np.timedelta64) and bool(value != value)


def _of_pandas(given: Any, dtype: Any) -> Column:
    """Types of pandas itself: numbers that may be missing, text, categories, dates with a time zone."""
    kind = getattr(dtype, "kind", "O")
    if kind == "M":
        return Column(np.asarray(given, "datetime64[us]"), "dates")
    if kind == "f":
        return Column(given.to_numpy(np.float64, na_value=np.nan), "floats")
    array = np.asarray(given, dtype=object)
    missing = np.asarray(given.isna())
    if missing.any():
        array = array.copy()
        array[missing] = None
    elif kind in "iu":
        array = array.astype(np.int64 if kind == "i" else np.uint64)
    return Column(array, _kind(kind))


def _kind(letter: str) -> Kind:
    return {"f": "floats", "i": "integers", "u": "integers"}.get(letter, "names")  # type: ignore[return-value]


def _kind_of(array: Array) -> Kind:
    """Of objects: numbers where all are that have a value."""
    known = [value for value in array.ravel() if not is_missing(value)]
    if not known or not all(isinstance(value, int | float | np.integer | np.floating) for value in known):
        return "names"
    if any(isinstance(value, bool) for value in known):
        return "names"
    return "integers" if all(isinstance(value, int | np.integer) for value in known) else "floats"
