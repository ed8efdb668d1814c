"""The chunk grid of each variable."""

from __future__ import annotations

import numpy as np

from cdt_core.model import VariableSpec
from cdt_core.model.grid import ChunkGrid, choose_chunk_shape
from cdt_core.readers.stored import StoredDataset

__all__ = ["chunk_shape_of", "chunk_unit_of", "grids_of", "is_text"]

#: What a string is taken to hold when chunks of text are sized, in bytes.
_TEXT_ITEMSIZE = 32


def is_text(spec: VariableSpec) -> bool:
    """True for variables that hold text, not numbers."""
    return spec.dtype == "string" or np.dtype(spec.dtype).kind in "OSUT"


def grids_of(dataset: StoredDataset, chunk_bytes: int) -> dict[str, ChunkGrid]:
    """The chunk grid of every variable that holds numbers."""
    return {
        name: ChunkGrid(spec.shape, chunk_shape_of(dataset, spec, chunk_bytes))
        for name, spec in dataset.specs.items()
        if not is_text(spec)
    }


def chunk_shape_of(dataset: StoredDataset, spec: VariableSpec, chunk_bytes: int) -> tuple[int, ...]:
    """A chunk shape of about ``chunk_bytes`` raw bytes, aligned with the source's own chunks."""
    itemsize = _TEXT_ITEMSIZE if is_text(spec) else np.dtype(spec.dtype).itemsize
    return choose_chunk_shape(spec.shape, itemsize, _source_chunks(dataset, spec), chunk_bytes)


def chunk_unit_of(dataset: StoredDataset, spec: VariableSpec, default: tuple[int, ...]) -> tuple[int, ...] | None:
    """What the chunks of other grids must be whole multiples of: the source's own chunks, or the parts that ``default`` makes
    of them. ``None`` where somebody chose the chunks of the array that was given.
    """
    if dataset.variables[spec.name].chunks is not None:
        return None
    own = _source_chunks(dataset, spec) or (1,) * len(default)
    return tuple(max(1, min(pair)) for pair in zip(own, default, strict=True))


def _source_chunks(dataset: StoredDataset, spec: VariableSpec) -> tuple[int, ...] | None:
    variable = dataset.variables[spec.name]
    if variable.chunks is not None:
        return tuple(sizes[0] for sizes in variable.chunks)
    preferred = variable.encoding.get("preferred_chunks") or variable.encoding.get("chunksizes")
    if not preferred:
        return None
    if isinstance(preferred, dict):
        lengths = [preferred.get(dim, length) for dim, length in zip(spec.dims, spec.shape, strict=True)]
    else:
        lengths = list(preferred)
    sizes = [length[0] if isinstance(length, tuple) else int(length) for length in lengths]
    return tuple(sizes) if len(sizes) == len(spec.shape) else None
