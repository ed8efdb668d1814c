"""Krum and Multi-Krum as rules of sites: votes, their defaults, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import CdtError
from cdt_core.kernels.robust import krum as kernel
from cdt_robust.krum import krum, multi_krum


@pytest.mark.parametrize("sites", [3, 4, 5, 10, 31])
def test_by_default_as_many_may_be_wrong_as_can_be(sites):
    updates = np.random.default_rng(sites).normal(size=(sites, 6))
    f = (sites - 3) // 2
    np.testing.assert_array_equal(krum(updates, np.ones(sites)), kernel(updates, f))
    np.testing.assert_array_equal(multi_krum(updates, np.ones(sites)), kernel(updates, f, sites - f - 2))


@given(st.integers(5, 25), st.integers(0, 2**32 - 1), st.sampled_from([1.0, 5.0, 1e4, 1e12, 1e200]))
@settings(deadline=None)
def test_wrong_sites_move_it_no_further_than_the_honest_lie_apart(sites, seed, size):
    f = (sites - 3) // 2
    rng = np.random.default_rng(seed)
    honest = rng.normal(size=(sites - f, 7))
    updates = np.concatenate([honest, size * rng.normal(size=(f, 7)) + rng.integers(0, 2) * size])
    spread = max(np.linalg.norm(one - other) for one in honest for other in honest)
    for rule in (krum, multi_krum):
        # A wrong update that is chosen is nearer to its neighbours, of which one is honest, than some honest one to its own.
        away = np.linalg.norm(rule(updates, np.ones(sites), f=f) - honest, axis=1).min()
        assert away <= np.sqrt(sites) * spread


def test_krum_returns_one_of_the_updates_and_multi_krum_of_one_the_same():
    updates = np.random.default_rng(1).normal(size=(9, 5)).astype(np.float32)
    result = krum(updates, np.ones(9), f=3)
    assert any(np.array_equal(result, update) for update in updates)
    np.testing.assert_array_equal(multi_krum(updates, np.ones(9), f=3, m=1), result)


@pytest.mark.parametrize("rule", [krum, multi_krum])
@pytest.mark.parametrize(
    ("votes", "options", "said"),
    [
        (2, {}, "Krum of 2 updates cannot hold when 0 of them are wrong; give at least 3"),
        (6, {"f": 2}, "at least 7, or f of at most 1"),
        (6, {"f": -1}, "f is -1"),
        (6, {"f": 1.5}, "f is 1.5"),
    ],
)
def test_what_it_cannot_hold_against_is_refused(rule, votes, options, said):
    updates = np.zeros((votes + 1, 3))
    with pytest.raises(CdtError, match=said):
        rule(updates, [0] + [1] * votes, **options)


def test_a_number_to_average_that_is_out_of_range_is_refused():
    with pytest.raises(CdtError, match="m is 6; of 6 updates, 1 of them wrong, average 1 to 5"):
        multi_krum(np.zeros((6, 3)), np.ones(6), f=1, m=6)
