"""Our signed rounds over Flower's messages: each is answered by a process that knows only what is on the node's disk."""

from __future__ import annotations

import numpy as np
import pytest
from attrs import evolve
from federation import LENGTH, coordinator_of, expected_mean, join, key_of, plain, roster_of
from flwr.app import Message, RecordDict
from flwr.clientapp import ClientApp
from grids import LocalGrid
from relay import RelayExchange, RelayParty

from cdt_core.errors import FederatedError
from cdt_federated.flower import GridDelivery, client_app
from cdt_federated.rounds import InProcess, KeptSite, Site, Terms, run_round
from cdt_federated.strategies import SCAFFOLD
from cdt_federated.training import Learner, Plain, Secure, Training, Verified, train

ROSTER = roster_of(3)


@pytest.fixture
def app(tmp_path):
    """Makes an app; each node has its file."""

    def made(joining, rejoin=None):
        def make(context):
            name = context.node_config["site"]
            return KeptSite(Site(name, key_of(name), ROSTER, joining(name)), tmp_path / name, rejoin and rejoin(name))

        return client_app(make)

    return made


@pytest.fixture
def plain_app(app):
    return app(lambda name: join)


@pytest.fixture
def relay_app(app):
    return app(
        lambda name: lambda opening: RelayParty(int(name[-1]) + 1),
        lambda name: lambda opening, kept: RelayParty(int.from_bytes(kept, "little")),
    )


def delivery_of(grid, timeout_seconds=5.0):
    return GridDelivery(grid, timeout_seconds, pause_seconds=1e-3)


def test_a_plain_round(plain_app):
    coordinator, delivery = coordinator_of(ROSTER), delivery_of(LocalGrid([plain_app] * 3))
    assert delivery.find(ROSTER.names) == ROSTER.names
    outcome = run_round(coordinator, delivery, plain)
    assert np.allclose(outcome.values, expected_mean(ROSTER.names, 1), rtol=1e-14)


def test_several_stages_each_a_message_to_every_node(relay_app):
    grid = LocalGrid([relay_app] * 3)
    outcome = run_round(coordinator_of(ROSTER), delivery_of(grid), lambda opening: RelayExchange(opening.sites))
    assert outcome.values == [1 + 2 + 3]
    assert [message.metadata.message_type for message in grid.sent] == ["query.cdt"] * 3 + ["train.cdt"] * 9


@pytest.mark.parametrize(
    ("carrier", "rounds", "tolerance"),
    [
        (None, 4, 1e-15),
        (Secure(roster=ROSTER, clip=100.0, bits=64), 4, 1e-12),
        (Verified(roster=ROSTER, clip=100.0, bits=64, projections=1, steps=20), 2, 1e-3),
    ],
    ids=["plain", "secure", "verified"],
)
def test_nodes_killed_after_their_replies_and_before_flower_stores_anything_lose_nothing(
    app, carrier, rounds, tolerance
):
    """After every reply the SuperNode is gone with all that it knew, and another one comes under another number."""
    training = Training(
        strategy=SCAFFOLD(steps=4, rate=0.1), rounds=rounds, carrier=Plain() if carrier is None else carrier
    )

    def with_key(name):
        return Plain() if carrier is None else evolve(carrier, key=key_of(name))

    def learner(name):
        at = float(name[-1])
        return Learner(training.strategy, lambda model, step: (1 + at) * (model - at), LENGTH, with_key(name))

    def killed(reply):
        old = reply.metadata.src_node_id
        if reply.metadata.message_type != "query.cdt":
            new = old + 1000
            grid.apps[new], grid.contexts[new] = grid.apps.pop(old), grid.contexts.pop(old)
            grid.contexts[new].state = RecordDict()
        return [reply]

    grid = LocalGrid([app(learner, lambda name: carrier and with_key(name).rejoin)] * 3, killed)
    lived = InProcess([Site(name, key_of(name), ROSTER, learner(name)) for name in ROSTER.names])
    found, expected = (
        train(training, np.zeros(LENGTH), coordinator_of(ROSTER, Terms(minimum=3)), deliver)
        for deliver in (delivery_of(grid), lived)
    )
    assert min(grid.apps) >= 100 + 1000 * rounds
    assert np.allclose(found.model, expected.model, rtol=0, atol=tolerance)


