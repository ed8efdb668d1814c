"""NumPy ``.npy`` and ``.npz``: memory-mapped or read member by member, never unpickled."""

from __future__ import annotations

import math
import threading
import zipfile
from typing import IO, Any

import numpy as np
import xarray as xr
from attrs import define, evolve, field, frozen
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from cdt_core.errors import ReaderError
from cdt_core.hooks.lazy import LazyArray, lazy_variable
from cdt_core.hooks.notes import NOTES, note
from cdt_core.hooks.source import Source
from cdt_core.readers.lazy import dataset_of, sized_dims

__all__ = ["open_npy", "open_npz"]


@frozen
class _Header:
    """What the header of a ``.npy`` stream says, and where the values start."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    offset: int

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def _read_header(file: IO[bytes], where: str) -> _Header:
    try:
        version = npy_format.read_magic(file)
        if version == (1, 0):
            shape, fortran, dtype = npy_format.read_array_header_1_0(file)
        elif version in ((2, 0), (3, 0)):
            shape, fortran, dtype = npy_format.read_array_header_2_0(file)
        else:
            raise ReaderError(f"{where}: NPY format version {version} is unknown")
    except (ValueError, OSError, EOFError) as error:
        raise ReaderError(f"{where}: the NPY header is damaged: {error}") from error
    if dtype.hasobject:
        raise ReaderError(f"{where}: holds pickled Python objects, which are never loaded; save it as numbers or text")
    if any(length < 0 for length in shape):
        raise ReaderError(f"{where}: the NPY header is damaged: shape {shape}")
    return _Header(tuple(shape), dtype, fortran, file.tell())


@frozen
class _Mapped:
    """Blocks of values that lie uncompressed in a local file."""

    path: str
    header: _Header

    def __call__(self, region: tuple[slice, ...]) -> NDArray[Any]:
        header = self.header
        if not header.nbytes:
            return np.empty(header.shape, header.dtype)[region]
        rows = _whole_rows(region, header.shape)
        if rows is not None and not header.fortran:
            return self._rows(*rows)
        order: Any = "F" if header.fortran else "C"
        mapped = np.memmap(self.path, header.dtype, "r", header.offset, header.shape or (1,), order)
        values = mapped if header.shape else mapped.reshape(())
        return np.array(values[region])

    def _rows(self, start: int, stop: int) -> NDArray[Any]:
        """Rows of the first axis, which lie together: read, since that costs less than a map made for one block."""
        header = self.header
        row = math.prod(header.shape[1:])
        offset = header.offset + start * row * header.dtype.itemsize
        values = np.fromfile(self.path, header.dtype, (stop - start) * row, offset=offset)
        if values.size != (stop - start) * row:
            raise ReaderError(f"{self.path}: became shorter while it was read")
        return values.reshape((stop - start, *header.shape[1:]))


def _whole_rows(region: tuple[slice, ...], shape: tuple[int, ...]) -> tuple[int, int] | None:
    """First and last row when ``region`` is whole rows of the first axis, one after another."""
    if not region or any(
        (part.start, part.stop, part.step) != (0, n, 1) for part, n in zip(region[1:], shape[1:], strict=True)
    ):
        return None
    return (region[0].start, region[0].stop) if region[0].step == 1 else None


@define
class _Held:
    """Blocks of values that can only be read whole: kept in memory from the first use on."""

    source: Source
    member: str
    header: _Header
    _values: NDArray[Any] | None = None
    _lock: threading.Lock = field(factory=threading.Lock)

    def __call__(self, region: tuple[slice, ...]) -> NDArray[Any]:
        with self._lock:
            if self._values is None:
                self._values = self._load()
        return self._values[region].copy()

    def _load(self) -> NDArray[Any]:
        self.source.check_cap(self.member or "the array", self.header.nbytes)
        with self.source.open() as file:
            if not self.member:
                return self._parse(file)
            with zipfile.ZipFile(file) as archive, archive.open(self.member) as stream:
                return self._parse(stream)

    def _parse(self, stream: IO[bytes]) -> NDArray[Any]:
        stream.read(self.header.offset)
        raw = stream.read(self.header.nbytes)
        if len(raw) != self.header.nbytes or (self.member and stream.read(1)):
            raise ReaderError(
                f"{self.source.location}: {self.member} does not have the {self.header.nbytes} bytes it claims"
            )
        order: Any = "F" if self.header.fortran else "C"
        return np.frombuffer(raw, self.header.dtype).reshape(self.header.shape, order=order)

    def __getstate__(self) -> tuple[Any, ...]:
        return self.source, self.member, self.header

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.source, self.member, self.header = state
        self._values, self._lock = None, threading.Lock()


def open_npy(source: Source, allow_partial: bool) -> xr.Dataset:
    """The one array of a ``.npy`` file as the variable ``array``; with ``allow_partial`` the whole rows of a truncated one."""
    with source.open() as file:
        header = _read_header(file, source.location)
        size = file.seek(0, 2)
    notes: tuple[Any, ...] = ()
    if size - header.offset < header.nbytes:
        message = f"truncated: {size} bytes, but the header asks for {header.offset + header.nbytes}"
        if not allow_partial or not header.shape or header.fortran:
            raise ReaderError(f"{source.location}: {message}")
        rows = (size - header.offset) // (header.nbytes // header.shape[0])
        notes = (note("truncated", f"{message}; the first {rows} of {header.shape[0]} rows are kept", rows=rows),)
        header = evolve(header, shape=(rows, *header.shape[1:]))
    block = _Mapped(str(source.path), header) if source.is_local else _Held(source, "", header)
    dims = [f"axis_{axis}" for axis in range(len(header.shape))]
    array = LazyArray(header.shape, header.dtype, block)
    dataset = dataset_of({"array": lazy_variable(dims, array)})
    dataset.encoding[NOTES] = notes
    return dataset


def open_npz(source: Source, allow_partial: bool) -> xr.Dataset:
    """Each member of a ``.npz`` archive as a variable; a compressed member is expanded at its first use."""
    variables = {}
    with source.open() as file, zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            if not entry.filename.endswith(".npy"):
                raise ReaderError(
                    f"{source.location}: member {entry.filename!r} of the zip archive is not a NumPy array; unpack the archive"
                )
            with archive.open(entry) as stream:
                header = _read_header(stream, f"{source.location}: member {entry.filename!r}")
            if entry.file_size != header.offset + header.nbytes:
                raise ReaderError(
                    f"{source.location}: member {entry.filename!r} has {entry.file_size} bytes, but its header asks for "
                    f"{header.offset + header.nbytes}"
                )
            array = LazyArray(header.shape, header.dtype, _Held(source, entry.filename, header))
            variables[entry.filename.removesuffix(".npy")] = lazy_variable(sized_dims(header.shape), array)
    return dataset_of(variables)
