"""The coordinator: what it found goes to a file, as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from flwr.app import Array, ArrayRecord
from flwr.serverapp import ServerApp

from cdt_federated.flower import FederatedStrategy, GridDelivery
from cdt_federated.rounds import Coordinator, Terms
from cdt_federated.training import Training, train
from loopback import LENGTH, ROSTER, SITES, STRATEGY, key_of, optimum_of

app = ServerApp()


@app.main()
def main(grid, context):
    middle = sum(optimum_of(site) for site in SITES) / 2
    plain = FederatedStrategy().start(grid, ArrayRecord({"model": Array(np.zeros(LENGTH))}), num_rounds=1)
    coordinator = Coordinator(ROSTER, key_of("server"), Terms(minimum=2))
    trained = train(Training(strategy=STRATEGY, rounds=2), np.zeros(LENGTH), coordinator, GridDelivery(grid))
    found = {
        "plain": float(np.abs(plain.arrays["model"].numpy() - middle / 2).max()),
        "rounds": [[list(record.included), dict(record.refused)] for record in trained.history],
        "trained": float(np.abs(trained.model - middle * (1 - 0.8**10)).max()),
    }
    part = Path(context.run_config["result"] + ".part")
    part.write_text(json.dumps(found))
    part.rename(context.run_config["result"])
