"""Squared distances are right at every scale, in every layout, however near each other the updates are."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import AggregationError
from cdt_core.kernels import _robust_distances as kernels
from cdt_core.kernels.reference import robust_distances as reference
from cdt_core.kernels.robust.distances import distances
from cdt_core.kernels.robust.krum import krum
from tests.kernels.instruction_sets import LEVELS, using

#: What sums of float32 products may lose of a square, and of float64 ones.
CLOSE = {"f2": 5e-6, "f4": 5e-6, "f8": 1e-12}


@pytest.fixture(params=LEVELS)
def level(request):
    with using(request.param, kernels):
        yield request.param


def agrees(updates, rtol):
    found, true = distances(updates), reference.distances(np.asarray(updates))
    np.testing.assert_allclose(found, true, rtol=rtol, atol=0)
    np.testing.assert_array_equal(found, found.T)
    assert (found.diagonal() == 0).all()
    assert (found >= 0).all()


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("n", [1, 2, 3, 5, 13, 24, 31, 100, 300])
def test_they_are_the_squares_of_the_differences(level, dtype, n):
    rng = np.random.default_rng(n)
    for length in (1, 7, 64, 1111 if n < 300 else 300):
        agrees(rng.normal(3, 2, (n, length)).astype(dtype), CLOSE[dtype])


@given(st.integers(1, 12), st.integers(0, 70), st.integers(0, 2**32 - 1), st.sampled_from(["f4", "f8"]))
@settings(deadline=None)
def test_values_of_any_size_side_by_side(n, length, seed, dtype):
    rng = np.random.default_rng(seed)
    exponents = rng.integers(-30, 30, (n, 1)) + rng.integers(-3, 3, length)
    agrees((rng.normal(size=(n, length)) * 10.0**exponents).astype(dtype), CLOSE[dtype])


@pytest.mark.parametrize("layout", ["columns", "gaps", "back", "swapped", "unaligned", "list", "mixed"])
def test_any_layout_gives_the_same(layout):
    updates = np.random.default_rng(1).normal(size=(9, 70_001)).astype(np.float32)
    wide = np.zeros((9, 2 * 70_001), np.float32)
    wide[:, ::2] = updates
    odd = np.zeros(updates.nbytes + 1, np.uint8)[1:].view(np.float32).reshape(updates.shape)
    odd[:] = updates
    laid = {
        "columns": np.asfortranarray(updates),
        "gaps": wide[:, ::2],
        "back": updates[:, ::-1].copy()[:, ::-1],
        "swapped": updates.astype(">f4"),
        "unaligned": odd,
        "list": list(updates),
        "mixed": [*updates[:8].astype(np.float64), updates[8]],
    }[layout]
    np.testing.assert_allclose(distances(laid), distances(updates), rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-1, 1e-2, 1e-3, 3e-4, 1e-4])
def test_krum_picks_rightly_among_models_that_differ_little(level, scale):
    # 20 models of squared norm 1e6, four of them three times further from the others. The formula on the models themselves
    # picks wrongly from a scale of 1e-2 on, and at 1e-4 it gives mostly negative squares.
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(20, 100_000))
    noise[16:] *= 3
    models = (rng.normal(size=100_000) * np.sqrt(10) + scale * noise).astype(np.float32)
    true = reference.distances(models)
    order = reference.krum_order(true, 4)
    np.testing.assert_allclose(distances(models), true, rtol=1e-6)
    assert krum(models, 4, 16, return_index=True)[1].tolist() == order[:16].tolist()
    if scale == 1e-4:
        norms = (models * models).sum(axis=1)
        assert (norms[:, None] + norms - 2 * models @ models.T < 0).sum() > 100


@pytest.mark.parametrize("wrong", [1e4, 1e9, 1e18, 1e30])
@pytest.mark.parametrize("places", [[0], [0, 1, 2, 3], [5, 11, 12], list(range(0, 19, 2))])
def test_wrong_updates_cannot_spoil_the_distances_of_the_others(level, wrong, places):
    rng = np.random.default_rng(2)
    updates = rng.normal(size=(20, 3000)).astype(np.float32)
    updates[places] = wrong * (1 + rng.normal(size=(len(places), 3000)))
    agrees(updates, CLOSE["f4"])
    updates[places] = wrong
    agrees(updates, CLOSE["f4"])


def test_two_groups_far_from_each_other_are_both_measured_rightly(level):
    rng = np.random.default_rng(3)
    updates = rng.normal(size=(24, 2000)).astype(np.float32)
    updates[::2] += 1000
    agrees(updates, CLOSE["f4"])


@pytest.mark.parametrize(
    ("dtype", "size"), [("f4", 1e20), ("f4", 1e38), ("f4", 1e-38), ("f4", 1e-44), ("f8", 1e150), ("f8", 1e-150)]
)
def test_values_near_the_ends_of_the_range(level, dtype, size):
    values = (np.random.default_rng(4).uniform(-1, 1, (8, 500)) * size).astype(dtype)
    agrees(values, CLOSE[dtype])
    values[3] = 0
    values[:, 77] = 0
    agrees(values, CLOSE[dtype])


@pytest.mark.parametrize("value", [1e-310, 5e-324])
def test_float64_whose_squares_have_no_room_are_not_far_from_each_other(value):
    assert not distances(np.array([[value], [3 * value], [0], [0]])).any()


@pytest.mark.parametrize(("dtype", "size"), [("f4", 1e33), ("f8", 1e150)])
def test_huge_updates_do_not_blur_the_distances_of_tiny_ones(level, dtype, size):
    updates = np.random.default_rng(11).normal(size=(7, 300))
    updates[:3] *= size
    updates[3:] /= size
    agrees(updates.astype(dtype), CLOSE[dtype])


def test_no_values_lose_more_than_is_promised(level):
    # Sums of equal numbers are rounded the same way again and again; worst are tails that are each rounded up.
    worst = np.zeros(4096)
    worst[: 64 * 16] = 1.0, *np.full(1023, np.sqrt(0.6 * 2.0**-23))
    for high in np.random.default_rng(12).uniform(1, 2, 40):
        for low in (0.31, 0.45, 0.55, 0.69):
            updates = np.zeros((8, 4096), np.float32)
            updates[0], updates[1], updates[2] = high, low * high, 1.3 * high
            agrees(updates, 1e-5)
    for low in (0.45, 0.5, 0.55, 0.69):
        for lanes in (1, 4, 8, 16):
            ordered = np.sort(worst)[::-1].repeat(lanes)[:4096]
            agrees(np.stack([ordered, low * ordered, *np.zeros((4, 4096))]).astype(np.float32), 4e-5)


def test_the_largest_and_the_smallest_number_beside_each_other(level):
    largest = np.finfo(np.float32).max
    updates = np.full((5, 40), largest, np.float32)
    updates[1] = -largest
    updates[2:] = np.random.default_rng(5).normal(size=(3, 40))
    agrees(updates, CLOSE["f4"])


def test_squares_that_float64_cannot_hold_are_refused_but_krum_still_sees_them():
    rng = np.random.default_rng(6)
    updates = rng.normal(size=(7, 30)) * 1e250
    with pytest.raises(AggregationError, match="updates 0 and 1 is beyond float64"):
        distances(updates)
    expected = krum(updates * 1e-250, 1, return_index=True)[1]
    assert krum(updates, 1, return_index=True)[1] == expected
    assert krum(updates * 1e-250 * 1e-250, 1, return_index=True)[1] == expected


@pytest.mark.parametrize("size", [1e200, 1e-200])
def test_krum_sees_values_of_any_size_in_columns_that_no_sample_has(size):
    updates = np.zeros((7, 5000))
    updates[:, 1000] = size * np.array([9, 1, 2, 3.5, 1.5, -9, 2.25])
    assert krum(updates, 2, return_index=True)[1] == [4]


def test_equal_updates_are_at_no_distance(level):
    assert not distances(np.full((40, 1000), 0.1, np.float32)).any()
    updates = np.random.default_rng(7).normal(size=(40, 1000)).astype(np.float32)
    updates[20:] = updates[:20]
    found = distances(updates)
    assert (found[np.arange(20), np.arange(20, 40)] == 0).all()
    agrees(updates, CLOSE["f4"])


def test_the_order_of_the_sites_moves_nothing_but_roundings():
    rng = np.random.default_rng(8)
    updates = rng.normal(size=(50, 999)).astype(np.float32)
    order = rng.permutation(50)
    np.testing.assert_allclose(distances(updates[order]), distances(updates)[np.ix_(order, order)], rtol=1e-6)


@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_memory_does_not_grow_with_the_updates(layout):
    updates = np.random.default_rng(9).normal(size=(20, 500_000)).astype(np.float32)
    laid = updates if layout == "rows" else np.asfortranarray(updates)
    tracemalloc.start()
    try:
        distances(laid)
        assert tracemalloc.get_traced_memory()[1] <= 4 << 20
    finally:
        tracemalloc.stop()


GOOD = np.ones((5, 4), np.float32)


def with_value(value, row, column, length=4):
    updates = np.ones((5, length), np.float32)
    updates[row, column] = value
    return updates


@pytest.mark.parametrize(
    ("updates", "said"),
    [
        (np.empty((0, 3)), "there are no updates"),
        (with_value(np.nan, 3, 2), "update 3 is nan at coordinate 2"),
        (with_value(-np.inf, 1, 0), "update 1 is -inf at coordinate 0"),
        (with_value(np.nan, 4, 300_000, 300_001), "update 4 is nan at coordinate 300000"),
        (with_value(np.inf, 4, 900, 5000).astype(float), "update 4 is inf at coordinate 900"),
        (with_value(np.nan, 0, 0, 1), "update 0 is nan at coordinate 0"),
        ([*GOOD, np.ones(5)], "update 5 has 5 values, update 0 has 4"),
        (GOOD[0], r"update 0 has shape \(\)"),
        (GOOD[np.newaxis], r"update 0 has shape \(5, 4\)"),
        (GOOD.astype(int), "update 0 has dtype int64"),
        (GOOD.astype(complex), "update 0 has dtype complex128"),
        (GOOD.astype(np.longdouble), "update 0 has dtype float128"),
    ],
)
def test_what_has_no_distance_is_refused_by_name(level, updates, said):
    with pytest.raises(AggregationError, match=said):
        distances(updates)


ONE = kernels.Rows((np.ones(3),))
FIRST = np.zeros(1, np.uint32)


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda: kernels.Rows(()), "at least one"),
        (lambda: kernels.Rows((np.ones(3, int),)), "float32 or float64"),
        (lambda: kernels.Rows((np.ones(3), np.ones(4))), "one native dtype"),
        (lambda: kernels.Rows((np.ones(6)[::2],)), "without gaps"),
        (lambda: kernels.gram(ONE, 0, 4, FIRST, 1.0, np.zeros((1, 1))), "columns"),
        (lambda: kernels.gram(ONE, 0, 3, FIRST + 1, 1.0, np.zeros((1, 1))), "central"),
        (lambda: kernels.gram(ONE, 0, 3, FIRST, 1.0, np.zeros((2, 2))), "sums"),
        (lambda: kernels.apart(ONE, 0, 3, np.ones((1, 2), np.uint32), 1.0, np.zeros(1)), "pairs"),
        (lambda: kernels.weigh(ONE, 0, 3, np.ones(2), 0.0, np.ones(3), 1.0, None), "numbers"),
        (lambda: kernels.weigh(ONE, 0, 3, None, 0.0, np.ones(2), 1.0, None), "room"),
        (lambda: kernels.window_mean(ONE, 0, 3, 2, np.ones(3)), "some"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(call, what):
    with pytest.raises(ValueError, match=what):
        call()
