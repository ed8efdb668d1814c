"""A site: its own loss is a parabola about its own optimum."""

from __future__ import annotations

from pathlib import Path

from flwr.app import Array, ArrayRecord, Message, MetricRecord, RecordDict

from cdt_federated.flower import client_app
from cdt_federated.rounds import KeptSite, Site
from cdt_federated.training import Learner
from loopback import LENGTH, ROSTER, STRATEGY, key_of, optimum_of


def make_site(context):
    name = context.node_config["site"]
    learner = Learner(STRATEGY, lambda model, step: model - optimum_of(name), LENGTH)
    return KeptSite(Site(name, key_of(name), ROSTER, learner), Path(context.node_config["memory"]))


app = client_app(make_site)


@app.train()
def train(message, context):
    """As any Flower client: half of the way to its own optimum."""
    model = message.content.array_records["arrays"]["model"].numpy()
    moved = model + 0.5 * (optimum_of(context.node_config["site"]) - model)
    records = {"arrays": ArrayRecord({"model": Array(moved)}), "metrics": MetricRecord({"num-examples": 5})}
    return Message(RecordDict(records), reply_to=message)
