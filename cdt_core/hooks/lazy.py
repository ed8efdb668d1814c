"""Lazy arrays for readers: a block is read when it is asked for, not before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

__all__ = ["BlockReader", "LazyArray", "lazy_variable"]


class BlockReader(Protocol):
    """Reads one block; may be called from several threads, and pickles."""

    def __call__(self, region: tuple[slice, ...]) -> NDArray[Any]:
        """The values in ``region``: one slice with step >= 1 for each axis."""
        ...


class LazyArray(BackendArray):
    """An array of known shape and native dtype whose blocks come from a :class:`BlockReader`."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any], block: BlockReader) -> None:
        self.shape = shape
        self.dtype = dtype if dtype.isnative else dtype.newbyteorder("=")
        self.block = block

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.BASIC, self._basic)

    def _basic(self, key: tuple[Any, ...]) -> NDArray[Any]:
        region = tuple(
            slice(*part.indices(length)) if isinstance(part, slice) else slice(int(part), int(part) + 1, 1)
            for part, length in zip(key, self.shape, strict=True)
        )
        values = np.asarray(self.block(region)).astype(self.dtype, copy=False)
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
