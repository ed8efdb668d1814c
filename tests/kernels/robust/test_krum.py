"""Krum chooses what its paper's formula chooses, and the order of the sites decides nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import AggregationError
from cdt_core.kernels.reference import robust_distances as reference
from cdt_core.kernels.robust.bulyan import bulyan
from cdt_core.kernels.robust.krum import krum


@given(st.integers(3, 40), st.integers(1, 30), st.integers(0, 2**32 - 1), st.data())
@settings(deadline=None)
def test_it_chooses_the_least_scores(n, length, seed, data):
    f = data.draw(st.integers(0, (n - 3) // 2))
    m = data.draw(st.integers(1, n - f))
    updates = np.random.default_rng(seed).normal(size=(n, length))
    result, chosen = krum(updates, f, m, return_index=True)
    expected = reference.krum_order(reference.distances(updates), f)
    scores = np.sort(reference.distances(updates), axis=1)[:, 1 : n - f - 1].sum(axis=1)
    np.testing.assert_allclose(scores[chosen], scores[expected[:m]], rtol=1e-12)
    np.testing.assert_allclose(result, updates[chosen].mean(axis=0), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("m", [1, 4])
def test_the_result_has_the_dtype_of_the_updates_and_is_no_view(dtype, m):
    updates = np.random.default_rng(1).normal(size=(9, 20)).astype(dtype)
    kept = updates.copy()
    result = krum(updates, 2, m)
    assert result.dtype == dtype
    result[:] = 0
    np.testing.assert_array_equal(updates, kept)


@given(st.lists(st.tuples(st.integers(-2, 2), st.integers(-2, 2)), min_size=3, max_size=12), st.data())
@settings(deadline=None)
def test_the_order_of_the_sites_decides_nothing_even_where_scores_are_equal(points, data):
    updates = np.array(points, float)
    f = data.draw(st.integers(0, (len(points) - 3) // 2))
    m = data.draw(st.integers(1, len(points) - f))
    order = data.draw(st.permutations(range(len(points))))
    np.testing.assert_allclose(krum(updates[order], f, m), krum(updates, f, m), rtol=0, atol=1e-14)


@pytest.mark.parametrize("n", [5, 12, 33])
def test_wrong_updates_up_to_f_are_never_chosen_when_they_are_far(n):
    f = (n - 3) // 2
    rng = np.random.default_rng(n)
    updates = rng.normal(size=(n, 50)).astype(np.float32)
    wrong = rng.choice(n, f, replace=False)
    for attack in (1e9, 1e30, np.arange(1, f + 1)[:, None] * 1e3):
        updates[wrong] = attack
        _, chosen = krum(updates, f, n - 2 * f, return_index=True)
        assert not set(chosen) & set(wrong)


@pytest.mark.parametrize("huge", [1e100, 1e200, 1e300])
def test_one_huge_update_does_not_hide_that_others_are_wrong(huge):
    updates = 1e-3 * np.random.default_rng(3).normal(size=(15, 40))
    updates[0], updates[1:3] = huge, -(huge**0.4)
    _, chosen = krum(updates, 3, 9, return_index=True)
    assert not set(chosen) & {0, 1, 2}
    assert np.abs(bulyan(updates, 3)).max() < 1e-2
    assert set(krum(updates, 3, 12, return_index=True)[1]) == set(range(3, 15))


@pytest.mark.parametrize(
    ("f", "m", "said"),
    [
        (2, 1, "Krum of 6 updates cannot hold when 2 of them are wrong; give at least 7, or f of at most 1"),
        (-1, 1, "f is -1"),
        (1.0, 1, "f is 1.0"),
        (True, 1, "f is True"),
        (None, 1, "f is None"),
        (1, 0, "m is 0; of 6 updates, 1 of them wrong, average 1 to 5"),
        (1, 6, "m is 6"),
        (1, "2", "m is '2'"),
    ],
)
def test_what_it_cannot_hold_against_is_refused(f, m, said):
    with pytest.raises(AggregationError, match=said):
        krum(np.zeros((6, 3)), f, m)


def test_two_updates_have_no_neighbours():
    with pytest.raises(AggregationError, match=r"of 2 updates .*; give at least 3$"):
        krum(np.zeros((2, 3)), 0)


def test_a_value_that_is_no_number_is_named():
    updates = np.zeros((6, 3))
    updates[4, 1] = np.nan
    with pytest.raises(AggregationError, match="update 4 is nan at coordinate 1"):
        krum(updates, 1)
