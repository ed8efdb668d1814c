"""Distances from a point are right whatever their size, also where their squares have no room in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.errors import AggregationError
from cdt_core.kernels import _robust_distances as kernels
from cdt_core.kernels.robust.away import away_from
from cdt_core.kernels.robust.passes import Passes
from tests.kernels.instruction_sets import LEVELS, using

SIZES = st.floats(-1e308, 1e308) | st.integers(-1070, 1020).map(lambda power: math.ldexp(1.0, power))


@given(st.lists(SIZES, min_size=1, max_size=8), SIZES)
def test_they_are_right_and_in_order(values, point):
    away = away_from(Passes.of([np.array([0.0, value]) for value in values]), np.array([0.0, point]))
    found = [math.ldexp(root, int(power) - 1) for root, power in zip(away.roots, away.powers, strict=True)]
    halves = [abs(value / 2 - point / 2) for value in values]
    np.testing.assert_allclose(found, halves, rtol=1e-12, atol=1e-323)
    assert (np.diff(np.array(halves)[away.order()]) >= 0).all()


@given(st.lists(SIZES, min_size=2, max_size=8))
def test_one_over_another(values):
    away = away_from(Passes.of([np.array([value]) for value in values]), np.zeros(1))
    unit = away.order()[-1]
    if away.roots[unit]:
        expected = np.abs(values) / abs(values[unit])
        np.testing.assert_allclose(
            away.over(away.roots[unit], int(away.powers[unit])), expected, rtol=1e-12, atol=1e-300
        )


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_the_point_is_the_weighted_sum_where_weights_are_given(level, dtype):
    rng = np.random.default_rng(1)
    for sites, length in ((1, 1), (9, 127), (10, 128), (25, 1301)):
        updates, weights = rng.normal(size=(sites, length)).astype(dtype), rng.dirichlet(np.ones(sites))
        z = np.ones(length, dtype)
        with using(level, kernels):
            away = away_from(Passes.of(updates), z, weights, keep=0.25)
        np.testing.assert_allclose(
            z, weights @ updates.astype(float) + 0.25, rtol=0, atol=1e-6 if dtype == "f4" else 1e-13
        )
        expected = np.linalg.norm(updates.astype(float) - z, axis=1)
        np.testing.assert_allclose(away.roots, expected, rtol=1e-6 if dtype == "f4" else 1e-13)
        assert not away.powers.any()


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_named(dtype, bad):
    updates = np.zeros((3, 5), dtype)
    updates[1, 4] = bad
    with pytest.raises(AggregationError, match=f"update 1 is {bad} at coordinate 4"):
        away_from(Passes.of(updates), np.zeros(5, np.result_type(dtype, np.float32)))
