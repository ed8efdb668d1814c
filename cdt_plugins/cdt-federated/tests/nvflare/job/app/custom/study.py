"""Three sites on NVFlare's simulator: SCAFFOLD over signed rounds, plain and under secure sums."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cdt_federated.nvflare import RoundsController, SiteExecutor
from cdt_federated.rounds import Coordinator, Member, Roster, Site, Terms
from cdt_federated.strategies import SCAFFOLD
from cdt_federated.training import Learner, Secure, Training, train

LENGTH, NAMES = 100, ("north", "south", "west")
STRATEGY = SCAFFOLD(steps=5, rate=0.2)


def key_of(name):
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


ROSTER = Roster("simulated", Member.of("server", key_of("server")), tuple(Member.of(n, key_of(n)) for n in NAMES))


def optimum_of(name):
    return np.arange(LENGTH) / LENGTH + NAMES.index(name)


def carrier(name=None):
    return Secure(roster=ROSTER, clip=100.0, bits=64, key=None if name is None else key_of(name))


class Hospital(SiteExecutor):
    def make_site(self, name):
        learner = Learner(STRATEGY, lambda model, step: model - optimum_of(name), LENGTH, carrier(name))
        return Site(name, key_of(name), ROSTER, learner)


class Study(RoundsController):
    def __init__(self, result):
        super().__init__(timeout_seconds=60)
        self.result = result

    def lead(self, delivery):
        coordinator = Coordinator(ROSTER, key_of("server"), Terms(minimum=3))
        trained = train(
            Training(strategy=STRATEGY, rounds=3, carrier=carrier()), np.zeros(LENGTH), coordinator, delivery
        )
        expected = sum(map(optimum_of, NAMES)) / 3 * (1 - 0.8**15)
        found = {
            "clients": sorted(delivery.clients),
            "off": float(np.abs(trained.model - expected).max()),
            "included": [list(record.included) for record in trained.history],
        }
        Path(self.result).write_text(json.dumps(found))
