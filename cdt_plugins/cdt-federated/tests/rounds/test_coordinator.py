"""A round finishes with those who answered; whatever else arrives is refused, counted, and changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
from federation import coordinator_of, expected_mean, join, key_of, plain, roster_of, sites_of
from hypothesis import given, settings
from hypothesis import strategies as st
from relay import RelayExchange, RelayParty

from cdt_core.errors import AccessError, FederatedError, ProtocolError
from cdt_federated.rounds import (
    Coordinator,
    Faults,
    InProcess,
    Journal,
    Member,
    PlainExchange,
    PlainParty,
    Roster,
    Site,
    Terms,
    rule_of,
    run_in_process,
    run_round,
)

ROSTER = roster_of(5)
UPDATE = "update"


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: Coordinator("trial", key_of("server")), "a str is no federation; give a Roster"),
        (lambda: coordinator_of(roster_of(2), 3), "terms=3"),
        (lambda: coordinator_of(roster_of(2), journal="folder"), "journal='folder' cannot be used"),
        (lambda: Site("site-0", key_of("site-0"), "trial", join), "'site-0' cannot join a str"),
        (lambda: Site("site-0", key_of("site-0"), roster_of(2), None), "'site-0' cannot join a Roster by None"),
        (lambda: InProcess(["site-0"]), "a str is no site of a round"),
    ],
)
def test_what_cannot_lead_or_join_is_refused_when_it_is_made(made, said):
    with pytest.raises(FederatedError, match=said):
        made()


def test_a_round_gives_the_mean_of_all():
    outcome = run_in_process(coordinator_of(ROSTER), sites_of(ROSTER), plain, b"task")
    assert np.allclose(outcome.values, expected_mean(ROSTER.names, 1), rtol=1e-14)
    assert (outcome.included, outcome.dropped, outcome.reason, outcome.refused) == (ROSTER.names, (), "", {})


def test_a_round_needs_no_deadline_when_all_have_answered_and_takes_them_in_any_order():
    coordinator, results = coordinator_of(ROSTER), []
    for order in (1, -1):
        sites = {site.name: site for site in sites_of(ROSTER)}
        coordinator = coordinator_of(ROSTER)
        requests = coordinator.begin(plain)
        receipts = [coordinator.receive(sites[name].answer(requests[name])) for name in ROSTER.names[::order]]
        assert all(receipt.accepted for receipt in receipts)
        results.append(coordinator.result().values.tobytes())
    assert results[0] == results[1]


@pytest.mark.parametrize("kind", ["dropped", "slow"])
def test_who_does_not_answer_in_time_is_left_out_and_named(kind):
    deliver = InProcess(sites_of(ROSTER), Faults(**{kind: [("site-1", UPDATE), ("site-4", UPDATE)]}))
    coordinator = coordinator_of(ROSTER, Terms(minimum=3))
    outcome = run_round(coordinator, deliver, plain)
    assert outcome.dropped == ("site-1", "site-4")
    assert np.allclose(outcome.values, expected_mean(["site-0", "site-2", "site-3"], 1), rtol=1e-14)
    deliver.faults = Faults()
    following = run_round(coordinator, deliver, plain)
    assert following.dropped == ()
    assert following.refused == ({"round": 2} if kind == "slow" else {})


@pytest.mark.parametrize(
    ("kind", "reason"), [("repeated", "duplicate"), ("forged", "forged"), ("replayed", "round"), ("altered", "")]
)
def test_a_message_that_must_not_count_is_refused_and_the_round_finishes(kind, reason):
    coordinator = coordinator_of(ROSTER)
    deliver = InProcess(sites_of(ROSTER), Faults(**{kind: [("site-2", UPDATE)]}))
    assert run_round(coordinator, deliver, plain).round == 1
    outcome = run_round(coordinator, deliver, plain)
    left_out = ("site-2",) if kind == "altered" else ()
    included = [name for name in ROSTER.names if name not in left_out]
    assert outcome.dropped == left_out
    assert np.allclose(outcome.values, expected_mean(included, 2), rtol=1e-14)
    if kind == "altered":  # wherever the bit was: the message is no longer one, names nobody, or is not signed
        (reason,) = outcome.refused.keys() & {"malformed", "unknown", "forged"}
    assert outcome.refused == {reason: 1}


def test_below_the_minimum_the_round_fails_with_the_reason_and_the_next_one_works():
    coordinator = coordinator_of(ROSTER, Terms(minimum=4))
    faults = Faults(dropped=[("site-0", UPDATE), ("site-1", UPDATE)])
    outcome = run_in_process(coordinator, sites_of(ROSTER), plain, faults=faults)
    assert outcome.failed
    assert outcome.dropped == ROSTER.names
    with pytest.raises(FederatedError, match=r"round 1 failed: 3 of 5 sites answered stage 'update', 4 are needed"):
        coordinator.result()
    assert run_in_process(coordinator, sites_of(ROSTER), plain).round == 2


def test_a_stage_ends_as_soon_as_enough_have_answered():
    sites = {site.name: site for site in sites_of(ROSTER)}
    coordinator = coordinator_of(ROSTER, Terms(minimum=2, enough=3))
    requests = coordinator.begin(plain)
    answers = [sites[name].answer(requests[name]) for name in ROSTER.names]
    receipts = coordinator.receive_all(answers)
    assert [receipt.reason for receipt in receipts] == ["", "", "", "round", "round"]
    assert coordinator.result().dropped == ("site-3", "site-4")


def test_sites_are_drawn_by_the_seed_and_others_cannot_push_in():
    coordinator = coordinator_of(ROSTER, Terms(share=0.4, minimum=2, seed=3))
    sites = {site.name: site for site in sites_of(ROSTER)}
    requests = coordinator.begin(plain)
    assert len(requests) == 2
    assert set(requests) == set(coordinator_of(ROSTER, Terms(share=0.4, minimum=2, seed=3)).begin(plain))
    everyone = coordinator_of(ROSTER).begin(plain)
    outsider = next(name for name in ROSTER.names if name not in requests)
    receipt = coordinator.receive(sites[outsider].answer(everyone[outsider]))
    assert (receipt.accepted, receipt.reason, receipt.site) == (False, "unasked", outsider)
    drawn = [set(coordinator_of(ROSTER, Terms(share=0.4, seed=seed)).begin(plain)) for seed in range(20)]
    assert set.union(*drawn) == set(ROSTER.names)


def test_only_those_that_can_be_reached_are_asked():
    coordinator = coordinator_of(ROSTER, Terms(minimum=2))
    with pytest.raises(FederatedError, match="round 1 needs 2 sites and 1 can be reached"):
        coordinator.begin(plain, among=["site-3"])
    with pytest.raises(FederatedError, match="'mallory' is no site of 'trial'"):
        coordinator.begin(plain, among=["mallory", "site-3"])
    assert set(coordinator.begin(plain, among=["site-3", "site-0"])) == {"site-0", "site-3"}


def test_an_agreement_that_forbids_the_round_is_heard_before_anything_is_sent():
    def allowed(opening):
        if opening.task != b"approved":
            raise AccessError("rule 'purpose' does not allow this task")

    coordinator = coordinator_of(ROSTER, allowed=allowed)
    with pytest.raises(AccessError, match="rule 'purpose'"):
        coordinator.begin(plain, b"other")
    assert (coordinator.round, coordinator.stage) == (0, "")
    assert coordinator.begin(plain, b"approved")


def test_a_site_that_answers_the_request_of_another_federation_or_coordinator_is_refused():
    twin = roster_of(5, federation="other trial")
    requests = coordinator_of(twin).begin(plain)
    answer = sites_of(twin)[0].answer(requests["site-0"])
    coordinator = coordinator_of(ROSTER)
    coordinator.begin(plain)
    assert coordinator.receive(answer).reason == "unknown"
    assert coordinator.receive(b"GET / HTTP/1.1").reason == "malformed"
    assert coordinator.receive(answer[:40]).reason == "malformed"


def test_an_answer_to_another_request_of_the_same_round_is_refused():
    first, second = coordinator_of(ROSTER), coordinator_of(ROSTER)
    stale = sites_of(ROSTER)[0].answer(first.begin(plain, b"an old task")["site-0"])
    second.begin(plain, b"a new task")
    assert second.receive(stale).reason == "request"


def test_a_payload_that_the_exchange_cannot_use_is_refused_and_may_be_mended():
    coordinator = coordinator_of(ROSTER)
    requests = coordinator.begin(plain)
    broken = sites_of(ROSTER, lambda opening: _Says(b"too short"))[0]
    receipt = coordinator.receive(broken.answer(requests["site-0"]))
    assert receipt.reason == "payload"
    assert "update of 'site-0': cut off" in receipt.details
    assert coordinator.receive(sites_of(ROSTER)[0].answer(requests["site-0"])).accepted


def test_a_wrong_key_is_noticed_at_once():
    with pytest.raises(FederatedError, match="the key is not that of 'server'"):
        Coordinator(ROSTER, key_of("site-1"))


def test_a_rule_that_refuses_the_updates_fails_the_round_not_the_program():
    def refusing(updates, weights):
        raise FederatedError("too few updates for this rule")

    outcome = run_in_process(coordinator_of(ROSTER), sites_of(ROSTER), lambda opening: _plain_with(opening, refusing))
    assert outcome.reason == "too few updates for this rule"


@settings(deadline=None, max_examples=40)
@given(
    out=st.lists(st.tuples(st.sampled_from(ROSTER.names), st.sampled_from(RelayExchange.stages)), max_size=4),
    spoilt=st.lists(
        st.tuples(
            st.sampled_from(("repeated", "replayed", "forged", "slow", "altered")),
            st.sampled_from(ROSTER.names),
            st.sampled_from(RelayExchange.stages),
        ),
        max_size=5,
    ),
)
def test_several_stages_end_with_the_sum_of_the_survivors_or_with_a_reason(out, spoilt):
    """Whatever is lost, late, forged or repeated at any stage."""
    faults = Faults(
        dropped=out, **{kind: [(site, stage) for k, site, stage in spoilt if k == kind] for kind, _, _ in spoilt}
    )
    sites = sites_of(ROSTER, lambda opening: RelayParty(int(opening.site[-1]) + 1))
    coordinator = coordinator_of(ROSTER, Terms(minimum=1))
    deliver = InProcess(sites, faults)
    for _ in range(2):
        outcome = run_round(coordinator, deliver, lambda opening: RelayExchange(opening.sites))
        if outcome.failed:
            assert "needed" in outcome.reason
        else:
            assert outcome.values == [sum(int(site[-1]) + 1 for site in outcome.included)]
            gone = {site for site, stage in faults.dropped | faults.slow | faults.altered if stage != "confirm"}
            assert set(outcome.dropped) == gone


def test_a_thousand_sites_of_which_a_tenth_drop_out():
    roster = roster_of(1000)
    faults = Faults().dropping(roster.names, UPDATE, share=0.1, seed=8)
    outcome = run_in_process(coordinator_of(roster, Terms(minimum=900)), sites_of(roster), plain, faults=faults)
    assert len(outcome.dropped) == 100
    assert np.allclose(outcome.values, expected_mean(outcome.included, 1), rtol=1e-12)


@pytest.mark.parametrize(
    "wrong", [{"minimum": 0}, {"share": 0}, {"share": 1.5}, {"seed": "x"}, {"minimum": 3, "enough": 2}]
)
def test_terms_that_make_no_sense_are_refused(wrong):
    with pytest.raises(FederatedError):
        Terms(**wrong)


def test_what_is_no_key_rule_dtype_or_folder_is_said_to_be_none(tmp_path):
    with pytest.raises(FederatedError, match="the key of 'server' is a str"):
        Coordinator(ROSTER, "secret")
    with pytest.raises(FederatedError, match="'median' is no rule"):
        rule_of("median")
    with pytest.raises(FederatedError, match="cannot be sent as 'int8'"):
        PlainParty(lambda: [1.0], 1, "int8")
    with pytest.raises(FederatedError, match="an update of 0 values"):
        PlainExchange(["a"], 0)
    with pytest.raises(FederatedError, match="'b' has no weight"):
        PlainExchange(["a", "b"], 2, {"a": 1.0})
    with pytest.raises(FederatedError, match="'median' is no rule"):
        PlainExchange(["a"], 2, rule="median")
    with pytest.raises(FederatedError, match="each of its sites once"):
        PlainExchange(["a", "a"], 2)
    with pytest.raises(FederatedError, match="the weight of 'b' is nan"):
        PlainExchange(["a", "b"], 2, {"a": 1.0, "b": float("nan")})
    with pytest.raises(FederatedError, match="the task of a round is a str"):
        coordinator_of(ROSTER).begin(plain, "train")
    (tmp_path / "file").write_text("")
    with pytest.raises(FederatedError, match="the journal cannot be written"):
        Journal(tmp_path / "file")


def test_names_and_keys_of_a_roster_are_unique():
    server, one = Member.of("server", key_of("server")), Member.of("a", key_of("a"))
    with pytest.raises(FederatedError, match="has the key of 'a' twice"):
        Roster("f", server, (one, Member("b", one.public_key)))
    with pytest.raises(FederatedError, match="has the name of 'server' twice"):
        Roster("f", server, (Member.of("server", key_of("a")),))
    with pytest.raises(FederatedError, match="no sites"):
        Roster("f", server, ())
    with pytest.raises(FederatedError, match="cannot be used"):
        Member("new\nline", one.public_key)
    with pytest.raises(FederatedError, match="32 bytes"):
        Member("a", b"short")
    with pytest.raises(FederatedError, match="weight of Member is 0"):
        Member("a", one.public_key, 0)


@given(count=st.integers(1, 40), data=st.data())
def test_marks_name_the_same_sites(count, data):
    roster = roster_of(count)
    chosen = tuple(name for name in roster.names if data.draw(st.booleans()))
    assert roster.marked(roster.marks(chosen)) == chosen
    with pytest.raises(FederatedError, match=f"the roster has {count}"):
        roster.marked(b"\xff" * (roster.marks_bytes + 1))


def test_an_exchange_that_asks_who_is_gone_fails_the_round():
    class Stubborn(RelayExchange):
        def close(self, stage):
            super().close(stage)
            return dict.fromkeys(self.sites, b"again")

    sites = sites_of(ROSTER, lambda opening: RelayParty(1))
    outcome = run_in_process(
        coordinator_of(ROSTER),
        sites,
        lambda opening: Stubborn(opening.sites),
        faults=Faults(dropped=[("site-2", "commit")]),
    )
    assert outcome.reason == "after stage 'commit' the exchange asks 'site-2', which dropped out; it cannot go on"


def test_a_site_that_stays_out_is_named():
    def shy(opening):
        if opening.site == "site-3":
            raise FederatedError("not enough patients")
        return join(opening)

    deliver = InProcess(sites_of(ROSTER, shy))
    outcome = run_round(coordinator_of(ROSTER), deliver, plain)
    assert outcome.dropped == ("site-3",)
    assert str(deliver.failures["site-3"]) == "not enough patients"


def _plain_with(opening, rule):
    exchange = plain(opening)
    exchange._rule = rule
    return exchange


class _Says:
    def __init__(self, payload):
        self.payload = payload

    def answer(self, stage, payload):
        if stage != "update":
            raise ProtocolError("one stage only")
        return self.payload


def test_weights_that_are_all_zero_fail_the_round_with_the_reason():
    outcome = run_in_process(
        coordinator_of(ROSTER), sites_of(ROSTER), lambda o: PlainExchange(o.sites, 5, dict.fromkeys(o.sites, 0.0))
    )
    assert outcome.reason == "the weights add up to 0.0; give some that are above 0 and finite"


@pytest.mark.parametrize(("share", "of", "asked"), [(0.07, 100, 7), (0.29, 100, 29), (0.1, 31, 4), (0.5, 3, 2)])
def test_a_share_of_the_sites_is_that_share_rounded_up(share, of, asked):
    assert len(Terms(share=share).sample([f"site-{n}" for n in range(of)], 1)) == asked


def test_numbers_of_numpy_are_numbers():
    assert Member.of("a", key_of("a"), np.int64(250)).weight == 250
    assert Terms(minimum=np.int64(2), share=np.float32(0.5)).minimum == 2
    with pytest.raises(FederatedError, match="minimum of Terms is"):
        Terms(minimum=np.float64(2))
    with pytest.raises(FederatedError, match="weight of Member is"):
        Member.of("a", key_of("a"), np.bool_(True))
