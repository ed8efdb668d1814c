"""Delimited text as a table over ``row``: every value that looks like a number is one, and nothing else is changed.

A column is int64 (or uint64) when every cell is a whole number in its shortest form; float64 when every cell is a number,
empty, or one of :data:`MISSING`; else text, cell by cell as it stands. So "007", "true" and dates stay text. Whole numbers
with missing cells become float64 only while they are below 2**53, where that is exact.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import xarray as xr
from attrs import frozen
from numpy.typing import NDArray

from cdt_core.errors import ReaderError
from cdt_core.hooks.lazy import LazyArray, lazy_variable
from cdt_core.hooks.notes import NOTES, note
from cdt_core.hooks.source import Source
from cdt_core.readers.lazy import dataset_of
from cdt_core.readers.text import TextScan, open_text, scan_text
from cdt_core.readers.typed import typed

__all__ = ["open_csv"]

_DELIMITERS = "\t,;|"
#: Sizes of the pieces that are parsed at once: a row that does not fit makes it the next one.
_BLOCK_BYTES = (4 << 20, 64 << 20, 1 << 30)


@frozen
class _Text:
    """Reads rows of a text column."""

    column: pa.ChunkedArray

    def __call__(self, region: tuple[slice, ...]) -> NDArray[Any]:
        rows = region[0]
        result = np.empty(max(0, rows.stop - rows.start), object)
        result[:] = self.column.slice(rows.start, rows.stop - rows.start).to_pylist()
        return result[:: rows.step]


@frozen
class _Dialect:
    """How the text is cut: the delimiter, lines of comment above the table, the header's cells (``None`` without one)."""

    delimiter: str
    skip: int
    first: tuple[str, ...]
    has_header: bool


def open_csv(source: Source, allow_partial: bool) -> xr.Dataset:
    """The table, typed column by column.

    Raises
    ------
    ReaderError
        Not UTF-8 (line and byte are named), NUL bytes, rows of different lengths, a damaged gzip stream, or more text than
        ``max_expanded_bytes``.
    """
    scan = scan_text(source)
    dialect = _dialect(source, scan)
    ragged: list[str] = []
    columns: list[Any] = _parsed(source, dialect, ragged if allow_partial else None).columns
    names, notes = _names(dialect)
    if ragged:
        notes.append(
            note("rows_left_out", f"{len(ragged)} rows do not fit the header, the first: {ragged[0]}", rows=len(ragged))
        )
    variables: dict[str, xr.Variable] = {}
    for position, name in enumerate(names):
        column = typed(columns[position], decimal_comma=dialect.delimiter != ",")
        columns[position] = None  # its text goes, now that its numbers are there
        if isinstance(column, np.ndarray):
            variables[name] = xr.Variable(("row",), column)
        else:
            variables[name] = lazy_variable(("row",), LazyArray((len(column),), np.dtype(object), _Text(column)))
    if not scan.terminated:
        notes.append(note("last_line_open", "the last line has no end; the file may have been cut"))
    dataset = dataset_of(variables, {"comment": "\n".join(scan.lines[: dialect.skip])} if dialect.skip else {})
    dataset.encoding[NOTES] = tuple(notes)
    return dataset


def _dialect(source: Source, scan: TextScan) -> _Dialect:
    lines = scan.lines
    skip = _comment_lines(lines)
    if skip == len(lines):
        raise ReaderError(f"{source.location}: holds no table")
    name = source.name.lower().removesuffix(".gz")
    delimiter = _delimiter("\n".join(lines[skip:]), prefer_tab=name.endswith((".tsv", ".tab", ".tabular")))
    if name.endswith(".txt") and delimiter != "\t":
        raise ReaderError(
            f"{source.location}: a text file without tabs is not taken for a table; name it .csv if it is one"
        )
    first = tuple(next(csv.reader(io.StringIO("\n".join(lines[skip:])), delimiter=delimiter)))
    return _Dialect(delimiter, skip, first, not all(_is_number(cell) for cell in first))


