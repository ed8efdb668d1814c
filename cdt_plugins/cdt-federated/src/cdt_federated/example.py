"""Three hospitals learn one model of breast tumours, and no record leaves a hospital: ``python -m cdt_federated.example``.

569 tumours of the Breast Cancer Wisconsin (Diagnostic) data [1]_ are split unevenly: hospitals differ in size and in how large
the tumours are that they see. Logistic regression, a fifth of the answers lost, then one hospital that sends wrong updates.

.. [1] Wolberg, Mangasarian, Street, Street, UCI Machine Learning Repository, 1993, doi:10.24432/C5DW2B; scikit-learn's copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
from attrs import evolve, field, frozen
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from numpy.typing import NDArray
from scipy.special import expit

from cdt_core.errors import FederatedError
from cdt_core.kernels import robust
from cdt_federated.reputation import Reputation
from cdt_federated.rounds import (
    Coordinator,
    Faults,
    InProcess,
    Member,
    PlainExchange,
    PlainParty,
    Roster,
    Site,
    Terms,
    run_round,
    sampled,
)
from cdt_federated.strategies import SCAFFOLD, FedAvg, Gradient, Strategy
from cdt_federated.training import Learner, Plain, Secure, Trained, Training, train
from cdt_federated.vectors import Vector

__all__ = ["Hospital", "Records", "accuracy", "federation", "hospitals", "main", "pooled", "standardised", "study"]

#: Ridge penalty of the logistic regression, per record.
PENALTY = 1e-2
_SHARES = {"north": 0.55, "east": 0.30, "south": 0.15}


@frozen(eq=False)
class Records:
    """Measurements, float64 (rows, columns), and what the tumour was: 1 malignant, 0 benign."""

    measured: NDArray[np.float64]
    malignant: NDArray[np.float64]

    def take(self, rows: NDArray[np.intp]) -> Records:
        """Some of the rows."""
        return Records(self.measured[rows], self.malignant[rows])

    def slope(self, model: Vector) -> Vector:
        """Gradient of the mean logistic loss with its ridge penalty; the last coordinate of the model is the intercept."""
        margin = self.measured @ model[:-1] + model[-1]
        residual = expit(margin) - self.malignant
        slope = np.append(residual @ self.measured, residual.sum()) / len(residual)
        slope[:-1] += PENALTY * model[:-1]
        return slope


@frozen(eq=False)
class Hospital:
    """Its name, its key, its records."""

    name: str
    records: Records
    key: Ed25519PrivateKey = field(factory=Ed25519PrivateKey.generate)


def hospitals(seed: int = 0) -> tuple[tuple[Hospital, ...], Records]:
    """Three hospitals of different sizes and patients, and a fifth of all records that no hospital has, for the test.

    Raises
    ------
    FederatedError
        scikit-learn, which brings the data, is not installed.
    """
    try:
        from sklearn.datasets import load_breast_cancer
    except ImportError as error:
        raise FederatedError("the example needs scikit-learn: pip install 'cdt-federated[example]'") from error
    data = load_breast_cancer()
    everything = Records(np.asarray(data.data, np.float64), 1.0 - np.asarray(data.target, np.float64))
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(everything.malignant))
    test, rest = rows[:114], rows[114:]
    # Large tumours are sent north more often, small ones south: sorted by radius with much noise, then cut by size.
    radius = everything.measured[rest, 0]
    rest = rest[np.argsort(-radius + rng.normal(0, 2 * radius.std(), len(rest)))]
    cuts = np.cumsum([round(share * len(rest)) for share in _SHARES.values()])[:-1]
    parts = zip(_SHARES, np.split(rest, cuts), strict=True)
    return tuple(Hospital(name, everything.take(part)) for name, part in parts), everything.take(test)


def federation(members: Iterable[Hospital], server: Ed25519PrivateKey) -> Roster:
    """Who takes part, each by its number of records."""
    sites = [Member.of(each.name, each.key, len(each.records.malignant)) for each in members]
    return Roster("breast tumours", Member.of("server", server), tuple(sites))


def standardised(
    members: tuple[Hospital, ...], test: Records, roster: Roster, server: Ed25519PrivateKey
) -> tuple[tuple[Hospital, ...], Records]:
    """Records with mean 0 and deviation 1 over all hospitals, by one round in which each sends its sums."""
    columns = test.measured.shape[1]
    sums = {
        m.name: np.concatenate([m.records.measured.sum(axis=0), (m.records.measured**2).sum(axis=0)]) for m in members
    }
    counts = {m.name: float(len(m.records.malignant)) for m in members}

    def means(name: str) -> Callable[[], Vector]:
        return lambda: sums[name] / counts[name]

    sites = [Site(m.name, m.key, roster, lambda o: PlainParty(means(o.site), 2 * columns)) for m in members]
    coordinator = Coordinator(roster, server, Terms(minimum=len(members)))
    run_round(
        coordinator, InProcess(sites), lambda o: PlainExchange(o.sites, 2 * columns, counts), b"mean and mean square"
    )
    mean, square = np.split(np.asarray(coordinator.result().values, np.float64), 2)
    scale = np.sqrt(square - mean**2)

    def scaled(records: Records) -> Records:
        return Records((records.measured - mean) / scale, records.malignant)

    return tuple(Hospital(m.name, scaled(m.records), m.key) for m in members), scaled(test)


def study(
    members: tuple[Hospital, ...],
    training: Training,
    *,
    lost: float = 0.0,
    malicious: str = "",
    hidden: bool = False,
) -> Trained:
    """Train in this process.

    Parameters
    ----------
    members, training
        Who learns what.
    lost
        Share of the answers that are lost.
    malicious
        Name of a hospital that lies.
    hidden
        Updates travel under secure sums, from a coordinator that keeps to the protocol and would like to know.
    """
    server = Ed25519PrivateKey.generate()
    roster = federation(members, server)
    length = members[0].records.measured.shape[1] + 1
    if hidden:
        training = evolve(training, carrier=Secure(roster=roster, clip=100.0, bits=64, adversary="semi-honest"))

    def site(member: Hospital) -> Site:
        carrier = training.carrier
        if isinstance(carrier, Secure):
            carrier = evolve(carrier, key=member.key)
        learner = Learner(training.strategy, _gradient(member, member.name == malicious), length, carrier)
        return Site(member.name, member.key, roster, learner)

    coordinator = Coordinator(roster, server, Terms(minimum=2 if hidden else 1))
    inside = InProcess([site(member) for member in members])
    answers = [f"{number}/{name}" for number in range(1, 2 * training.rounds) for name in roster.names]
    missing = set(sampled(answers, round(lost * len(answers)), seed=1, round_=0))

    def deliver(requests: Mapping[str, bytes]) -> Iterable[bytes]:
        stage = "masked" if hidden else "update"
        inside.faults = Faults(dropped=[(name, stage) for name in requests if f"{coordinator.round}/{name}" in missing])
        return inside(requests)

    return train(training, np.zeros(length), coordinator, deliver)


def pooled(members: tuple[Hospital, ...], iterations: int = 100) -> Vector:
    """The model that all records in one place would give: Newton's method to convergence."""
    together = Records(
        np.concatenate([m.records.measured for m in members]), np.concatenate([m.records.malignant for m in members])
    )
    design = np.column_stack([together.measured, np.ones(len(together.malignant))])
    ridge = PENALTY * np.diag(np.append(np.ones(design.shape[1] - 1), 0.0))
    model = np.zeros(design.shape[1])
    for _ in range(iterations):
        chance = expit(design @ model)
        curvature = (design * (chance * (1 - chance))[:, np.newaxis]).T @ design / len(chance) + ridge
        move = np.linalg.solve(curvature, together.slope(model))
        model = model - move
        if np.abs(move).max() < 1e-12:
            break
    return model


