"""Generic HDF5 through h5py: groups become a tree, dimension scales give names, and every value is read by slices."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import h5py
import numpy as np
import xarray as xr
from attrs import frozen
from numpy.typing import NDArray
from xarray.backends import CachingFileManager

from cdt_core.errors import ReaderError
from cdt_core.hooks.lazy import LazyArray, lazy_variable
from cdt_core.hooks.notes import NOTES, note
from cdt_core.hooks.source import Source
from cdt_core.readers.flatten import Raw
from cdt_core.readers.lazy import dataset_of, one_size_per_dim, sized_dims

__all__ = ["HDF5_MAGIC", "check_links", "flags_of", "open_hdf5"]

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"

#: Attributes by which libraries keep dimension scales; they describe the file, not the data.
_BOOKKEEPING = (
    "CLASS",
    "NAME",
    "DIMENSION_LIST",
    "REFERENCE_LIST",
    "_Netcdf4Dimid",
    "_Netcdf4Coordinates",
    "DIMENSION_LABELS",
)


@frozen
class _Dataset:
    """Reads blocks of one HDF5 dataset; the file is opened again after pickling."""

    manager: CachingFileManager[Any]
    path: str
    text: bool

    def __call__(self, region: tuple[slice, ...]) -> NDArray[Any]:
        with self.manager.acquire_context() as file:
            found = file[self.path]
            if found.shape == () or 0 in found.shape:
                values = np.asarray(found.asstr()[()] if self.text else found[()])
                return values[region]
            return np.asarray(found.asstr()[region] if self.text else found[region])


def open_hdf5(source: Source, allow_partial: bool) -> Raw:
    """Every dataset of the file under its path.

    A dimension without a scale is named by its length (``dim_100``), so that arrays of one group and size share it.
    """
    check_links(source, netcdf=False)
    manager = _manager(source)
    groups: dict[str, xr.Dataset] = {}
    with manager.acquire_context() as file:
        for path, group in _walk_groups(file):
            variables: dict[str, xr.Variable] = {}
            notes = []
            for name, dataset in _datasets(group):
                try:
                    variables[name] = _variable(manager, dataset)
                except (ReaderError, TypeError, ValueError, KeyError) as error:
                    where = f"{source.location}: variable {dataset.name!r}: {error}"
                    if not allow_partial:
                        raise ReaderError(where) from error
                    notes.append(note("variable_left_out", where, variable=dataset.name.strip("/")))
            groups[path] = dataset_of(one_size_per_dim(variables), _attributes(group))
            groups[path].encoding[NOTES] = tuple(notes)
    return groups[""] if set(groups) == {""} else groups


def _manager(source: Source) -> CachingFileManager[Any]:
    target: Any = str(source.path) if source.is_local else source.open()
    return CachingFileManager(h5py.File, target, mode="r")


def _walk_groups(group: h5py.Group, path: str = "", above: tuple[Any, ...] = ()) -> Iterator[tuple[str, h5py.Group]]:
    """Every group once; hard links that lead back to a group above are not followed."""
    yield path, group
    above = (*above, group.id)
    for name in group:
        if (
            group.get(name, getclass=True, getlink=True) is h5py.HardLink
            and group.get(name, getclass=True) is h5py.Group
        ):
            child = group[name]
            if child.id not in above:
                yield from _walk_groups(child, f"{path}/{name}".lstrip("/"), above)


def _datasets(group: h5py.Group) -> Iterator[tuple[str, h5py.Dataset]]:
    for name in group:
        if group.get(name, getclass=True) is h5py.Dataset:
            yield name, group[name]


def _variable(manager: CachingFileManager[Any], dataset: h5py.Dataset) -> xr.Variable:
    dtype = dataset.dtype
    attributes = _attributes(dataset)
    if dataset.shape is None:
        raise ReaderError("is a null dataspace, which has no values")
    string = h5py.check_string_dtype(dtype)
    if dtype.kind == "O" and (string is None or h5py.check_ref_dtype(dtype)):
        raise ReaderError("holds references or variable-length arrays, which cannot be stored")
    members = h5py.check_enum_dtype(dtype)
    if members is not None and dtype.kind in "iu":
        attributes = {**flags_of(members, np.dtype(dtype.str)), **attributes}
    text = string is not None and dtype.kind == "O"
    plain = np.dtype("O") if text else _plain(dtype)
    block = _Dataset(manager, dataset.name, text)
    array = LazyArray(dataset.shape, plain, block)
    return lazy_variable(_dims(dataset), array, attributes, dataset.chunks)


def flags_of(members: Mapping[str, int], dtype: np.dtype[Any]) -> dict[str, Any]:
    """The names of an enumeration as CF flag attributes."""
    names = sorted(members, key=lambda name: members[name])
    return {"flag_values": np.array([members[name] for name in names], dtype), "flag_meanings": " ".join(names)}


def _plain(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type without h5py's metadata."""
    if dtype.fields:
        fields = [(name, _plain(dtype.fields[name][0])) for name in dtype.names or ()]
        return np.dtype(fields)
    if dtype.subdtype:
        return np.dtype((_plain(dtype.subdtype[0]), dtype.subdtype[1]))
    return np.dtype(dtype.str)


