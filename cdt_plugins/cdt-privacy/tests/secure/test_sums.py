"""The sum is exact, whoever drops out whenever; below the threshold the round fails with the reason and shows nothing."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import FederatedError, ProtocolError
from cdt_core.model.exchange import Exchange, Party
from cdt_privacy.secure import SEMI_HONEST, Identity, SecureParty, SecureSum, Sparse
from cdt_privacy.secure.masks import add_masks

STAGES = SecureSum.stages.fget(None)
NEVER = len(STAGES)
MASKED = STAGES.index("masked")


def check(run_round, fed, silent_from):
    """The round's result is the sum of those that sent a vector, or it fails at the stage where too few answered."""
    exchange = fed.exchange()
    stays = [sum(silent_from.get(site, NEVER) > stage for site in fed.terms.sites) for stage in range(len(STAGES))]
    short = next((stage for stage, count in enumerate(stays) if count < fed.terms.threshold), None)
    if short is None:
        run_round(exchange, fed.parties(), silent_from=silent_from)
        survivors = tuple(site for site in fed.terms.sites if silent_from.get(site, NEVER) > MASKED)
        assert exchange.survivors == survivors
        assert exchange.dropped == tuple(sorted(set(fed.terms.sites) - set(survivors)))
        np.testing.assert_array_equal(exchange.result(), fed.sum_of(survivors))
        assert exchange.result().dtype == fed.terms.dtype
        return
    reason = rf"round 1.*stage {STAGES[short]}.*{stays[short]} of .* threshold is {fed.terms.threshold}.*nothing was revealed"
    with pytest.raises(ProtocolError, match=reason):
        run_round(exchange, fed.parties(), silent_from=silent_from)
    with pytest.raises(ProtocolError, match="there is no sum yet"):
        exchange.result()


def test_the_pair_is_what_round_engines_drive(federation):
    fed = federation()
    assert isinstance(fed.exchange(), Exchange)
    assert isinstance(fed.party("site-00"), Party)


@pytest.mark.parametrize("first", range(NEVER + 1))
def test_of_four_sites_any_may_drop_at_any_stage(federation, run_round, first):
    """All patterns but for the order of the last three sites, which differ only in name."""
    fed = federation(4)
    for others in itertools.combinations_with_replacement(range(NEVER + 1), 3):
        check(run_round, fed, dict(zip(fed.terms.sites, (first, *others), strict=True)))


@pytest.mark.parametrize("stage", range(len(STAGES)))
@pytest.mark.parametrize(("sites", "adversary"), [(5, "active"), (5, SEMI_HONEST), (6, SEMI_HONEST)])
def test_of_five_or_six_sites_every_subset_may_drop_at_one_stage(federation, run_round, sites, adversary, stage):
    fed = federation(sites, adversary=adversary)
    for count in range(sites + 1):
        for subset in itertools.combinations(fed.terms.sites, count):
            check(run_round, fed, dict.fromkeys(subset, stage))


