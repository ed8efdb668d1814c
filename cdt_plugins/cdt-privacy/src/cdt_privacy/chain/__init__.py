"""From values to a private sum: clip, round to the lattice, add noise, mask, sum, decode; accounted as one."""

from __future__ import annotations

from cdt_privacy.chain.combination import Carrier, Combination, Noise, Pipeline
from cdt_privacy.chain.private_sum import PrivateSum
from cdt_privacy.chain.release import Release
from cdt_privacy.chain.target import Contribution, Law, Target

__all__ = ["Carrier", "Combination", "Contribution", "Law", "Noise", "Pipeline", "PrivateSum", "Release", "Target"]
