"""The three hospitals a third time: private, with less noise, because no hospital has to add enough of it alone.

In :mod:`cdt_federated.example_private` each hospital's noise protects its patients from everybody. Here each adds a share, and
a secure sum shows the sum alone: half of the variance, for the trust that at most one of the three tells its noise to others
([1]_). All three have to stay to the end of a round.

.. [1] Kairouz, Liu, Steinke, "The Distributed Discrete Gaussian Mechanism for Federated Learning with Secure Aggregation",
   ICML 2021.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from attrs import evolve
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cdt_federated.example import PENALTY, Hospital, Records, accuracy, federation, pooled
from cdt_federated.example_private import DELTA, EPSILON, by_reference, ledgers, slopes
from cdt_federated.rounds import Coordinator, InProcess, Site, Terms
from cdt_federated.strategies import FedAvg, Gradient
from cdt_federated.training import RecordLearner, SharedNoise, Trained, Training, train
from cdt_federated.vectors import Vector

__all__ = ["shared_study", "show"]

#: Chosen on other splits than the one shown, of the same records, which no budget counts.
STRATEGY = FedAvg(steps=1, rate=1.0, server_rate=2.0)
ROUNDS = 16
CLIP = 0.5


def shared_study(members: tuple[Hospital, ...], folder: Path) -> tuple[Trained, Mapping[str, float]]:
    """Train in this process: the model and its rounds, and epsilon by hospital, from its ledger in ``folder``."""
    server = Ed25519PrivateKey.generate()
    roster = federation(members, server)
    length = members[0].records.measured.shape[1] + 1
    carrier = SharedNoise(
        roster=roster,
        clip=CLIP,
        epsilon=EPSILON,
        delta=DELTA,
        uses=ROUNDS,
        colluding=1,
        adversary="semi-honest",
        penalty=_penalty,
    )
    with ledgers(members, folder) as own:
        sites = []
        for member in members:
            at_site = evolve(carrier, key=member.key, ledger=own[member.name])
            learner = RecordLearner(STRATEGY, _gradients(member.records), length, at_site)
            sites.append(Site(member.name, member.key, roster, learner))
        coordinator = Coordinator(roster, server, Terms(minimum=len(members)))
        training = Training(strategy=STRATEGY, rounds=ROUNDS, carrier=carrier)
        trained = train(training, np.zeros(length), coordinator, InProcess(sites))
        return trained, {name: ledger.epsilon_spent for name, ledger in own.items()}


def show(members: tuple[Hospital, ...], test: Records) -> None:
    """Print what noise in shares gives."""
    members, test = by_reference(members, test)
    best = pooled(members)
    with TemporaryDirectory() as folder:
        trained, spent = shared_study(members, Path(folder))
    off = np.linalg.norm(trained.model - best) / np.linalg.norm(best)
    answers = sum(len(record.included) for record in trained.history)
    name = f"noise in shares, {ROUNDS} noisy steps, none lost"
    print(f"{name:50} {answers:6}  {off:9.2g}  {accuracy(trained.model, test):8.1%}")
    told = ", ".join(f"{hospital} {epsilon:.3f}" for hospital, epsilon in spent.items())
    print(f"  epsilon spent at delta {DELTA:g}, if at most one hospital tells its noise: {told}")


def _gradients(records: Records) -> Gradient:
    return lambda model, step: slopes(records, model)


def _penalty(model: Vector) -> Vector:
    """Of the ridge, which depends on no patient and needs no noise."""
    return PENALTY * np.append(model[:-1], 0.0)
