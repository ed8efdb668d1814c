"""Gradients summed under secure sums with noise in shares: each site adds a part, and only their sum is private."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike

from cdt_core.errors import FederatedError
from cdt_core.model.exchange import Exchange, Party
from cdt_federated.checks import above_zero, count, whole
from cdt_federated.rounds.opening import Opening
from cdt_federated.strategies.base import Strategy
from cdt_federated.strategies.fedavg import FedAvg
from cdt_federated.training.learner import Learner
from cdt_federated.training.private import MEAN, finite_rows, privacy_library
from cdt_federated.training.secure import DecodedSum, Secure, secure_library
from cdt_federated.training.task import TrainingTask
from cdt_federated.vectors import Vector, vector_of

if TYPE_CHECKING:
    from cdt_privacy import secure
    from cdt_privacy.accounting import Mechanism
    from cdt_privacy.chain import PrivateSum
    from cdt_privacy.ledger import Ledger

__all__ = ["RecordLearner", "SharedNoise"]

_NEIGHBOURS = ("replace-one", "add-or-remove")


class RecordLearner(Learner):
    """Joins rounds with the gradients of single records, for :class:`SharedNoise`, which clips, sums and noises them.

    As :class:`~cdt_federated.training.Learner`, but ``gradient(model, 0) -> (rows, length)`` has one row for each record, and
    what depends on no record is left to the carrier's ``penalty``. It has to give all models numbers, for that a site stays
    out is seen. What is not finite counts as zeros.
    """

    def _update(self, round_: int, received: Vector) -> Vector:
        return np.asarray(self._gradient(received, 0))


@frozen(kw_only=True)
class SharedNoise(Secure):
    """A carrier that sums the gradients of all sites' records under secure sums (:class:`Secure`), with noise in shares.

    Each site clips the gradient of each of its records, sums them on a lattice, adds a share of discrete Gaussian noise, and
    masks that ([1]_, [2]_). The coordinator learns one noisy sum and divides it by the number of records. With k = ``least -
    colluding``, a share has 1/k of the variance of what a site would add for itself
    (:class:`~cdt_federated.training.PrivateGradient`), for the same epsilon, which now rests on a trust: that of the sites in
    a sum at most ``colluding`` tell their noise to others, or leave it out. A site knows its own noise: with ``colluding=0``
    the promise holds against the coordinator and the world, not against another site.

    Every round that a site joins is one event in its ledger, whatever becomes of the round, and has fresh noise.

    Parameters
    ----------
    roster
        The federation. Weights are the numbers of records, which everybody may know.
    clip
        L2 norm above which a record's gradient is scaled down.
    epsilon, delta
        What ``uses`` rounds together may cost a record, as all sites agree.
    uses
        Rounds that the noise is planned for, failed ones among them.
    least
        Fewest sites in a sum: with fewer no site helps to take the masks off. 0 stands for all of the roster.
    colluding
        Sites of a sum whose noise does not count.
    neighbours
        ``"replace-one"``: a site has exactly as many records as its weight says; ``"add-or-remove"``: at most so many.
    key, ledger
        The site's own; None at the coordinator. The ledger's neighbours must be those above.
    penalty
        At the coordinator: ``penalty(model)``, the gradient of what depends on no record.
    bits, adversary
        As of :class:`Secure`.

    Raises
    ------
    FederatedError
        A setting has no meaning, or weights are no numbers of records.

    Notes
    -----
    One step a round: the strategy is ``FedAvg``, ``FedAvgM``, ``FedAdam``, ... with ``steps=1, rate=1``, and its
    ``server_rate`` is the step length. Local steps would be made of gradients that a share of noise alone does not protect,
    and what is made of each apart is not made of their sum; so there are none, and no SCAFFOLD.

    References
    ----------
    .. [1] Kairouz, Liu, Steinke, "The Distributed Discrete Gaussian Mechanism for Federated Learning with Secure Aggregation",
       ICML 2021.
    .. [2] Abadi et al., "Deep Learning with Differential Privacy", CCS 2016, algorithm 1 without sampling.

    Examples
    --------
    See :mod:`cdt_federated.example_shared`.
    """

    epsilon: float = field(validator=above_zero)
    delta: float = field(validator=above_zero)
    uses: int = field(validator=count)
    least: int = field(default=0, validator=whole)
    colluding: int = field(default=1, validator=whole)
    neighbours: str = "replace-one"
    ledger: Ledger | None = field(default=None, repr=False)
    penalty: Callable[[Vector], ArrayLike] | None = field(default=None, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.neighbours not in _NEIGHBOURS:
            raise FederatedError(f"neighbours of SharedNoise is {self.neighbours!r}; give one of {_NEIGHBOURS}")
        for site in self.roster.sites:
            if site.weight != int(site.weight):
                raise FederatedError(f"the weight of {site.name!r} is {site.weight}; give its number of records")

    @property
    def name(self) -> str:
        """With all on which both sides must agree."""
        cost = f"epsilon={float(self.epsilon)!r}/delta={float(self.delta)!r}/{self.neighbours}/{self.uses}"
        trust = f"{self._least}-{self.colluding}"
        return f"shared-noise/{self.bits}/clip={float(self.clip)!r}/{self.adversary}/{cost}/{trust}"

    def require_fit(self, strategy: Strategy) -> None:
        """``FederatedError`` unless the strategy makes one step of rate 1 a round, which is the gradient itself."""
        if not (isinstance(strategy, FedAvg) and strategy.steps == 1 and strategy.rate == 1):
            raise FederatedError(
                f"{strategy!r}: with noise in shares one gradient a round is summed; use FedAvg, FedAvgM or FedAdam with "
                "steps=1, rate=1, and server_rate as the step length, or PrivateGradient"
            )

    def plan(self, length: int) -> PrivateSum:
        """What each site sends, and what the coordinator may say: of models of that length.

        Raises
        ------
        PrivacyError
            No noise or lattice for these settings, or no share of noise is left that counts.
        """
        chain, accounting = privacy_library()
        return _planned(
            chain.Combination(
                rule=MEAN,
                carrier="secure",
                noise="distributed",
                sites=len(self.roster.sites),
                least_sites=int(self._least),
                colluding=int(self.colluding),
            ),
            chain.Contribution(
                length=length,
                clip_norm=float(self.clip),
                rows=max(self._records().values()),
                neighbours=accounting.Neighbours(self.neighbours),
            ),
            chain.Target(epsilon=float(self.epsilon), delta=float(self.delta), rounds=int(self.uses)),
            self.bits,
        )

    def exchange(self, opening: Opening, length: int, weights: Mapping[str, float]) -> Exchange:
        """The coordinator's side, whose result is the mean gradient downhill.

        Raises
        ------
        FederatedError
            Weights other than the roster's, fewer sites than ``least``, or no cdt-privacy.
        """
        self._require_agreed(opening, weights)
        masks = secure_library()
        inner = masks.SecureSum(self._terms(masks, opening, length), self._keys(masks))
        model = TrainingTask.from_bytes(opening.task, length).received
        fixed = np.zeros(length) if self.penalty is None else vector_of(self.penalty(model), "the penalty", length)
        return _NoisyMean(inner, self.plan(length), self._records(), fixed)

    def party(self, opening: Opening, length: int, compute: Callable[[], Vector]) -> Party:
        """A site's side: its ledger is asked first, then the records.

        Raises
        ------
        BudgetError
            It would exceed the ledger's budget; no record was looked at.
        FederatedError
            Fewer sites than ``least``, no key or no ledger, or ``compute`` does not give a row for each record.
        """
        masks, planned = secure_library(), self.plan(length)
        terms, identity = self._terms(masks, opening, length), self._identity(masks, opening.site)
        reservation = self._ledger(opening.site).reserve(cast("Mechanism", planned.mechanism), f"round {opening.round}")
        rows = np.asarray(compute())
        records = self._records()[opening.site]
        exact = planned.contribution.neighbours.reach == 2
        if rows.ndim != 2 or len(rows) > records or (exact and len(rows) < records):
            raise FederatedError(
                f"{opening.site!r}: gradients of shape {rows.shape} for {records} records; give one row for each, by a "
                "RecordLearner"
            )
        ring = planned.site(finite_rows(rows))
        reservation.commit()
        party: Party = masks.SecureParty(identity, self._keys(masks), terms, ring)
        return party

    @property
    def _least(self) -> int:
        return self.least or len(self.roster.sites)

    def _records(self) -> dict[str, int]:
        return {site.name: int(site.weight) for site in self.roster.sites}

    def _ledger(self, site: str) -> Ledger:
        if self.ledger is None:
            raise FederatedError(f"{site!r} spends privacy in these sums; give SharedNoise(ledger=...) at the site")
        if self.ledger.budget.neighbours.value != self.neighbours:
            raise FederatedError(
                f"{site!r}: the ledger's neighbours are {self.ledger.budget.neighbours.value!r}, the carrier's "
                f"{self.neighbours!r}; agree on one"
            )
        return self.ledger

    def _terms(self, library: Any, opening: Opening, length: int) -> secure.Terms:
        if len(opening.sites) < self._least:
            raise FederatedError(
                f"round {opening.round} is of {len(opening.sites)} sites, and the noise is planned for {self._least} or more"
            )
        terms = super()._terms(library, opening, length)
        return terms if terms.threshold >= self._least else evolve(terms, threshold=self._least)


@lru_cache(maxsize=16)
def _planned(combination: Any, contribution: Any, target: Any, bits: int) -> PrivateSum:
    """Every round has the same plan, which takes a while to find."""
    chain, _ = privacy_library()
    planned: PrivateSum = chain.PrivateSum.plan(combination, contribution, target, bits=bits)
    return planned


class _NoisyMean(DecodedSum["secure.SecureSum"]):
    """The result is the mean of the private gradients with the penalty, downhill."""

    def __init__(
        self, inner: secure.SecureSum, planned: PrivateSum, records: Mapping[str, int], penalty: Vector
    ) -> None:
        super().__init__(inner)
        self._planned, self._records, self._penalty = planned, records, penalty

    def result(self) -> Vector:
        """Minus the mean gradient of the survivors' records and the penalty."""
        release = self._planned.result(self.inner.result(), len(self.inner.survivors))
        records = sum(self._records[site] for site in self.inner.survivors)
        return -(release.value / records + self._penalty)
