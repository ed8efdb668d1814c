"""Any bytes at any stage are taken or refused with a ProtocolError, by either side, signed by a site of the round or not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import ProtocolError
from cdt_privacy.secure import SecureParty, SecureSum
from cdt_privacy.secure.messages import signed

STAGES = SecureSum.stages.fget(None)


@pytest.fixture(scope="module")
def course(federation, run_round):
    """A recorded round, with the state of site-00 before each stage."""
    fed = federation(4)
    parties, states = fed.parties(), {}
    answer = parties["site-00"].answer
    parties["site-00"].answer = lambda stage, request: (
        states.setdefault(stage, parties["site-00"].saved()),
        answer(stage, request),
    )[1]
    return fed, run_round(fed.exchange(), parties, silent_from={"site-03": 2}), states


def refusal(call):
    """Why it was refused; nothing when it was not, and any other error is one of the test."""
    try:
        call()
    except ProtocolError as error:
        return str(error)
    return ""


def changed(data, message):
    """The message with bytes changed, cut, doubled or moved; or other bytes."""
    kind = data.draw(st.sampled_from(["flip", "number", "cut", "grow", "repeat", "other"]))
    if kind == "other":
        return data.draw(st.binary(max_size=2 * len(message) + 8))
    at = data.draw(st.integers(0, max(len(message) - 1, 0)))
    tail = data.draw(st.binary(max_size=8))
    new = bytearray(message)
    if kind == "flip" and new:
        new[at] ^= data.draw(st.integers(1, 255))
    elif kind == "number":
        new[at : at + 4] = data.draw(st.sampled_from([0, 1, 2**31, 2**32 - 1])).to_bytes(4, "little")
    elif kind == "cut":
        return message[:at]
    elif kind == "grow":
        return message + tail
    else:
        new[at:at] = message[at : at + 40]
    return bytes(new)


@pytest.mark.parametrize("stage", STAGES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_site_answers_or_refuses_whatever_it_is_sent(course, stage, data):
    fed, told, states = course
    party = SecureParty.restore(states[stage], fed.identities["site-00"], fed.roster)
    request = told.requests[stage]["site-00"]
    if reason := refusal(lambda: party.answer(stage, changed(data, request))):
        assert "round" in reason
        assert party.answer(stage, request) == told.answers[stage]["site-00"]


def exchange_before(fed, told, stage):
    """The coordinator with the recorded round played up to the stage."""
    exchange = fed.exchange()
    for each in STAGES[: STAGES.index(stage)]:
        for site, answer in told.answers[each].items():
            exchange.receive(each, site, answer)
        exchange.close(each)
    return exchange


@pytest.mark.parametrize("stage", STAGES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_coordinator_takes_or_refuses_whatever_it_is_sent(course, stage, data):
    """A corrupted site may sign anything: at worst the round fails for a reason that is said, and never another way."""
    fed, told, _ = course
    exchange = exchange_before(fed, told, stage)
    answer = told.answers[stage]["site-00"]
    if data.draw(st.booleans()):
        wrong = signed(fed.identities["site-00"], fed.terms, stage, changed(data, answer[64:]))
    else:
        wrong = changed(data, answer)
    if reason := refusal(lambda: exchange.receive(stage, "site-00", wrong)):
        assert "'round 1'" in reason
        exchange.receive(stage, "site-00", answer)
    for site in fed.terms.sites[1 : len(told.answers[stage])]:
        exchange.receive(stage, site, told.answers[stage][site])
    if reason := refusal(lambda: exchange.close(stage)):
        assert stage == "unmask"
        assert "stays masked" in reason
