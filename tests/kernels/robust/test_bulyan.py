"""Bulyan is what Krum ranks best, then the values nearest to the median, and no coordinate leaves the honest range."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cdt_core.errors import AggregationError
from cdt_core.kernels import _robust_distances as kernels
from cdt_core.kernels.reference import robust_distances as reference
from cdt_core.kernels.robust.bulyan import bulyan
from cdt_core.kernels.robust.passes import Passes
from tests.kernels.instruction_sets import LEVELS, using

FINITE = {"allow_nan": False, "allow_infinity": False}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_mean_of_the_values_nearest_to_the_median(level, dtype):
    rng = np.random.default_rng(1)
    with using(level, kernels):
        for n in [*range(1, 40), 64, 65, 130, 300]:
            values = rng.normal(size=(n, int(rng.integers(1, 150)))).astype(dtype)
            for kept in {1, n, int(rng.integers(1, n + 1))}:
                found = Passes.of(values).window_mean(kept)
                expected = reference.window_mean(values, kept)
                np.testing.assert_allclose(found, expected, rtol=3e-7 if dtype is np.float32 else 1e-14, atol=1e-15)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_of_two_equally_near_windows_the_lower_is_taken(level, dtype):
    values = np.random.default_rng(2).integers(-4, 5, (17, 67)).astype(dtype)
    with using(level, kernels):
        for n in range(1, 18):
            for kept in range(1, n + 1):
                expected = reference.window_mean(values[:n], kept).astype(dtype)
                np.testing.assert_allclose(Passes.of(values[:n]).window_mean(kept), expected, rtol=1e-15, atol=1e-15)


@given(hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=20), elements=FINITE), st.data())
@settings(deadline=None)
def test_every_level_gives_the_same_bits_and_stays_within_the_values(values, data):
    kept = data.draw(st.integers(1, len(values)))
    results = []
    for level in LEVELS:
        with using(level, kernels):
            results.append(Passes.of(values).window_mean(kept))
    for result in results:
        np.testing.assert_array_equal(result, results[0])
        assert (values.min(axis=0) <= result).all()
        assert (result <= values.max(axis=0)).all()


@pytest.mark.parametrize("value", [0.1, -1.7e308, 5e-324, 0.0])
def test_equal_values_give_that_value(value):
    for n in (3, 7, 10, 49):
        for kept in (1, 3, n):
            assert (Passes.of(np.full((n, 5), value)).window_mean(kept) == value).all()


@pytest.mark.parametrize(("n", "f"), [(3, 0), (7, 1), (11, 2), (23, 5), (50, 11), (100, 20)])
@pytest.mark.parametrize("in_turn", [False, True])
def test_it_is_krum_and_then_the_values_nearest_to_the_median(n, f, in_turn):
    updates = np.random.default_rng(n).normal(size=(n, 200))
    expected = reference.bulyan(updates, f, in_turn=in_turn)
    np.testing.assert_allclose(bulyan(updates, f, in_turn=in_turn), expected, rtol=1e-12, atol=1e-14)


@given(st.integers(7, 30), st.integers(0, 2**32 - 1), st.data())
@settings(deadline=None)
def test_f_wrong_updates_cannot_move_a_coordinate_out_of_the_honest_range(n, seed, data):
    f = (n - 3) // 4
    rng = np.random.default_rng(seed)
    honest = rng.normal(size=(n - f, 8))
    size = data.draw(st.sampled_from([0.5, 3.0, 1e3, 1e12, 1e200]))
    wrong = honest.mean(axis=0) + size * rng.choice([-1, 1, 0], (f, 8))
    updates = np.concatenate([wrong, honest])[rng.permutation(n)]
    for in_turn in (False, True):
        result = bulyan(updates, f, in_turn=in_turn)
        assert (honest.min(axis=0) <= result).all()
        assert (result <= honest.max(axis=0)).all()


def test_the_order_of_the_sites_changes_nothing():
    rng = np.random.default_rng(5)
    updates = rng.normal(size=(23, 77))
    np.testing.assert_array_equal(bulyan(updates[rng.permutation(23)], 5), bulyan(updates, 5))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_result_has_the_dtype_of_the_updates(dtype):
    assert bulyan(np.ones((7, 3), dtype), 1).dtype == dtype


def test_too_few_updates_are_refused():
    with pytest.raises(
        AggregationError, match=r"Bulyan of 10 updates cannot hold when 2 .* at least 11, or f of at most 1"
    ):
        bulyan(np.zeros((10, 3)), 2)


def test_a_value_that_is_no_number_is_named():
    updates = np.zeros((8, 3))
    updates[6, 2] = np.inf
    with pytest.raises(AggregationError, match="update 6 is inf at coordinate 2"):
        bulyan(updates, 1)
