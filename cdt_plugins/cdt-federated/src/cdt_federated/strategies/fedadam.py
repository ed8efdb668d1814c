"""FedAdam: the scale of a coordinate is a running mean of its squared moves."""

from __future__ import annotations

from attrs import field, frozen

from cdt_federated.checks import below_one
from cdt_federated.strategies.adaptive import Adaptive
from cdt_federated.vectors import Vector

__all__ = ["FedAdam"]


@frozen(kw_only=True)
class FedAdam(Adaptive):
    """``v <- memory_share * v + (1 - memory_share) * move^2`` (Reddi et al. 2021, Algorithm 2).

    Parameters
    ----------
    steps, rate, server_rate, momentum, caution
        As of :class:`~cdt_federated.strategies.adaptive.Adaptive`.
    memory_share
        The paper's beta_2.

    Examples
    --------
    >>> from cdt_federated.strategies import Aggregate
    >>> strategy = FedAdam(memory_share=0.75, caution=1.0)
    >>> strategy.step(strategy.start([0.0]), Aggregate([3.0])).memory["scale"]
    array([3.])
    """

    memory_share: float = field(default=0.99, validator=below_one)

    def scale(self, before: Vector, squares: Vector) -> Vector:
        """The exponentially weighted mean."""
        return self.memory_share * before + (1 - self.memory_share) * squares
