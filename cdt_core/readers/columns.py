"""Columns of an Arrow table as arrays that a store can hold, without losing a value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from attrs import evolve, field, frozen
from numpy.typing import NDArray

from cdt_core.errors import ReaderError

__all__ = ["EXACT_IN_DOUBLE", "Column", "column_of", "text_of"]

#: Whole numbers up to this size are exact in float64.
EXACT_IN_DOUBLE = 1 << 53

_NAT = int(np.iinfo(np.int64).min)
_TIME_UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


@frozen
class Column:
    """How values of an Arrow type become NumPy values: Arrow casts them step by step, then nulls become ``fill``."""

    dtype: np.dtype[Any]
    cast: tuple[pa.DataType, ...] = ()
    fill: float | int | None = None
    attributes: dict[str, Any] = field(factory=dict)

    @property
    def is_text(self) -> bool:
        """True for a column of text; nulls stay ``None``."""
        return self.dtype.kind == "O"

    def values(self, column: pa.ChunkedArray) -> NDArray[Any]:
        """The rows as an array of ``dtype``."""
        if self.is_text:
            result = np.empty(len(column), object)
            result[:] = [_text(value) for value in column.to_pylist()]
            return result
        for step in self.cast:
            column = pc.cast(column, step)
        if column.null_count:
            if self.fill is None:
                raise ReaderError("a value is missing where the footer says that none is")
            column = pc.fill_null(column, pa.scalar(self.fill, column.type))
        return np.asarray(column.to_numpy(zero_copy_only=False)).astype(self.dtype, copy=False)


def _text(value: Any) -> str | None:
    if isinstance(value, bytes):
        return text_of(value)
    return value if value is None else str(value)


def text_of(value: bytes) -> str:
    """UTF-8 text of ``value``; raises :class:`ReaderError` when it is something else."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ReaderError(f"bytes {value[:20]!r} are not UTF-8 text: {error}") from error


def column_of(kind: pa.DataType, nulls: int, lowest: int | None, highest: int | None) -> Column:
    """The form of a column of Arrow type ``kind``.

    Whole numbers with nulls become float64 where that is exact (range within 2**53), else text; booleans with nulls become
    int8 with the fill value -1; decimals up to 15 digits become float64, longer ones text.
    """
    types = pa.types
    if types.is_dictionary(kind):
        form = column_of(kind.value_type, nulls, lowest, highest)
        return evolve(form, cast=(kind.value_type, *form.cast))
    if types.is_floating(kind):
        dtype = np.dtype(kind.to_pandas_dtype())
        return Column(dtype, fill=float("nan"))
    if types.is_integer(kind):
        return _integer(kind, nulls, lowest, highest)
    if types.is_boolean(kind):
        if nulls:
            flags = {"_FillValue": np.int8(-1), "flag_values": np.array([0, 1], "i1"), "flag_meanings": "false true"}
            return Column(np.dtype("i1"), (pa.int8(),), -1, flags)
        return Column(np.dtype(bool))
    if types.is_temporal(kind):
        return _temporal(kind, nulls)
    if types.is_decimal(kind):
        return (
            Column(np.dtype("f8"), (pa.float64(),), float("nan")) if kind.precision <= 15 else Column(np.dtype(object))
        )
    if types.is_null(kind):
        return Column(np.dtype("f8"), (pa.float64(),), float("nan"))
    texts = (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary, types.is_fixed_size_binary)
    if any(is_kind(kind) for is_kind in texts) or "string_view" in str(kind):
        return Column(np.dtype(object))
    raise ReaderError(f"has type {kind}, which is not a number, a time or text; flatten it first")


def _integer(kind: pa.DataType, nulls: int, lowest: int | None, highest: int | None) -> Column:
    dtype = np.dtype(kind.to_pandas_dtype())
    if not nulls:
        return Column(dtype)
    if max(abs(lowest or 0), abs(highest or 0)) <= EXACT_IN_DOUBLE:
        return Column(np.dtype("f8"), (pa.float64(),), float("nan"))
    return Column(np.dtype(object))


def _temporal(kind: pa.DataType, nulls: int) -> Column:
    types = pa.types
    missing = {"_FillValue": np.int64(_NAT)} if nulls else {}
    int64, whole = np.dtype("i8"), pa.int64()
    if types.is_date(kind):
        attributes = {"units": "days since 1970-01-01", "calendar": "proleptic_gregorian", **missing}
        return Column(int64, (pa.date32(), pa.int32(), whole), _NAT, attributes)
    if types.is_timestamp(kind):
        attributes = {
            "units": f"{_TIME_UNITS[kind.unit]} since 1970-01-01",
            "calendar": "proleptic_gregorian",
            **missing,
        }
        if kind.tz:
            attributes["time_zone"] = f"UTC; shown in {kind.tz}"
        return Column(int64, (whole,), _NAT, attributes)
    if types.is_duration(kind) or types.is_time(kind):
        attributes = {"units": _TIME_UNITS[kind.unit], "dtype": f"timedelta64[{kind.unit}]", **missing}
        narrow = (pa.int32(), whole) if types.is_time32(kind) else (whole,)
        return Column(int64, narrow, _NAT, attributes)
    raise ReaderError(f"has type {kind}, which cannot be stored")
