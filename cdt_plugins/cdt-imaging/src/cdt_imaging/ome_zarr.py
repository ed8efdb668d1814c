"""OME-Zarr: every level of every image (and label image) of the hierarchy as a group of its own, with coordinates."""

from __future__ import annotations

import math
import warnings
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
import zarr
from attrs import define, field, frozen
from numpy.typing import NDArray

from cdt_core.errors import ReaderError
from cdt_core.hooks.lazy import LazyArray, lazy_variable
from cdt_core.hooks.notes import NOTES, note
from cdt_core.hooks.source import Source
from cdt_core.hooks.zarr_chunks import check_chunks, is_blosc
from cdt_core.model import Finding
from cdt_imaging.geometry import LONGEST_AXIS, axis_coordinate, json_value, place_attributes
from cdt_imaging.lazy import dataset_of
from cdt_imaging.ome_zarr_axes import Level, levels_of, multiscales_of

__all__ = ["open_ome_zarr"]

_MARKERS = ("zarr.json", ".zgroup", ".zmetadata")
_LONGEST_METADATA = 256 << 20


@frozen
class _Blocks:
    """Blocks of one Zarr array; chunks that were never written read as the fill value, as Zarr defines."""

    array: zarr.Array[Any]
    where: str

    def __call__(self, region: tuple[slice, ...]) -> NDArray[Any]:
        try:
            if is_blosc(self.array):
                check_chunks(self.array, region)
            return np.asarray(self.array[region])
        except Exception as error:  # each store and codec has its own errors
            bounds = ", ".join(f"{part.start}:{part.stop}" for part in region)
            raise ReaderError(f"{self.where}[{bounds}]: a chunk is damaged: {type(error).__name__}: {error}") from error


@define
class _Hierarchy:
    """What was found: arrays and attributes by path, and the datasets made of them."""

    source: Source
    allow_partial: bool
    arrays: dict[str, zarr.Array[Any]] = field(factory=dict)
    attributes: dict[str, dict[str, Any]] = field(factory=dict)
    datasets: dict[str, xr.Dataset] = field(factory=dict)
    notes: list[Finding] = field(factory=list)


