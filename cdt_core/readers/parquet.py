"""Parquet tables through pyarrow: one variable per column over ``row``, read by row groups."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xarray as xr
from attrs import define, frozen
from numpy.typing import NDArray

from cdt_core.errors import ReaderError
from cdt_core.hooks.lazy import LazyArray, lazy_variable
from cdt_core.hooks.notes import NOTES, note
from cdt_core.hooks.source import Source
from cdt_core.readers.columns import Column, column_of, text_of
from cdt_core.readers.lazy import dataset_of

__all__ = ["open_parquet"]


@frozen
class _ColumnBlock:
    """Reads rows of one column: the row groups that hold them, nothing else."""

    source: Source
    column: str
    position: int
    starts: tuple[int, ...]
    form: Column

    def __call__(self, region: tuple[slice, ...]) -> NDArray[Any]:
        rows = region[0]
        if rows.stop <= rows.start:
            return np.empty(0, self.form.dtype)
        first = bisect_right(self.starts, rows.start) - 1
        last = bisect_right(self.starts, rows.stop - 1) - 1
        with _file(self.source) as file:
            table = file.read_row_groups(list(range(first, last + 1)), columns=[self.column], use_threads=False)
        if table.num_rows != self.starts[last + 1] - self.starts[first]:
            raise ReaderError(f"column {self.column!r} has {table.num_rows} rows, fewer than the footer says")
        values = table.column(0).slice(rows.start - self.starts[first], rows.stop - rows.start)
        return self.form.values(values)[:: rows.step]


def _file(source: Source) -> pq.ParquetFile:
    return pq.ParquetFile(str(source.path) if source.is_local else source.open(), memory_map=False)


@define
class _Seen:
    """What the footer says of one column over all row groups."""

    nulls: int | None = 0
    lowest: int | None = None
    highest: int | None = None


def open_parquet(source: Source, allow_partial: bool) -> xr.Dataset:
    """The columns of a table; nested columns are refused, text and dictionaries become text, times become CF integers."""
    variables: dict[str, xr.Variable] = {}
    notes = []
    with _file(source) as file:
        metadata, schema = file.metadata, file.schema_arrow
        sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
        starts = tuple(accumulate(sizes, initial=0))
        held = max((metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups)), default=0)
        source.check_cap("a row group", held)
        if starts[-1] != metadata.num_rows:
            raise ReaderError(
                f"{source.location}: the row groups hold {starts[-1]} rows, the footer says {metadata.num_rows}"
            )
        for position, field in enumerate(schema):
            try:
                variables[field.name] = _variable(source, file, field, (position, starts))
            except ReaderError as error:
                message = f"{source.location}: column {field.name!r}: {error}"
                if not allow_partial:
                    raise ReaderError(message) from error
                notes.append(note("variable_left_out", message, variable=field.name))
            else:
                notes.extend(_null_text(variables[field.name], field.name))
        attributes = _attributes(schema)
    dataset = dataset_of(variables, attributes)
    dataset.encoding[NOTES] = tuple(notes)
    return dataset


def _variable(source: Source, file: pq.ParquetFile, field: pa.Field, place: tuple[int, tuple[int, ...]]) -> xr.Variable:
    position, starts = place
    if list(file.schema_arrow.names).count(field.name) > 1:
        raise ReaderError("has the name of another column")
    seen = _statistics(file, field.name)
    if seen.nulls is None or (seen.nulls and seen.lowest is None):
        seen = _counted(file, field.name)
    form = column_of(field.type, seen.nulls or 0, seen.lowest, seen.highest)
    block = _ColumnBlock(source, field.name, position, starts, form)
    rows = starts[-1]
    attributes = dict(form.attributes)
    if form.is_text and seen.nulls:
        attributes["missing_rows"] = seen.nulls
    chunks = (min(starts[1], rows),) if len(starts) > 1 and rows else None
    return lazy_variable(("row",), LazyArray((rows,), form.dtype, block), attributes, chunks)


def _statistics(file: pq.ParquetFile, name: str) -> _Seen:
    """Nulls and range of a column as its statistics say; nulls is ``None`` where they do not say."""
    seen = _Seen()
    for group in range(file.metadata.num_row_groups):
        row_group = file.metadata.row_group(group)
        for position in range(row_group.num_columns):
            column = row_group.column(position)
            if column.path_in_schema != name:
                continue
            if column.physical_type != file.metadata.schema.column(position).physical_type:
                raise ReaderError("is damaged: its type differs between the row groups and the schema")
            statistics = column.statistics
            if statistics is None or not statistics.has_null_count:
                return _Seen(nulls=None)
            seen.nulls = (seen.nulls or 0) + statistics.null_count
            if statistics.has_min_max and isinstance(statistics.min, int):
                seen.lowest = statistics.min if seen.lowest is None else min(seen.lowest, statistics.min)
                seen.highest = statistics.max if seen.highest is None else max(seen.highest, statistics.max)
    return seen


def _counted(file: pq.ParquetFile, name: str) -> _Seen:
    """The same from the values, for files without statistics."""
    import pyarrow.compute as pc

    seen = _Seen()
    for batch in file.iter_batches(columns=[name], use_threads=False):
        values = batch.column(0)
        seen.nulls = (seen.nulls or 0) + values.null_count
        if pa.types.is_integer(values.type) and values.null_count < len(values):
            limits = pc.min_max(values).as_py()
            seen.lowest = limits["min"] if seen.lowest is None else min(seen.lowest, limits["min"])
            seen.highest = limits["max"] if seen.highest is None else max(seen.highest, limits["max"])
    return seen


def _null_text(variable: xr.Variable, name: str) -> list[Any]:
    missing = variable.attrs.get("missing_rows")
    if not missing:
        return []
    return [note("text_missing", f"column {name!r}: {missing} rows have no text", variable=name, rows=missing)]


def _attributes(schema: pa.Schema) -> dict[str, str]:
    """The file's own text metadata, without what libraries keep there for themselves."""
    found = {}
    for key, value in (schema.metadata or {}).items():
        if key not in (b"pandas", b"ARROW:schema"):
            found[text_of(key)] = text_of(value)
    return found
