"""Draws that a table leaves open, decided in full: see :mod:`cdt_core.kernels.lattice.tables` for what they are."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from cdt_core.kernels.lattice.alias import WORD_BITS
from cdt_core.kernels.lattice.exact import Bounds, below, bernoulli, bernoulli_exp, exp_bounds, geometric

if TYPE_CHECKING:
    from cdt_core.kernels.lattice.stream import Stream
    from cdt_core.kernels.lattice.tables import Table

__all__ = ["block_chance", "from_tails", "integer_of", "one", "rare"]

#: Bits with which a law is bounded beyond those asked for: it is counted in up to 2^32 units.
_GUARD = WORD_BITS + 8


def one(table: Table, stream: Stream) -> int:
    """A draw of the law from the beginning, each of its decisions in full."""
    found = None
    while found is None:
        word = below(1 << WORD_BITS, stream)
        place = below(1 << 64, stream) if table.low_bits is not None else 0
        cell, x = integer_of(table, word, place)
        if cell == len(table.lower):
            found = rare(table, stream)
        elif table.low_bits is None or bernoulli(block_chance(table, cell, x), stream):
            found = x
    return found


def integer_of(table: Table, word: int, place: int) -> tuple[int, int]:
    """The cell that a word draws and the integer there: the last bits of ``place`` are its place, the one before its sign."""
    bits = table.entries.size.bit_length() - 1
    slot = word >> (WORD_BITS - bits)
    entry = int(table.entries[slot])
    own = word & ((1 << (WORD_BITS - bits)) - 1) < entry >> bits
    cell = slot if own else entry & ((1 << bits) - 1)
    if table.low_bits is None:
        return cell, cell - table.cells
    size = (cell << table.low_bits) + (place & ((1 << table.low_bits) - 1))
    return cell, -size - 1 if place >> table.low_bits & 1 else size


def rare(table: Table, stream: Stream) -> int | None:
    """An integer from one of the units that are not kept at once; ``None``: none was kept."""
    unit = below(table.rare, stream)
    ends = table.unsure
    if unit < ends[-1]:
        cell = bisect_right(ends, unit) - 1
        kept = bernoulli(_flat_chance(table, cell, unit - ends[cell]), stream)
        return cell - table.cells if kept else None
    return from_tails(table, stream) if unit < ends[-1] + table.tail else None


def block_chance(table: Table, cell: int, x: int) -> Bounds:
    """f(x) over the units of its block, between bounds."""
    exponent, units = table.curve.at(abs(x)), table.lower[cell]

    def bounds(bits: int) -> tuple[int, int]:
        low, high = exp_bounds(exponent, bits + _GUARD)
        return table.scale * low // (units << _GUARD), -(-table.scale * high // (units << _GUARD))

    return bounds


def _flat_chance(table: Table, cell: int, nth: int) -> Bounds:
    """How far f(x) reaches into the nth of its unsure units."""
    exponent, before = table.curve.at(abs(cell - table.cells)), table.lower[cell] + nth

    def bounds(bits: int) -> tuple[int, int]:
        low, high = exp_bounds(exponent, bits + _GUARD)
        reached = (table.scale * low >> _GUARD, -(-table.scale * high >> _GUARD))
        return max(0, reached[0] - (before << bits)), max(0, reached[1] - (before << bits))

    return bounds


def from_tails(table: Table, stream: Stream) -> int | None:
    """An integer beyond the cells: of a geometric law that lies above both tails, kept where it is below the law.

    The exponent is convex, so it lies above its tangent at the first size r of the tails: the geometric law has
    ``C exp(-h(r) - h'(r) k)`` at the k-th integer of a tail. Negative integers are one larger in size than positive ones.
    """
    reach, curve = table.reach, table.curve
    slope = curve.slope_at(reach)
    shared = 1 if table.low_bits is None else 2 << table.low_bits

    def all_of_it(bits: int) -> tuple[int, int]:
        places = bits + _GUARD + 2 * reach.bit_length() + 64
        low, high = exp_bounds(curve.at(reach), places)
        ratio_low, ratio_high = exp_bounds(slope, places)
        one = 1 << places
        above, below_it = (one - ratio_low) * shared * table.tail, (one - ratio_high) * shared * table.tail
        return (2 * table.scale * low << bits) // above, -(-(2 * table.scale * high << bits) // below_it)

    if not bernoulli(all_of_it, stream):
        return None
    k, negative = geometric(slope, stream), below(2, stream)
    size = reach + k + negative
    kept = bernoulli_exp(curve.at(size) - curve.at(reach) - slope * k, stream)
    if not kept:
        return None
    return -size if negative else size