def open_ome_zarr(source: Source, allow_partial: bool) -> xr.DataTree:
    """All arrays of the hierarchy: each level that a multiscales lists is a group at its path with the variable ``image``
    (``labels`` for label images), coordinates from its transformations; other arrays stay in their groups.

    Raises
    ------
    ReaderError
        Not Zarr, no multiscales anywhere in it, or multiscales that do not fit the arrays.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # types and formats that are not in the Zarr specification yet
        found = _Hierarchy(source, allow_partial)
        root = _open_root(source)
        if isinstance(root, zarr.Array):
            raise ReaderError(f"{source.location}: is one Zarr array, not OME-Zarr")
        _collect(found, root)
        listed = _listed(found)
        for path, level in listed.items():
            _add_level(found, path, level)
        for path in found.arrays.keys() - listed.keys():
            _add_other(found, path)
    for path, attributes in found.attributes.items():
        found.datasets.setdefault(path, xr.Dataset()).attrs.update(json_value(attributes))
    tree = xr.DataTree.from_dict({f"/{path}": found.datasets[path] for path in sorted(found.datasets)})
    tree.encoding[NOTES] = tuple(found.notes)
    return tree


def _open_root(source: Source) -> Any:
    try:
        if source.is_dir():
            return zarr.open(_store(source), mode="r")
        prefix = _prefix(source)
        store = zarr.storage.ZipStore(source.path, mode="r") if source.is_local else _store(source, "zip::")
        return zarr.open(store, mode="r", path=prefix)
    except ReaderError:
        raise
    except Exception as error:  # each store has its own errors
        raise ReaderError(
            f"{source.location}: the Zarr metadata is damaged: {type(error).__name__}: {error}"
        ) from error


def _store(source: Source, chain: str = "") -> Any:
    if source.is_local:
        return zarr.storage.LocalStore(source.path, read_only=True)
    filesystem, path = Source(f"{chain}{source.location}").filesystem()
    if not filesystem.async_impl:
        from fsspec.implementations.asyn_wrapper import AsyncFileSystemWrapper

        filesystem = AsyncFileSystemWrapper(filesystem, asynchronous=True)
    return zarr.storage.FsspecStore(filesystem, read_only=True, path=path)


def _prefix(source: Source) -> str:
    """The folder inside a zip archive that holds the Zarr root."""
    try:
        with source.open() as file, zipfile.ZipFile(file) as archive:
            marked = [item for item in archive.infolist() if item.filename.rpartition("/")[2] in _MARKERS]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ReaderError(f"{source.location}: a damaged or truncated zip archive: {error}") from error
    if not marked:
        raise ReaderError(f"{source.location}: the archive holds no Zarr group")
    for item in marked:
        if item.file_size > _LONGEST_METADATA:
            raise ReaderError(f"{source.location}: {item.filename} takes {item.file_size} bytes, too many for metadata")
    folders = (item.filename.rpartition("/")[0] for item in marked)
    return min(folders, key=lambda folder: (folder.count("/") + bool(folder), folder))


def _collect(found: _Hierarchy, root: zarr.Group) -> None:
    found.attributes[""] = dict(root.attrs)
    if not _may_be_ome(found.attributes[""]):
        raise ReaderError(f"{found.source.location}: is not OME-Zarr: its root names no multiscales, plate or labels")
    for path, member in sorted(root.members(max_depth=None), key=lambda item: item[0]):
        if isinstance(member, zarr.Array):
            found.arrays[path] = member
        else:
            found.attributes[path] = dict(member.attrs)


def _may_be_ome(attributes: Mapping[str, Any]) -> bool:
    keys = ("multiscales", "plate", "well", "labels", "bioformats2raw.layout", "ome")
    return any(key in attributes for key in keys)


def _listed(found: _Hierarchy) -> dict[str, Level]:
    """The arrays that multiscales name, each with its level."""
    where, listed = found.source.location, {}
    for path, attributes in found.attributes.items():
        for multiscale in multiscales_of(attributes):
            for level in levels_of(multiscale, f"{where}: group {path or '/'!r}"):
                full = "/".join(part for part in (path, level.path) if part)
                if full not in found.arrays:
                    message = f"{where}: the multiscales of group {path or '/'!r} lists {level.path!r}, which is no array in it"
                    if not found.allow_partial:
                        raise ReaderError(message)
                    found.notes.append(note("level_missing", message))
                    continue
                listed[full] = level
    if not listed:
        raise ReaderError(f"{where}: is not OME-Zarr: no group in it has multiscales")
    return listed


def _add_level(found: _Hierarchy, path: str, level: Level) -> None:
    where, array = f"{found.source.location}: array {path!r}", found.arrays[path]
    if len(level.names) != array.ndim:
        raise ReaderError(
            f"{where}: has {array.ndim} dimensions, but its multiscales names the axes {list(level.names)}"
        )
    coordinates = {}
    for name, units, step, start, length in zip(
        level.names, level.units, level.steps, level.starts, array.shape, strict=True
    ):
        if level.known and length <= LONGEST_AXIS and (units or name in "zyx"):
            about = {
                **({"units": units} if units else {}),
                **({"axis": name.upper()} if name in ("z", "y", "x", "t") else {}),
            }
            coordinates[name] = axis_coordinate(name, length, step, start, about)
    group = found.attributes.get(path.removesuffix(level.path).strip("/"), {})
    spatial = [name for name in level.names if name in ("z", "y", "x")]
    is_labels = "image-label" in group or "image-label" in (group.get("ome") or {})
    attributes: dict[str, Any] = {
        "image_format": "OME-Zarr",
        **({"image_kind": "labels"} if is_labels else {}),
        **place_attributes(spatial, coordinates),
        **_channel_names(group),
        **_counts(found.source, array),
    }
    name = "labels" if is_labels else "image"
    variable = _variable(found, path, level.names, attributes)
    found.datasets[path] = dataset_of({name: variable}, coordinates, {})


def _channel_names(group: Mapping[str, Any]) -> dict[str, Any]:
    omero = (group.get("ome") or group).get("omero")
    channels = omero.get("channels") if isinstance(omero, Mapping) else None
    names = [str(c.get("label", "")) for c in channels if isinstance(c, Mapping)] if isinstance(channels, list) else []
    return {"channel_names": names} if any(names) else {}


def _counts(source: Source, array: zarr.Array[Any]) -> dict[str, int]:
    """Chunks that were written, and chunks that there could be; not asked of remote stores, where listing is slow."""
    if not source.is_local:
        return {}
    return {"chunks_stored": int(array.nchunks_initialized), "chunks_expected": int(array.nchunks)}


def _add_other(found: _Hierarchy, path: str) -> None:
    """An array that no multiscales lists, in its own group; its dimensions are its own."""
    group, _, leaf = path.rpartition("/")
    dims = tuple(f"{leaf}_axis_{axis}" for axis in range(found.arrays[path].ndim))
    dataset = found.datasets.setdefault(group, xr.Dataset())
    dataset[leaf] = _variable(found, path, dims, {})


def _variable(found: _Hierarchy, path: str, dims: tuple[str, ...], attributes: dict[str, Any]) -> xr.Variable:
    where, array = f"{found.source.location}: array {path!r}", found.arrays[path]
    if "pickle" in str(array.metadata.to_dict()):
        raise ReaderError(f"{where}: holds pickled Python objects, which are never loaded")
    found.source.check_cap(f"one chunk of array {path!r}", math.prod(array.chunks) * max(1, array.dtype.itemsize))
    own = {key: json_value(value) for key, value in dict(array.attrs).items() if key != "_ARRAY_DIMENSIONS"}
    return lazy_variable(
        dims, LazyArray(array.shape, array.dtype, _Blocks(array, where)), {**own, **attributes}, array.chunks
    )
