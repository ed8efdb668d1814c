"""The weighted median and its intervals: exact where they can be, and covering as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cdt_core.errors import FederatedError
from cdt_federated import consensus as consensus_module
from cdt_federated.consensus import consensus


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40))
def test_with_equal_weights_it_is_the_median(values):
    assert consensus(values, np.full(len(values), 0.3)).estimate[0] == pytest.approx(
        np.median(values), rel=1e-15, abs=1e-300
    )


@given(data=st.data())
def test_a_whole_weight_counts_as_so_many_sites(data):
    values = data.draw(st.lists(st.integers(-50, 50), min_size=1, max_size=12))
    times = data.draw(st.lists(st.integers(0, 4), min_size=len(values), max_size=len(values)).filter(any))
    assert consensus(values, times).estimate[0] == np.median(np.repeat(values, times))


@given(data=st.data(), seed=st.integers(0, 10**6))
def test_less_than_half_of_the_weight_cannot_move_it_out_of_the_others(data, seed):
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.05, 1, 15)
    bad = np.cumsum(weights) < 0.49 * weights.sum()
    values = rng.normal(size=(15, 3))
    values[bad] = data.draw(st.floats(-1e12, 1e12))
    estimate = consensus(values, weights).estimate
    assert (values[~bad].min(axis=0) <= estimate).all()
    assert (estimate <= values[~bad].max(axis=0)).all()


@pytest.mark.parametrize("sites", [6, 7, 9, 20, 101])
def test_with_equal_weights_the_limits_are_those_of_the_sign_test(sites):
    values = np.random.default_rng(sites).permutation(sites).astype(float)
    result = consensus(values, np.ones(sites))
    rejected = max(count for count in range(sites) if stats.binom.cdf(count, sites, 0.5) <= 0.025)
    assert (result.lower[0], result.upper[0]) == (rejected, sites - 1 - rejected)
    assert result.level == pytest.approx(1 - 2 * stats.binom.cdf(rejected, sites, 0.5), abs=1e-12)


def test_too_few_sites_give_no_limits_instead_of_wrong_ones():
    result = consensus([1.0, 2, 3, 4, 5], np.ones(5))
    assert (result.lower[0], result.estimate[0], result.upper[0], result.level) == (-np.inf, 3, np.inf, 1)
    assert "[-inf, inf]" in str(result)


@pytest.mark.parametrize("spread", ["equal", "unequal", "one heavy"])
def test_intervals_by_order_cover_at_least_as_often_as_they_say(spread):
    """Sites of very different spreads around one median, 4,000 independent quantities."""
    rng = np.random.default_rng(11)
    weights = {"equal": np.ones(15), "unequal": rng.uniform(0.05, 1, 15), "one heavy": np.r_[3.0, np.ones(14)]}[spread]
    values = rng.standard_t(1.5, size=(15, 4000)) * rng.uniform(0.1, 10, (15, 1)) + 7
    result = consensus(values, weights, level=0.9)
    covered = ((result.lower <= 7) & (result.upper >= 7)).mean()
    assert 0.9 <= result.level < 0.97
    assert covered >= result.level - 3 * np.sqrt(0.1 * 0.9 / 4000)
    assert covered <= result.level + 0.03


def test_intervals_by_bootstrap_cover_about_as_often_as_asked():
    rng = np.random.default_rng(12)
    values, weights = rng.normal(size=(25, 600)), rng.uniform(0.2, 1, 25)
    result = consensus(values, weights, level=0.9, method="bootstrap", draws=400)
    covered = ((result.lower <= 0) & (result.upper >= 0)).mean()
    assert 0.84 < covered < 0.96
    again = consensus(values, weights, level=0.9, method="bootstrap", draws=400)
    assert np.array_equal(result.lower, again.lower)
    other = consensus(values, weights, level=0.9, method="bootstrap", draws=400, seed=1)
    assert not np.array_equal(result.lower, other.lower)


def test_sites_of_weight_zero_take_no_part():
    result = consensus([[1.0], [2.0], [np.nan]], [1, 1, 0])
    assert (result.estimate[0], result.sites) == (1.5, 2)


def test_a_thousand_sites():
    rng = np.random.default_rng(3)
    result = consensus(rng.normal(size=(1000, 50)), rng.uniform(0.05, 1, 1000))
    assert (result.lower < result.estimate).all()
    assert (result.estimate < result.upper).all()
    assert (result.upper - result.lower < 0.4).all()


@pytest.mark.parametrize(
    ("values", "weights", "more", "message"),
    [
        ([1.0, 2.0], [1.0], {}, "give one number for each of 2 sites"),
        ([1.0, 2.0], [1.0, -1.0], {}, "weight of site 1 is -1.0"),
        ([1.0, 2.0], [0.0, 0.0], {}, "all weights are 0"),
        ([1.0, np.inf], [1.0, 1.0], {}, "quantity 0 is inf"),
        (["a"], [1.0], {}, "give numbers"),
        ([[1.0, 2.0], [3.0]], [1.0, 1.0], {}, "rows of different lengths"),
        ([1.0], [1.0], {"level": "high"}, "level is 'high'"),
        ([1.0], [1.0], {"method": "bootstrap", "draws": 2.5}, "draws is 2.5"),
        ([1.0], [1.0], {"level": 1.0}, "level is 1.0"),
        ([1.0], [1.0], {"method": "guess"}, "give 'order' or 'bootstrap'"),
        ([1.0], [1.0], {"method": "bootstrap", "draws": 0}, "draws is 0"),
    ],
)
def test_what_has_no_weighted_median_is_refused(values, weights, more, message):
    with pytest.raises(FederatedError, match=message):
        consensus(values, weights, **more)


def test_many_sites_of_hardly_any_weight_do_not_move_the_interval_off_the_estimate():
    values, weights = np.r_[np.arange(10) + 100.0, np.zeros(2000)], np.r_[np.ones(10), np.full(2000, 1e-6)]
    result = consensus(values, weights)
    assert result.estimate[0] == 104
    assert (result.lower[0], result.upper[0]) == (101, 108)


@given(data=st.data())
def test_the_estimate_is_within_its_interval(data):
    count = data.draw(st.integers(1, 60))
    weights = data.draw(st.lists(st.floats(1e-9, 1), min_size=count, max_size=count))
    values = data.draw(st.lists(st.integers(-9, 9), min_size=count, max_size=count))
    result = consensus(values, weights)
    assert result.lower[0] <= result.estimate[0] <= result.upper[0]


def test_a_tie_in_the_bootstrap_is_between_sites_that_were_drawn():
    """Of two sites drawn twice each the median is one of their values, or the middle of the two: no third site has a part."""
    values = np.array([0.0, 1.0, 1000.0, 1e6])
    result = consensus(values, np.ones(4), method="bootstrap", draws=3000, level=0.999)
    ranked, drawn = values[:, np.newaxis], np.array([[2.0, 0.0, 0.0, 2.0]])
    middle = next(consensus_module._medians(ranked, drawn, np.arange(4)[:, np.newaxis]))
    assert middle.tolist() == [5e5]
    assert result.upper[0] <= 1e6