def accuracy(model: Vector, records: Records) -> float:
    """Share of the records that the model tells rightly."""
    return float(np.mean((records.measured @ model[:-1] + model[-1] > 0) == (records.malignant > 0.5)))


def main(rounds: int = 150) -> None:
    """Print what each way of learning gives, without privacy and (``example_private``, ``example_shared``) with it."""
    server = Ed25519PrivateKey.generate()
    members, test = hospitals()
    for member in members:
        records = member.records
        print(f"{member.name:6} {len(records.malignant):4} records, {records.malignant.mean():4.0%} malignant")
    members, test = standardised(members, test, federation(members, server), server)
    best = pooled(members)

    def row(name: str, model: Vector, answers: int | str = "") -> None:
        off = np.linalg.norm(model - best) / np.linalg.norm(best)
        print(f"{name:50} {answers:6}  {off:9.2g}  {accuracy(model, test):8.1%}")

    def told(name: str, trained: Trained) -> None:
        row(name, trained.model, sum(len(record.included) for record in trained.history))

    print(f"\n{'':50} {'answers':>6}  {'off pooled':>9}  {'accuracy':>8}")
    row("pooled: all records in one place", best)
    for member in members:
        row(f"alone: {member.name}", pooled((member,)))
    local: dict[str, Strategy] = {"FedAvg": FedAvg(steps=20, rate=0.3), "SCAFFOLD": SCAFFOLD(steps=20, rate=0.3)}
    for name, strategy in local.items():
        told(name, study(members, Training(strategy=strategy, rounds=rounds)))
    careful = Training(strategy=local["SCAFFOLD"], rounds=rounds)
    told("SCAFFOLD, a fifth of the answers lost", study(members, careful, lost=0.2))
    told("the same under secure sums", study(members, careful, lost=0.2, hidden=True))
    shorter = FedAvg(steps=5, rate=0.3)
    plain = Training(strategy=shorter, rounds=rounds)
    told("FedAvg, mean, south lies", study(members, plain, malicious="south"))
    trusted = Training(strategy=shorter, rounds=rounds, reputation=Reputation())
    told("FedAvg, mean with reputation, south lies", study(members, trusted, malicious="south"))
    median = Training(
        strategy=shorter, rounds=rounds, carrier=Plain(rule=lambda updates, weights: robust.median(updates))
    )
    told("FedAvg, median, south lies", study(members, median, malicious="south"))
    _private()


def _private() -> None:
    try:
        from cdt_federated import example_private, example_shared
    except FederatedError as error:
        print(error)
    else:
        example_private.show(*hospitals())
        example_shared.show(*hospitals())


def _gradient(member: Hospital, lies: bool) -> Gradient:
    sign = -5.0 if lies else 1.0
    return lambda model, step: sign * np.clip(member.records.slope(model), -10, 10)


if __name__ == "__main__":
    main()
