"""Integers between the compressor, the noise and the ring: roundings, noise, masks and shares on a cryptographic stream."""

from __future__ import annotations

from cdt_core.kernels.lattice.draws import discrete_gaussian, discrete_laplace
from cdt_core.kernels.lattice.encoding import Lattice
from cdt_core.kernels.lattice.masks import add_mask
from cdt_core.kernels.lattice.sensitivity import Sensitivity
from cdt_core.kernels.lattice.shamir import SHARE_BYTES, combine, share
from cdt_core.kernels.lattice.stream import Stream

__all__ = [
    "SHARE_BYTES",
    "Lattice",
    "Sensitivity",
    "Stream",
    "add_mask",
    "combine",
    "discrete_gaussian",
    "discrete_laplace",
    "share",
]
