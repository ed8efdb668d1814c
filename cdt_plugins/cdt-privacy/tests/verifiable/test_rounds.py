"""Verified sums as an exchange and its parties: who lies is named, and what is not as it should be changes nothing."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from cdt_core.errors import FederatedError, PrivacyError, ProtocolError
from cdt_core.model.exchange import Exchange, Party
from cdt_privacy import secure
from cdt_privacy.secure import messages
from cdt_privacy.verifiable import Terms, VerifiedParty, VerifiedSum

NAMES = ("basel", "lyon", "torino")
SUM_ONLY = Terms(round="study-7/1", length=4)
BOUNDED = Terms.with_norm_bound("study-7/2", 4, 50, projections=2, honest_failure=1e-6)
IDENTITIES = {name: secure.Identity.from_bytes(name, hashlib.sha256(name.encode()).digest()) for name in NAMES}
ROSTER = secure.Roster({name: identity.public for name, identity in IDENTITIES.items()})
UPDATES = dict(zip(NAMES, np.random.default_rng(5).integers(-20, 20, (3, 4)), strict=True))


def _sums(terms):
    return secure.Terms(terms.round, NAMES, terms.carried_length, adversary="semi-honest")


def _parties(terms, **instead):
    updates = UPDATES | instead
    return {name: VerifiedParty(IDENTITIES[name], ROSTER, _sums(terms), terms, updates[name]) for name in NAMES}


def _run(terms, parties, *, until="", silent=()):
    """A round up to the requests of ``until``; (stage, site) in ``silent`` and later do not answer."""
    exchange = VerifiedSum(terms, _sums(terms), ROSTER)
    requests, gone = exchange.begin(), set()
    for stage in exchange.stages:
        if stage == until:
            break
        gone |= {site for at, site in silent if at == stage}
        for site, request in requests.items():
            if site not in gone:
                exchange.receive(stage, site, parties[site].answer(stage, request))
        requests = exchange.close(stage)
    return exchange, requests


def test_both_sides_are_an_exchange_and_a_party_of_nine_stages():
    exchange = VerifiedSum(SUM_ONLY, _sums(SUM_ONLY), ROSTER)
    assert isinstance(exchange, Exchange)
    assert isinstance(_parties(SUM_ONLY)["lyon"], Party)
    assert exchange.stages == ("seals", *messages.STAGES, "coins", "claims", "verdicts")


@pytest.mark.parametrize("terms", [SUM_ONLY, BOUNDED])
@pytest.mark.parametrize("silent", [(), [("seals", "lyon")], [("masked", "lyon")]])
def test_everyone_has_the_checked_sum_of_those_that_stayed(terms, silent):
    parties = _parties(terms)
    exchange, _ = _run(terms, parties, silent=silent)
    staying = [name for name in NAMES if (not silent or name != "lyon")]
    wanted = sum(UPDATES[name] for name in staying)
    np.testing.assert_array_equal(exchange.result(), wanted)
    assert (exchange.survivors, exchange.accused) == (tuple(staying), ())
    for name in staying:
        np.testing.assert_array_equal(parties[name].verified.sum, wanted)


@pytest.mark.parametrize("stage", ["unmask", "coins", "claims"])
def test_who_leaves_after_its_vector_was_summed_is_named_and_not_accused(stage):
    with pytest.raises(
        ProtocolError, match=r"lyon is in the sum and .*; the round gives nothing, run it again without lyon"
    ):
        _run(SUM_ONLY, _parties(SUM_ONLY), silent=[(stage, "lyon")])


def test_a_silent_verdict_changes_nothing_at_the_coordinator():
    exchange, _ = _run(SUM_ONLY, _parties(SUM_ONLY), silent=[("verdicts", "lyon")])
    assert exchange.result().shape == (4,)


def test_an_update_beyond_the_bound_has_no_claim():
    parties = _parties(BOUNDED, torino=np.array([9000, 0, 0, 0]))
    exchange, requests = _run(BOUNDED, parties, until="claims")
    with pytest.raises(PrivacyError, match="site torino: its projected norm is"):
        parties["torino"].answer("claims", requests["torino"])
    with pytest.raises(ProtocolError, match="not over, or gave nothing"):
        exchange.result()


def test_a_coin_and_a_claim_that_do_not_hold_are_refused_and_their_site_accused_until_it_sends_the_right_one():
    parties = _parties(BOUNDED)
    for stage in ("coins", "claims"):
        exchange, requests = _run(BOUNDED, parties, until=stage)
        answer = parties["lyon"].answer(stage, requests["lyon"])
        body = bytearray(answer[64:])
        body[40 if stage == "claims" else 3] ^= 1
        forged = messages.signed(IDENTITIES["lyon"], _sums(BOUNDED), stage, bytes(body))
        with pytest.raises(ProtocolError, match="lyon"):
            exchange.receive(stage, "lyon", forged)
        assert exchange.accused == ("lyon",)
        exchange.receive(stage, "lyon", answer)
        assert exchange.accused == ()
        parties = _parties(BOUNDED)


def test_a_claim_that_another_key_signed_accuses_nobody():
    parties = _parties(SUM_ONLY)
    exchange, requests = _run(SUM_ONLY, parties, until="claims")
    claim = parties["lyon"].answer("claims", requests["lyon"])[64:]
    with pytest.raises(ProtocolError, match="signature"):
        exchange.receive("claims", "lyon", messages.signed(IDENTITIES["basel"], _sums(SUM_ONLY), "claims", claim))
    assert exchange.accused == ()


def test_a_site_that_masked_another_vector_than_it_commits_to_spoils_the_sum_unnamed():
    parties = _parties(SUM_ONLY)
    parties["torino"]._contributor._update = UPDATES["torino"] + 1
    with pytest.raises(ProtocolError, match="is not the sum of what 3 sites committed to"):
        _run(SUM_ONLY, parties)


def test_a_coordinator_that_publishes_another_sum_is_found_by_every_site():
    """It has to tell one story to all for coins and claims to fit, and then the sum does not."""
    parties = _parties(SUM_ONLY)
    exchange, requests = _run(SUM_ONLY, parties, until="coins")
    wrong = bytearray(requests["lyon"])
    wrong[0] ^= 1
    exchange._published[0] += 1 if wrong[0] & 1 else -1
    for site in NAMES:
        exchange.receive("coins", site, parties[site].answer("coins", bytes(wrong)))
    for site, request in exchange.close("coins").items():
        exchange.receive("claims", site, parties[site].answer("claims", request))
    with pytest.raises(ProtocolError, match="do not use it"):
        exchange.close("claims")
    from cdt_privacy.verifiable.relayed import write_relayed

    request = write_relayed(_sums(SUM_ONLY), exchange._answers)
    for site in NAMES:
        with pytest.raises(ProtocolError, match="do not use it"):
            parties[site].answer("verdicts", request)
        assert parties[site].verified is None


@pytest.mark.parametrize("stage", ["seals", "coins", "claims", "verdicts"])
def test_a_request_that_was_cut_or_changed_is_refused_and_the_right_one_still_answered(stage):
    parties = _parties(SUM_ONLY)
    _, requests = _run(SUM_ONLY, parties, until=stage)
    right, rng = requests["basel"], np.random.default_rng(7)
    for at in rng.integers(0, len(right), 20 if stage != "coins" else 0):
        changed = bytearray(right)
        changed[at] ^= 1 << int(rng.integers(8))
        for wrong in (bytes(changed), right[:at], right + b"\0"):
            with pytest.raises(ProtocolError):
                parties["basel"].answer(stage, wrong)
    with pytest.raises(ProtocolError):
        parties["basel"].answer(stage, right[:-1])
    assert parties["basel"].answer(stage, right)
    with pytest.raises(ProtocolError, match="answered already, or out of turn"):
        parties["basel"].answer(stage, right)


def test_answers_out_of_turn_twice_or_of_strangers_change_nothing():
    parties = _parties(SUM_ONLY)
    exchange, requests = _run(SUM_ONLY, parties, until="seals")
    seal = parties["lyon"].answer("seals", requests["lyon"])
    with pytest.raises(ProtocolError, match="the stage is not open"):
        exchange.receive("coins", "lyon", seal)
    with pytest.raises(ProtocolError, match="it was not asked"):
        exchange.receive("seals", "ulm", seal)
    with pytest.raises(ProtocolError, match="signature"):
        exchange.receive("seals", "basel", seal)
    exchange.receive("seals", "lyon", seal)
    with pytest.raises(ProtocolError, match="it has answered already"):
        exchange.receive("seals", "lyon", seal)
    with pytest.raises(ProtocolError, match="1 sites sealed a coin, the threshold is 2"):
        exchange.close("seals")


def test_terms_of_two_rounds_and_strangers_are_refused():
    with pytest.raises(FederatedError, match="make both for the same round"):
        VerifiedSum(SUM_ONLY, _sums(BOUNDED), ROSTER)
    with pytest.raises(FederatedError, match="'ulm' is not among the sites"):
        VerifiedSum(SUM_ONLY, _sums(SUM_ONLY), ROSTER, among=("basel", "ulm"))
