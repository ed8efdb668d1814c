"""Other chunk grids for a variable: along which axes chunks are long matters for what a codec finds alike in them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.model.grid import ChunkGrid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdt_core.hooks.contracts import ChunkCodec

__all__ = ["LEAST_BYTES", "bytes_of", "other_grids", "shrunk_chunk", "window_of"]

#: A chunk of another grid holds between this part of the default one's values and as many times them.
_FACTOR = 4
#: Chunks of another grid hold at least so many bytes: files take space and time of their own.
LEAST_BYTES = 1 << 16


def other_grids(
    shape: Sequence[int], default: Sequence[int], unit: Sequence[int], itemsize: int
) -> list[tuple[int, ...]]:
    """Chunk shapes worth trying beside the default one; edges fall on multiples of ``unit`` values, as the default's do.

    Long along an axis that the default cuts, for as many values; apart, one unit of a short axis that the default has
    several of (levels, bands, members); and a quarter of the default.
    """
    grid = tuple(default)
    found: list[tuple[int, ...]] = []
    for axis, length in enumerate(shape):
        if grid[axis] < length:
            long = (*grid[:axis], length, *grid[axis + 1 :])
            found.append(_shortened(long, axis, unit, math.prod(grid)))
        if unit[axis] < grid[axis] <= _FACTOR * unit[axis] and axis < len(shape) - 1:
            found.append((*grid[:axis], unit[axis], *grid[axis + 1 :]))
    found.append(_shortened(grid, None, unit, math.prod(grid) // _FACTOR))
    return [chunk for chunk in dict.fromkeys(found) if chunk != grid and _is_alike(chunk, grid, itemsize)]


def _shortened(chunk: Sequence[int], kept: int | None, unit: Sequence[int], most: int) -> tuple[int, ...]:
    """The chunk cut along its leading axes, but not along ``kept``, to at most ``most`` values where units allow it."""
    lengths = list(chunk)
    for axis, step in enumerate(unit):
        rest = math.prod(lengths) // lengths[axis]
        if axis == kept or lengths[axis] * rest <= most:
            continue
        units = max(1, most // rest // step)
        pieces = -(-lengths[axis] // (units * step))
        lengths[axis] = min(lengths[axis], -(-lengths[axis] // (pieces * step)) * step)
    return tuple(lengths)


def _is_alike(chunk: Sequence[int], default: Sequence[int], itemsize: int) -> bool:
    values, usual = math.prod(chunk), math.prod(default)
    return usual <= _FACTOR * values and values <= usual + usual // 4 and values * itemsize >= LEAST_BYTES


def window_of(
    shape: Sequence[int], default: Sequence[int], other: Sequence[int], most: int
) -> tuple[tuple[slice, ...], list[float]]:
    """Where two grids are compared: a region in the middle that chunks of both would fill, and by how much smaller it is.

    Regions of more than ``most`` values are shrunk, the longest axes first, as their chunks must be then.
    """
    whole = [max(pair) for pair in zip(default, other, strict=True)]
    lengths = list(whole)
    while math.prod(lengths) > most:
        longest = lengths.index(max(lengths))
        lengths[longest] = (lengths[longest] + 1) // 2
    shrunk = [length / full for length, full in zip(lengths, whole, strict=True)]
    starts = []
    for length, full, chunk, all_of_it in zip(lengths, whole, default, shape, strict=True):
        middle = (all_of_it // 2) // chunk * chunk  # where a chunk of the default grid begins
        starts.append(max(0, min(middle + (full - length) // 2, all_of_it - length)))
    return tuple(slice(start, start + length) for start, length in zip(starts, lengths, strict=True)), shrunk


def bytes_of(codec: ChunkCodec, block: NDArray[Any], chunk: Sequence[int]) -> int:
    """Encoded bytes of a block that is cut into chunks of this shape; those at the far edges are padded, as in a store."""
    grid, total = ChunkGrid(block.shape, tuple(chunk)), 0
    for index in grid:
        piece = block[grid.region(index)]
        short = [(0, full - length) for full, length in zip(chunk, piece.shape, strict=True)]
        total += len(codec.encode(np.ascontiguousarray(np.pad(piece, short, mode="edge"))).stream)
    return total


def shrunk_chunk(chunk: Sequence[int], shrunk: Sequence[float]) -> tuple[int, ...]:
    """A chunk shape for a window that is so much smaller."""
    return tuple(max(1, math.ceil(length * part)) for length, part in zip(chunk, shrunk, strict=True))
