"""What every strategy is: three pure functions on vectors, and the frozen values between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias, runtime_checkable

import attrs
import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from cdt_core.errors import FederatedError
from cdt_federated.checks import share
from cdt_federated.vectors import Vector, frozen_vector, vector_of

__all__ = [
    "Aggregate",
    "Gradient",
    "LocalUpdate",
    "State",
    "Strategy",
    "descend",
    "fitting",
    "started",
    "stepped",
]

#: A site's ``gradient(model, step)``: of its own loss, or of a minibatch that it chooses by the local step (0, 1, ...).
Gradient: TypeAlias = Callable[[Vector, int], ArrayLike]


def _vectors(values: Mapping[str, ArrayLike]) -> Mapping[str, Vector]:
    return {name: frozen_vector(vector) for name, vector in values.items()}


def _aggregated(values: ArrayLike) -> Vector:
    return vector_of(values, "the aggregate")


@frozen(eq=False)
class State:
    """The server's state between rounds.

    Parameters
    ----------
    model
        float64, shape (length,): what the federation has learned so far. Read-only.
    memory
        What else the strategy keeps, by name (``momentum``, ``scale``, ``control``), each of the model's shape. Read-only.
    rounds
        Number of steps that led here.
    """

    model: Vector = field(converter=frozen_vector)
    memory: Mapping[str, Vector] = field(factory=dict, converter=_vectors)
    rounds: int = 0


@frozen(eq=False)
class Aggregate:
    """What a round gave: the sites' updates under the rule, and the share of the federation's weight that took part."""

    values: Vector = field(converter=_aggregated)
    share: float = field(default=1.0, validator=share)


@frozen(eq=False)
class LocalUpdate:
    """What a site sends (``values``), and what it keeps for its next round (``memory``; None when nothing)."""

    values: Vector
    memory: Vector | None = None


@runtime_checkable
class Strategy(Protocol):
    """How a model is learned by rounds.

    A round is: the server sends ``broadcast(state)``; each site answers ``local(received, memory, gradient).values``;
    the rule makes one vector of the answers; ``step(state, aggregate)`` is the next state. Nothing is changed in place, and
    the same arguments give the same bits.
    """

    def start(self, model: ArrayLike) -> State:
        """The state before the first round."""

    def broadcast(self, state: State) -> Vector:
        """What each site is sent: ``downloads`` times the model's length."""

    def local(self, received: ArrayLike, memory: Vector | None, gradient: Gradient) -> LocalUpdate:
        """A site's part: local steps from what it received; the update has ``uploads`` times the model's length."""

    def step(self, state: State, aggregate: Aggregate) -> State:
        """The state after a round."""

    @property
    def downloads(self) -> int:
        """Vectors of the model's length that a site receives in a round."""

    @property
    def uploads(self) -> int:
        """Vectors of the model's length that a site sends in a round."""


def started(model: ArrayLike, **memory: float) -> State:
    """A state whose memory is filled with one number each."""
    first = vector_of(model, "the model")
    return State(first, {name: np.full(first.size, value) for name, value in memory.items()})


def stepped(state: State, model: Vector, memory: Mapping[str, Vector] | None = None) -> State:
    """The state one round later.

    Raises
    ------
    FederatedError
        The model, or what the strategy keeps, left the finite numbers; names the round and the index.
    """
    vector_of(model, f"the model after round {state.rounds + 1}")
    kept = state.memory if memory is None else memory
    for name, vector in kept.items():
        vector_of(vector, f"the {name} after round {state.rounds + 1}")
    return attrs.evolve(state, model=model, memory=kept, rounds=state.rounds + 1)


def fitting(state: State, aggregate: Aggregate, uploads: int = 1) -> Vector:
    """The aggregate's values, whose length must be that of the strategy's updates."""
    expected = uploads * state.model.size
    if aggregate.values.size != expected:
        raise FederatedError(
            f"the aggregate of round {state.rounds + 1} has {aggregate.values.size} values, the strategy's updates have "
            f"{expected}; use the same strategy at the sites and at the coordinator"
        )
    return aggregate.values


def descend(start: Vector, steps: int, rate: float, gradient: Gradient) -> Vector:
    """``steps`` steps of gradient descent from ``start``, which is left as it is.

    Raises
    ------
    FederatedError
        A gradient that is no vector of the model's length, or not finite; names the local step.
    """
    model = start.copy()
    for step in range(steps):
        slope = vector_of(gradient(model, step), f"the gradient at local step {step}", start.size)
        model -= rate * slope
    return model
