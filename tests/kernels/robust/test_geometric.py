"""The geometric median has the least sum of distances, and wrong updates move it only so far."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import AggregationError
from cdt_core.kernels import _robust_distances as kernels
from cdt_core.kernels.reference import robust_distances as reference
from cdt_core.kernels.robust.geometric import geometric_median
from tests.kernels.instruction_sets import LEVELS, using


def total(updates, z, weights=1.0):
    return float((weights * np.sqrt(((updates.astype(float) - z) ** 2).sum(axis=1))).sum())


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_iteration_is_that_of_the_paper(level, dtype):
    rng = np.random.default_rng(1)
    with using(level, kernels):
        for n, length in ((2, 5), (5, 1), (9, 1300), (30, 77)):
            updates = rng.normal(size=(n, length)).astype(dtype)
            weights = rng.uniform(0.5, 2, n)
            for iterations in (1, 2, 3):
                expected = reference.geometric_median(updates, weights, iterations)
                found = geometric_median(updates, weights, iterations=iterations)
                np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5 if dtype == np.float32 else 2e-6)


@given(st.integers(1, 15), st.integers(1, 6), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=50)
def test_no_point_nearby_has_a_lesser_sum_of_distances(n, length, seed):
    rng = np.random.default_rng(seed)
    updates, weights = rng.normal(size=(n, length)), rng.uniform(0.1, 1, n)
    z = geometric_median(updates, weights, iterations=2000)
    least = total(updates, z, weights)
    for _ in range(20):
        assert least <= total(updates, z + 0.05 * rng.normal(size=length), weights) * (1 + 1e-5)


@pytest.mark.parametrize("size", [1e3, 1e9, 1e30])
def test_far_wrong_updates_move_it_little_when_it_starts_at_a_median(size):
    rng = np.random.default_rng(3)
    updates = rng.normal(size=(31, 200)).astype(np.float32)
    updates[:14] = size
    honest = updates[14:].mean(axis=0)
    z = geometric_median(updates, start=np.median(updates, axis=0))
    assert np.linalg.norm(z - honest) <= 5 * np.linalg.norm(updates[14:] - honest, axis=1).max()


def test_more_than_half_of_the_updates_at_one_point_are_the_median():
    updates = np.array([[1.0, 2.0]] * 4 + [[5.0, 6.0]] * 3)
    np.testing.assert_allclose(geometric_median(updates), [1.0, 2.0], rtol=1e-5)
    np.testing.assert_array_equal(geometric_median(updates, start=np.array([1.0, 2.0])), [1.0, 2.0])
    np.testing.assert_array_equal(geometric_median(np.full((5, 3), 0.1, np.float32)), np.full(3, np.float32(0.1)))


def test_an_update_of_weight_zero_takes_no_part():
    updates = np.random.default_rng(4).normal(size=(6, 5))
    lost = np.concatenate([updates, np.full((1, 5), np.nan)])
    np.testing.assert_array_equal(geometric_median(lost, [1] * 6 + [0]), geometric_median(updates))


@pytest.mark.parametrize("size", [1e-300, 1e-250, 1e-100, 1.0, 1e150, 1e200, 1e300])
def test_it_leaves_an_update_whatever_the_size_of_the_values(size):
    updates = np.array([[0.0, 0], [2, 0], [0, 2], [2, 2], [9, 9]])
    for first in (0, 4):
        found = geometric_median(updates * size, start=updates[first] * size) / size
        np.testing.assert_allclose(found, geometric_median(updates), atol=1e-5)


@pytest.mark.parametrize("far", [1e150, 1e160, 1e300])
def test_an_update_that_is_very_far_does_not_hide_how_far_others_are(far):
    updates = np.random.default_rng(6).normal(size=(9, 4))
    updates[3] = 1e12
    start = np.median(updates, axis=0)
    expected = geometric_median(updates, start=start)
    updates[3] = far
    np.testing.assert_allclose(geometric_median(updates, start=start), expected, atol=1e-6)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("n", [3, 7, 11])
def test_the_largest_numbers_have_a_median(dtype, n):
    most, rng = np.finfo(dtype).max, np.random.default_rng(n)
    for signs in (np.ones((n, 3)), rng.choice([-1, 1], (n, 3))):
        updates = np.multiply(signs, most, dtype=dtype)
        for options in ({}, {"start": np.median(np.sign(updates), axis=0) * most}):
            found = geometric_median(updates, rng.uniform(0.5, 1, n), **options)
            assert (updates.min(axis=0) <= found).all()
            assert (found <= updates.max(axis=0)).all()


@pytest.mark.parametrize(
    ("dtype", "size"), [("f4", 1e30), ("f4", 1e-30), ("f8", 1e250), ("f8", 1e-250), ("f8", 1e-310)]
)
def test_the_size_of_the_values_does_not_matter(dtype, size):
    updates = np.random.default_rng(5).normal(size=(9, 40))
    expected = geometric_median(updates.astype(dtype))
    np.testing.assert_allclose(geometric_median((updates * size).astype(dtype)) / size, expected, rtol=1e-4, atol=1e-5)


def test_any_layout_gives_the_same():
    updates = np.random.default_rng(6).normal(size=(7, 90_001)).astype(np.float32)
    expected = geometric_median(updates, iterations=3)
    for laid in (list(updates), np.asfortranarray(updates), updates.astype(">f4")):
        np.testing.assert_allclose(geometric_median(laid, iterations=3), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"weights": [1, 1]}, r"weights have dtype int64 and shape \(2,\)"),
        ({"weights": [1, -1, 1]}, "the weight of update 1 is -1"),
        ({"weights": [1, 1, np.inf]}, "the weight of update 2 is inf"),
        ({"weights": [0, 0, 0]}, "all weights are 0"),
        ({"iterations": 0}, "iterations is 0"),
        ({"iterations": 1.5}, "iterations is 1.5"),
        ({"start": np.ones(3)}, r"start has dtype float64 and shape \(3,\); give 2 finite floats"),
        ({"start": np.array([1.0, np.nan])}, "give 2 finite floats"),
        ({"start": [1.0, [2.0]]}, "start has parts of several lengths"),
    ],
)
def test_what_has_no_meaning_is_refused(options, said):
    with pytest.raises(AggregationError, match=said):
        geometric_median(np.ones((3, 2)), **options)


def test_a_start_that_has_no_room_in_the_dtype_of_the_updates_is_refused():
    with pytest.raises(AggregationError, match="give 2 finite floats, as the updates have"):
        geometric_median(np.ones((3, 2), np.float32), start=np.array([1e300, 0]))


def test_a_value_that_is_no_number_is_named_by_its_own_row():
    updates = np.zeros((6, 3))
    updates[4, 1] = np.nan
    with pytest.raises(AggregationError, match="update 4 is nan at coordinate 1"):
        geometric_median(updates, [0, 1, 1, 1, 1, 1])