def test_a_node_that_comes_for_a_dead_one_within_a_stage_is_asked(relay_app):
    """The SuperLink takes a minute to see that a node is dead."""
    grid = LocalGrid([relay_app] * 3)
    coordinator, delivery = coordinator_of(ROSTER, Terms(minimum=3)), delivery_of(grid)

    def deliver(requests):
        if coordinator.stage == "open":
            grid.silent.add(101)
        answers = delivery(requests)
        yield next(answers)
        grid.apps.setdefault(777, grid.apps[101])
        grid.contexts.setdefault(777, grid.contexts[101])
        yield from answers

    outcome = run_round(coordinator, deliver, lambda opening: RelayExchange(opening.sites))
    assert (outcome.values, outcome.dropped) == ([1 + 2 + 3], ())


def test_a_site_that_would_forget_is_refused():
    forgetful = client_app(lambda context: Site("site-0", key_of("site-0"), ROSTER, join))
    grid = LocalGrid([forgetful])
    assert delivery_of(grid, timeout_seconds=1e-3).find(["site-0"]) == ()
    with pytest.raises(FederatedError, match="a Site forgets between Flower's messages; give a KeptSite of it"):
        forgetful(grid.sent[0], grid.contexts[100])


def test_a_node_that_fails_or_talks_of_something_else_drops_out(plain_app):
    strange = ClientApp()

    @strange.query("cdt")
    def name(message, context):
        return plain_app(message, context)

    @strange.train("cdt")
    def answer(message, context):
        return Message(RecordDict(), reply_to=message)

    delivery = delivery_of(LocalGrid([plain_app, ClientApp(), strange]), timeout_seconds=1e-3)
    coordinator = coordinator_of(ROSTER, Terms(minimum=1))
    assert delivery.find(ROSTER.names) == ("site-0", "site-2")
    outcome = run_round(coordinator, delivery, plain)
    assert outcome.dropped == ("site-1", "site-2")
    assert np.allclose(outcome.values, expected_mean(["site-0"], 1), rtol=1e-14)


def test_a_coordinator_started_anew_without_its_journal_is_told_what_it_lacks(plain_app, caplog):
    grid = LocalGrid([plain_app] * 3)
    assert not run_round(coordinator_of(ROSTER), delivery_of(grid), plain).failed
    assert run_round(coordinator_of(ROSTER), delivery_of(grid), plain, b"another task").failed
    assert "site-0 says nothing in this stage: its node failed" in caplog.text
    assert "was answered already; a coordinator that is started anew needs its journal" in caplog.text


def test_when_no_site_is_there_it_says_so():
    delivery = delivery_of(LocalGrid([ClientApp()]), timeout_seconds=1e-3)
    with pytest.raises(FederatedError, match="none of the 3 sites is connected, as 'site-0'"):
        run_round(coordinator_of(ROSTER), delivery, plain)


def test_a_node_that_was_restarted_under_another_number_is_found_again(plain_app):
    grid = LocalGrid([plain_app] * 3)
    coordinator, delivery = coordinator_of(ROSTER, Terms(minimum=2)), delivery_of(grid)
    assert run_round(coordinator, delivery, plain).dropped == ()
    app, context = grid.apps.pop(101), grid.contexts.pop(101)
    assert run_round(coordinator, delivery, plain).dropped == ("site-1",)
    grid.apps[777], grid.contexts[777] = app, context
    assert run_round(coordinator, delivery, plain).dropped == ()


def test_when_all_nodes_have_gone_the_round_fails_and_the_next_one_works(plain_app):
    grid = LocalGrid([plain_app] * 3)
    coordinator, delivery = coordinator_of(ROSTER), delivery_of(grid)
    run_round(coordinator, delivery, plain)
    apps, grid.apps = grid.apps, {}
    assert run_round(coordinator, delivery, plain).failed
    grid.apps = apps
    assert run_round(coordinator, delivery, plain).dropped == ()


def test_a_stage_ends_when_enough_have_answered_whoever_is_still_waited_for(plain_app):
    grid = LocalGrid([plain_app] * 3)
    delivery = delivery_of(grid, timeout_seconds=300.0)
    delivery.find(ROSTER.names)
    grid.silent.add(102)
    outcome = run_round(coordinator_of(ROSTER, Terms(minimum=2, enough=2)), delivery, plain)
    assert outcome.dropped == ("site-2",)
