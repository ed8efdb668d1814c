"""Trust is bounded, won slowly, lost fast, and cannot be washed by a new name or a new key."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.errors import FederatedError
from cdt_federated.reputation import Reputation, Trust, agreement

RULE = Reputation()
KEYS = ("a", "b", "c")
ROUNDS = st.lists(st.dictionaries(st.sampled_from(KEYS), st.floats(0, 1)), max_size=30)


@given(rounds=ROUNDS, floor=st.floats(0.001, 1))
def test_weights_stay_between_the_floor_and_one(rounds, floor):
    rule, trust = Reputation(floor=floor), Trust()
    for agreements in rounds:
        trust = rule.update(trust, agreements)
        assert all(floor <= rule.weight(trust, key) <= 1 for key in KEYS)
    assert trust.rounds == len(rounds)


@given(rounds=ROUNDS)
def test_a_new_key_never_has_more_than_any_known_one(rounds):
    """Whatever a site did, coming back as another is no gain."""
    trust = Trust()
    for agreements in rounds:
        trust = RULE.update(trust, agreements)
    newcomer = RULE.weight(trust, "a key that was never seen")
    assert newcomer == RULE.floor
    assert all(newcomer <= RULE.weight(trust, key) for key in KEYS)


def test_trust_is_won_in_many_rounds_and_lost_in_few():
    trust, won = Trust(), 0
    while RULE.weight(trust, "a") < 0.9:
        trust, won = RULE.update(trust, {"a": 1.0}), won + 1
    lost = 0
    while RULE.weight(trust, "a") > 0.2:
        trust, lost = RULE.update(trust, {"a": 0.0}), lost + 1
    assert won >= 10
    assert lost <= 2


def test_good_and_bad_in_turn_stays_low():
    trust, weights = Trust(), []
    for round_ in range(200):
        trust = RULE.update(trust, {"a": float(round_ % 2 == 0)})
        weights.append(RULE.weight(trust, "a"))
    assert max(weights[20:]) < 0.4


def test_who_is_away_fades_and_keeps_more_than_a_newcomer():
    trust = Trust({"a": 1.0})
    for _ in range(20):
        trust = RULE.update(trust, {"b": 1.0})
    assert RULE.floor < RULE.weight(trust, "a") < 0.8


def test_an_update_changes_nothing_in_place():
    before = Trust({"a": 0.5})
    RULE.update(before, {"a": 1.0, "b": 1.0})
    assert before == Trust({"a": 0.5})


@given(seed=st.integers(0, 10**6), bad=st.integers(0, 4), scale=st.sampled_from([1e-300, 1.0, 1e150]))
def test_honest_updates_agree_and_far_ones_do_not_at_any_scale(seed, bad, scale):
    rng = np.random.default_rng(seed)
    updates = rng.normal(size=(10, 200)) * scale
    updates[:bad] *= -30
    scores = agreement(updates, np.median(updates, axis=0))
    assert (scores[bad:] == 1).all()
    assert (scores[:bad] < 0.02).all()


def test_when_most_are_equal_the_others_do_not_agree():
    scores = agreement(np.array([[1.0, 2], [1, 2], [1, 2], [1, 2.5]]), [1, 2])
    assert scores.tolist() == [1, 1, 1, 0]


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(FederatedError, match="update 1 is not finite"):
        agreement(np.array([[1.0], [np.nan]]), [1.0])
    with pytest.raises(FederatedError, match="the centre has 1 values, 2 are expected"):
        agreement(np.zeros((3, 2)), [1.0])
    with pytest.raises(FederatedError, match=r"shape \(2,\)"):
        agreement(np.zeros(2), [1.0])
    with pytest.raises(FederatedError, match="the agreement of 'a' is nan"):
        RULE.update(Trust(), {"a": float("nan")})
    with pytest.raises(FederatedError, match="the level of 'a' is 2"):
        Trust({"a": 2.0})
    with pytest.raises(FederatedError, match="floor of Reputation is 0"):
        Reputation(floor=0)


def test_a_distance_beyond_float64_is_no_agreement_and_no_error():
    near = [[1.0, 2], [1, 2], [1, 2.5]]
    assert agreement(np.array([*near, [1.7e308, 1.7e308]]), [1, 2])[3] == 0
    assert agreement(np.array([[1.0, 2], *[[1.7e308, -1.7e308]] * 3]), [1, 2]).tolist() == [1, 0, 0, 0]
