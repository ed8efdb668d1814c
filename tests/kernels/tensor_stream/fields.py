"""Arrays that integers and exact operations make, for streams that are the same on any machine, and ways to measure them."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from cdt_core.kernels import tensor_stream
from cdt_core.model import Bound


def smooth(*shape, dtype="f8"):
    """A sum of three products of parabolas, and a ridge that no product is: exact in double precision."""
    grids = np.meshgrid(*(np.arange(n, dtype=np.float64) * 4 for n in shape), indexing="ij", sparse=True)
    made = np.zeros(shape)
    for k in (1, 2, 3):
        term = np.ones(shape)
        for axis, grid in enumerate(grids):
            term = term * (64 - ((grid + 3 * axis + 5 * k) % 61) + 0.25 * k) / 64
        made += k * term
    ridge = sum((axis + 1.0) * grid for axis, grid in enumerate(grids))
    made = made * 256 + 16 * np.abs(ridge % 64 - 32)
    return made.astype(dtype)


def rough(*shape, seed=1):
    """Rough at all scales: what many coefficients stand for."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(shape)
    for axis in range(len(shape)):
        values = np.cumsum(values, axis=axis) * 0.5
    return values


def encode(values, bound, missing=()):
    return tensor_stream.encode(values, Bound.parse(bound), missing=missing)


def sealed(body):
    """The bytes with the checksum that they should have."""
    return body + struct.pack("<I", zlib.crc32(body))
