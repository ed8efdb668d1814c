"""Deterministic samples of a variable: a lattice of single values, and tiles for what needs neighbours."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdt_core.hooks.contracts import Block

__all__ = ["LATTICE_VALUES", "Tiles", "lattice_of", "strides_for", "tiles_of"]

LATTICE_VALUES = 8192


def strides_for(shape: Sequence[int], values: int = LATTICE_VALUES) -> tuple[int, ...]:
    """Stride per axis so that a lattice over ``shape`` has about ``values`` points; all 1 when it is no larger.

    Short axes (levels, members) keep all their indices, long ones share what is left of the points equally.
    """
    strides = [1] * len(shape)
    if math.prod(shape) <= values:
        return tuple(strides)
    left = float(values)
    for done, axis in enumerate(sorted(range(len(shape)), key=lambda axis: shape[axis])):
        kept = max(1.0, left ** (1 / (len(shape) - done)))
        strides[axis] = max(1, math.ceil(shape[axis] / kept - 1e-9))
        left /= -(-shape[axis] // strides[axis])
    return tuple(strides)


def lattice_of(block: Block, strides: Sequence[int]) -> NDArray[np.float64]:
    """The block's finite values whose index in the variable is ``stride // 2`` modulo the stride on each axis.

    The points are the same however the variable is cut into blocks.
    """
    where = tuple(slice((n // 2 - start) % n, None, n) for n, start in zip(strides, block.start, strict=True))
    values = np.asarray(block.original[where], np.float64)
    kept = np.isfinite(values)
    if block.missing is not None:
        kept &= ~block.missing[where]
    return values[kept]


@frozen(eq=False)
class Tiles:
    """Equal tiles of a block's last axes, stacked: ``original`` and ``treated`` float64, ``valid`` boolean.

    Shape (tile, side) for 1-d variables, (tile, side, side) for others. ``groups`` has for each tile a number below
    ``GROUPS``, fixed by its place, for grouped jackknife estimates.
    """

    GROUPS = 8

    original: NDArray[np.float64]
    treated: NDArray[np.float64]
    valid: NDArray[np.bool_]
    groups: NDArray[np.int64]


def _starts(length: int, side: int) -> list[int]:
    count = -(-length // side)
    return [(length - side) * i // max(1, count - 1) for i in range(count)]


def tiles_of(block: Block, side: int, most: int) -> Tiles | None:
    """At most ``most`` tiles, drawn one from each of ``most`` equal strata of the block's tiles, by the block's place.

    ``None`` when the block is shorter than 8 values along an axis of the tile.
    """
    ndim = min(2, block.original.ndim)
    plane = block.original.shape[-ndim:]
    if ndim == 0 or min(plane) < 8 or block.original.size == 0:
        return None
    sides = [min(side, length) for length in plane]
    starts = [_starts(length, s) for length, s in zip(plane, sides, strict=True)]
    grid = (*block.original.shape[:-ndim], *(len(s) for s in starts))
    total = math.prod(grid)
    picked = _stratified(total, min(most, total), block.start)
    where = [_place(np.unravel_index(i, grid), starts, sides) for i in picked]
    original = np.stack([block.original[w] for w in where]).astype(np.float64)
    treated = original if block.treated is block.original else np.stack([block.treated[w] for w in where])
    valid = np.isfinite(original)
    if block.missing is not None:
        valid &= ~np.stack([block.missing[w] for w in where])
    keys = [zlib.crc32(repr((block.start, i)).encode()) % Tiles.GROUPS for i in picked]
    return Tiles(original, treated.astype(np.float64, copy=False), valid, np.array(keys, np.int64))


def _stratified(total: int, count: int, start: tuple[int, ...]) -> list[int]:
    picked = []
    for i in range(count):
        low, high = i * total // count, (i + 1) * total // count
        picked.append(low + zlib.crc32(repr((start, i, total)).encode()) % (high - low))
    return picked


def _place(index: Sequence[Any], starts: list[list[int]], sides: list[int]) -> tuple[Any, ...]:
    lead = len(index) - len(starts)
    cuts = [slice(s[int(i)], s[int(i)] + n) for i, s, n in zip(index[lead:], starts, sides, strict=True)]
    return (*(int(i) for i in index[:lead]), *cuts)
