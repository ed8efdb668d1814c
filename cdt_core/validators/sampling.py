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

__all__ = ["LATTICE_VALUES", "Tiles", "lattice_of", "plane_of", "strides_for", "tiles_of"]

LATTICE_VALUES = 8192

#: Shorter axes (colours, vector components, a few levels) have no neighbourhoods to compare.
_SHORTEST = 8
#: How many tiles a variable gets where it has them; each of its blocks gives one at least.
_PER_VARIABLE = 64


def strides_for(shape: Sequence[int], values: int = LATTICE_VALUES) -> tuple[int, ...]:
    """Stride per axis so that a lattice over ``shape`` has nearly ``values`` points, and no more; all 1 when it is no larger.

    Short axes (levels, members) keep all their indices, long ones share what is left of the points equally.
    """
    strides = [1] * len(shape)
    if math.prod(shape) <= values:
        return tuple(strides)
    left = float(values)
    for done, axis in enumerate(sorted(range(len(shape)), key=lambda axis: shape[axis])):
        kept = max(1, math.floor(left ** (1 / (len(shape) - done)) + 1e-9))
        strides[axis] = max(1, -(-shape[axis] // kept))
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


def plane_of(shape: Sequence[int]) -> tuple[int, ...]:
    """The axes that tiles lie in: the last two of 8 values or more, or the only one, or none."""
    return tuple(axis for axis, length in enumerate(shape) if length >= _SHORTEST)[-2:]


@frozen(eq=False)
class Tiles:
    """Equal tiles of a block's plane, stacked: ``original`` and ``treated`` float64, ``valid`` boolean.

    Shape (tile, side) where the plane has one axis, else (tile, side, side). ``groups`` has for each tile a number below
    ``GROUPS``, fixed by its place, for grouped jackknife estimates. ``total`` is the number of tiles in the block.
    """

    GROUPS = 8

    original: NDArray[np.float64]
    treated: NDArray[np.float64]
    valid: NDArray[np.bool_]
    groups: NDArray[np.int64]
    total: int


def _starts(length: int, side: int) -> list[int]:
    count = -(-length // side)
    return [(length - side) * i // max(1, count - 1) for i in range(count)]


def tiles_of(block: Block, side: int) -> Tiles | None:
    """Some tiles of a block: one from each of equal strata of all its tiles, drawn by the block's place.

    ``None`` when the variable has no plane, or the block is shorter than 8 values along one of its axes.
    """
    plane = plane_of(block.spec.shape)
    lengths = [block.original.shape[axis] for axis in plane]
    if not plane or min(lengths) < _SHORTEST or block.original.size == 0:
        return None
    last = range(-len(plane), 0)
    original, treated = (np.moveaxis(a, plane, last) for a in (block.original, block.treated))
    missing = None if block.missing is None else np.moveaxis(block.missing, plane, last)
    sides = [min(side, length) for length in lengths]
    starts = [_starts(length, s) for length, s in zip(lengths, sides, strict=True)]
    grid = (*original.shape[: -len(plane)], *(len(s) for s in starts))
    total = math.prod(grid)
    picked = _stratified(total, min(_most(block), total), block.start)
    where = [_place(np.unravel_index(i, grid), starts, sides) for i in picked]
    before = np.stack([original[w] for w in where]).astype(np.float64)
    same = block.treated is block.original
    after = before if same else np.stack([treated[w] for w in where]).astype(np.float64)
    kept = np.isfinite(before) & np.isfinite(after)
    if missing is not None:
        kept &= ~np.stack([missing[w] for w in where])
    first = zlib.crc32(repr(block.start).encode())
    return Tiles(before, after, kept, (first + np.arange(len(picked))) % Tiles.GROUPS, total)


def _most(block: Block) -> int:
    """Small variables have few blocks, and more tiles in each."""
    return max(1, -(-_PER_VARIABLE * block.original.size // max(1, block.spec.size)))


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
