"""What readers share around lazy variables (:mod:`cdt_core.hooks.lazy`): blocks, chunks, dimension names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

__all__ = ["dataset_of", "load_block", "one_size_per_dim", "preferred_chunks", "sized_dims"]


def load_block(variable: xr.Variable, region: tuple[slice, ...]) -> NDArray[Any]:
    """The values of a block of ``variable``; nothing is kept, and a Dask array is computed in this thread."""
    selected = variable[region]
    if (
        type(selected._data) is not np.ndarray and selected.chunks is not None
    ):  # to ask for chunks takes longer than to read
        return np.asarray(selected.data.compute(scheduler="synchronous"))
    return np.asarray(selected.to_numpy())


def preferred_chunks(variable: xr.Variable) -> dict[str, Any]:
    """The part of a variable's encoding that says how the source is chunked."""
    if variable.chunks is not None:
        sizes = tuple(max(1, lengths[0]) if lengths else 1 for lengths in variable.chunks)
        return {"chunksizes": sizes, "preferred_chunks": dict(zip(variable.dims, sizes, strict=True))}
    return {key: value for key, value in variable.encoding.items() if key in ("chunksizes", "preferred_chunks")}


def sized_dims(shape: Sequence[int]) -> tuple[str, ...]:
    """Dimension names for an array that has none: by size, so that arrays of one size share them.

    >>> sized_dims((3, 4, 3))
    ('dim_3', 'dim_4', 'dim_3_1')
    """
    names: list[str] = []
    for axis, length in enumerate(shape):
        repeats = sum(1 for before in shape[:axis] if before == length)
        names.append(f"dim_{length}" + (f"_{repeats}" if repeats else ""))
    return tuple(names)


def dataset_of(variables: Mapping[str, xr.Variable], attributes: Mapping[str, Any] | None = None) -> xr.Dataset:
    """A dataset without indexes, so that no coordinate is read before it is asked for."""
    axes = {name: variable for name, variable in variables.items() if variable.dims == (name,)}
    data = {name: variable for name, variable in variables.items() if name not in axes}
    return xr.Dataset(data, coords=xr.Coordinates(axes, indexes={}), attrs=dict(attributes or {}))


def one_size_per_dim(variables: Mapping[str, xr.Variable]) -> dict[str, xr.Variable]:
    """Within one group, a dimension's name stands for one length: a second length is named by its size."""
    lengths: dict[Any, int] = {}
    result = {}
    for name, variable in variables.items():
        wrong = {dim: f"{dim}_{size}" for dim, size in variable.sizes.items() if lengths.setdefault(dim, size) != size}
        result[name] = _renamed(variable, wrong) if wrong else variable
    return result


def _renamed(variable: xr.Variable, names: Mapping[Any, str]) -> xr.Variable:
    renamed = variable.copy(deep=False)
    renamed.dims = tuple(names.get(dim, dim) for dim in variable.dims)
    chunks = variable.encoding.get("preferred_chunks", {})
    renamed.encoding = {**variable.encoding, "preferred_chunks": {names.get(dim, dim): n for dim, n in chunks.items()}}
    return renamed
