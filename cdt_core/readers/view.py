"""A stored dataset as users see it: lazy, and CF-decoded by xarray."""

from __future__ import annotations

import warnings

import numpy as np
import xarray as xr

from cdt_core.errors import ReaderError
from cdt_core.hooks.lazy import LazyArray, lazy_variable
from cdt_core.readers.dataset import StoredBlock, StoredDataset
from cdt_core.readers.meaning import decodable_attributes

__all__ = ["as_xarray"]

#: xarray reads the coordinate of a dimension at once; a file that claims one larger than this is refused.
_LARGEST_INDEX_BYTES = 4 << 30


def as_xarray(stored: StoredDataset, decode: bool = True) -> xr.Dataset | xr.DataTree:
    """A Dataset when only the root group has variables, else a DataTree; values are read when they are used.

    Raises
    ------
    ReaderError
        Attributes cannot be decoded, or the groups disagree on the length of a dimension.
    """
    groups = {path: _dataset(stored, path, decode) for path in _group_paths(stored)}
    if set(groups) == {""}:
        return groups[""]
    try:
        return xr.DataTree.from_dict({f"/{path}": dataset for path, dataset in groups.items()})
    except ValueError as error:
        raise ReaderError(f"{stored.source}: the groups do not fit into one tree: {error}") from error


def _group_paths(stored: StoredDataset) -> list[str]:
    paths = (
        {"": None} | dict.fromkeys(stored.attributes) | dict.fromkeys(name.rpartition("/")[0] for name in stored.specs)
    )
    with_variables = {name.rpartition("/")[0] for name in stored.specs}
    return [""] if with_variables == {""} else list(paths)


def _dataset(stored: StoredDataset, group: str, decode: bool) -> xr.Dataset:
    variables = {}
    for path, spec in stored.specs.items():
        place, _, leaf = path.rpartition("/")
        if place != group:
            continue
        dtype = np.dtype(spec.dtype)
        if spec.dims == (leaf,) and spec.size * dtype.itemsize > _LARGEST_INDEX_BYTES:
            raise ReaderError(f"{stored.source}: coordinate {path!r} is too large to be held in memory as an index")
        array = LazyArray(spec.shape, dtype, StoredBlock(stored, path))
        is_number = spec.dtype != "object"
        attributes = decodable_attributes(spec.attributes) if decode and is_number else dict(spec.attributes)
        variable = lazy_variable(spec.dims, array, attributes)
        variable.encoding = dict(stored.variables[path].encoding)
        variables[leaf] = variable
    attributes = dict(stored.attributes.get(group, {}))
    coordinates = {leaf for leaf in variables if (f"{group}/{leaf}" if group else leaf) in stored.coordinates}
    dataset = xr.Dataset(variables, attrs=attributes)
    if decode:
        dataset = _decoded(stored, dataset)
    return dataset.set_coords([name for name in dataset.data_vars if name in coordinates])


def _decoded(stored: StoredDataset, dataset: xr.Dataset) -> xr.Dataset:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", xr.SerializationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            return xr.decode_cf(dataset, concat_characters=False)
    except ReaderError:
        raise
    except Exception as error:  # xarray raises many kinds on attributes that make no sense
        raise ReaderError(
            f"{stored.source}: its attributes cannot be decoded: {type(error).__name__}: {error}"
        ) from error
