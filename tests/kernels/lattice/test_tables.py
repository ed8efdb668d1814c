"""Tables share out their units as the law asks, to the last one."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.kernels import _lattice
from cdt_core.kernels.lattice.alias import alias_entries
from cdt_core.kernels.lattice.curves import Curve
from cdt_core.kernels.lattice.exact import exp_bounds
from cdt_core.kernels.lattice.tables import table_of

GAUSSIAN = [Fraction(1, 4), Fraction(1), Fraction(5, 2), Fraction(100)]


def units_of(entries, symbols):
    """How many of the 2^32 words draw each symbol, by the table alone."""
    bits = entries.size.bit_length() - 1
    room = 1 << (32 - bits)
    units = [0] * symbols
    for slot, entry in enumerate(entries.tolist()):
        own = entry >> bits
        alias = entry & (entries.size - 1)
        if own:
            units[slot] += own
        units[alias] += room - own
    return units


def gaussian(sigma):
    return Curve(1 / (2 * sigma * sigma), Fraction(0))


def bounds_of(table, size):
    """Rational bounds of the law at a size."""
    low, high = exp_bounds(table.curve.at(size), 200)
    return Fraction(table.scale * low, 2**200), Fraction(table.scale * high, 2**200)


@given(st.lists(st.integers(0, 2**32), min_size=1, max_size=40))
@settings(max_examples=100, deadline=None)
def test_alias_tables_draw_whole_numbers_exactly(weights):
    total = sum(weights)
    shared = [2**32 * weight // total for weight in weights] if total else [0] * len(weights)
    shared[-1] += 2**32 - sum(shared)
    assert units_of(alias_entries(shared), len(shared)) == shared


@pytest.mark.parametrize("sigma", GAUSSIAN, ids=str)
@pytest.mark.parametrize("unit_bits", [12, 32])
def test_every_integer_has_the_units_of_the_law(sigma, unit_bits):
    table = table_of(gaussian(sigma), None, unit_bits)
    units = units_of(table.entries, len(table.lower) + 1)
    assert units == [unit << (32 - unit_bits) for unit in (*table.lower, table.rare)]
    for cell, lower in enumerate(table.lower):
        low, high = bounds_of(table, abs(cell - table.cells))
        assert lower <= high
        assert low <= lower + table.unsure[cell + 1] - table.unsure[cell]
    assert table.unsure[-1] + table.tail <= table.rare


@pytest.mark.parametrize(
    "curve", [gaussian(Fraction(3000)), Curve(Fraction(0), Fraction(1, 1500))], ids=["gaussian", "laplace"]
)
def test_every_block_has_units_for_all_its_integers(curve):
    low_bits = 4
    table = table_of(curve, low_bits)
    assert units_of(table.entries, len(table.lower) + 1) == [*table.lower, table.rare]
    for block, units in enumerate(table.lower):
        assert bounds_of(table, block << low_bits)[1] <= units
    assert table.tail <= table.rare


@pytest.mark.parametrize(
    ("curve", "low_bits"),
    [
        (gaussian(Fraction(7, 2)), None),
        (Curve(Fraction(0), Fraction(1, 5)), None),
        (gaussian(Fraction(320)), 2),
        (Curve(Fraction(0), Fraction(1, 200)), 2),
    ],
    ids=["gaussian", "laplace", "gaussian in blocks", "laplace in blocks"],
)
def test_tails_have_units_for_all_that_is_beyond(curve, low_bits):
    table = table_of(curve, low_bits, 12)
    beyond = range(table.reach, table.reach * 5)
    total = sum(2 * bounds_of(table, size)[1] for size in beyond)
    assert total <= table.tail * (1 if low_bits is None else 2 << low_bits)


def test_kernels_refuse_tables_that_are_none():
    words, out = np.zeros(3, np.uint32), np.zeros(3, np.int64)
    with pytest.raises(ValueError, match="alias table"):
        _lattice.draw(np.zeros(3, np.uint32), 0, words, 0, out)
    with pytest.raises(ValueError, match="alias table"):
        _lattice.draw(np.zeros(4, np.uint32), 4, words, 0, out)
    with pytest.raises(ValueError, match="as many"):
        _lattice.draw(np.zeros(4, np.uint32), 3, words, 0, out[:2])
    with pytest.raises(ValueError, match="squeeze and top"):
        _lattice.Blocks(np.zeros(4, np.uint32), 3, np.zeros(3, np.uint32), np.zeros(4), (0.0, 0.0, 0.0, 0.0), 3)
    with pytest.raises(ValueError, match="low_bits"):
        _lattice.Blocks(np.zeros(4, np.uint32), 3, np.zeros(4, np.uint32), np.zeros(4), (0.0, 0.0, 0.0, 0.0), 48)