def _comment_lines(lines: tuple[str, ...]) -> int:
    """Lines that start with ``#`` above the table and are not cut as the table is."""
    count = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
    if count == len(lines):
        return 0
    body = lines[count]
    while count and any(body.count(mark) and lines[count - 1].count(mark) == body.count(mark) for mark in _DELIMITERS):
        count -= 1
    return count


def _delimiter(sample: str, prefer_tab: bool) -> str:
    """The mark that cuts the first lines into the same number of cells, more than one; a tab where none does."""
    scores: list[tuple[int, int, str]] = []
    for mark in _DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(io.StringIO(sample), delimiter=mark) if row][:20]
        except csv.Error:
            continue
        width = widths[0] if widths else 0
        if width > 1:
            agreeing = Counter(widths)[width]
            scores.append((agreeing * 100 // len(widths) + 1000 * (mark == "\t" and prefer_tab), width, mark))
    if scores:
        return max(scores)[2]
    return "\t" if prefer_tab else ","


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return cell.strip().lower() not in ("nan", "inf", "infinity")


def _names(dialect: _Dialect) -> tuple[list[str], list[Any]]:
    """A name for each column: the header's, made unique."""
    if not dialect.has_header:
        return [f"column_{i + 1}" for i in range(len(dialect.first))], [
            note("no_header", "the first row holds numbers only, so that columns are named by position")
        ]
    names: dict[str, None] = {}
    repeated: list[str] = []
    for position, cell in enumerate(dialect.first):
        name = cell.strip() or f"column_{position + 1}"
        unique, count = name, 1
        while unique in names:
            count += 1
            unique = f"{name}_{count}"
        if unique != name:
            repeated.append(name)
        names[unique] = None
    if not repeated:
        return list(names), []
    return list(names), [note("repeated_names", f"columns of one name were numbered: {', '.join(repeated)}")]


def _parsed(source: Source, dialect: _Dialect, ragged: list[str] | None) -> pa.Table:
    """All cells as text, in Arrow's compact form; rows of another length go to ``ragged``, or are an error without it."""
    for block_bytes in _BLOCK_BYTES:
        try:
            return _parsed_in(source, dialect, ragged, block_bytes)
        except pa.ArrowException as error:
            if "straddling" not in str(error) or block_bytes == _BLOCK_BYTES[-1]:
                raise ReaderError(f"{source.location}: {_plain(str(error))}") from error
    raise AssertionError("the last size returns or raises")


def _parsed_in(source: Source, dialect: _Dialect, ragged: list[str] | None, block_bytes: int) -> pa.Table:
    def left_out(row: pacsv.InvalidRow) -> str:
        if ragged is None:
            return "error"
        ragged.append(f"line {row.number}: {row.actual_columns} cells, not {row.expected_columns}")
        return "skip"

    if ragged:
        ragged.clear()
    keys = [str(position) for position in range(len(dialect.first))]
    read = pacsv.ReadOptions(
        use_threads=False,
        block_size=block_bytes,
        column_names=keys,
        skip_rows=dialect.skip,
        skip_rows_after_names=int(dialect.has_header),
    )
    parse = pacsv.ParseOptions(
        delimiter=dialect.delimiter,
        newlines_in_values=True,
        ignore_empty_lines=len(dialect.first) > 1,
        invalid_row_handler=left_out,
    )
    convert = pacsv.ConvertOptions(
        column_types=dict.fromkeys(keys, pa.string()), strings_can_be_null=False, check_utf8=True
    )
    with open_text(source) as stream, pacsv.open_csv(stream, read, parse, convert) as reader:
        return reader.read_all()


def _plain(message: str) -> str:
    """Arrow's message on a ragged row, with the number of the line (of the row, where cells hold line ends)."""
    found = re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", message)
    if not found:
        return f"cannot be read as a table: {message}"
    row, expected, got = (int(number) for number in found.groups())
    return f"line {row}: {got} cells, but the first line has {expected}; correct the line"
