"""FedProx: federated averaging whose sites are held near the model that they received."""

from __future__ import annotations

from attrs import field, frozen
from numpy.typing import ArrayLike

from cdt_federated.checks import above_zero
from cdt_federated.strategies.base import Gradient, LocalUpdate, descend
from cdt_federated.strategies.fedavg import FedAvg
from cdt_federated.vectors import Vector, vector_of

__all__ = ["FedProx"]


@frozen(kw_only=True)
class FedProx(FedAvg):
    """Each site descends its loss plus ``attraction / 2 * ||y - x||^2`` ([1]_, equation 2 and Algorithm 2).

    Parameters
    ----------
    steps, rate, server_rate
        As of :class:`~cdt_federated.strategies.fedavg.FedAvg`.
    attraction
        The paper's mu: how strongly a site is drawn back to the received model. It weakens the drift and does not remove it.

    References
    ----------
    .. [1] Li, Sahu, Zaheer, Sanjabi, Talwalkar, Smith, "Federated Optimization in Heterogeneous Networks", MLSys 2020.

    Examples
    --------
    >>> strategy = FedProx(steps=2, rate=0.5, attraction=1.0)
    >>> strategy.local([4.0], None, lambda model, step: model).values
    array([-2.])
    """

    attraction: float = field(default=1.0, validator=above_zero)

    def local(self, received: ArrayLike, memory: Vector | None, gradient: Gradient) -> LocalUpdate:
        """The move of ``steps`` local steps on the loss with its proximal term."""
        start = vector_of(received, "the model")

        def slope(model: Vector, step: int) -> Vector:
            own = vector_of(gradient(model, step), f"the gradient at local step {step}", start.size)
            return own + self.attraction * (model - start)

        return LocalUpdate(descend(start, self.steps, self.rate, slope) - start, memory)
