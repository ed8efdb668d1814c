"""Decisions by formulas: as real numbers would be compared."""

from collections import Counter
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from cdt_core.kernels.lattice import Stream
from cdt_core.kernels.lattice.exact import below, bernoulli, bernoulli_exp, exp_bounds, geometric
from tests.kernels.lattice.streams import Told

KEY = bytes(range(32))


def exp_of(exponent, bits):
    """2^bits exp(-exponent), much more accurate than it needs to be."""
    with localcontext() as context:
        context.prec = 60 + bits
        return Decimal(2) ** bits * (-Decimal(exponent.numerator) / Decimal(exponent.denominator)).exp()


@given(st.fractions(0, 400, max_denominator=10**30), st.sampled_from([1, 8, 64, 80, 256, 600]))
@settings(max_examples=200, deadline=None)
def test_exponentials_lie_between_their_bounds(exponent, bits):
    low, high = exp_bounds(exponent, bits)
    assert low <= exp_of(exponent, bits) <= high <= 1 << bits
    assert high - low <= 2


@pytest.mark.parametrize(
    "exponent", [Fraction(0), Fraction(1, 2**300), Fraction(10) ** 300, Fraction(2**200 + 1, 2**200)]
)
def test_bounds_at_the_ends(exponent):
    low, high = exp_bounds(exponent, 128)
    assert low <= exp_of(exponent, 128) <= high
    assert high - low <= 2


@given(st.integers(0, 2**130 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
@settings(max_examples=200, deadline=None)
def test_a_decision_is_that_of_the_real_numbers(chance, first, second):
    """The first bits of the number are made to agree with those of the chance, so that later ones have to decide."""
    for start in (first, chance >> 66):
        drawn = Fraction(start, 2**64) + Fraction(second, 2**128)
        assert bernoulli(_between(Fraction(chance, 2**130)), Told(start, second)) == (drawn < Fraction(chance, 2**130))


def _between(chance):
    return lambda bits: (
        (chance.numerator << bits) // chance.denominator,
        -(-(chance.numerator << bits) // chance.denominator),
    )


def test_bits_that_are_known_are_counted():
    half = _between(Fraction(1, 2))
    assert bernoulli(half, Told(), known=(0, 1))
    assert not bernoulli(half, Told(), known=(1, 1))
    tenth = _between(Fraction(1, 10))
    stream = Stream(KEY)
    kept = sum(bernoulli(tenth, stream, known=(first, 4)) for first in range(16) for _ in range(1000))
    assert abs(kept - 1600) < 6 * np.sqrt(1000 * 0.6 * 0.4)


def test_chances_of_exponentials():
    stream = Stream(KEY)
    for exponent in (Fraction(0), Fraction(1, 3), Fraction(7, 2)):
        chance = float(np.exp(-float(exponent)))
        kept = sum(bernoulli_exp(exponent, stream) for _ in range(4000))
        assert abs(kept - 4000 * chance) <= 6 * np.sqrt(4000 * chance * (1 - chance))


@pytest.mark.parametrize("count", [1, 2, 3, 7, 100])
def test_integers_below_a_number_are_uniform(count):
    stream = Stream(KEY)
    drawn = Counter(below(count, stream) for _ in range(3000))
    assert set(drawn) <= set(range(count))
    assert count == 1 or chisquare([drawn[k] for k in range(count)]).pvalue > 1e-6


@pytest.mark.parametrize("exponent", [Fraction(1, 3), Fraction(5, 7), Fraction(3)])
def test_geometric_numbers(exponent):
    stream, draws = Stream(KEY), 3000
    drawn = Counter(geometric(exponent, stream) for _ in range(draws))
    ratio = np.exp(-float(exponent))
    cells = [k for k in range(40) if draws * (1 - ratio) * ratio**k > 10]
    expected = [draws * (1 - ratio) * ratio**k for k in cells]
    seen = [drawn[k] for k in cells]
    assert chisquare([*seen, draws - sum(seen)], [*expected, draws - sum(expected)]).pvalue > 1e-6


def test_geometric_numbers_of_long_ones_take_no_longer():
    stream = Stream(KEY)
    drawn = [geometric(Fraction(1, 2**57), stream) for _ in range(300)]
    assert abs(np.mean(drawn) / 2**57 - 1) < 0.4
