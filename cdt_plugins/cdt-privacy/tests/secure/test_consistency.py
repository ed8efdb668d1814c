"""A coordinator that tells sites different things learns nothing, and corrupted sites cannot change the sum unseen."""

from __future__ import annotations

import numpy as np
import pytest

from cdt_core.errors import ProtocolError
from cdt_core.kernels.lattice.shamir import SHARE_BYTES
from cdt_privacy.secure.messages import DIGEST_BYTES, SEALED_BYTES, signed

#: A signature, two keys and a commitment.
KEYS_BYTES = 64 + 3 * 32


def members(*indices):
    return bytes([sum(1 << index for index in indices)])


def body_of(answer):
    return answer[64:]


def test_two_lists_of_survivors_are_found_before_anything_is_revealed(federation, run_round):
    """Half of the sites are told that site-05 dropped: then its mask key and its own mask's seed would both come out."""
    fed = federation(6)
    parties = fed.parties()
    run_round(fed.exchange(), parties, until="consistency")
    every, without = members(*range(6)), members(*range(5))
    told = {site: every if index < 3 else without for index, site in enumerate(fed.terms.sites[:5])}
    answers = {site: parties[site].answer("consistency", request) for site, request in told.items()}
    signatures = b"".join(answer[:64] for answer in answers.values())
    for site, party in parties.items():
        if site in told:
            with pytest.raises(ProtocolError, match=r"stage consistency, site 'site-0\d'.*not one of site"):
                party.answer("unmask", members(*range(5)) + signatures)
    fewer = b"".join(answers[site][:64] for site in fed.terms.sites[:3])
    with pytest.raises(ProtocolError, match="3 sites, below the threshold of 5"):
        parties["site-00"].answer("unmask", members(0, 1, 2) + fewer)


@pytest.mark.parametrize("stage", ["shares", "masked"])
def test_two_lists_of_keys_or_of_dealers_are_found_too(federation, run_round, stage):
    """Some are told of site-05 and some are not; later all are told the same, and their signatures still differ."""
    fed = federation(6)
    parties = fed.parties()
    requests = run_round(fed.exchange(), parties, until=stage).requests[stage]
    for site in fed.terms.sites[:5]:
        whole, last = requests[site], KEYS_BYTES if stage == "shares" else SEALED_BYTES
        parties[site].answer(stage, whole if site < "site-02" else members(*range(5)) + whole[1:-last])
    if stage == "shares":
        for site in fed.terms.sites[:5]:
            parties[site].answer("masked", members(*range(5)) + bytes(4 * SEALED_BYTES))
    survivors = members(*range(5))
    signatures = b"".join(parties[site].answer("consistency", survivors)[:64] for site in fed.terms.sites[:5])
    for site in fed.terms.sites[:5]:
        with pytest.raises(ProtocolError, match=r"stage consistency, site 'site-0\d'.*not one of site"):
            parties[site].answer("unmask", survivors + signatures)


def test_the_coordinator_refuses_a_signature_of_another_list(federation, run_round):
    fed = federation(5)
    exchange, parties = fed.exchange(), fed.parties()
    run_round(exchange, parties, until="consistency")
    other = parties["site-00"].answer("consistency", members(0, 1, 2, 3))
    with pytest.raises(ProtocolError, match="signed other lists than it was sent"):
        exchange.receive("consistency", "site-00", other)


def test_a_coordinator_that_asks_for_both_shares_of_a_site_gets_one(federation, run_round):
    """What is revealed follows from the list that was signed; a second request, with another list, is refused."""
    fed = federation(5)
    exchange, parties = fed.exchange(), fed.parties()
    course = run_round(exchange, parties)
    request = course.requests["unmask"]["site-00"]
    for party in parties.values():
        for stage, again in [
            ("consistency", members(0, 1, 2, 3)),
            ("unmask", request),
            ("unmask", members(0, 1, 2, 3)),
        ]:
            with pytest.raises(ProtocolError, match="answered already"):
                party.answer(stage, again)
    answer = body_of(course.answers["unmask"]["site-00"])
    assert len(answer) == 1 + 5 * SHARE_BYTES


