"""What releases cost: mechanisms as frozen values, and the epsilon that they come to together.

The figures are dp-accounting's; :mod:`cdt_privacy.accounting.smoothing` carries the discrete mechanisms there. An epsilon is
an upper bound, never an estimate.
"""

from __future__ import annotations

from cdt_privacy.accounting.account import Account, account, epsilon
from cdt_privacy.accounting.calibration import calibrate, noise_multiplier
from cdt_privacy.accounting.mechanism import (
    Composed,
    Declared,
    DiscreteGaussian,
    DiscreteLaplace,
    DistributedDiscreteGaussian,
    Gaussian,
    Laplace,
    Mechanism,
    PoissonSampled,
    from_json,
    to_json,
)
from cdt_privacy.accounting.neighbours import Neighbours

__all__ = [
    "Account",
    "Composed",
    "Declared",
    "DiscreteGaussian",
    "DiscreteLaplace",
    "DistributedDiscreteGaussian",
    "Gaussian",
    "Laplace",
    "Mechanism",
    "Neighbours",
    "PoissonSampled",
    "account",
    "calibrate",
    "epsilon",
    "from_json",
    "noise_multiplier",
    "to_json",
]
