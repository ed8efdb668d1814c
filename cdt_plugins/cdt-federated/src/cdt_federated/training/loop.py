"""Training over rounds: strategy, carrier, rule and reputation together, from the first model to the last."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from attrs import evolve, field, frozen

from cdt_core.errors import FederatedError
from cdt_core.kernels import robust
from cdt_core.model.exchange import Exchange
from cdt_federated.checks import count
from cdt_federated.reputation import Reputation, Trust, agreement
from cdt_federated.rounds.coordinator import Coordinator
from cdt_federated.rounds.opening import OpenExchange, Opening, Outcome
from cdt_federated.rounds.running import Deliver, run_round
from cdt_federated.strategies.base import Aggregate, State, Strategy
from cdt_federated.strategies.scaffold import SCAFFOLD
from cdt_federated.training.carriers import Carrier, Plain
from cdt_federated.training.checkpoint import Checkpoint
from cdt_federated.training.history import History, RoundRecord
from cdt_federated.training.shares import SharedNoise
from cdt_federated.training.task import TrainingTask, terms_of
from cdt_federated.vectors import Vector

__all__ = ["Trained", "Training", "train"]


def _is_strategy(instance: object, attribute: object, value: Any) -> None:
    if not isinstance(value, Strategy):
        raise FederatedError(f"{value!r} is no strategy; give one of cdt_federated.strategies, as FedAvg()")


def _is_carrier(instance: object, attribute: object, value: Any) -> None:
    if not isinstance(value, Carrier):
        raise FederatedError(f"{value!r} is no carrier; give one of cdt_federated.training, as Plain()")


@frozen(kw_only=True)
class Training:
    """What is trained how.

    Parameters
    ----------
    strategy
        How rounds make a model.
    rounds
        How many to run; failed ones are not counted.
    carrier
        How updates travel, and by which rule they become one.
    reputation
        Scales each site's weight by the trust in its key, when the carrier shows the updates. None: no reputation.
    measure
        ``measure(model)``, noted in the history after each round: a loss or accuracy on data of the coordinator's.
    patience
        Rounds that may fail one after another.

    Raises
    ------
    FederatedError
        SCAFFOLD with reputation, or with a rule that is no weighted mean: its controls have to add up. Several local steps
        with :class:`~cdt_federated.training.SharedNoise`.
    """

    strategy: Strategy = field(validator=_is_strategy)
    rounds: int = field(default=10, validator=count)
    carrier: Carrier = field(factory=Plain, validator=_is_carrier)
    reputation: Reputation | None = None
    measure: Callable[[Vector], float] | None = None
    patience: int = field(default=3, validator=count)

    def __attrs_post_init__(self) -> None:
        if isinstance(self.carrier, SharedNoise):
            self.carrier.require_fit(self.strategy)
        if not isinstance(self.strategy, SCAFFOLD):
            return
        if self.reputation is not None:
            raise FederatedError(
                "SCAFFOLD needs the same weights in every round, reputation changes them; leave one of them, as by FedAvg"
            )
        if not self.carrier.additive:
            raise FederatedError(
                "SCAFFOLD's control is the weighted mean of the sites' controls, which the rule of this carrier does not "
                "keep; use FedAvg with it, or say Plain(rule=..., additive=True) of a rule that is a weighted mean"
            )

    @property
    def terms(self) -> str:
        """What sites must have agreed to."""
        return terms_of(self.strategy, self.carrier)


@frozen(eq=False)
class Trained:
    """The strategy's last state (``state.model`` is the model), the trust in the sites' keys, and what happened."""

    state: State
    trust: Trust
    history: History

    @property
    def model(self) -> Vector:
        """float64, shape (length,); read-only."""
        return self.state.model


def train(
    training: Training,
    model: Vector,
    coordinator: Coordinator,
    deliver: Deliver,
    *,
    folder: str | Path | None = None,
) -> Trained:
    """Train a model over a federation.

    Parameters
    ----------
    training
        What is trained how; sites have a :class:`~cdt_federated.training.Learner` of the same strategy and carrier.
    model
        Where to begin, shape (length,).
    coordinator
        Leads the rounds. With a journal, and ``folder``, the same call after a crash goes on where it was.
    deliver
        Carries the messages: :class:`~cdt_federated.rounds.InProcess`, or a network's.
    folder
        Where to keep a checkpoint after each round; nowhere when None.

    Raises
    ------
    FederatedError
        More rounds than ``patience`` failed in a row (the last reason), the carrier hides what reputation needs, or the
        folder holds a training of other terms.
    AccessError
        The agreement forbids a round.

    Examples
    --------
    See ``python -m cdt_federated.example``.
    """
    loop = _Loop(training, coordinator, deliver, None if folder is None else Path(folder) / "training.checkpoint")
    at = loop.beginning(model)
    while at.state.rounds < training.rounds:
        at = loop.after_a_round(at)
        if at.history.failures >= training.patience:
            reason = at.history.rounds[-1].reason
            raise FederatedError(
                f"{at.history.failures} rounds failed in a row, the last, round {at.round}, because: {reason}"
            )
    return Trained(at.state, at.trust, at.history)


class _AnotherError(FederatedError):
    """The latest round was not of this training."""


@frozen
class _Loop:
    training: Training
    coordinator: Coordinator
    deliver: Deliver
    path: Path | None

    def beginning(self, model: Vector) -> Checkpoint:
        """Where an earlier call stopped, or a new start."""
        terms = self.training.terms
        if self.path is not None and self.path.exists():
            found = Checkpoint.read(self.path)
            if found.terms != terms or found.state.model.size != np.size(model):
                raise FederatedError(
                    f"{self.path} holds a training of {found.state.model.size} values by {found.terms}; this one is of "
                    f"{np.size(model)} by {terms}: give another folder"
                )
            return found
        if self.coordinator.interrupted:
            raise FederatedError(
                f"round {self.coordinator.round} was interrupted, and no checkpoint says of which training; give its folder, "
                "or abandon() the round"
            )
        now = self.coordinator.round
        new = Checkpoint(terms, now, now, self.training.strategy.start(model), Trust(), History())
        return self._kept(new)

    def after_a_round(self, at: Checkpoint) -> Checkpoint:
        """One round more: a new one, or the one that a crash left."""
        made: list[Exchange] = []
        broadcast = self.training.strategy.broadcast(at.state)
        task = TrainingTask(at.terms, at.began, broadcast, at.history.counted).to_bytes()

        def open_exchange(opening: Opening) -> Exchange:
            if opening.task != task:
                raise _AnotherError(f"round {opening.round} is not of this training; end or abandon() it first")
            length = self.training.strategy.uploads * at.state.model.size
            made.append(self.training.carrier.exchange(opening, length, self._weights(at.trust)))
            return made[-1]

        outcome = self._left_behind(at, open_exchange)
        now = self.coordinator.round
        if outcome is None and not at.history.rounds and now > at.round and not self.coordinator.interrupted:
            # Rounds of others came before the first one: a training among them may have begun where this one says.
            return self.after_a_round(evolve(at, began=now, round=now))
        outcome = outcome or run_round(
            self.coordinator, self.deliver, open_exchange, task, among=self._trusted(at.history)
        )
        return self._kept(self._stepped(at, outcome, made[-1]))

    def _left_behind(self, at: Checkpoint, open_exchange: OpenExchange) -> Outcome | None:
        """What a round gave that ended when the crash came before the checkpoint."""
        coordinator = self.coordinator
        if coordinator.round < at.round:
            raise FederatedError(
                f"the checkpoint is after round {at.round}, the coordinator after {coordinator.round}: sites answer no round "
                "twice; give the coordinator the journal that it had"
            )
        if coordinator.round == at.round or coordinator.interrupted or coordinator.outcome is not None:
            return None  # nothing came after, it is gone on with, or no process ended: what it gave was seen already
        try:
            coordinator.resume(open_exchange)
        except _AnotherError:
            return None
        return coordinator.outcome

    def _trusted(self, history: History) -> list[str]:
        """Who is asked: all but those that proofs have named."""
        return [name for name in self.coordinator.roster.names if name not in history.accused]

    def _weights(self, trust: Trust) -> dict[str, float]:
        rule, sites = self.training.reputation, self.coordinator.roster.sites
        if rule is None:
            return {site.name: float(site.weight) for site in sites}
        return {site.name: site.weight * rule.weight(trust, site.fingerprint) for site in sites}

    def _stepped(self, at: Checkpoint, outcome: Outcome, exchange: Exchange) -> Checkpoint:
        record = RoundRecord(
            round=outcome.round,
            included=outcome.included,
            dropped=outcome.dropped,
            refused=outcome.refused,
            reason=outcome.reason,
            accused=self.training.carrier.accused(exchange),
        )
        if outcome.values is None:
            return evolve(at, round=outcome.round, history=at.history.then(record))
        weights = self._weights(at.trust)
        part = sum(weights[site] for site in outcome.included) / sum(weights.values())
        state = self.training.strategy.step(at.state, Aggregate(outcome.values, min(1.0, part)))
        trust = self._trust(at.trust, exchange)
        measure = self.training.measure
        record = evolve(
            record,
            move=float(np.linalg.norm(state.model - at.state.model)),
            measure=None if measure is None else float(measure(state.model)),
            trust={site: weights[site] for site in outcome.included} if self.training.reputation else {},
        )
        return Checkpoint(at.terms, at.began, outcome.round, state, trust, at.history.then(record))

    def _trust(self, trust: Trust, exchange: Exchange) -> Trust:
        rule = self.training.reputation
        if rule is None:
            return trust
        shown = self.training.carrier.shown(exchange)
        if shown is None:
            raise FederatedError(
                f"{self.training.carrier.name} hides the updates that reputation compares; leave one of them"
            )
        names, updates = shown
        identities = {site.name: site.fingerprint for site in self.coordinator.roster.sites}
        scores = agreement(updates, robust.median(updates), rule.tolerance)
        return rule.update(trust, {identities[name]: float(score) for name, score in zip(names, scores, strict=True)})

    def _kept(self, checkpoint: Checkpoint) -> Checkpoint:
        if self.path is not None:
            with suppress(OSError):  # what is wrong with the folder, writing says
                self.path.parent.mkdir(parents=True, exist_ok=True)
            checkpoint.write(self.path)
        return checkpoint
