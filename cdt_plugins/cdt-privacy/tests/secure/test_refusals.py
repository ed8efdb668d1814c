"""What is replayed, repeated, of another round or site, forged, changed or cut is refused, and the round still finishes."""

from __future__ import annotations

import numpy as np
import pytest

from cdt_core.errors import ProtocolError
from cdt_privacy.secure import Identity, SecureSum

STAGES = SecureSum.stages.fget(None)


def intruders(fed, course, stage, site, answer):
    """Messages that are not the site's answer in this stage, and why each is refused."""
    after = STAGES.index(stage)
    other = next(name for name in fed.terms.sites if name != site)
    for place in {0, 63, 64, len(answer) // 2, len(answer) - 1}:
        changed = bytearray(answer)
        changed[place] ^= 1
        yield bytes(changed), "not one of site"
    for size in {0, 1, 63, 64, len(answer) - 1}:
        yield answer[:size], "too short|not one of site"
    yield answer + b"\0", "not one of site"
    yield bytes(len(answer)), "not one of site"
    stranger = Identity.fresh(site)
    yield stranger.sign(answer[64:]) + answer[64:], "not one of site"
    if after:
        yield course.answers[STAGES[after - 1]][site], "not one of site"
    if other in course.answers[stage]:
        yield course.answers[stage][other], "not one of site"


def test_a_round_among_intruders_finishes_and_is_exact(federation, run_round):
    fed, before = federation(4), federation(4, round_name="round 0")
    replayed = run_round(before.exchange(), before.parties()).answers
    exchange, parties = fed.exchange(), fed.parties()
    course = run_round(exchange, parties, until="keys")
    requests, refused = course.requests["keys"], 0
    for number, stage in enumerate(STAGES):
        course.answers[stage] = {}
        for site, request in requests.items():
            answer = parties[site].answer(stage, request)
            for wrong, reason in [
                *intruders(fed, course, stage, site, answer),
                (replayed[stage][site], "not one of site"),
            ]:
                with pytest.raises(ProtocolError, match=rf"round 1.*stage {stage}, site '{site}'.*({reason})"):
                    exchange.receive(stage, site, wrong)
                refused += 1
            for other_stage in STAGES[:number] + STAGES[number + 1 :]:
                with pytest.raises(ProtocolError, match="stage is not open"):
                    exchange.receive(other_stage, site, answer)
            with pytest.raises(ProtocolError, match="'nobody': it was not asked"):
                exchange.receive(stage, "nobody", answer)
            exchange.receive(stage, site, answer)
            with pytest.raises(ProtocolError, match="has answered already"):
                exchange.receive(stage, site, answer)
            course.answers[stage][site] = answer
        for wrong in STAGES[:number] + STAGES[number + 1 :]:
            with pytest.raises(ProtocolError, match="close the stages in their order"):
                exchange.close(wrong)
        requests = exchange.close(stage)
    assert refused > 5 * 4 * 12
    np.testing.assert_array_equal(exchange.result(), fed.sum_of(fed.terms.sites))
    with pytest.raises(ProtocolError, match="not open"):
        exchange.receive("unmask", "site-00", course.answers["unmask"]["site-00"])


def test_a_site_that_dropped_cannot_come_back(federation, run_round):
    fed = federation(4)
    exchange, parties = fed.exchange(), fed.parties()
    run_round(exchange, parties, silent_from={"site-01": 2}, until="consistency")
    with pytest.raises(ProtocolError, match="'site-01': it was not asked"):
        exchange.receive("consistency", "site-01", bytes(96))


@pytest.mark.parametrize("stage", STAGES)
def test_a_site_answers_each_stage_once_and_in_order(federation, run_round, stage):
    fed = federation(4)
    exchange, parties = fed.exchange(), fed.parties()
    course = run_round(exchange, parties, until=stage)
    party, request = parties["site-00"], course.requests[stage]["site-00"]
    for other in {*STAGES, "", "result"} - {stage}:
        with pytest.raises(
            ProtocolError, match=rf"stage {other}.*request to site 'site-00'.*due is {stage}.*nothing was answered"
        ):
            party.answer(other, request)
    for wrong in (b"", request[:-1], request + b"\0", bytes(len(request))):
        with pytest.raises(ProtocolError, match=r"round 1|terms of a round"):
            party.answer(stage, wrong)
    assert party.answer(stage, request)
    with pytest.raises(ProtocolError, match="answered already"):
        party.answer(stage, request)


def test_a_site_refuses_other_terms_than_it_agreed_to(federation):
    fed, other = federation(4), federation(5)
    with pytest.raises(ProtocolError, match="other terms than those that were agreed on"):
        fed.party("site-00").answer("keys", other.terms.to_bytes())


def test_a_site_refuses_keys_that_the_coordinator_made_up(federation, run_round):
    """The coordinator cannot put itself between two sites: it has no signature of theirs for a key of its own."""
    fed, before = federation(4), federation(4, round_name="round 0")
    course = run_round(fed.exchange(), parties := fed.parties(), until="shares")
    request = course.requests["shares"]["site-00"]
    old = run_round(before.exchange(), before.parties(), until="shares").requests["shares"]["site-00"]
    entry = (len(request) - 1) // 4
    place = 1 + 2 * entry
    for wrong in (
        request[: place + 70] + bytes([request[place + 70] ^ 1]) + request[place + 71 :],
        request[:place] + old[place : place + entry] + request[place + entry :],
        request[:place] + request[1 : 1 + entry] + request[place + entry :],
        old,
    ):
        with pytest.raises(ProtocolError, match=r"stage keys, site 'site-0[0-3]'.*not one of site"):
            parties["site-00"].answer("shares", wrong)
    assert parties["site-00"].answer("shares", request)


def test_a_site_below_the_threshold_is_asked_in_vain(federation, run_round):
    """Whatever the coordinator says, no site goes on with fewer than the threshold."""
    fed = federation(6)
    course = run_round(fed.exchange(), fed.parties(), silent_from={"site-05": 3})
    for stage, members in [("masked", 0b001111), ("consistency", 0b001111), ("unmask", 0b001111)]:
        parties = fed.parties()
        asked = run_round(fed.exchange(), parties, until=stage)
        request = asked.requests[stage]["site-00"]
        with pytest.raises(ProtocolError, match="4 sites, below the threshold of 5"):
            parties["site-00"].answer(stage, bytes([members]) + request[1:])
    assert course.exchange.survivors == fed.terms.sites


def test_a_list_without_the_site_or_with_a_new_one_is_refused(federation, run_round):
    fed = federation(6)
    parties = fed.parties()
    request = run_round(fed.exchange(), parties, silent_from={"site-05": 0}, until="masked").requests["masked"][
        "site-00"
    ]
    for members, reason in [
        (0b111111, "'site-05' was not in the stage before"),
        (0b111110, "'site-05' was not"),
        (0b1011111, "beyond the 6"),
    ]:
        with pytest.raises(ProtocolError, match=reason):
            parties["site-00"].answer("masked", bytes([members]) + request[1:])
    run = run_round(fed.exchange(), parties := fed.parties(), until="consistency")
    assert run.requests["consistency"]["site-00"] == bytes([0b111111])
    with pytest.raises(ProtocolError, match="not in the list that it is asked to go on with"):
        parties["site-00"].answer("consistency", bytes([0b111110]))


@pytest.mark.parametrize("order", [0, 1, 2**255 - 20, 2**255 - 19])
def test_a_key_with_which_nothing_is_secret_is_refused_where_it_arrives(federation, order):
    """Points of small order make every agreement zero: their owner drops out and the others go on."""
    fed = federation(4)
    exchange, party = fed.exchange(), fed.party("site-00")
    identity = fed.identities["site-00"]
    from cdt_privacy.secure.messages import signed

    good = party.answer("keys", exchange.begin()["site-00"])[64:]
    weak = order.to_bytes(32, "little")
    for body in (weak + good[32:], good[:32] + weak + good[64:]):
        with pytest.raises(ProtocolError, match=r"stage keys, site 'site-00'.*low order"):
            exchange.receive("keys", "site-00", signed(identity, fed.terms, "keys", body))
    exchange.receive("keys", "site-00", signed(identity, fed.terms, "keys", good))


def test_what_is_no_bytes_is_refused_by_either_side(federation):
    fed = federation(4)
    exchange, party = fed.exchange(), fed.party("site-00")
    for wrong in (None, "text", 7, [1, 2]):
        with pytest.raises(ProtocolError, match=f"site 'site-00': {type(wrong).__name__} in place of bytes"):
            party.answer("keys", wrong)
        with pytest.raises(ProtocolError, match=f"site 'site-00': {type(wrong).__name__} in place of bytes"):
            exchange.receive("keys", "site-00", wrong)
    exchange.receive("keys", "site-00", party.answer("keys", exchange.begin()["site-00"]))
