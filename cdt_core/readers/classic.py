"""NetCDF classic files (CDF-1, CDF-2, CDF-5): the header is parsed and checked here, values are read by blocks.

After "The NetCDF Classic Format Specification" (Unidata) and the CDF-5 extension of PnetCDF. SciPy reads this format too, but
without CDF-5, with no check that the file is as long as its header says, and only whole where it cannot map the file.
"""

from __future__ import annotations

import math
from typing import IO, Any

import numpy as np
import xarray as xr
from attrs import frozen
from numpy.typing import NDArray

from cdt_core.errors import ReaderError
from cdt_core.hooks.lazy import LazyArray, lazy_variable
from cdt_core.hooks.notes import NOTES, note
from cdt_core.hooks.source import Source
from cdt_core.readers.lazy import dataset_of

__all__ = ["open_classic"]

_DIMENSIONS, _VARIABLES, _ATTRIBUTES = 10, 11, 12
_TYPES = {
    1: ">i1",
    2: "S1",
    3: ">i2",
    4: ">i4",
    5: ">f4",
    6: ">f8",
    7: ">u1",
    8: ">u2",
    9: ">u4",
    10: ">i8",
    11: ">u8",
}
_LONGEST_HEADER = 1 << 28


class _Header:
    """Reads the header's items in their order; no count in it is trusted beyond the length of the file."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self.file = file
        self.left = min(size, _LONGEST_HEADER)
        if self.take(3) != b"CDF":
            raise ReaderError("does not start with CDF")
        self.version = self.take(1)[0]
        if self.version not in (1, 2, 5):
            raise ReaderError(f"NetCDF classic format {self.version} is unknown")

    def take(self, count: int) -> bytes:
        data = self.file.read(count) if 0 <= count <= self.left else b""
        if len(data) != count:
            raise ReaderError("the header is truncated or damaged")
        self.left -= count
        return data

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "big")

    def count(self) -> int:
        """A length: 8 bytes in CDF-5, else 4."""
        return self.number(8 if self.version == 5 else 4)

    def padded(self, count: int) -> bytes:
        return self.take(-(-count // 4) * 4 if count <= self.left else -1)[:count]

    def name(self) -> str:
        try:
            return self.padded(self.count()).decode("utf-8")
        except UnicodeDecodeError as error:
            raise ReaderError(f"the header is damaged: a name is not UTF-8: {error}") from error

    def items(self, tag: int) -> range:
        """The positions of a list that starts with ``tag``, or of an absent one."""
        found, count = self.number(4), self.count()
        if found != tag and (found or count):
            raise ReaderError(f"the header is damaged: tag {found} where {tag} belongs")
        if count > self.left:
            raise ReaderError("the header is truncated or damaged")
        return range(count)

    def dtype(self) -> np.dtype[Any]:
        code = self.number(4)
        if code not in _TYPES:
            raise ReaderError(f"the header is damaged: type {code}")
        return np.dtype(_TYPES[code])

    def attributes(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for _ in self.items(_ATTRIBUTES):
            name, dtype, count = self.name(), self.dtype(), self.count()
            data = self.padded(count * dtype.itemsize)
            if dtype.kind == "S":
                found[name] = data if name == "_FillValue" else _text(data)
            else:
                values = np.frombuffer(data, dtype).astype(dtype.newbyteorder("="))
                found[name] = values[0] if values.size == 1 else values
        return found


def _text(data: bytes) -> str:
    data = data.rstrip(b"\0")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


@frozen
class _Layout:
    """Where a variable's values lie: ``stride`` bytes from one step of the first axis to the next."""

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    begin: int
    stride: int
    attributes: dict[str, Any]

    @property
    def row_bytes(self) -> int:
        return math.prod(self.shape[1:]) * self.dtype.itemsize

    @property
    def end(self) -> int:
        if 0 in self.shape:
            return 0
        return self.begin + (self.stride * (self.shape[0] - 1) if self.shape else 0) + self.row_bytes


