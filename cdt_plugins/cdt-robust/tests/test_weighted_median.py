"""The weighted median holds while the wrong sites have less than half of the weight."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_robust.median import median
from cdt_robust.weighted_median import weighted_median


@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.integers(1, 9)), min_size=1, max_size=15))
def test_whole_weights_are_sites_that_are_there_so_often(sites):
    values, weights = (np.array(column) for column in zip(*sites, strict=True))
    repeated = np.repeat(values, weights)[:, np.newaxis]
    found = weighted_median(values[:, np.newaxis], weights)
    np.testing.assert_array_equal(found, median(repeated, np.ones(len(repeated))))


@given(data=st.data(), wrong=st.floats(0.01, 0.99), sites=st.integers(1, 12))
def test_less_than_half_of_the_weight_cannot_move_it_out_of_the_range_of_the_others(data, wrong, sites):
    honest = np.array(data.draw(st.lists(st.floats(-1e6, 1e6), min_size=sites, max_size=sites)))
    weights = np.append(np.full(sites, 1 / sites), wrong)
    result = weighted_median(np.append(honest, 1e300)[:, np.newaxis], weights)[0]
    assert honest.min() <= result <= honest.max()


def test_more_than_half_of_the_weight_decides():
    assert weighted_median(np.array([[1.0], [2.0], [1e9]]), [1, 1, 2.1]) == [1e9]


@pytest.mark.parametrize("scale", [1e-300, 1, 1e300])
def test_only_the_ratio_of_the_weights_counts(scale):
    updates = np.random.default_rng(0).normal(size=(9, 40))
    weights = np.random.default_rng(1).uniform(1, 5, 9)
    np.testing.assert_array_equal(weighted_median(updates, weights * scale), weighted_median(updates, weights))
