"""What FedAdagrad, FedAdam and FedYogi share: a step whose length adapts to each coordinate's history."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from cdt_federated.checks import above_zero, below_one
from cdt_federated.strategies.base import Aggregate, State, fitting, started, stepped
from cdt_federated.strategies.fedavg import FedAvg
from cdt_federated.vectors import Vector

__all__ = ["Adaptive"]


@frozen(kw_only=True)
class Adaptive(FedAvg, ABC):
    """``m <- momentum * m + (1 - momentum) * move``; ``x <- x + server_rate * m / (sqrt(v) + caution)`` ([1]_, Algorithm 2).

    How ``v`` follows from the squared moves is what a subclass says in :meth:`scale`. As in the paper, nothing corrects the
    bias of the first rounds, and ``v`` begins at ``caution ** 2``.

    Parameters
    ----------
    steps, rate
        As of :class:`~cdt_federated.strategies.fedavg.FedAvg`.
    server_rate
        The paper's eta.
    momentum
        The paper's beta_1.
    caution
        The paper's tau: coordinates whose moves are below it are not blown up.

    References
    ----------
    .. [1] Reddi, Charles, Zaheer, Garrett, Rush, Konecny, Kumar, McMahan, "Adaptive Federated Optimization", ICLR 2021.
    """

    server_rate: float = field(default=0.1, validator=above_zero)
    momentum: float = field(default=0.9, validator=below_one)
    caution: float = field(default=1e-3, validator=above_zero)

    def start(self, model: ArrayLike) -> State:
        """The model, no momentum, and a scale of ``caution`` squared."""
        return started(model, momentum=0.0, scale=self.caution**2)

    def step(self, state: State, aggregate: Aggregate) -> State:
        """The model moved by the momentum over the root of the scale."""
        move = fitting(state, aggregate)
        with np.errstate(over="ignore"):  # an infinite scale is refused below
            squares = move * move
        momentum = self.momentum * state.memory["momentum"] + (1 - self.momentum) * move
        scale = self.scale(state.memory["scale"], squares)
        model = state.model + self.server_rate * momentum / (np.sqrt(scale) + self.caution)
        return stepped(state, model, {"momentum": momentum, "scale": scale})

    @abstractmethod
    def scale(self, before: Vector, squares: Vector) -> Vector:
        """The paper's v_t of v_(t-1) and the squared moves."""
