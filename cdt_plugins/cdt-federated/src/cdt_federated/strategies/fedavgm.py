"""FedAvgM: federated averaging with momentum at the server."""

from __future__ import annotations

from attrs import field, frozen
from numpy.typing import ArrayLike

from cdt_federated.checks import below_one
from cdt_federated.strategies.base import Aggregate, State, fitting, started, stepped
from cdt_federated.strategies.fedavg import FedAvg

__all__ = ["FedAvgM"]


@frozen(kw_only=True)
class FedAvgM(FedAvg):
    """``v <- momentum * v + mean move``, ``x <- x + server_rate * v`` ([1]_, section 4.3).

    Parameters
    ----------
    steps, rate, server_rate
        As of :class:`~cdt_federated.strategies.fedavg.FedAvg`.
    momentum
        The paper's beta, at least 0 and below 1.

    References
    ----------
    .. [1] Hsu, Qi, Brown, "Measuring the Effects of Non-Identical Data Distribution for Federated Visual Classification",
       2019, arXiv:1909.06335.

    Examples
    --------
    >>> strategy = FedAvgM(momentum=0.5)
    >>> state = strategy.start([0.0])
    >>> for _ in range(2):
    ...     state = strategy.step(state, Aggregate([1.0]))
    >>> state.model, state.memory["momentum"]
    (array([2.5]), array([1.5]))
    """

    momentum: float = field(default=0.9, validator=below_one)

    def start(self, model: ArrayLike) -> State:
        """The model, and no momentum yet."""
        return started(model, momentum=0.0)

    def step(self, state: State, aggregate: Aggregate) -> State:
        """The model moved by the momentum."""
        momentum = self.momentum * state.memory["momentum"] + fitting(state, aggregate)
        return stepped(state, state.model + self.server_rate * momentum, {"momentum": momentum})