def _dims(dataset: h5py.Dataset) -> tuple[str, ...]:
    """Names from dimension scales where there are any."""
    names = list(sized_dims(dataset.shape))
    if dataset.is_scale and len(names) == 1:
        return (dataset.name.rpartition("/")[2],)
    for axis in range(len(names)):
        scales = dataset.dims[axis].values()
        if scales and scales[0].name:
            names[axis] = scales[0].name.rpartition("/")[2]
    return tuple(names) if len(set(names)) == len(names) else sized_dims(dataset.shape)


def _attributes(item: h5py.Group | h5py.Dataset) -> dict[str, Any]:
    """Attributes as Python text, NumPy scalars or arrays; those that hold references are bookkeeping."""
    found: dict[str, Any] = {}
    for name in item.attrs:
        if name in _BOOKKEEPING:
            continue
        value = item.attrs[name]
        if isinstance(value, h5py.Empty):
            value = ""
        if isinstance(value, h5py.Reference | h5py.RegionReference):
            continue
        if isinstance(value, bytes):
            value = value.decode("utf-8", "backslashreplace")
        if isinstance(value, np.ndarray):
            value = _array_attribute(value)
        if value is not None:
            found[name] = value
    return found


def _array_attribute(value: NDArray[Any]) -> Any:
    if value.dtype.kind in "OSU":
        items = [
            v.decode("utf-8", "backslashreplace") if isinstance(v, bytes) else v for v in value.reshape(-1).tolist()
        ]
        if not all(isinstance(item, str) for item in items):
            return None
        return items[0] if value.size == 1 else items
    return value.reshape(-1)[0] if value.size == 1 else value


def check_links(source: Source, *, netcdf: bool) -> None:
    """Refuse files that make a reader open other files or fill the memory; with ``netcdf`` also those that are not NetCDF.

    Raises
    ------
    ReaderError
        External links, virtual datasets or external storage; chunks over the memory limit; a truncated file; no sign of
        NetCDF.
    """
    try:
        with source.open() as raw, h5py.File(raw, "r") as file:
            has_scale = "_NCProperties" in file.attrs
            for path, group in _walk_groups(file):
                for name in group:
                    link = group.get(name, getlink=True)
                    place = f"{path}/{name}".lstrip("/")
                    if isinstance(link, h5py.ExternalLink):
                        raise ReaderError(f"{source.location}: {place!r} is a link to another file ({link.filename!r})")
                for name, dataset in _datasets(group):
                    place = f"{path}/{name}".lstrip("/")
                    _check_storage(source, place, dataset)
                    has_scale = has_scale or dataset.is_scale
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise ReaderError(f"{source.location}: not a readable HDF5 file: {error}") from error
    if netcdf and not has_scale:
        raise ReaderError(f"{source.location}: an HDF5 file without dimensions, not NetCDF-4")


def _check_storage(source: Source, place: str, dataset: h5py.Dataset) -> None:
    source.check_cap(f"one chunk of {place!r}", math.prod(dataset.chunks or ()) * dataset.dtype.itemsize)
    if dataset.external:
        raise ReaderError(f"{source.location}: {place!r} keeps its values in another file ({dataset.external[0][0]!r})")
    if dataset.is_virtual:
        others = sorted({part.file_name for part in dataset.virtual_sources()} - {"."})
        if others:
            raise ReaderError(f"{source.location}: {place!r} is a view of other files ({', '.join(others)})")
