"""Bucketing draws by the seed and the updates, not by their order, and hands the means to any rule."""

from __future__ import annotations

import numpy as np
import pytest

from cdt_core.errors import CdtError
from cdt_robust.bucketing import _drawn, bucketing
from cdt_robust.mean import weighted_mean

UPDATES = np.random.default_rng(1).normal(size=(12, 6))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 12])
def test_every_update_is_in_one_bucket(size):
    # Buckets of one size: the mean of their means is the mean of all.
    found = bucketing(UPDATES, np.ones(12), size=size, then="mean")
    np.testing.assert_allclose(found, weighted_mean(UPDATES, np.ones(12)), rtol=1e-13, atol=1e-15)


def test_buckets_of_one_leave_the_rule_as_it_is():
    np.testing.assert_array_equal(bucketing(UPDATES, np.ones(12), size=1), np.median(UPDATES, axis=0))


def test_the_order_of_the_sites_decides_nothing_and_the_seed_does():
    order = np.random.default_rng(2).permutation(12)
    results = {seed: bucketing(UPDATES, np.ones(12), seed=seed).tobytes() for seed in range(20)}
    for seed, result in results.items():
        np.testing.assert_allclose(
            bucketing(UPDATES[order], np.ones(12), seed=seed), np.frombuffer(result), rtol=1e-13, atol=1e-15
        )
    assert len(set(results.values())) > 10


def test_counts_may_be_those_of_numpy():
    found = bucketing(UPDATES, np.ones(12), size=np.int32(3), seed=np.uint64(2**63))
    np.testing.assert_array_equal(found, bucketing(UPDATES, np.ones(12), size=3, seed=2**63))


def test_each_site_is_drawn_first_equally_often():
    first = [min(range(12), key=lambda site, seed=seed: _drawn(UPDATES[site], seed)) for seed in range(1200)]
    assert np.abs(np.bincount(first, minlength=12) - 100).max() <= 4 * np.sqrt(100 * 11 / 12)


def test_few_wrong_sites_move_the_median_of_buckets_little():
    updates = np.concatenate([UPDATES, np.full((3, 6), 1e30)])
    for seed in range(20):
        result = bucketing(updates, np.ones(15), size=2, seed=seed, then="median")
        assert (np.abs(result) <= np.abs(UPDATES).max()).all()


def test_a_last_bucket_may_have_fewer():
    result = bucketing(UPDATES[:7], np.ones(7), size=3, then="median")
    assert result.shape == (6,)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"size": 0}, "size is 0"),
        ({"size": 2.0}, "size is 2.0"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": None}, "seed is None"),
        ({"then": "nearest_neighbour_mixing"}, "no rule 'nearest_neighbour_mixing' can follow"),
        ({"size": 6, "then": "krum"}, "Krum of 2 updates"),
    ],
)
def test_what_has_no_meaning_is_refused(options, said):
    with pytest.raises(CdtError, match=said):
        bucketing(UPDATES, np.ones(12), **options)
