"""The user's own xarray objects, in memory, on Dask or from a file, as a :class:`StoredDataset`."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import xarray as xr

from cdt_core.errors import ReaderError
from cdt_core.readers.dataset import StoredDataset
from cdt_core.readers.flatten import flatten
from cdt_core.readers.lazy import preferred_chunks

__all__ = ["from_xarray"]

#: Times of more values than this are not compared with their encoding, but stored in their own unit.
_LARGEST_TIME_AXIS = 1 << 24


def from_xarray(obj: xr.Dataset | xr.DataTree | xr.DataArray) -> StoredDataset:
    """``obj`` as it is: floats with NaN for missing, times as exact CF integers, attributes unchanged.

    Packing that a file once had (``encoding``) is dropped: the values in hand are what is stored.

    Raises
    ------
    ReaderError
        A MultiIndex, or a type that cannot be stored.
    """
    if isinstance(obj, xr.DataArray):
        name = "array" if obj.name is None else str(obj.name)
        obj = obj.rename(name).to_dataset() if name not in obj.coords else obj.to_dataset(name=f"{name}_values")
    if isinstance(obj, xr.DataTree):
        nodes = {node.path: _stored_form(node.to_dataset(inherit=False)) for node in obj.subtree}
        return flatten(nodes, "")
    if not isinstance(obj, xr.Dataset):
        raise ReaderError(f"cannot read {type(obj).__name__}: give an xarray Dataset, DataTree or DataArray")
    return flatten(_stored_form(obj), "")


def _stored_form(dataset: xr.Dataset) -> xr.Dataset:
    for name, index in dataset.xindexes.items():
        if len(dataset.xindexes.get_all_coords(name)) > 1 or type(index).__name__ == "PandasMultiIndex":
            raise ReaderError(
                f"coordinate {name!r} is a MultiIndex, which no file format holds; call reset_index first"
            )
    variables = {name: _stored_variable(str(name), variable) for name, variable in dataset.variables.items()}
    coordinates = {name: variable for name, variable in variables.items() if name in dataset.coords}
    data = {name: variable for name, variable in variables.items() if name not in dataset.coords}
    return xr.Dataset(data, coords=xr.Coordinates(coordinates, indexes={}), attrs=dict(dataset.attrs))


def _stored_variable(name: str, variable: xr.Variable) -> xr.Variable:
    if not isinstance(variable.dtype, np.dtype):
        raise ReaderError(f"variable {name!r}: has type {variable.dtype}, which is pandas' own; convert it with astype")
    if variable.dtype.kind in "mM":
        found = _by_encoding(name, variable)
        return _bare(variable, preferred_chunks(variable)) if found is None else found
    if _holds_cftime(variable):
        return _checked(name, variable, _encoded(name, variable))
    return _bare(variable, preferred_chunks(variable))


def _bare(variable: xr.Variable, encoding: dict[str, Any]) -> xr.Variable:
    """The same lazy values with another encoding; an index becomes an array."""
    data = variable.values if isinstance(variable, xr.IndexVariable) else variable.to_base_variable()._data
    return xr.Variable(variable.dims, data, dict(variable.attrs), encoding)


def _holds_cftime(variable: xr.Variable) -> bool:
    if variable.dtype.kind != "O" or not variable.size or variable.chunks is not None:
        return False
    first = variable[(0,) * variable.ndim].values.item()
    return type(first).__module__.startswith("cftime")


def _by_encoding(name: str, variable: xr.Variable) -> xr.Variable | None:
    """The times in the units that their file had, when those give the same instants as integers; else ``None``."""
    wanted = {key: value for key, value in variable.encoding.items() if key in ("units", "calendar", "dtype")}
    if "units" not in wanted or variable.size > _LARGEST_TIME_AXIS or variable.chunks is not None:
        return None
    if np.dtype(wanted.get("dtype", "i8")).kind not in "iu":
        wanted["dtype"] = np.dtype("i8")
    plain = _bare(variable, wanted)
    try:
        return _checked(name, plain, _encoded(name, plain))
    except (ReaderError, ValueError, OverflowError, TypeError):
        return None


def _encoded(name: str, variable: xr.Variable) -> xr.Variable:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whether the result is exact is checked, so that a warning adds nothing
        return xr.conventions.encode_cf_variable(variable, name=name)


def _checked(name: str, variable: xr.Variable, encoded: xr.Variable) -> xr.Variable:
    decoded: Any = xr.conventions.decode_cf_variable(name, encoded).values
    original = variable.values
    same = decoded == original
    if original.dtype.kind in "mM":
        same |= np.isnat(decoded) & np.isnat(original)
    if not np.all(same) or encoded.dtype.kind not in "iuf":
        raise ReaderError(f"variable {name!r}: its times are not exact in {variable.encoding.get('units')!r}")
    result = xr.Variable(encoded.dims, encoded.values, dict(encoded.attrs))
    result.encoding = preferred_chunks(variable)
    return result
