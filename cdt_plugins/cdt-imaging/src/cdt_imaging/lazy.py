"""Lazy arrays: a block is read from the file when it is asked for, not before."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import xarray as xr
from attrs import frozen
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from cdt_core.errors import ReaderError
from cdt_core.hooks.notes import NOTES
from cdt_core.hooks.source import Source
from cdt_core.model import Finding

__all__ = ["BlockReader", "LazyArray", "StoredValues", "check_cap", "dataset_of", "lazy_variable"]


class BlockReader(Protocol):
    """Reads one block; may be called from several threads, and pickles."""

    def __call__(self, region: tuple[slice, ...]) -> NDArray[Any]:
        """The values in ``region``: one slice with step >= 1 for each axis."""
        ...


class LazyArray(BackendArray):
    """An array of known shape and native dtype whose blocks come from a :class:`BlockReader`."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any], block: BlockReader) -> None:
        self.shape = shape
        self.dtype = dtype.newbyteorder("=")
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


@frozen
class StoredValues:
    """Values that lie uncompressed, in C order, at ``offset`` of a file: memory-mapped where the file is local.

    From a remote file, the rows of the first axis that a block touches are read. ``expanded`` is the content of the file
    where that had to be decompressed as a whole.
    """

    source: Source
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    expanded: bytes | None = None

    def __call__(self, region: tuple[slice, ...]) -> NDArray[Any]:
        """The values in ``region``."""
        if not math.prod(self.shape):
            return np.empty(self.shape, self.dtype)[region]
        if self.expanded is not None:
            count = math.prod(self.shape)
            values = np.frombuffer(self.expanded, self.dtype, count, self.offset).reshape(self.shape)
            return values[region].copy()
        if self.source.is_local:
            mapped = np.memmap(self.source.path, self.dtype, "r", self.offset, self.shape)
            return np.array(mapped[region])
        first, rest = region[0], region[1:]
        row = math.prod(self.shape[1:]) * self.dtype.itemsize
        with self.source.open() as file:
            file.seek(self.offset + first.start * row)
            raw = file.read(max(0, first.stop - first.start) * row)
        rows = np.frombuffer(raw, self.dtype).reshape(-1, *self.shape[1:])
        return rows[:: first.step][(slice(None), *rest)].copy()


def check_cap(source: Source, what: str, needed: int) -> None:
    """Refuse what would take more memory than ``source.max_expanded_bytes``."""
    if needed > source.max_expanded_bytes:
        raise ReaderError(
            f"{source.location}: {what} takes {needed} bytes in memory, over the limit of {source.max_expanded_bytes} "
            "(max_expanded_bytes)"
        )


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


def dataset_of(
    variables: Mapping[str, xr.Variable],
    coordinates: Mapping[str, xr.Variable],
    attributes: Mapping[str, Any],
    notes: Sequence[Finding] = (),
) -> xr.Dataset:
    """A dataset without indexes, so that nothing is read or compared before it is asked for."""
    dataset = xr.Dataset(dict(variables), coords=xr.Coordinates(dict(coordinates), indexes={}), attrs=dict(attributes))
    dataset.encoding[NOTES] = tuple(notes)
    return dataset
