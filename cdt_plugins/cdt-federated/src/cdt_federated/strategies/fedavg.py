"""Federated averaging: local descent at the sites, the mean of what they moved at the server."""

from __future__ import annotations

from attrs import field, frozen
from numpy.typing import ArrayLike

from cdt_federated.checks import above_zero, count
from cdt_federated.strategies.base import (
    Aggregate,
    Gradient,
    LocalUpdate,
    State,
    descend,
    fitting,
    started,
    stepped,
)
from cdt_federated.vectors import Vector, vector_of

__all__ = ["FedAvg"]


@frozen(kw_only=True)
class FedAvg:
    """``x <- x + server_rate * mean of the sites' moves`` ([1]_, Algorithm 1; [2]_ for the server's rate).

    Parameters
    ----------
    steps
        Local steps of a site in a round.
    rate
        Step length of the local descent.
    server_rate
        Step length of the server; 1 replaces the model by the mean of the sites' models.

    Notes
    -----
    With sites whose data differ and more than one local step it does not converge to the optimum of all the data: it
    stalls where the sites' drifts cancel. :class:`~cdt_federated.strategies.scaffold.SCAFFOLD` removes that drift.

    References
    ----------
    .. [1] McMahan, Moore, Ramage, Hampson, Aguera y Arcas, "Communication-Efficient Learning of Deep Networks from
       Decentralized Data", AISTATS 2017.
    .. [2] Reddi, Charles, Zaheer, Garrett, Rush, Konecny, Kumar, McMahan, "Adaptive Federated Optimization", ICLR 2021,
       Algorithm 1.

    Examples
    --------
    >>> from cdt_federated.strategies import Aggregate
    >>> strategy = FedAvg(steps=2, rate=0.5)
    >>> state = strategy.start([4.0])
    >>> sent = strategy.local(strategy.broadcast(state), None, lambda model, step: model)  # loss x**2 / 2
    >>> sent.values
    array([-3.])
    >>> strategy.step(state, Aggregate(sent.values)).model
    array([1.])
    """

    steps: int = field(default=1, validator=count)
    rate: float = field(default=0.1, validator=above_zero)
    server_rate: float = field(default=1.0, validator=above_zero)

    downloads = 1
    uploads = 1

    def start(self, model: ArrayLike) -> State:
        """A state that is only the model."""
        return started(model)

    def broadcast(self, state: State) -> Vector:
        """The model."""
        return state.model

    def local(self, received: ArrayLike, memory: Vector | None, gradient: Gradient) -> LocalUpdate:
        """The move of ``steps`` local steps."""
        model = vector_of(received, "the model")
        return LocalUpdate(descend(model, self.steps, self.rate, gradient) - model, memory)

    def step(self, state: State, aggregate: Aggregate) -> State:
        """The model moved by the aggregate times ``server_rate``."""
        return stepped(state, state.model + self.server_rate * fitting(state, aggregate))