@frozen
class _Block:
    """Reads blocks of one variable: mapped from a local file, else the bytes of the rows that are asked for."""

    source: Source
    layout: _Layout

    def __call__(self, region: tuple[slice, ...]) -> NDArray[Any]:
        layout = self.layout
        if 0 in layout.shape:
            return np.empty(layout.shape, layout.dtype)[region]
        if self.source.is_local:
            mapped = np.memmap(self.source.path, np.uint8, "r")
            return np.array(self._view(mapped, layout.begin, layout.shape)[region])
        if not layout.shape:
            return np.asarray(self._rows(0, 1)[0])
        rows = self._rows(region[0].start, region[0].stop)
        return rows[(slice(None, None, region[0].step), *region[1:])]

    def _view(self, buffer: Any, begin: int, shape: tuple[int, ...]) -> NDArray[Any]:
        layout = self.layout
        inner = [math.prod(shape[axis + 1 :]) * layout.dtype.itemsize for axis in range(1, len(shape))]
        view: NDArray[Any] = np.ndarray(shape, layout.dtype, buffer, begin, (layout.stride, *inner) if shape else ())
        return view

    def _rows(self, start: int, stop: int) -> NDArray[Any]:
        layout = self.layout
        with self.source.open() as file:
            if layout.stride == layout.row_bytes:
                file.seek(layout.begin + start * layout.stride)
                raw = file.read((stop - start) * layout.row_bytes)
            else:
                raw = b"".join(self._row(file, row) for row in range(start, stop))
        return np.frombuffer(raw, layout.dtype).reshape((stop - start, *layout.shape[1:]))

    def _row(self, file: IO[bytes], row: int) -> bytes:
        file.seek(self.layout.begin + row * self.layout.stride)
        return file.read(self.layout.row_bytes)


def open_classic(source: Source, allow_partial: bool) -> xr.Dataset:
    """All variables of a NetCDF classic file, undecoded; with ``allow_partial`` those that a truncated file still has whole.

    Raises
    ------
    ReaderError
        The header is damaged, or the file ends before the values that the header declares.
    """
    with source.open() as file:
        size = file.seek(0, 2)
        file.seek(0)
        try:
            attributes, layouts = _parsed(_Header(file, size), size)
        except ReaderError as error:
            raise ReaderError(f"{source.location}: {error}") from error
    notes = []
    for layout in layouts:
        if layout.end > size:
            message = f"truncated: variable {layout.name!r} ends at byte {layout.end}, the file at {size}"
            if not allow_partial:
                raise ReaderError(f"{source.location}: {message}")
            notes.append(note("variable_left_out", message, variable=layout.name))
    variables = {
        layout.name: lazy_variable(
            layout.dims, LazyArray(layout.shape, layout.dtype, _Block(source, layout)), layout.attributes
        )
        for layout in layouts
        if layout.end <= size
    }
    dataset = dataset_of(variables, attributes)
    dataset.encoding[NOTES] = tuple(notes)
    return dataset


def _parsed(header: _Header, size: int) -> tuple[dict[str, Any], list[_Layout]]:
    records = header.count()
    streaming = records == (1 << (64 if header.version == 5 else 32)) - 1
    dims = [(header.name(), header.count()) for _ in header.items(_DIMENSIONS)]
    attributes = header.attributes()
    declared = [_declared(header, dims) for _ in header.items(_VARIABLES)]
    recorded = [layout for layout in declared if layout.shape[:1] == (0,) and _is_record(layout, dims)]
    exact = [layout.row_bytes for layout in recorded]
    step = exact[0] if len(exact) == 1 else sum(-(-length // 4) * 4 for length in exact)
    if streaming:
        first = min((layout.begin for layout in recorded), default=size)
        records = max(0, size - first) // step if step else 0
    layouts = []
    for layout in declared:
        if layout in recorded:
            shape, stride = (records, *layout.shape[1:]), step
        else:
            shape, stride = layout.shape, layout.row_bytes
        layouts.append(_Layout(layout.name, layout.dims, shape, layout.dtype, layout.begin, stride, layout.attributes))
    if len({layout.name for layout in layouts}) != len(layouts):
        raise ReaderError("the header is damaged: two variables have one name")
    return attributes, layouts


def _is_record(layout: _Layout, dims: list[tuple[str, int]]) -> bool:
    return (layout.dims[0], 0) in dims


def _declared(header: _Header, dims: list[tuple[str, int]]) -> _Layout:
    """A variable as the header has it; its record dimension still has length 0."""
    name = header.name()
    ids = [header.count() for _ in range(_checked(header.count(), header))]
    if any(index >= len(dims) for index in ids):
        raise ReaderError(f"the header is damaged: variable {name!r} has a dimension that is not declared")
    attributes, dtype = header.attributes(), header.dtype()
    header.count()  # the size of the variable follows from the rest, and may overflow here
    begin = header.number(4 if header.version == 1 else 8)
    names = tuple(dims[i][0] if ids.index(i) == at else f"{dims[i][0]}_{at}" for at, i in enumerate(ids))
    shape = tuple(dims[index][1] for index in ids)
    if 0 in shape[1:]:
        raise ReaderError(f"the header is damaged: variable {name!r} has its record dimension inside")
    return _Layout(name, names, shape, dtype, begin, 0, attributes)


def _checked(count: int, header: _Header) -> int:
    if 4 * count > header.left:
        raise ReaderError("the header is truncated or damaged")
    return count
