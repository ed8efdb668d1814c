"""A site answers its own coordinator, once for each round and stage."""

from __future__ import annotations

import pytest
from attrs import evolve
from federation import coordinator_of, join, key_of, plain, roster_of, sites_of
from hypothesis import given
from hypothesis import strategies as st
from relay import RelayExchange, RelayParty

from cdt_core.errors import FederatedError, ProtocolError
from cdt_federated.rounds import Coordinator, Member, Roster, Site
from cdt_federated.rounds.envelope import Sealed

ROSTER = roster_of(3)


def _site(joining=join, name="site-1"):
    return Site(name, key_of(name), ROSTER, joining)


def _relay(opening):
    return RelayParty(int(opening.site[-1]) + 1)


def test_the_same_request_gets_the_same_answer_and_is_computed_once():
    computed = []

    def counting(opening):
        computed.append(opening.round)
        return join(opening)

    site, request = _site(counting), coordinator_of(ROSTER).begin(plain)["site-1"]
    assert site.answer(request) == site.answer(request)
    assert computed == [1]


def test_a_second_request_for_the_same_round_is_refused():
    """As a coordinator that starts its round again with another task would send it."""
    site = _site()
    site.answer(coordinator_of(ROSTER).begin(plain, b"one")["site-1"])
    with pytest.raises(ProtocolError, match="round 1, stage number 0 was answered already"):
        site.answer(coordinator_of(ROSTER).begin(plain, b"two")["site-1"])


def test_a_request_of_an_earlier_round_is_refused():
    coordinator, site = coordinator_of(ROSTER), _site()
    old = coordinator.begin(plain)["site-1"]
    coordinator.abandon()
    site.answer(coordinator.begin(plain)["site-1"])
    with pytest.raises(ProtocolError, match="round 2, stage number 0 was answered already"):
        site.answer(old)


def test_the_request_for_another_site_is_refused():
    with pytest.raises(ProtocolError, match="from 'server' to 'site-2'"):
        _site().answer(coordinator_of(ROSTER).begin(plain)["site-2"])


def test_another_coordinator_is_refused_even_under_the_name_of_the_right_one():
    usurper = Roster("trial", Member.of("server", key_of("usurper")), ROSTER.sites)
    request = Coordinator(usurper, key_of("usurper")).begin(plain)["site-1"]
    with pytest.raises(ProtocolError, match="its signature is not the coordinator's"):
        _site().answer(request)


def test_a_coordinator_with_another_roster_is_refused():
    larger = roster_of(4)
    with pytest.raises(ProtocolError, match="roster of 'trial' is not this site's"):
        _site().answer(coordinator_of(larger).begin(plain)["site-1"])


def test_a_request_of_a_round_without_the_site_is_refused():
    """As only a coordinator that breaks the protocol would sign it."""
    request = coordinator_of(ROSTER).begin(plain, among=["site-0", "site-2"])["site-2"]
    forged = evolve(Sealed.read(request, 1 << 20).envelope, recipient="site-1").sealed(key_of("server"))
    with pytest.raises(ProtocolError, match="not among those of the round"):
        _site().answer(forged)


def test_a_later_stage_of_a_round_that_was_not_joined_is_refused():
    requests, _ = _to_second_stage()
    with pytest.raises(ProtocolError, match="did not answer the round's first stage"):
        _site(_relay).answer(requests["site-1"])


def test_a_site_knows_the_task_and_the_others():
    seen = []

    def watching(opening):
        seen.append((opening.round, opening.task, opening.sites))
        return join(opening)

    coordinator, sites = coordinator_of(ROSTER), sites_of(ROSTER, watching)
    for task in (b"first", b"second"):
        requests = coordinator.begin(plain, task)
        for site in sites:
            coordinator.receive(site.answer(requests[site.name]))
    assert seen[0] == (1, b"first", ROSTER.names)
    assert seen[-1] == (2, b"second", ROSTER.names)


def test_a_site_goes_on_in_another_process_between_two_stages():
    requests, sites = _to_second_stage()
    saved = sites["site-1"].saved()
    again = _site(_relay)
    again.restore(saved, lambda opening, kept: RelayParty(int.from_bytes(kept, "little")))
    assert again.answer(requests["site-1"]) == sites["site-1"].answer(requests["site-1"])
    with pytest.raises(ProtocolError, match="answered already"):
        again.answer(coordinator_of(ROSTER).begin(plain)["site-1"])


def test_without_its_party_a_restored_site_waits_for_the_next_round():
    requests, sites = _to_second_stage()
    again = _site(_relay)
    again.restore(sites["site-1"].saved())
    with pytest.raises(ProtocolError, match="did not answer the round's first stage"):
        again.answer(requests["site-1"])


@given(data=st.data())
def test_a_damaged_saved_state_is_refused(data):
    _, sites = _to_second_stage()
    saved = sites["site-1"].saved()
    cut = saved[: data.draw(st.integers(0, len(saved) - 1))]
    with pytest.raises(ProtocolError, match="saved state of 'site-1'"):
        _site(_relay).restore(cut, lambda opening, kept: RelayParty(1))
    with pytest.raises(ProtocolError, match="it is not this site's"):
        _site(_relay, name="site-2").restore(saved)


@given(data=st.data())
def test_a_changed_request_is_refused_and_the_right_one_still_answered(data):
    request = coordinator_of(ROSTER).begin(plain)["site-1"]
    at = data.draw(st.integers(0, 8 * len(request) - 1))
    changed = bytearray(request)
    changed[at // 8] ^= 1 << at % 8
    site = _site()
    with pytest.raises(ProtocolError):
        site.answer(bytes(changed))
    assert site.answer(request)


def test_a_site_that_the_roster_does_not_know_cannot_be_made():
    with pytest.raises(FederatedError, match="does not have 'site-1' with this key"):
        Site("site-1", key_of("site-2"), ROSTER, join)
    with pytest.raises(FederatedError, match="does not have 'mallory'"):
        Site("mallory", key_of("mallory"), ROSTER, join)


def _to_second_stage():
    """Requests of the second stage, and the sites that answered the first."""
    coordinator = coordinator_of(ROSTER)
    sites = {site.name: site for site in sites_of(ROSTER, _relay)}
    requests = coordinator.begin(lambda opening: RelayExchange(opening.sites))
    receipts = coordinator.receive_all(sites[name].answer(request) for name, request in requests.items())
    return receipts[-1].requests, sites


def test_a_refused_first_stage_leaves_the_site_in_the_round_that_it_was_in():
    class Picky(RelayParty):
        def answer(self, stage, payload):
            if payload == b"nonsense":
                raise ProtocolError("nonsense")
            return super().answer(stage, payload)

    class Nonsense(RelayExchange):
        def begin(self):
            return dict.fromkeys(self.sites, b"nonsense")

    sites = [_site(lambda opening: Picky(int(opening.site[-1]) + 1), name) for name in ROSTER.names]
    first, other = coordinator_of(ROSTER), coordinator_of(ROSTER)
    other.begin(plain)
    other.abandon()
    requests = first.begin(lambda opening: RelayExchange(opening.sites))
    for site in sites:
        requests = first.receive(site.answer(requests[site.name])).requests or requests
    before = sites[0].saved()
    with pytest.raises(ProtocolError, match="nonsense"):
        sites[0].answer(other.begin(lambda opening: Nonsense(opening.sites))["site-0"])
    assert sites[0].saved() == before
    assert first.stage == "open"
    assert first.receive(sites[0].answer(requests["site-0"])).accepted
