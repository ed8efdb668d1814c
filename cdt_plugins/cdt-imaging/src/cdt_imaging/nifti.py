"""NIfTI-1 and NIfTI-2 in one file, plain (memory-mapped) or gzipped."""

from __future__ import annotations

import gzip
import math
import threading
import zlib
from typing import IO, Any, cast

import numpy as np
import xarray as xr
from attrs import define, evolve, field
from numpy.typing import NDArray

from cdt_core.errors import ReaderError
from cdt_core.hooks.lazy import LazyArray, lazy_variable
from cdt_core.hooks.notes import note
from cdt_core.hooks.source import Source
from cdt_imaging.geometry import axis_coordinate
from cdt_imaging.lazy import StoredValues, dataset_of
from cdt_imaging.nifti_header import NiftiHeader, read_header

__all__ = ["open_nifti", "open_nifti_gz"]

_AXES = ("x", "y", "z", "t", "u", "v", "w")
_PIECE = 1 << 20


@define
class _Expanded:
    """The values of a gzipped file: expanded whole, and kept, at the first use; a stream cannot be entered midway."""

    source: Source
    header: NiftiHeader
    _values: NDArray[Any] | None = None
    _lock: threading.Lock = field(factory=threading.Lock)

    def __call__(self, region: tuple[slice, ...]) -> NDArray[Any]:
        with self._lock:
            if self._values is None:
                self._values = self._load()
        return self._values[region].copy()

    def _load(self) -> NDArray[Any]:
        where = self.source.location
        needed = self.header.nbytes(where)
        self.source.check_cap("the image", needed)
        values = np.empty(self.header.shape, self.header.dtype)
        target: Any = values.reshape(-1).view(np.uint8)
        with self.source.open() as file, gzip.GzipFile(fileobj=file) as stream:
            filled = 0
            try:
                stream.seek(self.header.offset)
                while filled < needed:
                    count = stream.readinto(target[filled : filled + _PIECE])
                    if not count:
                        break
                    filled += count
                while filled == needed and stream.read(_PIECE):  # to the end, where the checksum is compared
                    pass
            except (EOFError, OSError, zlib.error) as error:
                raise ReaderError(f"{where}: the gzip stream is damaged or truncated: {error}") from error
        if filled < needed:
            raise ReaderError(f"{where}: truncated: {filled} bytes of values, but the header asks for {needed}")
        return values

    def __getstate__(self) -> tuple[Any, ...]:
        return self.source, self.header

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.source, self.header = state
        self._values, self._lock = None, threading.Lock()


def open_nifti(source: Source, allow_partial: bool) -> xr.Dataset:
    """The image of a ``.nii`` file as the variable ``image``, axes slowest first (``t, z, y, x``).

    With ``allow_partial``, the whole volumes (or slices) of a truncated file.
    """
    where = source.location
    with source.open() as file:
        header = read_header(file, where)
        stored = file.seek(0, 2) - header.offset
    needed = header.nbytes(where)
    notes = []
    if stored < needed:
        message = f"truncated: {max(0, stored)} bytes of values, but the header asks for {needed}"
        rows = max(0, stored) // (needed // header.shape[0])
        if not allow_partial or rows == 0:
            raise ReaderError(f"{where}: {message}")
        kept = f"{message}; the first {rows} of {header.shape[0]} steps of the slowest axis are kept"
        notes.append(note("truncated", kept, rows=rows))
        header = evolve(header, shape=(rows, *header.shape[1:]))
    block = StoredValues(source, header.offset, header.shape, header.dtype)
    variable, coordinates = _image(header, LazyArray(header.shape, header.dtype, block))
    variable.attrs.update(pixel_bytes_stored=stored, pixel_bytes_expected=needed)
    return dataset_of({"image": variable}, coordinates, _attributes(header), notes)


def open_nifti_gz(source: Source, allow_partial: bool) -> xr.Dataset:
    """The image of a ``.nii.gz`` file as the variable ``image``, axes slowest first; expanded in memory at first use.

    The length that the gzip trailer names is compared with the header's at once; where they differ the stream is read
    through, piece by piece, so that a truncated one or one that expands for ever is refused before anything is kept.
    """
    where = source.location
    with source.open() as file:
        try:
            with gzip.GzipFile(fileobj=file) as stream:
                header = read_header(cast("IO[bytes]", stream), where)
            needed = header.nbytes(where)
            source.check_cap("the image", needed)
            stored = _length(file, header.offset + needed) - header.offset
        except (EOFError, OSError, zlib.error) as error:
            raise ReaderError(f"{where}: the gzip stream is damaged or truncated: {error}") from error
    if stored < needed:
        raise ReaderError(f"{where}: truncated: {stored} bytes of values, but the header asks for {needed}")
    variable, coordinates = _image(header, LazyArray(header.shape, header.dtype, _Expanded(source, header)))
    variable.attrs.update(pixel_bytes_stored=stored, pixel_bytes_expected=needed)
    return dataset_of({"image": variable}, coordinates, _attributes(header))


def _length(file: IO[bytes], expected: int) -> int:
    """Length of the expanded stream, read through only where the trailer does not name ``expected``."""
    file.seek(-4, 2)
    if int.from_bytes(file.read(4), "little") == expected % (1 << 32):
        return expected
    file.seek(0)
    length = 0
    with gzip.GzipFile(fileobj=file) as stream:
        while length <= 2 * expected:
            piece = stream.read(_PIECE)
            if not piece:
                return length
            length += len(piece)
    raise OSError(f"expands to more than twice the {expected} bytes that the header asks for")


def _image(header: NiftiHeader, array: LazyArray) -> tuple[xr.Variable, dict[str, xr.Variable]]:
    count = len(header.spacing)
    dims = (*_AXES[:count][::-1], *(("sample",) if header.samples > 1 else ()))
    space, time = header.units
    coordinates = {}
    for dim, length, step in zip(dims[:count], header.shape, header.spacing, strict=False):
        units = space if dim in "xyz" else time if dim == "t" else ""
        if step > 0 and math.isfinite(step):
            named = {"axis": dim.upper()} if dim in "xyz" else {"axis": "T"} if dim == "t" else {}
            start = (
                float(header.fields["toffset"]) if dim == "t" and not isinstance(header.fields["toffset"], str) else 0.0
            )
            about = {**({"units": units} if units else {}), **named, "long_name": _ABOUT.get(dim, f"NIfTI axis {dim}")}
            coordinates[dim] = axis_coordinate(dim, length, step, start, about)
    attributes: dict[str, Any] = {
        "image_format": "NIfTI",
        "spatial_axes": [dim for dim in dims if dim in "xyz"],
        "spacing": [step for dim, step in zip(dims, header.spacing, strict=False) if dim in "xyz"],
        "affine": header.affine,
    }
    if space:
        attributes["spacing_units"] = space
    if header.scaling is not None:
        attributes["scale_factor"], attributes["add_offset"] = header.scaling
    return lazy_variable(dims, array, attributes), coordinates


_ABOUT = {
    "x": "distance along the first voxel axis; the affine gives world positions",
    "y": "distance along the second voxel axis; the affine gives world positions",
    "z": "distance along the third voxel axis; the affine gives world positions",
    "t": "fourth axis of the image: time, frequency or another quantity",
}


def _attributes(header: NiftiHeader) -> dict[str, Any]:
    attributes: dict[str, Any] = {f"nifti_{name}": value for name, value in header.fields.items()}
    if header.extensions:
        attributes["nifti_extensions"] = header.extensions
    return attributes