@pytest.mark.parametrize("silent_from", [{}, {"site-04": 2}], ids=["all stay", "one drops"])
def test_never_both_shares_of_one_site_leave(federation, run_round, silent_from):
    """Each share that leaves is the one of the seed for a survivor and the one of the mask key for a site that dropped."""
    fed = federation(5)
    exchange = fed.exchange()
    course = run_round(exchange, fed.parties(), silent_from=silent_from)
    from cdt_privacy.secure.agreement import Commitments, Purpose

    for holder, site in enumerate(exchange.survivors):
        answer = body_of(course.answers["unmask"][site])
        assert answer[:1] == members(*range(5))
        for owner, name in enumerate(fed.terms.sites):
            share = answer[1 + owner * SHARE_BYTES : 1 + (owner + 1) * SHARE_BYTES]
            dealt = body_of(course.answers["shares"][name])
            place = 4 * SEALED_BYTES + 2 * DIGEST_BYTES * holder + DIGEST_BYTES * (name in exchange.dropped)
            purpose = Purpose.MASK_KEY if name in exchange.dropped else Purpose.SELF_MASK
            commitment = Commitments(fed.terms, purpose)(share, owner, holder)
            assert dealt[place : place + DIGEST_BYTES] == commitment


def run_with(fed, course, parties, exchange, stage, change):
    """Go on from ``stage``; ``change`` sees (stage, site, body) and gives what a corrupted site signs in its place."""
    requests = course.requests[stage]
    for each in exchange.stages[exchange.stages.index(stage) :]:
        for site, request in requests.items():
            body = change(each, site, body_of(parties[site].answer(each, request)))
            exchange.receive(each, site, signed(fed.identities[site], fed.terms, each, body))
        requests = exchange.close(each)


def test_a_holders_wrong_shares_are_left_out(federation, run_round):
    """As long as the threshold of holders is honest the sum is exact."""
    fed = federation(6)
    exchange, parties = fed.exchange(), fed.parties()
    course = run_round(exchange, parties, until="unmask")

    def lie(stage, site, body):
        return body[:1] + bytes(len(body) - 1) if site == "site-02" else body

    run_with(fed, course, parties, exchange, "unmask", lie)
    np.testing.assert_array_equal(exchange.result(), fed.sum_of(fed.terms.sites))


def test_more_wrong_shares_than_the_threshold_bears_leave_the_sum_masked(federation, run_round):
    fed = federation(6)
    exchange, parties = fed.exchange(), fed.parties()
    course = run_round(exchange, parties, until="unmask")

    def lie(stage, site, body):
        return body[:1] + bytes(len(body) - 1) if site in ("site-02", "site-03") else body

    with pytest.raises(
        ProtocolError, match="4 good shares of what hides site 'site-00', 5 are needed; the sum stays masked"
    ):
        run_with(fed, course, parties, exchange, "unmask", lie)
    with pytest.raises(ProtocolError, match="there is no sum yet"):
        exchange.result()


def test_a_dealers_shares_that_cannot_be_opened_stop_nobody_else(federation, run_round):
    """Holders of shares that were sealed wrong give the others'; with enough left the dealer's secret comes back, too."""
    fed = federation(6)
    exchange, parties = fed.exchange(), fed.parties()
    course = run_round(exchange, parties, until="shares")

    def deal_wrong(stage, site, body):
        return bytes(SEALED_BYTES) + body[SEALED_BYTES:] if (stage, site) == ("shares", "site-03") else body

    run_with(fed, course, parties, exchange, "shares", deal_wrong)
    np.testing.assert_array_equal(exchange.result(), fed.sum_of(fed.terms.sites))


def test_a_dealer_of_another_secret_is_named(federation, run_round):
    """Here its own commitment to the seed is wrong: the shares fit the commitments to shares, and give another seed."""
    fed = federation(5)
    exchange, parties = fed.exchange(), fed.parties()
    course = run_round(exchange, parties, until="keys")
    liar = parties["site-03"]

    def advertise_wrong(stage, site, body):
        if (stage, site) != ("keys", "site-03"):
            return body
        liar._own_keys = lambda keys=liar._own_keys: type(keys())(keys().share_key, keys().mask_key, bytes(32))
        return body[:64] + bytes(32)

    with pytest.raises(ProtocolError, match="site 'site-03' dealt shares of another secret than it advertised"):
        run_with(fed, course, parties, exchange, "keys", advertise_wrong)


def test_shares_of_strangers_are_refused(federation, run_round):
    fed = federation(5)
    exchange, parties = fed.exchange(), fed.parties()
    course = run_round(exchange, parties, silent_from={"site-04": 1}, until="unmask")
    answer = body_of(parties["site-00"].answer("unmask", course.requests["unmask"]["site-00"]))
    wrong = signed(
        fed.identities["site-00"], fed.terms, "unmask", members(0, 1, 2, 3, 4) + answer[1:] + bytes(SHARE_BYTES)
    )
    with pytest.raises(ProtocolError, match="a share of site 'site-04', which dealt it none"):
        exchange.receive("unmask", "site-00", wrong)
