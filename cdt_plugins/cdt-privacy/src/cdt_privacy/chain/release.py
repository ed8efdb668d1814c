"""What leaves a private sum."""

from __future__ import annotations

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from cdt_privacy.accounting import Mechanism

__all__ = ["Release"]


@frozen(kw_only=True, eq=False)
class Release:
    """A noisy sum and what is true of it.

    Attributes
    ----------
    value
        float64, (length,) or (sums, length), in the unit of the contributions.
    epsilon, delta
        What this one release costs a contribution, by the noise that really arrived; infinite without noise.
    deviation
        Standard deviation of the noise in each number of ``value`` (of several sums, the largest); rounding adds less than one
        step of the lattice per row.
    mechanism
        For a ledger: what was run.
    sites_in
        Sites whose contributions are in it.
    """

    value: NDArray[np.float64] = field(repr=False)
    epsilon: float
    delta: float
    deviation: float
    mechanism: Mechanism | None
    sites_in: int
