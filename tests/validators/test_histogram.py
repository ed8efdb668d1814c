from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.validators.histogram import quantiles, share_beyond

AT = np.array([0.0, 0.01, 0.25, 0.5, 0.75, 0.99, 1.0])


@given(seed=st.integers(0, 99), bins=st.sampled_from([1, 7, 64, 1024]), scale=st.sampled_from([1e-3, 1.0, 1e6]))
def test_quantiles_are_off_by_a_bin_at_most(seed, bins, scale):
    x = np.random.default_rng(seed).gamma(2, scale, 3000)
    edges = (float(x.min()), float(x.max()))
    counts, _ = np.histogram(x, bins, edges)
    found = quantiles(counts, edges, AT)
    exact = np.quantile(x, AT, method="inverted_cdf")
    assert np.abs(found - exact).max() <= (edges[1] - edges[0]) / bins * (1 + 1e-9)
    assert (np.diff(found) >= 0).all()


def test_one_value_is_every_quantile_up_to_its_bin():
    counts = np.zeros(10, np.int64)
    counts[4] = 1
    assert ((quantiles(counts, (0.0, 10.0), AT) >= 4) & (quantiles(counts, (0.0, 10.0), AT) <= 5)).all()


def test_a_range_that_overflows_still_has_its_quantiles():
    counts = np.array([1, 0, 0, 1])
    found = quantiles(counts, (-1.7e308, 1.7e308), np.array([0.25, 0.75]))
    assert found[0] < -8e307
    assert found[1] > 8e307


@given(low=st.floats(-4, 4), width=st.floats(0, 4), seed=st.integers(0, 9))
def test_the_share_beyond_lies_within_what_the_bins_allow(low, width, seed):
    x = np.random.default_rng(seed).normal(size=2000)
    edges = (float(x.min()), float(x.max()))
    counts, _ = np.histogram(x, 128, edges)
    exact = float(((x < low) | (x > low + width)).mean())
    estimate, certain, possible = share_beyond(counts, edges, low, low + width)
    assert certain <= exact <= possible
    assert certain <= estimate <= possible


@pytest.mark.parametrize("edges", [(-math.inf, math.inf), (-1.7e308, 1.7e308)])
def test_a_range_that_overflows_allows_anything(edges):
    assert share_beyond(np.array([5, 5]), edges, -1.0, 1.0) == (0.0, 0.0, 1.0)


def test_nothing_lies_beyond_infinite_limits():
    assert share_beyond(np.array([5, 5]), (0.0, 1.0), -math.inf, math.inf) == (0.0, 0.0, 0.0)


def test_no_values_have_no_share():
    assert share_beyond(np.zeros(4, np.int64), (0.0, 1.0), 0.2, 0.4) == (0.0, 0.0, 0.0)
