"""Tables that draw from a law exactly: integers below it are drawn at once, what they leave is decided in full.

A law is divided into cells: one integer each (*flat*), or, where it is wide, the 2^low_bits sizes from b 2^low_bits on, of
either sign (*blocks*). A draw is one of 2^32 equally likely units, which are shared out:

- flat: x has ``floor(f(x))`` units, where ``f(x) = C exp(-h(x))``, and one or two more that are kept with the probability of
  the rest, ``f(x) - floor(f(x))``;
- blocks: block b has ``ceil(f(b 2^low_bits))`` units, never fewer than any of its integers needs; place and sign are
  uniform, and x is kept with the probability ``f(x)`` over that number;
- the tails have units enough for a geometric law that lies above them, and are kept with the ratio of the two;
- what is not kept, or belongs to none of these, is drawn again.

So every x is kept with a probability in proportion to f(x): rejection sampling, whatever C is. C need not be known better than
that the units suffice. Bounds of f are integers, from products of bounds of exponentials that are rounded outwards.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
from attrs import field, frozen

from cdt_core.kernels import _lattice
from cdt_core.kernels.lattice.alias import WORD_BITS, alias_entries
from cdt_core.kernels.lattice.exact import exp_bounds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdt_core.kernels.lattice.curves import Curve

__all__ = ["MARGIN", "Table", "low_bits_of", "table_of"]

#: Bits after the point of the bounds of exponentials.
_PLACES = 256
#: Units of one flat integer beside those that are kept at once, at most; and of the tails.
_MOST_UNSURE, _MOST_TAIL = 2, 4
#: Double precision is believed where it finds a chance and a uniform number further apart than this: it is off by less than
#: 2^-46 (see lattice_draw.simd.h: products of at most 12 factors and sums of numbers up to 1, each rounded).
MARGIN = 2.0**-40
#: Bits of the place in a block: with the sign and the squeeze they are one word.
_MOST_LOW_BITS = 47
#: Bits of a squeeze.
_SQUEEZE_BITS = 16


@frozen(eq=False)
class Table:
    """Of a law ``C exp(-h(x))``; units are counted in 2^32-ths times 2^(32 - unit_bits).

    Attributes
    ----------
    curve, scale
        h, and C, an integer.
    cells
        Number of cells of a size: blocks, or integers from 0 on (then the table has negative ones, too).
    low_bits
        Of the integers in a block; ``None`` for a flat table.
    lower
        Flat: units kept at once of the integers from ``-cells`` to ``cells - 1``. Blocks: units of each block.
    unsure
        Flat: further units, of the first integers together: of none, of one, ... of all. Blocks: none of none.
    tail, rare
        Units of the tails; units that are not kept at once, the tails' and those of nobody among them.
    entries
        The alias table; its last symbol is ``rare``.
    """

    curve: Curve
    scale: int
    cells: int
    low_bits: int | None
    lower: tuple[int, ...]
    unsure: tuple[int, ...]
    tail: int
    rare: int
    entries: NDArray[np.uint32]
    blocks: _lattice.Blocks | None = field(default=None)

    @property
    def reach(self) -> int:
        """Smallest size in the tails; negative integers of that size are not yet."""
        return self.cells << (self.low_bits or 0)


@lru_cache(maxsize=32)
def table_of(curve: Curve, low_bits: int | None, unit_bits: int = WORD_BITS, margin: float = MARGIN) -> Table:
    """The table of a law. Fewer ``unit_bits`` or a wider margin leave more to be decided in full, and change nothing else."""
    width = 1 << (low_bits or 0)
    heights = _heights(curve, width, unit_bits)
    cells = len(heights)
    sides = heights if low_bits is not None else [*heights[:0:-1], *heights]  # negative integers down to -(cells - 1)
    if low_bits is None:
        sides = [_height_at(curve, cells), *sides]
    units, one = 1 << unit_bits, 1 << _PLACES
    extra = 1 if low_bits is not None else _MOST_UNSURE
    scale = ((units - extra * len(sides) - _MOST_TAIL) << _PLACES) // sum(high for _, high in sides)
    highest = [-(-scale * high // one) for _, high in sides]
    lower = highest if low_bits is not None else [scale * low // one for low, _ in sides]
    unsure = [] if low_bits is not None else [high - low for low, high in zip(lower, highest, strict=True)]
    tail = _tail_units(curve, scale, cells * width, 1 if low_bits is None else 2 * width)
    rare = units - sum(lower)
    if scale < 1 or max(unsure, default=0) > _MOST_UNSURE or tail > _MOST_TAIL or sum(unsure) + tail > rare:
        raise AssertionError(f"a table of {curve} does not have the units that its bounds promise")
    entries = alias_entries([unit << (WORD_BITS - unit_bits) for unit in (*lower, rare)])
    blocks = _blocks(curve, scale, (heights, lower), entries, low_bits, margin) if low_bits is not None else None
    return Table(
        curve, scale, cells, low_bits, tuple(lower), tuple(accumulate(unsure, initial=0)), tail, rare, entries, blocks
    )


def _heights(curve: Curve, width: int, unit_bits: int) -> list[tuple[int, int]]:
    """Bounds of 2^places exp(-h(k width)) for k = 0, 1, ..., until what all of them together leave is about a unit."""
    least = 1 << (_PLACES - unit_bits)
    found: list[tuple[int, int]] = []
    for low, high in _powers(curve, width):
        if found and high < least:
            return found
        found.append((low, high))
    raise AssertionError("powers do not end")


def _powers(curve: Curve, width: int) -> Iterator[tuple[int, int]]:
    """Bounds of exp(-h(k width)): each from the one before, times a ratio that shrinks by a constant factor."""
    bend, line = curve.quadratic * width * width, curve.linear * width
    ratio, shrink = exp_bounds(bend + line, _PLACES), exp_bounds(2 * bend, _PLACES)
    value = (1 << _PLACES, 1 << _PLACES)
    while True:
        yield value
        value, ratio = _product(value, ratio), _product(ratio, shrink)


def _product(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    return a[0] * b[0] >> _PLACES, -(-a[1] * b[1] >> _PLACES)


def _height_at(curve: Curve, size: int) -> tuple[int, int]:
    return exp_bounds(curve.at(size), _PLACES)


def _tail_units(curve: Curve, scale: int, reach: int, shared: int) -> int:
    """At least the geometric law above both tails; a unit is shared by so many integers."""
    ratio_below_one = (1 << _PLACES) - exp_bounds(curve.slope_at(reach), _PLACES)[1]
    if ratio_below_one <= 0:
        raise AssertionError(f"the tails of {curve} fall too slowly to be bounded with {_PLACES} bits")
    total = 2 * scale * _height_at(curve, reach)[1]
    return -(-total // (ratio_below_one * shared))


def _blocks(
    curve: Curve,
    scale: int,
    heights: tuple[list[tuple[int, int]], list[int]],
    entries: NDArray[np.uint32],
    low_bits: int,
    margin: float,
) -> _lattice.Blocks:
    """What accepts a draw of a block: at once below its lowest ratio, else by the ratio itself."""
    width, bounds, units = 1 << low_bits, heights[0], heights[1]
    squeeze, top = np.zeros(entries.size, np.uint32), np.zeros(entries.size)
    steepest = curve.at(len(units) * width) - curve.at((len(units) - 1) * width)
    if steepest > Fraction(1, 16):
        raise AssertionError(f"blocks of {curve} are too wide for the series that accepts")
    for b, unit in enumerate(units):
        lowest = bounds[b + 1][0] if b + 1 < len(units) else _height_at(curve, len(units) * width)[0]
        squeeze[b] = (scale * lowest << _SQUEEZE_BITS) // (unit << _PLACES)
        top[b] = scale * bounds[b][0] / (unit << _PLACES)
    slope, steep, bend = (float(c) for c in (curve.linear, 2 * curve.quadratic * width, curve.quadratic))
    return _lattice.Blocks(entries, len(units), squeeze, top, (slope, steep, bend, margin), low_bits)


def low_bits_of(width: Fraction, flat_below: int, blocks: int) -> int | None:
    """``None`` for a law of a width that a flat table holds, else the bits that leave from half of ``blocks`` to all of it."""
    return None if width < flat_below else min(_MOST_LOW_BITS, math.floor(width / blocks).bit_length())
