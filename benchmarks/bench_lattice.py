"""The integer lattice: roundings, masks, noise and shares, with what they cost and what they leave."""

from __future__ import annotations

import numpy as np

from cdt_core.kernels.lattice import (
    Lattice,
    Stream,
    add_mask,
    combine,
    discrete_gaussian,
    discrete_laplace,
    share,
)

KEY = bytes(range(32))
LENGTH = 1_000_000


class Encoding:
    params = (["f4", "f8"], [32, 64], [0, 1, 10])
    param_names = ("dtype", "bits", "masks")

    def setup(self, dtype, bits, masks):
        self.values = np.random.default_rng(0).normal(size=LENGTH).astype(dtype)
        self.lattice = Lattice.for_sum(1.0, 100, bits=bits)
        self.stream = Stream(KEY)
        self.masks = [(Stream(bytes([k]) * 32), 1) for k in range(masks)]

    def time_encode_masked(self, dtype, bits, masks):
        self.lattice.encode_masked(self.values, 1.0, self.stream, self.masks)

    def peakmem_encode_masked(self, dtype, bits, masks):
        self.lattice.encode_masked(self.values, 1.0, self.stream, self.masks)

    def track_largest_error_in_steps(self, dtype, bits, masks):
        lattice = Lattice.for_sum(2000.0, 100, bits=bits)
        found = lattice.decode(lattice.encode(self.values, 2000.0, self.stream))
        return float(np.abs(found - self.values).max() / lattice.step)


class Ring:
    params = ([32, 64],)
    param_names = ("bits",)

    def setup(self, bits):
        self.lattice = Lattice(2.0**-10, bits)
        self.ring = np.zeros(LENGTH, self.lattice.dtype)
        self.stream = Stream(KEY)

    def time_add_mask(self, bits):
        add_mask(self.ring, self.stream, 1)

    def time_decode(self, bits):
        self.lattice.decode(self.ring)


class Noise:
    params = ([1.0, 100.25, 1e3, 1e4, 1e12],)
    param_names = ("width",)

    def setup(self, width):
        self.stream = Stream(KEY)
        discrete_gaussian(self.stream, width, 1)
        discrete_laplace(self.stream, width, 1)

    def time_discrete_gaussian(self, width):
        discrete_gaussian(self.stream, width, LENGTH)

    def time_discrete_laplace(self, width):
        discrete_laplace(self.stream, width, LENGTH)

    def track_deviation_over_sigma(self, width):
        return float(discrete_gaussian(Stream(KEY), width, LENGTH).std() / width)


class Shares:
    def setup(self):
        self.stream = Stream(KEY)
        self.some = dict(list(enumerate(share(KEY, 51, 100, self.stream)))[49:])

    def time_share_51_of_100(self):
        share(KEY, 51, 100, self.stream)

    def time_combine_51(self):
        combine(self.some)

    def track_share_bytes(self):
        return len(self.some[99])
