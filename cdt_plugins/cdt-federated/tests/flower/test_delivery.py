"""Our signed rounds over Flower's messages: each is answered by a process that knows only what the node kept."""

from __future__ import annotations

import numpy as np
import pytest
from federation import LENGTH, coordinator_of, expected_mean, join, key_of, plain, roster_of
from flwr.app import Message, RecordDict
from flwr.clientapp import ClientApp
from grids import LocalGrid
from relay import RelayExchange, RelayParty

from cdt_core.errors import FederatedError
from cdt_federated.flower import GridDelivery, client_app
from cdt_federated.rounds import Site, Terms, run_round
from cdt_federated.strategies import SCAFFOLD
from cdt_federated.training import Learner, Training, train

ROSTER = roster_of(3)


def _site(joining):
    def make(context):
        name = context.node_config["site"]
        return Site(name, key_of(name), ROSTER, joining)

    return make


def _relay_app():
    return client_app(
        _site(lambda opening: RelayParty(int(opening.site[-1]) + 1)),
        rejoin=lambda context: lambda opening, kept: RelayParty(int.from_bytes(kept, "little")),
    )


def test_a_plain_round():
    coordinator, delivery = coordinator_of(ROSTER), GridDelivery(LocalGrid([client_app(_site(join))] * 3))
    assert delivery.find(ROSTER.names) == ROSTER.names
    outcome = run_round(coordinator, delivery, plain)
    assert np.allclose(outcome.values, expected_mean(ROSTER.names, 1), rtol=1e-14)


def test_several_stages_each_a_message_to_every_node():
    grid = LocalGrid([_relay_app()] * 3)
    outcome = run_round(coordinator_of(ROSTER), GridDelivery(grid), lambda opening: RelayExchange(opening.sites))
    assert outcome.values == [1 + 2 + 3]
    assert [message.metadata.message_type for message in grid.sent] == ["query.cdt"] * 3 + ["train.cdt"] * 9


def test_training_keeps_a_sites_memory_at_its_node():
    strategy = SCAFFOLD(steps=4, rate=0.1)
    optima = {name: np.full(LENGTH, float(at)) for at, name in enumerate(ROSTER.names)}

    def make(context):
        name = context.node_config["site"]
        slope = 1 + optima[name]
        learner = Learner(strategy, lambda model, step: slope * (model - optima[name]), LENGTH)
        return Site(name, key_of(name), ROSTER, learner)

    delivery = GridDelivery(LocalGrid([client_app(make)] * 3))
    trained = train(Training(strategy=strategy, rounds=60), np.zeros(LENGTH), coordinator_of(ROSTER), delivery)
    weights = np.array([site.weight for site in ROSTER.sites])
    optimum = weights @ [0, 2, 6] / (weights @ [1, 2, 3])
    assert np.allclose(trained.model, optimum, rtol=1e-9)


def test_a_node_that_fails_or_talks_of_something_else_drops_out():
    strange = ClientApp()

    @strange.query("cdt")
    def name(message, context):
        return client_app(_site(join))(message, context)

    @strange.train("cdt")
    def answer(message, context):
        return Message(RecordDict(), reply_to=message)

    delivery = GridDelivery(LocalGrid([client_app(_site(join)), ClientApp(), strange]), timeout_seconds=1e-3)
    coordinator = coordinator_of(ROSTER, Terms(minimum=1))
    assert delivery.find(ROSTER.names) == ("site-0", "site-2")
    outcome = run_round(coordinator, delivery, plain)
    assert outcome.dropped == ("site-1", "site-2")
    assert np.allclose(outcome.values, expected_mean(["site-0"], 1), rtol=1e-14)


def test_when_no_site_is_there_it_says_so():
    delivery = GridDelivery(LocalGrid([ClientApp()]), timeout_seconds=1e-3)
    with pytest.raises(FederatedError, match="none of the 3 sites is connected, as 'site-0'"):
        run_round(coordinator_of(ROSTER), delivery, plain)


def test_a_node_that_was_restarted_under_another_number_is_found_again():
    grid = LocalGrid([client_app(_site(join))] * 3)
    coordinator, delivery = coordinator_of(ROSTER, Terms(minimum=2)), GridDelivery(grid, timeout_seconds=1)
    assert run_round(coordinator, delivery, plain).dropped == ()
    app, context = grid.apps.pop(101), grid.contexts.pop(101)
    assert run_round(coordinator, delivery, plain).dropped == ("site-1",)
    grid.apps[777], grid.contexts[777] = app, context
    assert run_round(coordinator, delivery, plain).dropped == ()


def test_when_all_nodes_have_gone_the_round_fails_and_the_next_one_works():
    grid = LocalGrid([client_app(_site(join))] * 3)
    coordinator, delivery = coordinator_of(ROSTER), GridDelivery(grid, timeout_seconds=1)
    run_round(coordinator, delivery, plain)
    apps, grid.apps = grid.apps, {}
    assert run_round(coordinator, delivery, plain).failed
    grid.apps = apps
    assert run_round(coordinator, delivery, plain).dropped == ()
