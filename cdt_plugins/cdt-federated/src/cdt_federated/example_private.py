"""The three hospitals once more, so that the model itself tells little of any one patient.

Each round every hospital sends the sum of its patients' gradients, each clipped to a norm, with its share of discrete Gaussian
noise, under a secure sum ([1]_, with full batches). All rounds together are (epsilon, delta)-differentially private for each
patient, from everyone but their own hospital, by the accounting of ``cdt-privacy``.

.. [1] Abadi, Chu, Goodfellow, McMahan, Mironov, Talwar, Zhang, "Deep Learning with Differential Privacy", CCS 2016.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from attrs import frozen
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from numpy.typing import NDArray
from scipy.special import expit

from cdt_core.errors import FederatedError
from cdt_core.hooks import Aggregator
from cdt_core.model.exchange import Exchange, Party
from cdt_core.model.fields import FieldReader, FieldWriter
from cdt_federated.example import Hospital, Records, federation
from cdt_federated.rounds import Coordinator, Faults, InProcess, Opening, Site, Terms, run_round, sampled
from cdt_federated.vectors import Vector

try:
    from cdt_privacy import secure
    from cdt_privacy.accounting import Mechanism
    from cdt_privacy.accounting import epsilon as accounted
    from cdt_privacy.chain import Combination, Contribution, PrivateSum, Target
except ImportError as error:
    raise FederatedError(
        f"the private example needs cdt-privacy ({error}): pip install 'cdt-federated[secure]'"
    ) from error

__all__ = ["PrivateModel", "private_study"]

_MEAN = Aggregator(name="mean", function="cdt_federated.rounds.plain:mean", additive=True)


@frozen(eq=False)
class PrivateModel:
    """The model, what it cost (epsilon of the noise that arrived), and how its rounds went."""

    model: Vector
    epsilon: float
    delta: float
    answers: int
    failed_rounds: int


def private_study(
    members: tuple[Hospital, ...], *, epsilon: float = 0.9, delta: float = 1e-5, rounds: int = 15, lost: float = 0.0
) -> PrivateModel:
    """Train under differential privacy for patients.

    Parameters
    ----------
    members
        At least three hospitals; one of them may drop out of a round.
    epsilon, delta
        Of all rounds together, for adding or removing one patient.
    rounds
        That give a sum. A round that fails reveals nothing and is run again.
    lost
        Share of the answers that are lost.

    Raises
    ------
    PrivacyError
        No noise keeps the target.
    """
    length = members[0].records.measured.shape[1] + 1
    most = max(len(member.records.malignant) for member in members)
    chain = PrivateSum.plan(
        Combination(
            rule=_MEAN, carrier="secure", noise="distributed", sites=len(members), least_sites=len(members) - 1
        ),
        Contribution(length=length, clip_norm=1.0, rows=most),
        Target(epsilon=epsilon, delta=delta, rounds=rounds),
    )
    study = _Study(members, chain, length)
    return study.run(rounds, lost, delta)


class _Study:
    """The federation of one private training."""

    def __init__(self, members: tuple[Hospital, ...], chain: PrivateSum, length: int) -> None:
        server = Ed25519PrivateKey.generate()
        self.roster = federation(members, server)
        self.coordinator = Coordinator(self.roster, server, Terms(minimum=2))
        self._chain, self._length = chain, length
        self._members = {member.name: member for member in members}
        self._keys = secure.Roster({site.name: site.public_key for site in self.roster.sites})
        self._inside = InProcess([Site(m.name, m.key, self.roster, self._join) for m in members])
        self._missing: set[str] = set()

    def run(self, rounds: int, lost: float, delta: float) -> PrivateModel:
        """Descend by the private sums; the mean of the second half of the models has less noise than the last one."""
        answers = [f"{number}/{name}" for number in range(1, 3 * rounds) for name in self.roster.names]
        self._missing = set(sampled(answers, round(lost * len(answers)), seed=1, round_=0))
        model, answered, failed = np.zeros(self._length), 0, 0
        kept: list[Vector] = []
        spent: list[Mechanism] = []
        while len(kept) < rounds:
            outcome = run_round(
                self.coordinator, self._deliver, self._open, FieldWriter().array(model, "float64").end()
            )
            if outcome.values is None:
                failed += 1
                continue
            release = self._chain.result(outcome.values, len(outcome.included))
            if release.mechanism is None:
                raise FederatedError(f"round {outcome.round} gave a sum without noise; plan the chain with a target")
            spent.append(release.mechanism)
            people = sum(site.weight for site in self.roster.sites if site.name in outcome.included)
            model = model - release.value / people
            kept.append(model)
            answered += len(outcome.included)
        return PrivateModel(np.mean(kept[rounds // 2 :], axis=0), accounted(spent, delta), delta, answered, failed)

    def _terms(self, opening: Opening) -> secure.Terms:
        name = f"{opening.federation}/{opening.round}"
        bits = self._chain.lattice.bits
        return secure.Terms(name, opening.sites, self._length, bits=bits, adversary="semi-honest")

    def _open(self, opening: Opening) -> Exchange:
        return secure.SecureSum(self._terms(opening), self._keys)

    def _join(self, opening: Opening) -> Party:
        reader = FieldReader(opening.task, "model of a private round")
        model = reader.array("float64", self._length)
        reader.end()
        member = self._members[opening.site]
        ring = self._chain.site(_slopes(member.records, model))
        identity = secure.Identity.from_bytes(member.name, member.key.private_bytes_raw())
        return secure.SecureParty(identity, self._keys, self._terms(opening), ring)

    def _deliver(self, requests: Mapping[str, bytes]) -> Iterable[bytes]:
        out = [(name, "masked") for name in requests if f"{self.coordinator.round}/{name}" in self._missing]
        self._inside.faults = Faults(dropped=out)
        return self._inside(requests)


def _slopes(records: Records, model: Vector) -> NDArray[np.float64]:
    """The logistic loss's gradient of each patient, (rows, length)."""
    residual = expit(records.measured @ model[:-1] + model[-1]) - records.malignant
    design = np.column_stack([records.measured, np.ones(len(residual))])
    slopes: NDArray[np.float64] = residual[:, np.newaxis] * design
    return slopes
