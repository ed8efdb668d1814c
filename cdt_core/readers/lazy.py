"""Lazy arrays for formats that xarray has no backend for: a block is read when it is asked for, not before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

__all__ = [
    "BlockReader",
    "LazyArray",
    "dataset_of",
    "lazy_variable",
    "load_block",
    "one_size_per_dim",
    "preferred_chunks",
    "sized_dims",
]


class BlockReader(Protocol):
    """Reads one block; may be called from several threads, and pickles."""

    def __call__(self, region: tuple[slice, ...]) -> NDArray[Any]:
        """The values in ``region``: one slice with step >= 1 for each axis."""
        ...


class LazyArray(BackendArray):
    """An array of known shape and dtype whose blocks come from a :class:`BlockReader`."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any], block: BlockReader) -> None:
        self.shape = shape
        self.dtype = dtype
        self.block = block

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.BASIC, self._basic)

    def _basic(self, key: tuple[Any, ...]) -> NDArray[Any]:
        region = tuple(
            slice(*part.indices(length)) if isinstance(part, slice) else slice(int(part), int(part) + 1, 1)
            for part, length in zip(key, self.shape, strict=True)
        )
        values = np.asarray(self.block(region))
        return values[tuple(slice(None) if isinstance(part, slice) else 0 for part in key)]


def lazy_variable(
    dims: Sequence[str],
    array: LazyArray,
    attributes: Mapping[str, Any] | None = None,
    chunks: Sequence[int] | None = None,
) -> xr.Variable:
    """A variable over ``array``; ``chunks`` are the source's own, which later stages align with."""
    encoding: dict[str, Any] = {}
    if chunks is not None:
        encoding = {"chunksizes": tuple(chunks), "preferred_chunks": dict(zip(dims, chunks, strict=True))}
    return xr.Variable(tuple(dims), indexing.LazilyIndexedArray(array), dict(attributes or {}), encoding)


def load_block(variable: xr.Variable, region: tuple[slice, ...]) -> NDArray[Any]:
    """The values of a block of ``variable``; nothing is kept, and a Dask array is computed in this thread."""
    selected = variable[region]
    if selected.chunks is not None:
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
