"""The tiles that the blocks of a tensor are cut into: the same grid for all blocks, whatever their cuts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise, product
from typing import Any

import numpy as np

__all__ = ["tile_lengths", "tiles", "what_is_wrong"]

#: Most columns, and most elements, of a tile.
_MOST_COLUMNS = 1 << 14
_MOST_ELEMENTS = 1 << 22


def tile_lengths(shape: tuple[int, ...], middle: int) -> tuple[int, ...]:
    """Lengths of the tiles that every block is cut into, the same for all blocks: whole last axes, as many as fit."""
    lengths, room = [1] * len(shape), _MOST_COLUMNS
    for k in range(len(shape) - 1, -1, -1):
        if k == middle - 1:
            room = min(_MOST_COLUMNS, _MOST_ELEMENTS // math.prod(lengths[middle:]))
        pieces = -(-shape[k] // max(1, min(shape[k], room)))
        lengths[k] = -(-shape[k] // pieces)
        room //= lengths[k]
    return tuple(lengths)


def tiles(
    grid: tuple[int, ...], start: tuple[int, ...], shape: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """First index and lengths of each part of a block that lies in one tile of the grid, row-major."""
    axes = []
    for step, first, n in zip(grid, start, shape, strict=True):
        cuts = [first, *range((first // step + 1) * step, first + n, step), first + n] if n else [first]
        axes.append([(low, high - low) for low, high in pairwise(cuts)])
    for parts in product(*axes):
        yield tuple(low for low, _ in parts), tuple(length for _, length in parts)


def what_is_wrong(values: Any, low: tuple[int, ...]) -> str:
    """The message for a tile at index ``low`` whose energy is not finite, or that has missing values."""
    missing = np.ma.getmaskarray(values)
    bad = missing if missing.any() else ~np.isfinite(values)
    if not bad.any():
        return f"the squares of the block at {low} overflow; divide the tensor by a power of ten"
    at = np.unravel_index(int(bad.argmax()), values.shape)
    index = tuple(int(first + place) for first, place in zip(low, at, strict=True))
    what = "a missing value" if missing.any() else values[at]
    return f"the block holds {what} at index {index} of the tensor; fill missing values before it is sketched"
