"""Zarr v2 and v3 through zarr-python: a folder, a zip archive or any fsspec URL; groups, or one array at the root."""

from __future__ import annotations

import base64
import math
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
import zarr
from attrs import frozen
from numpy.typing import NDArray

from cdt_core.errors import ReaderError
from cdt_core.hooks.lazy import LazyArray, lazy_variable
from cdt_core.hooks.notes import NOTES, note
from cdt_core.hooks.source import Source
from cdt_core.hooks.zarr_chunks import check_chunks, is_blosc
from cdt_core.readers.flatten import Raw
from cdt_core.readers.lazy import dataset_of, one_size_per_dim, sized_dims

__all__ = ["open_zarr"]

_MARKERS = ("zarr.json", ".zgroup", ".zarray", ".zmetadata")
_LONGEST_METADATA = 256 << 20
_DIMENSIONS = "_ARRAY_DIMENSIONS"


@frozen
class _Array:
    """Reads blocks of one Zarr array; chunks that were never written read as the fill value, as Zarr defines."""

    array: zarr.Array[Any]

    def __call__(self, region: tuple[slice, ...]) -> NDArray[Any]:
        if is_blosc(self.array):
            check_chunks(self.array, region)
        return np.asarray(self.array[region])


def open_zarr(source: Source, allow_partial: bool) -> Raw:
    """Every array under its path; dimensions as xarray names them, or by length where they have no names.

    In Zarr v2, ``fill_value`` declares a missing value only where xarray wrote the array (``_ARRAY_DIMENSIONS``), as
    xarray has it; elsewhere it is what an unwritten chunk holds, and nothing is missing.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # types and formats that are not in the Zarr specification yet
        root = _open_root(source)
        if isinstance(root, zarr.Array):
            return dataset_of({"array": _variable(source, root, "array")})
        return _groups(source, root, allow_partial)


def _open_root(source: Source) -> zarr.Group | zarr.Array[Any]:
    if source.is_dir():
        return zarr.open(_store(source.location), mode="r")
    prefix = _prefix(source)
    if source.is_local:
        return zarr.open(zarr.storage.ZipStore(source.path, mode="r"), mode="r", path=prefix)
    return zarr.open(_store(f"zip::{source.location}"), mode="r", path=prefix)


def _store(location: str) -> Any:
    source = Source(location)
    if source.is_local:
        return zarr.storage.LocalStore(source.path, read_only=True)
    filesystem, path = source.filesystem()
    if not filesystem.async_impl:
        from fsspec.implementations.asyn_wrapper import AsyncFileSystemWrapper

        filesystem = AsyncFileSystemWrapper(filesystem, asynchronous=True)
    return zarr.storage.FsspecStore(filesystem, read_only=True, path=path)


def _prefix(source: Source) -> str:
    """The folder inside a zip archive that holds the Zarr root."""
    with source.open() as file, zipfile.ZipFile(file) as archive:
        marked = [name for name in archive.namelist() if name.rpartition("/")[2] in _MARKERS]
        for name in marked:
            _check_metadata(source, archive, name)
    if not marked:
        raise ReaderError(f"{source.location}: the archive holds no Zarr metadata")
    return min(
        (name.rpartition("/")[0] for name in marked), key=lambda folder: (folder.count("/") + bool(folder), folder)
    )


def _check_metadata(source: Source, archive: zipfile.ZipFile, name: str) -> None:
    """Read one metadata document, so that a damaged one is told by its name."""
    if archive.getinfo(name).file_size > _LONGEST_METADATA:
        raise ReaderError(
            f"{source.location}: {name} takes {archive.getinfo(name).file_size} bytes, too many for metadata"
        )
    try:
        archive.read(name)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise ReaderError(f"{source.location}: {name} is damaged: {error}") from error


def _groups(source: Source, root: zarr.Group, allow_partial: bool) -> Raw:
    variables: dict[str, dict[str, xr.Variable]] = {"": {}}
    attributes: dict[str, dict[str, Any]] = {"": dict(root.attrs)}
    notes = []
    for path, member in _members(root):
        if isinstance(member, zarr.Group):
            variables.setdefault(path, {})
            attributes[path] = dict(member.attrs)
            continue
        group, _, leaf = path.rpartition("/")
        try:
            variables.setdefault(group, {})[leaf] = _variable(source, member, path)
        except ReaderError as error:
            if not allow_partial:
                raise
            notes.append(note("variable_left_out", str(error), variable=path))
    groups = {path: dataset_of(one_size_per_dim(found), attributes.get(path)) for path, found in variables.items()}
    groups[""].encoding[NOTES] = tuple(notes)
    return groups[""] if set(groups) == {""} else groups


def _members(root: zarr.Group) -> Iterator[tuple[str, Any]]:
    yield from sorted(root.members(max_depth=None), key=lambda item: item[0])


def _variable(source: Source, array: zarr.Array[Any], path: str) -> xr.Variable:
    where = f"{source.location}: variable {path!r}"
    metadata = array.metadata.to_dict()
    if "pickle" in str([metadata.get(key) for key in ("filters", "compressor", "codecs")]):
        raise ReaderError(f"{where}: holds pickled Python objects, which are never loaded")
    source.check_cap(f"one chunk of {path!r}", math.prod(array.chunks) * max(1, array.dtype.itemsize))
    attributes = dict(array.attrs)
    dims = attributes.pop(_DIMENSIONS, None) or getattr(array.metadata, "dimension_names", None)
    from_xarray = _DIMENSIONS in array.attrs
    if array.metadata.zarr_format == 2 and from_xarray and array.dtype.kind in "iufcmM":
        if array.metadata.fill_value is not None:
            attributes["_FillValue"] = array.metadata.fill_value
    elif "_FillValue" in attributes:
        attributes["_FillValue"] = _fill_of(attributes["_FillValue"], array.dtype)
    names = _names(dims, array.shape)
    return lazy_variable(names, LazyArray(array.shape, array.dtype, _Array(array)), attributes, array.chunks)


def _names(dims: Any, shape: tuple[int, ...]) -> tuple[str, ...]:
    by_size = sized_dims(shape)
    if not isinstance(dims, list | tuple) or len(dims) != len(shape):
        return by_size
    names = tuple(str(dim) if dim is not None else size for dim, size in zip(dims, by_size, strict=True))
    return names if len(set(names)) == len(names) else by_size


def _fill_of(value: Any, dtype: np.dtype[Any]) -> Any:
    """Xarray's form of ``_FillValue`` in Zarr v3: floats are base64 of a little-endian double."""
    try:
        if dtype.kind == "f" and isinstance(value, str):
            return struct.unpack("<d", base64.standard_b64decode(value))[0]
        if dtype.kind == "c" and isinstance(value, list) and all(isinstance(part, str) for part in value):
            real, imaginary = (struct.unpack("<d", base64.standard_b64decode(part))[0] for part in value)
            return complex(real, imaginary)
    except (ValueError, struct.error) as error:
        raise ReaderError(f"_FillValue {value!r} is not in xarray's form: {error}") from error
    return value