@settings(max_examples=12, deadline=None)
@given(data=st.data(), bits=st.sampled_from([32, 64]), sites=st.integers(3, 14), length=st.integers(1, 40))
def test_larger_rounds_of_either_ring_sum_exactly(federation, run_round, data, bits, sites, length):
    fed = federation(sites, length, bits=bits)
    silent = data.draw(st.dictionaries(st.sampled_from(fed.terms.sites), st.integers(0, NEVER), max_size=sites // 2))
    check(run_round, fed, silent)


SPARSE = Sparse.for_sites(60, corrupt=0.02, dropout=0.1)


@pytest.mark.parametrize("stage", range(len(STAGES)))
def test_a_sparse_round_sums_exactly_when_all_whom_it_was_planned_for_drop(federation, run_round, stage):
    fed = federation(60, 3, adversary=SEMI_HONEST, sparse=SPARSE)
    check(run_round, fed, dict.fromkeys(fed.terms.sites[4:60:10], stage))


def test_a_sparse_round_fails_when_more_drop_than_it_was_planned_for(federation, run_round):
    fed = federation(60, 3, adversary=SEMI_HONEST, sparse=SPARSE)
    check(run_round, fed, dict.fromkeys(fed.terms.sites[:7], MASKED))


def test_late_answers_may_still_save_a_stage(federation, run_round):
    fed = federation(4)
    exchange, parties = fed.exchange(), fed.parties()
    course = run_round(exchange, parties, until="masked")
    late = {site: parties[site].answer("masked", request) for site, request in course.requests["masked"].items()}
    exchange.receive("masked", "site-00", late["site-00"])
    with pytest.raises(ProtocolError, match="1 of 4"):
        exchange.close("masked")
    for site in fed.terms.sites[1:]:
        exchange.receive("masked", site, late[site])
    assert set(exchange.close("masked")) == set(fed.terms.sites)


def test_what_is_interrupted_while_masks_are_taken_off_is_taken_off_once(federation, run_round, monkeypatch):
    """Who stops the coordinator there and closes the stage again gets the sum, and none with some masks off twice."""
    fed = federation(4)
    exchange, parties = fed.exchange(), fed.parties()
    course = run_round(exchange, parties, silent_from={"site-03": MASKED}, until="unmask")
    for site, request in course.requests["unmask"].items():
        exchange.receive("unmask", site, parties[site].answer("unmask", request))

    def interrupted(ring, masks):
        add_masks(ring, [next(masks), next(masks)])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("cdt_privacy.secure.unmasking.add_masks", interrupted)
        with pytest.raises(KeyboardInterrupt):
            exchange.close("unmask")
    exchange.close("unmask")
    np.testing.assert_array_equal(exchange.result(), fed.sum_of(exchange.survivors))


def test_a_site_in_two_rounds_at_once_is_two_parties(federation, run_round):
    one, two = federation(4, round_name="round 1"), federation(4, round_name="round 2")
    first, second = one.exchange(), two.exchange()
    run_round(second, two.parties())
    run_round(first, one.parties())
    np.testing.assert_array_equal(first.result(), second.result())


def test_the_update_is_copied_and_never_changed(federation, run_round):
    fed = federation(4)
    parties, before = fed.parties(), fed.sum_of(fed.terms.sites)
    for update in fed.updates.values():
        update[:] = 0
    exchange = fed.exchange()
    run_round(exchange, parties)
    np.testing.assert_array_equal(exchange.result(), before)
    assert all((update == 0).all() for update in fed.updates.values())


@pytest.mark.parametrize(
    "update",
    [
        np.zeros(5),
        np.zeros(4, np.uint32),
        np.zeros(5, np.uint64),
        np.zeros((1, 5), np.uint32),
        np.ma.array(np.zeros(5, np.uint32), mask=[0, 0, 1, 0, 0]),
        [0] * 5,
        None,
    ],
)
def test_a_vector_that_is_not_of_the_ring_is_refused_with_what_is_wanted(federation, update):
    fed = federation(4)
    fed.updates["site-00"] = update
    with pytest.raises(FederatedError, match=r"update of site 'site-00' is .*; give uint32 of shape \(5,\)"):
        fed.party("site-00")


def test_names_and_keys_must_be_the_rosters(federation):
    fed, other = federation(4), federation(5)
    with pytest.raises(FederatedError, match="'site-04' is not asked"):
        SecureParty(other.identities["site-04"], other.roster, fed.terms, fed.updates["site-00"])
    with pytest.raises(FederatedError, match="'site-04' is asked and not on the roster"):
        SecureSum(other.terms, fed.roster)
    stranger = Identity.fresh("site-00")
    with pytest.raises(FederatedError, match="another key for site 'site-00'"):
        SecureParty(stranger, fed.roster, fed.terms, fed.updates["site-00"])


def test_arguments_of_another_kind_or_order_are_refused(federation):
    fed = federation(4)
    for wrong in ((fed.roster, fed.terms), (fed.terms, None), (None, fed.roster)):
        with pytest.raises(FederatedError, match="a secure sum has Terms and a Roster, not "):
            SecureSum(*wrong)
    one, update = fed.identities["site-00"], fed.updates["site-00"]
    for wrong in ((None, fed.roster, fed.terms), ("site-00", fed.roster, fed.terms), (one, fed.terms, fed.roster)):
        with pytest.raises(FederatedError, match=r"Identity\.fresh|has Terms and a Roster"):
            SecureParty(*wrong, update)
