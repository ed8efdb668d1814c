"""NetCDF: classic files by blocks, NetCDF-4 through h5netcdf, groups included."""

from __future__ import annotations

import warnings
from typing import Any

import xarray as xr
from xarray.coding.strings import CharacterArrayCoder

from cdt_core.errors import ReaderError
from cdt_core.hooks.source import Source
from cdt_core.readers.classic import open_classic
from cdt_core.readers.flatten import Raw
from cdt_core.readers.hdf5 import HDF5_MAGIC, check_links, flags_of
from cdt_core.readers.lazy import dataset_of

__all__ = ["open_netcdf"]


def open_netcdf(source: Source, allow_partial: bool) -> Raw:
    """The file's groups, undecoded; characters are joined to strings, as CF wants."""
    head = source.head(8)
    if head == HDF5_MAGIC:
        groups = _open_netcdf4(source)
    elif head[:3] == b"CDF":
        groups = {"": open_classic(source, allow_partial)}
    else:
        raise ReaderError(f"{source.location}: neither NetCDF classic nor NetCDF-4 (starts with {head!r})")
    groups = {path: _understood(dataset) for path, dataset in groups.items()}
    return groups[""] if set(groups) == {""} else groups


#: ``decode_cf=False`` alone does not reach every group.
_RAW: dict[str, Any] = {
    "cache": False,
    "create_default_indexes": False,
    "mask_and_scale": False,
    "decode_times": False,
    "decode_timedelta": False,
    "decode_coords": False,
    "concat_characters": False,
}


def _open_netcdf4(source: Source) -> dict[str, xr.Dataset]:
    check_links(source, netcdf=True)
    target: Any = str(source.path) if source.is_local else source.open()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        opened = xr.open_groups(target, engine="h5netcdf", phony_dims="access", **_RAW)
        return {path.strip("/"): _distinct(dataset) for path, dataset in opened.items()}


def _distinct(dataset: xr.Dataset) -> xr.Dataset:
    """A variable may have one dimension twice in NetCDF, but not in xarray: the second gets its axis as a suffix."""
    variables = {}
    for name, variable in dataset.variables.items():
        dims = variable.dims
        if len(set(dims)) != len(dims):
            variable = variable.copy(deep=False)
            variable.dims = tuple(f"{d}_{at}" if d in dims[:at] else str(d) for at, d in enumerate(dims))
            variable.encoding = {key: value for key, value in variable.encoding.items() if key != "preferred_chunks"}
        variables[str(name)] = variable
    return dataset_of(variables, dataset.attrs)


def _understood(dataset: xr.Dataset) -> xr.Dataset:
    """Character arrays as fixed strings (CF-1.12, 2.2), and enumerations with their meanings (3.5)."""
    coder = CharacterArrayCoder()
    variables = {}
    for name, variable in dataset.variables.items():
        if variable.dtype == "S1" and variable.ndim:
            variable = coder.decode(variable, name=name)
        members = (getattr(variable.encoding.get("dtype"), "metadata", None) or {}).get("enum")
        if members:
            variable = variable.copy(deep=False)
            variable.attrs = {**flags_of(members, variable.dtype), **variable.attrs}
        variables[str(name)] = variable
    understood = dataset_of(variables, dataset.attrs)
    understood.encoding = dict(dataset.encoding)
    return understood
