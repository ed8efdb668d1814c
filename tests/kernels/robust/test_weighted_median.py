"""The weighted median counts a row as often as its weight says, exactly."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.errors import AggregationError
from cdt_core.kernels.robust import median, weighted_median
from cdt_core.kernels.robust.weights import votes


@pytest.mark.parametrize("n", [1, 2, 9, 100, 128, 129, 700])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_equal_weights_give_the_median(n, dtype):
    x = np.random.default_rng(n).normal(size=(n, 90)).astype(dtype)
    for weight in (1, 0.1, 1e-300, 3e300):
        np.testing.assert_array_equal(weighted_median(x, np.full(n, weight)), median(x), strict=True)
    np.testing.assert_array_equal(median(x, np.ones(n)), median(x))


@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.floats(0.001, 1e6)), min_size=1, max_size=30))
def test_half_of_the_weight_is_up_to_it_and_half_from_it_on(rows):
    values, weights = (np.array(column) for column in zip(*rows, strict=True))
    found = weighted_median(values[:, np.newaxis], weights)[0]
    total, exact = sum(map(Fraction, weights)), [Fraction(w) for w in weights]
    slack = total * len(rows) / 2**50
    assert sum(w for v, w in zip(values, exact, strict=True) if v < found) <= total / 2 + slack
    assert sum(w for v, w in zip(values, exact, strict=True) if v > found) <= total / 2 + slack


def test_a_half_that_is_met_exactly_is_between_two_values():
    x = np.array([[1.0], [2.0], [4.0]])
    for scale in (1, 0.1, 1e-310, 1e307, 2**40):
        weights = np.array([1, 1, 2]) * scale
        assert weighted_median(x, weights) == [3.0], scale


def test_counts_of_many_more_than_32_bits_are_exact():
    x = np.array([[1.0], [2.0], [3.0]], np.float32)
    assert weighted_median(x, [2**50, 1, 2**50 + 1]) == [2.5]
    assert weighted_median(x, [2**50, 1, 2**50]) == [2]
    assert weighted_median(x, [2**50, 1, 2**50 + 2]) == [3]


def test_rows_of_weight_zero_take_no_part_and_others_keep_their_names():
    x = np.array([[np.nan], [1.0], [2.0], [np.inf]])
    assert weighted_median(x, [0, 1, 0.5, 0]) == [1]
    with pytest.raises(AggregationError, match="update 3 is inf at coordinate 0"):
        weighted_median(x, [0, 1, 1, 1])


@given(st.lists(st.integers(1, 2**40), min_size=1, max_size=50), st.integers(-900, 900))
def test_votes_of_counts_are_those_counts_but_for_a_power_of_two(counts, exponent):
    found = votes(np.ldexp(np.array(counts, np.float64), exponent))
    assert all(int(a) * counts[0] == int(found[0]) * b for a, b in zip(found, counts, strict=True))
    assert found.min() >= 1
    assert found.sum() < 2**53


@pytest.mark.parametrize("weights", [[1], [1, -1], [1, np.nan], [0, 0], ["a", "b"], [[1, 1]], [1, [1]]])
def test_weights_without_meaning_are_refused(weights):
    with pytest.raises(AggregationError, match="weight"):
        weighted_median(np.ones((2, 3)), weights)
