"""Bulyan as a rule of sites: votes, its default, the honest range, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import CdtError
from cdt_core.kernels.robust import bulyan as kernel
from cdt_robust.bulyan import bulyan


@pytest.mark.parametrize("sites", [7, 10, 11, 30])
def test_by_default_as_many_may_be_wrong_as_can_be(sites):
    updates = np.random.default_rng(sites).normal(size=(sites, 6)).astype(np.float32)
    np.testing.assert_array_equal(bulyan(updates, np.ones(sites)), kernel(updates, (sites - 3) // 4))


@given(st.integers(7, 25), st.integers(0, 2**32 - 1), st.sampled_from([0.3, 5.0, 1e4, 1e30]))
@settings(deadline=None)
def test_wrong_sites_cannot_move_a_coordinate_out_of_the_honest_range(sites, seed, size):
    f = (sites - 3) // 4
    rng = np.random.default_rng(seed)
    honest = rng.normal(size=(sites - f, 7)).astype(np.float32)
    wrong = (size * rng.normal(size=(f, 7)) * rng.integers(0, 2, 7)).astype(np.float32)
    result = bulyan(np.concatenate([wrong, honest]), np.ones(sites))
    assert (honest.min(axis=0) <= result).all()
    assert (result <= honest.max(axis=0)).all()


@pytest.mark.parametrize(
    ("votes", "options", "said"),
    [
        (6, {}, "Bulyan of 6 votes holds against none that is wrong; give at least 7"),
        (10, {"f": 2}, "at least 11, or f of at most 1"),
        (10, {"f": "1"}, "f is '1'"),
    ],
)
def test_what_it_cannot_hold_against_is_refused(votes, options, said):
    with pytest.raises(CdtError, match=said):
        bulyan(np.zeros((votes + 1, 3)), [0] + [1] * votes, **options)
