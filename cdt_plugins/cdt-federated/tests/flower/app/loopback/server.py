"""The coordinator: what it found goes to a file, as JSON."""

from __future__ import annotations

import json
import time
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
    result = Path(context.run_config["result"])

    def pause_after_the_first_round(model):
        result.with_name("half").touch()
        while not result.with_name("killed").exists():
            time.sleep(0.1)
        return 0.0

    training = Training(strategy=STRATEGY, rounds=2, measure=pause_after_the_first_round)
    trained = train(training, np.zeros(LENGTH), coordinator, GridDelivery(grid, pause_seconds=0.1))
    found = {
        "plain": float(np.abs(plain.arrays["model"].numpy() - middle / 2).max()),
        "rounds": [[list(record.included), dict(record.refused)] for record in trained.history],
        "trained": float(np.abs(trained.model - middle * (1 - 0.8**10)).max()),
    }
    part = result.with_name("part")
    part.write_text(json.dumps(found))
    part.rename(result)
