"""The trimmed mean cuts what it says at each end, and up to that share of bad sites cannot move it away."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cdt_core.errors import CdtError
from cdt_robust.trimmed import trimmed_mean

FINITE = {"allow_nan": False, "allow_infinity": False}


@given(
    values=st.lists(st.floats(-1e9, 1e9), min_size=3, max_size=20),
    data=st.data(),
)
def test_it_is_the_mean_of_the_votes_that_are_kept(values, data):
    votes = len(values)
    cut = data.draw(st.integers(1, (votes - 1) // 2))
    result = trimmed_mean(np.array(values)[:, np.newaxis], np.ones(votes), trim=cut / votes)
    kept = [Fraction(value) for value in sorted(values)[cut : votes - cut]]
    roundings = len(kept) + 2
    bound = Fraction(roundings, 2**53 - roundings) * max(map(abs, kept)) + Fraction(5e-324) * len(kept)
    assert abs(Fraction(result[0]) - sum(kept) / len(kept)) <= bound


@given(data=st.data(), sites=st.integers(5, 15), trim=st.sampled_from([0.2, 0.25, 1 / 3, 0.45]))
def test_the_share_that_is_cut_cannot_move_it_out_of_the_range_of_the_others(data, sites, trim):
    bad = int(trim * sites)
    honest = data.draw(hnp.arrays(np.float64, (sites - bad, 3), elements=FINITE))
    attack = data.draw(hnp.arrays(np.float64, (bad, 3), elements=FINITE))
    result = trimmed_mean(np.concatenate([honest, attack]), np.ones(sites), trim=trim)
    assert (honest.min(axis=0) <= result).all()
    assert (result <= honest.max(axis=0)).all()


@pytest.mark.parametrize(
    ("trim", "votes", "cut"), [(0.29, 100, 29), (1 / 3, 3, 1), (0.2, 5, 1), (0.2, 9, 1), (0.499, 99, 49)]
)
def test_the_number_of_votes_cut_is_the_floor_of_the_share_that_was_meant(trim, votes, cut):
    updates = np.zeros((votes, 2))
    updates[:cut] = 1e6
    assert (trimmed_mean(updates, np.ones(votes), trim=trim) == 0).all()
    updates[cut] = 1e6
    assert (trimmed_mean(updates, np.ones(votes), trim=trim) > 0).all()


def test_a_share_may_be_a_number_of_numpy():
    assert trimmed_mean(np.array([[1.0], [2.0], [3.0], [4.0], [1e9]]), np.ones(5), trim=np.float32(0.2)) == [3.0]


def test_a_stated_weight_buys_no_influence():
    assert trimmed_mean(np.array([[1.0], [2.0], [3.0], [4.0], [1e9]]), [1, 1, 1, 1, 1e12]) == [3.0]


@pytest.mark.parametrize("trim", [0.0, 0.5, -0.1, 1.0, float("nan"), float("inf"), 1, "0.2", None, 0.4999999999, 1e-12])
def test_a_share_that_cuts_nothing_or_all_is_refused(trim):
    with pytest.raises(CdtError, match=r"trim is .*above 0 and below 0.5"):
        trimmed_mean(np.ones((5, 2)), np.ones(5), trim=trim)


@pytest.mark.parametrize(("votes", "trim", "needed"), [(4, 0.2, 5), (1, 0.4, 3), (9, 0.1, 10), (2, 1 / 3, 3)])
def test_too_few_updates_for_the_share_are_refused_with_the_number_that_would_do(votes, trim, needed):
    weights = np.concatenate([np.ones(votes), np.zeros(20)])
    with pytest.raises(CdtError, match=rf"trim .* of {votes} votes .*at least {needed} updates"):
        trimmed_mean(np.ones((votes + 20, 2)), weights, trim=trim)
    assert (trimmed_mean(np.ones((needed, 2)), np.ones(needed), trim=trim) == 1).all()
