"""FedAdagrad: the scale of a coordinate is the sum of its squared moves."""

from __future__ import annotations

from attrs import field, frozen

from cdt_federated.checks import below_one
from cdt_federated.strategies.adaptive import Adaptive
from cdt_federated.vectors import Vector

__all__ = ["FedAdagrad"]


@frozen(kw_only=True)
class FedAdagrad(Adaptive):
    """``v <- v + move^2`` (Reddi et al. 2021, Algorithm 2); suits sparse updates. No momentum by default, as in the paper.

    Parameters are those of :class:`~cdt_federated.strategies.adaptive.Adaptive`.

    Examples
    --------
    >>> from cdt_federated.strategies import Aggregate
    >>> strategy = FedAdagrad(server_rate=1.0, caution=0.5)
    >>> strategy.step(strategy.start([0.0]), Aggregate([1.0])).memory["scale"]
    array([1.25])
    """

    momentum: float = field(default=0.0, validator=below_one)

    def scale(self, before: Vector, squares: Vector) -> Vector:
        """The sum of all squared moves."""
        return before + squares
