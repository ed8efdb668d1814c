"""Sums of groups: exact in each group, and a group that fails takes none of the others with it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.errors import FederatedError, PrivacyError, ProtocolError
from cdt_core.model.exchange import Exchange
from cdt_privacy.secure import GroupedSum, Terms, groups, terms_of_groups


@given(sites=st.integers(3, 60), data=st.data(), seed=st.binary(min_size=1, max_size=40))
def test_groups_divide_the_sites_evenly_and_at_random_by_the_seed(sites, data, seed):
    size = data.draw(st.integers(3, sites))
    names = [f"site-{index}" for index in range(sites)]
    found = groups(names, size, seed)
    assert sorted(name for group in found for name in group) == sorted(names)
    assert len(found) == sites // size
    assert max(map(len, found)) - min(map(len, found)) <= 1
    assert min(map(len, found)) >= size
    assert groups(names[::-1], size, seed) == found


def test_every_pair_of_sites_is_as_likely_in_one_group():
    names = [f"site-{index}" for index in range(9)]
    together = sum(
        any({"site-0", "site-1"} <= set(group) for group in groups(names, 3, seed.to_bytes(4, "little")))
        for seed in range(4000)
    )
    # Two of the eight others are in one's group: a quarter, and six standard deviations of 4000 draws.
    assert abs(together / 4000 - 0.25) < 6 * np.sqrt(0.25 * 0.75 / 4000)


@pytest.mark.parametrize(("sites", "size"), [(5, 2), (5, 6), (5, 0), (5, 3.0)])
def test_groups_that_cannot_be_are_refused(sites, size):
    with pytest.raises(FederatedError, match="give a size from 3"):
        groups([f"site-{index}" for index in range(sites)], size, b"seed")
    with pytest.raises(FederatedError, match="each site once"):
        groups(["a", "a", "b", "c"], 3, b"seed")
    for names, seed in ((["a", "b", "c"], None), (["a", "b", "c"], "seed"), (["a", "b", 3], b"seed")):
        with pytest.raises(FederatedError, match="give texts, and a digest for the seed"):
            groups(names, 3, seed)


def grouped(fed, size=4, **options):
    terms = terms_of_groups(fed.terms, groups(fed.terms.sites, size, b"drawn by all"))
    parties = {site: fed.party(site, each) for each in terms for site in each.sites}
    return terms, parties, GroupedSum(terms, fed.roster, **options)


def test_the_matrix_has_each_groups_exact_sum_and_count(federation, run_round):
    fed = federation(13, 6, bits=64)
    terms, parties, exchange = grouped(fed)
    assert isinstance(exchange, Exchange)
    gone = terms[1].sites[0]
    run_round(exchange, parties, silent_from={gone: 2})
    expected = [fed.sum_of(set(each.sites) - {gone}) for each in terms]
    np.testing.assert_array_equal(exchange.result(), expected)
    np.testing.assert_array_equal(exchange.counts, [len(each.sites) - (gone in each.sites) for each in terms])
    assert exchange.dropped == (gone,)
    assert not exchange.failed


@pytest.mark.parametrize("stage", range(5))
def test_a_group_below_its_threshold_is_left_out_and_the_others_go_on(federation, run_round, stage):
    fed = federation(12)
    terms, parties, exchange = grouped(fed, least=2)
    run_round(exchange, parties, silent_from=dict.fromkeys(terms[1].sites[:2], stage))
    np.testing.assert_array_equal(exchange.result(), [fed.sum_of(terms[group].sites) for group in (0, 2)])
    assert exchange.kept == (0, 2)
    assert exchange.dropped == terms[1].sites
    assert "round 1/1" in exchange.failed[1]
    assert "nothing was revealed" in exchange.failed[1]
    with pytest.raises(ProtocolError, match=r"not open|left out"):
        exchange.receive("unmask", terms[1].sites[3], b"")


def test_too_few_groups_end_the_round_with_each_reason(federation, run_round):
    fed = federation(12)
    terms, parties, exchange = grouped(fed, least=3)
    with pytest.raises(ProtocolError, match=r"2 groups are left, 3 are needed: round 'round 1/1', stage masked"):
        run_round(exchange, parties, silent_from=dict.fromkeys(terms[1].sites[:2], 2))
    with pytest.raises(ProtocolError, match="stage masked: not closed, there are no sums yet"):
        exchange.result()


def test_where_no_group_stays_there_are_no_sums(federation, run_round):
    fed = federation(8)
    _, parties, exchange = grouped(fed)
    with pytest.raises(ProtocolError, match="0 groups are left, 1 are needed"):
        run_round(exchange, parties, silent_from=dict.fromkeys(fed.terms.sites, 1))
    assert exchange.kept == ()
    with pytest.raises(ProtocolError, match="there are no sums yet"):
        exchange.result()


def test_a_message_of_one_group_is_none_of_another(federation):
    fed = federation(8)
    terms, parties, exchange = grouped(fed)
    requests = exchange.begin()
    one, two = terms[0].sites[0], terms[1].sites[0]
    answer = parties[one].answer("keys", requests[one])
    with pytest.raises(ProtocolError, match="not one of site"):
        exchange.receive("keys", two, answer)
    with pytest.raises(ProtocolError, match="'nobody' is in no group"):
        exchange.receive("keys", "nobody", answer)
    with pytest.raises(ProtocolError, match="close the stages in their order"):
        exchange.close("shares")


def test_groups_must_be_a_division_that_protects(federation):
    fed = federation(6)
    with pytest.raises(FederatedError, match="do not have every site"):
        terms_of_groups(fed.terms, [fed.terms.sites[:3]])
    with pytest.raises(PrivacyError, match="reads the other's update off the sum"):
        terms_of_groups(fed.terms, [fed.terms.sites[:4], fed.terms.sites[4:]])
    one, two = terms_of_groups(fed.terms, [fed.terms.sites[:3], fed.terms.sites[3:]])
    for several, least in [([], 1), ([one, one], 1), ([one, two], 3), ([one, two], 0), ([one, two], "all")]:
        with pytest.raises(FederatedError, match="must stay"):
            GroupedSum(several, fed.roster, least=least)
    with pytest.raises(FederatedError, match="vectors of two kinds"):
        GroupedSum([one, Terms("other", two.sites, 99)], fed.roster)
