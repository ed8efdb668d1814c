"""FedYogi: the scale of a coordinate moves towards its squared moves by steps that do not depend on how far off it is."""

from __future__ import annotations

import numpy as np
from attrs import frozen

from cdt_federated.strategies.fedadam import FedAdam
from cdt_federated.vectors import Vector

__all__ = ["FedYogi"]


@frozen(kw_only=True)
class FedYogi(FedAdam):
    """``v <- v - (1 - memory_share) * move^2 * sign(v - move^2)`` (Reddi et al. 2021, Algorithm 2).

    Parameters are those of :class:`~cdt_federated.strategies.fedadam.FedAdam`; after rounds of large moves its steps
    recover more slowly than FedAdam's, which keeps it from overshooting.

    Examples
    --------
    >>> from cdt_federated.strategies import Aggregate
    >>> strategy = FedYogi(memory_share=0.75, caution=4.0)
    >>> strategy.step(strategy.start([0.0]), Aggregate([2.0])).memory["scale"]
    array([15.])
    """

    def scale(self, before: Vector, squares: Vector) -> Vector:
        """Towards the squares, by a share of the squares."""
        return before - (1 - self.memory_share) * squares * np.sign(before - squares)
