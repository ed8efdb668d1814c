"""Mixing averages each update with its nearest, leaves out what is far, and hands on to any rule."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import CdtError
from cdt_robust.geometric import geometric_median
from cdt_robust.krum import krum
from cdt_robust.mixing import nearest_neighbour_mixing


@given(st.integers(3, 15), st.integers(0, 2**32 - 1), st.data())
@settings(deadline=None)
def test_each_update_becomes_the_mean_of_its_nearest(sites, seed, data):
    f = data.draw(st.integers(0, (sites - 1) // 2))
    updates = np.random.default_rng(seed).normal(size=(sites, 6))
    mixed = np.array(
        [updates[np.argsort(((updates - update) ** 2).sum(axis=1))[: sites - f]].mean(axis=0) for update in updates]
    )
    found = nearest_neighbour_mixing(updates, np.ones(sites), f=f, then="geometric_median")
    np.testing.assert_allclose(found, geometric_median(mixed, np.ones(sites)), rtol=1e-5, atol=1e-6)


def test_the_parameters_of_the_rule_that_follows_reach_it():
    updates = np.random.default_rng(1).normal(size=(11, 6))
    everything = nearest_neighbour_mixing(updates, np.ones(11), f=0, then="mean")
    np.testing.assert_allclose(everything, updates.mean(axis=0), rtol=1e-12)
    chosen = nearest_neighbour_mixing(updates, np.ones(11), f=0, then="multi_krum", m=1)
    np.testing.assert_allclose(chosen, updates.mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize(("dtype", "huge"), [("f4", 1e30), ("f8", 1e300)])
def test_wrong_updates_that_are_far_are_in_no_honest_mean(dtype, huge):
    rng = np.random.default_rng(2)
    updates = rng.normal(size=(11, 300)).astype(dtype)
    updates[:4] = [[huge], [-huge], [1e9], [7.0]]
    found = nearest_neighbour_mixing(updates, np.ones(11), f=4, then="median")
    np.testing.assert_allclose(found, updates[4:].mean(axis=0), rtol=0, atol=1e-5)


def test_sites_with_different_data_come_nearer_to_their_mean():
    # Each site's honest update has an offset of its own; Krum alone returns one site's.
    rng = np.random.default_rng(3)
    updates = rng.normal(size=(30, 500))
    updates[:5] = -2.0
    middle = updates[5:].mean(axis=0)
    alone = np.linalg.norm(krum(updates, np.ones(30), f=5) - middle)
    mixed = np.linalg.norm(nearest_neighbour_mixing(updates, np.ones(30), f=5, then="krum") - middle)
    assert mixed < alone / 3


def test_counts_may_be_those_of_numpy():
    updates = np.random.default_rng(4).normal(size=(9, 5))
    found = nearest_neighbour_mixing(updates, np.ones(9), f=np.int64(2))
    np.testing.assert_array_equal(found, nearest_neighbour_mixing(updates, np.ones(9), f=2))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"f": 3}, "f is 3; of 6 votes, fewer than half may be wrong: 0 to 2"),
        ({"f": -1}, "f is -1"),
        ({"f": True}, "f is True"),
        ({"then": "mode"}, "no rule 'mode' can follow; give one of mean, median"),
        ({"then": ["median"]}, r"no rule \['median'\] can follow"),
        ({"then": "bucketing"}, "no rule 'bucketing' can follow"),
        ({"then": "median", "trim": 0.2}, "rule 'median' does not take these parameters: .*trim"),
        ({"then": "trimmed_mean", "trim": 0.7}, "trim is 0.7"),
    ],
)
def test_what_cannot_follow_is_refused(options, said):
    with pytest.raises(CdtError, match=said):
        nearest_neighbour_mixing(np.zeros((6, 3)), np.ones(6), **options)
