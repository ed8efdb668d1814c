"""The weighted mean is the mean, within the rounding of float64, and trusts everyone."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cdt_robust.mean import weighted_mean

VALUES = st.floats(-1e9, 1e9)
SITES = st.lists(st.tuples(VALUES, st.floats(1e-3, 1e6)), min_size=1, max_size=20)


@given(SITES)
def test_the_mean_is_exact_but_for_the_rounding_of_each_term(sites):
    values, weights = zip(*sites, strict=True)
    result = Fraction(weighted_mean(np.array(values)[:, np.newaxis], weights)[0])
    exact = sum(Fraction(v) * Fraction(w) for v, w in sites) / sum(map(Fraction, weights))
    # The weights are rounded n times, each term twice and the sum n times, all by at most one part in 2**53.
    roundings = 2 * len(sites) + 4
    bound = Fraction(roundings, 2**53 - roundings) * max(abs(Fraction(v)) for v in values)
    assert abs(result - exact) <= bound + Fraction(5e-324) * len(sites)


@given(SITES, st.integers(-20, 20))
def test_only_the_ratio_of_the_weights_counts(sites, exponent):
    values, weights = (np.array(column) for column in zip(*sites, strict=True))
    scaled = weighted_mean(values[:, np.newaxis], weights * 2.0**exponent)
    np.testing.assert_array_equal(scaled, weighted_mean(values[:, np.newaxis], weights))


def test_float32_updates_are_added_in_float64():
    updates = np.array([[2.0**24], [1.0], [1.0], [-(2.0**24)]], np.float32)
    assert weighted_mean(updates, np.ones(4)) == [0.5]  # in float32 both ones are lost


def test_values_and_weights_beside_the_largest_float_do_not_overflow():
    updates = np.array([[1.7e308], [1.5e308]])
    assert weighted_mean(updates, [1.7e308, 1.7e308]) == [1.6e308]


def test_one_bad_site_moves_the_mean():
    assert weighted_mean(np.array([[0.0]] * 99 + [[1e12]]), np.ones(100)) > 1e9
