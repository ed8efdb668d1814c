"""A site of a verified sum whose process ends: another one goes on, and says nothing that the first did not."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import FederatedError, ProtocolError
from cdt_core.model.exchange import Savable
from cdt_privacy import secure
from cdt_privacy.verifiable import Terms, VerifiedParty, VerifiedSum

NAMES = ("basel", "lyon", "torino")
TERMS = Terms.with_norm_bound("study-7/2", 4, 50, projections=2, honest_failure=1e-6)
IDENTITIES = {name: secure.Identity.from_bytes(name, hashlib.sha256(name.encode()).digest()) for name in NAMES}
ROSTER = secure.Roster({name: identity.public for name, identity in IDENTITIES.items()})
SUMS = secure.Terms(TERMS.round, NAMES, TERMS.carried_length, adversary="semi-honest")
UPDATES = dict(zip(NAMES, np.random.default_rng(5).integers(-20, 20, (3, 4)), strict=True))


def _party(site):
    return VerifiedParty(IDENTITIES[site], ROSTER, SUMS, TERMS, UPDATES[site])


def _restored(state, site):
    return VerifiedParty.restore(state, IDENTITIES[site], ROSTER)


class Mortal:
    """A site whose process ends after every answer, and before it is sent."""

    def __init__(self, site):
        self._site, self._state = site, _party(site).saved()
        self.verified = None

    def answer(self, stage, request):
        party = _restored(self._state, self._site)
        answer = party.answer(stage, request)
        self._state = party.saved()
        again = _restored(self._state, self._site)
        assert again.answer(stage, request) == answer
        assert again.answer(stage, request) == answer
        with pytest.raises(ProtocolError, match="answered already"):
            again.answer(stage, request + b"\0")
        self.verified = again.verified
        return answer


def _run(parties, *, until="", silent=()):
    exchange = VerifiedSum(TERMS, SUMS, ROSTER)
    requests, asked = exchange.begin(), {}
    for stage in exchange.stages:
        asked[stage] = requests
        if stage == until:
            break
        for site, request in requests.items():
            if (stage, site) not in silent:
                exchange.receive(stage, site, parties[site].answer(stage, request))
        requests = exchange.close(stage)
    return exchange, asked


@pytest.mark.parametrize("silent", [(), [("masked", "lyon")]])
def test_a_round_of_sites_that_die_after_every_answer_is_exact_and_checked_by_each(silent):
    parties = {site: Mortal(site) for site in NAMES}
    exchange, _ = _run(parties, silent=silent)
    staying = [site for site in NAMES if not silent or site != "lyon"]
    wanted = sum(UPDATES[site] for site in staying)
    np.testing.assert_array_equal(exchange.result(), wanted)
    for site in staying:
        np.testing.assert_array_equal(parties[site].verified.sum, wanted)


def test_a_restored_site_opens_no_coin_and_makes_no_claim_for_a_second_sum():
    """With two claims of the same blindings, the difference of two projections would be plain to see."""
    parties = {site: _party(site) for site in NAMES}
    exchange, asked = _run(parties, until="verdicts")
    party = _restored(parties["lyon"].saved(), "lyon")
    for stage in exchange.stages[:-2]:
        with pytest.raises(ProtocolError, match="answered already"):
            party.answer(stage, asked[stage]["lyon"])
    other = bytearray(asked["coins"]["lyon"])
    other[0] ^= 1
    for stage in ("coins", "claims"):
        with pytest.raises(ProtocolError, match="answered already"):
            party.answer(stage, bytes(other))


def test_each_stage_waits_for_the_one_before_it():
    parties = {site: _party(site) for site in NAMES}
    _, asked = _run(parties, until="coins")
    fresh = _party("lyon")
    with pytest.raises(ProtocolError, match="due is seals"):
        fresh.answer("keys", asked["keys"]["lyon"])
    fresh.answer("seals", asked["seals"]["lyon"])
    with pytest.raises(ProtocolError, match="due is keys"):
        fresh.answer("coins", asked["coins"]["lyon"])
    with pytest.raises(ProtocolError, match="int in place of bytes"):
        fresh.answer("keys", 3)


def test_a_state_shows_neither_the_update_nor_a_secret_and_differs_each_time():
    parties = {site: _party(site) for site in NAMES}
    _run(parties, until="claims")
    party = parties["basel"]
    one, two = party.saved(), party.saved()
    assert isinstance(party, Savable)
    assert one[:23] == two[:23] == b"cdt verified sum site 1"
    assert one[23:] != two[23:]
    own = party._contributor.own
    secrets = [UPDATES["basel"].tobytes(), own.coin, *(scalar.to_bytes(32, "little") for scalar in own.blindings)]
    assert not any(secret in one for secret in (*secrets, IDENTITIES["basel"].to_bytes(), b"basel"))


def test_another_identity_or_roster_restores_nothing():
    state = _party("basel").saved()
    for stranger in (IDENTITIES["lyon"], secure.Identity.fresh("basel")):
        with pytest.raises(ProtocolError, match="changed, cut, or is another site's"):
            VerifiedParty.restore(state, stranger, ROSTER)
    fewer = secure.Roster({site: ROSTER.keys[site] for site in NAMES[:2]})
    with pytest.raises(FederatedError, match="'torino' is asked and not on the roster"):
        VerifiedParty.restore(state, IDENTITIES["basel"], fewer)
    inner = secure.SecureParty(IDENTITIES["basel"], ROSTER, SUMS, np.zeros(SUMS.length, np.uint32)).saved()
    with pytest.raises(ProtocolError, match="not the state of a site in a verified sum"):
        VerifiedParty.restore(inner, IDENTITIES["basel"], ROSTER)


STATE = _party("basel").saved()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, len(STATE) - 1), st.integers(1, 255))
def test_a_changed_or_cut_state_is_refused(at, bits):
    changed = bytearray(STATE)
    changed[at] ^= bits
    for wrong in (bytes(changed), STATE[:at], STATE + b"\0"):
        with pytest.raises(ProtocolError, match="saved state of site 'basel'"):
            _restored(wrong, "basel")


def test_a_state_too_long_to_encrypt_is_refused_by_its_size(monkeypatch):
    monkeypatch.setattr("cdt_privacy.secure.seal._MOST_BYTES", 100)
    with pytest.raises(FederatedError, match=r"a state of \d+ bytes, and 100 can be saved"):
        _party("basel").saved()
