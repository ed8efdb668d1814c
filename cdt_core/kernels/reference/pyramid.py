"""The points of a block by level and class: what level-wise interpolation and the contexts of tokens go through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cdt_core.kernels.reference.reading import need

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Pyramid", "Segment", "axis_of", "odd_bits"]

_CLASSES = (1, 2, 4, 3, 5, 6, 7)


def odd_bits(c: int) -> list[int]:
    """The odd axes of class ``c``: x (1), y (2), z (4)."""
    return [bit for bit in (1, 2, 4) if c & bit]


def axis_of(bit: int) -> int:
    """The axis of an array of batch, z, y and x that a bit stands for."""
    return {1: 3, 2: 2, 4: 1}[bit]


class Segment(NamedTuple):
    """A class of points at a level; class 0 is the coarsest grid."""

    level: int
    c: int


class Pyramid:
    """Grids of a block of ``lengths`` (batch, z, y, x), halved along the axes whose bits are set in ``axes``."""

    def __init__(self, lengths: tuple[int, ...], axes: int) -> None:
        self.lengths = lengths
        self.splits: list[int] = []
        while split := sum(bit for bit in odd_bits(axes) if lengths[axis_of(bit)] > 1):
            self.splits.append(split)
            halved = {axis_of(bit) for bit in odd_bits(split)}
            lengths = tuple((n + 1) // 2 if axis in halved else n for axis, n in enumerate(lengths))

    @property
    def levels(self) -> int:
        """How often the block is halved."""
        return len(self.splits)

    def segments(self) -> Iterator[Segment]:
        """In the order in which they are coded."""
        yield Segment(self.levels, 0)
        for level in reversed(range(self.levels)):
            yield from (Segment(level, c) for c in _CLASSES if not c & ~self.splits[level])

    def points(self, block: NDArray[Any], segment: Segment) -> NDArray[Any]:
        """The points of a segment, as a view of the block; class 0 of a level is the next grid."""
        for split in self.splits[: segment.level]:
            block = block[_steps(split, 0)]
        return block[_steps(self.splits[segment.level], segment.c)] if segment.level < self.levels else block

    def around(
        self, block: NDArray[Any], segment: Segment, by: Mapping[int, int], *, straight: bool = False
    ) -> NDArray[Any]:
        """For each point of a class, the one that is ``by[bit]`` of the other class's points further along each of these axes.

        0 is the next before, 1 the next after, -1 and 2 those beyond; outside, the nearest inside, or on in a straight line.
        """
        need(all(segment.c & bit for bit in by), "points around a class")
        found = self.points(block, Segment(segment.level, segment.c & ~sum(by)))
        wanted = self.points(block, segment).shape
        for bit in (1, 4, 2):
            if bit in by:
                found = _shifted(found, axis_of(bit), wanted[axis_of(bit)], by[bit], straight=straight)
        return found


def _shifted(found: NDArray[Any], axis: int, wanted: int, shift: int, *, straight: bool) -> NDArray[Any]:
    """Points ``shift`` further along an axis; beyond its ends step by step along x, so many steps at once along the others."""
    most = found.shape[axis] - 1
    places = np.arange(wanted) + shift
    inside = np.clip(places, 0, most)
    last: NDArray[Any] = np.take(found, inside, axis=axis)
    if not straight or most == 0:
        return last
    before = np.take(found, np.where(places < 0, 1, np.where(places > most, most - 1, inside)), axis=axis)
    sides = [1] * found.ndim
    sides[axis] = -1
    beyond = np.abs(places - inside).astype(found.dtype).reshape(sides)
    if axis != axis_of(1):
        straight_on: NDArray[Any] = last + beyond * (last - before)
        return straight_on
    once = np.where(beyond > 0, last + (last - before), last)
    return np.where(beyond > 1, once + (last - before), once)


def _steps(split: int, c: int) -> tuple[slice, ...]:
    """Every second point along split axes: the odd ones along those of ``c``."""
    return tuple(slice(int(bool(c & bit)), None, 2) if split & bit else slice(None) for bit in (0, 4, 2, 1))
