"""A site's process may end between any two stages; what goes on in its place never contradicts it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import FederatedError, ProtocolError
from cdt_privacy.secure import Identity, SecureParty, SecureSum

STAGES = SecureSum.stages.fget(None)


class Mortal:
    """A site whose process ends after every answer, and before it is sent."""

    def __init__(self, fed, site):
        self._fed, self._identity = fed, fed.identities[site]
        self._state = fed.party(site).saved()

    def _restored(self):
        return SecureParty.restore(self._state, self._identity, self._fed.roster)

    def answer(self, stage, request):
        party = self._restored()
        answer = party.answer(stage, request)
        self._state = party.saved()
        again = self._restored()
        assert again.answer(stage, request) == answer
        assert again.answer(stage, request) == answer
        with pytest.raises(ProtocolError, match="answered already"):
            again.answer(stage, request + b"\0")
        return answer


@pytest.mark.parametrize("silent_from", [{}, {"site-02": 2}, {"site-03": 3}])
def test_a_round_of_sites_that_die_after_every_answer_is_exact(federation, run_round, silent_from):
    fed = federation(4)
    exchange = fed.exchange()
    run_round(exchange, {site: Mortal(fed, site) for site in fed.terms.sites}, silent_from=silent_from)
    np.testing.assert_array_equal(exchange.result(), fed.sum_of(exchange.survivors))


def test_a_restored_site_refuses_all_earlier_stages(federation, run_round):
    fed = federation(4)
    parties = fed.parties()
    course = run_round(fed.exchange(), parties)
    party = SecureParty.restore(parties["site-00"].saved(), fed.identities["site-00"], fed.roster)
    for stage in STAGES[:-1]:
        with pytest.raises(ProtocolError, match="answered already"):
            party.answer(stage, course.requests[stage]["site-00"])
    assert party.answer("unmask", course.requests["unmask"]["site-00"]) == course.answers["unmask"]["site-00"]


def test_a_state_shows_neither_the_vector_nor_a_key_and_differs_each_time(federation, run_round):
    fed = federation(4, 1000)
    fed.updates["site-00"][:] = 7
    parties = fed.parties()
    run_round(fed.exchange(), parties, until="masked")
    one, two = (parties["site-00"].saved() for _ in range(2))
    assert one[:21] == two[:21]
    assert one[21:] != two[21:]
    for secret in (fed.updates["site-00"].tobytes()[:16], fed.identities["site-00"].to_bytes(), b"site-00"):
        assert secret not in one


def test_another_identity_or_roster_restores_nothing(federation):
    fed, other = federation(4), federation(5)
    state = fed.party("site-00").saved()
    for stranger in (fed.identities["site-01"], Identity.fresh("site-00"), Identity.fresh("site-01")):
        with pytest.raises(ProtocolError, match="changed, cut, or is another site's"):
            SecureParty.restore(state, stranger, fed.roster)
    with pytest.raises(FederatedError, match="'site-04' is asked and not on the roster"):
        SecureParty.restore(other.party("site-00").saved(), fed.identities["site-00"], fed.roster)


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_a_changed_or_cut_state_is_refused(federation, data):
    fed = federation(3)
    state = bytearray(fed.party("site-00").saved())
    at = data.draw(st.integers(0, len(state) - 1))
    state[at] ^= data.draw(st.integers(1, 255))
    for wrong in (bytes(state), bytes(state[:at]), fed.party("site-00").saved() + b"\0"):
        with pytest.raises(ProtocolError, match="saved state of site 'site-00'"):
            SecureParty.restore(wrong, fed.identities["site-00"], fed.roster)


def test_a_state_too_long_to_encrypt_is_refused_by_its_size(federation, monkeypatch):
    monkeypatch.setattr("cdt_privacy.secure.seal._MOST_BYTES", 100)
    with pytest.raises(FederatedError, match=r"a state of \d+ bytes, and 100 can be saved"):
        federation(3).party("site-00").saved()
