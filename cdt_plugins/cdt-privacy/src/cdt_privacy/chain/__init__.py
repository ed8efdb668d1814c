"""From values to a private sum: clip, round to the lattice, add noise, mask, sum, decode; accounted as one."""

from __future__ import annotations

from cdt_privacy.chain.combination import Carrier, Combination, Noise, Pipeline

__all__ = ["Carrier", "Combination", "Noise", "Pipeline"]
