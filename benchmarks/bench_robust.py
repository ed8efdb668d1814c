"""Robust rules by coordinate: time by number of rows and dtype, memory beside the input."""

from __future__ import annotations

import numpy as np

from cdt_core.kernels.robust import mean, median, trimmed_mean, weighted_median

NUMBERS = 4_000_000


class ByCoordinate:
    params = ([10, 33, 100, 128, 500, 2000], ["f4", "f8"])
    param_names = ("rows", "dtype")

    def setup(self, rows, dtype):
        self.x = np.random.default_rng(0).normal(size=(rows, NUMBERS // rows)).astype(dtype)
        self.weights = np.random.default_rng(1).integers(1, 1000, rows)

    def time_median(self, rows, dtype):
        median(self.x)

    def peakmem_median(self, rows, dtype):
        median(self.x)

    def time_weighted_median(self, rows, dtype):
        weighted_median(self.x, self.weights)

    def time_trimmed_mean(self, rows, dtype):
        trimmed_mean(self.x, 0.2)

    def time_mean(self, rows, dtype):
        mean(self.x, self.weights)


class Hard:
    """Numbers of which counting needs more passes."""

    params = (["normal", "mostly zeros", "all sizes"],)
    param_names = ("kind",)

    def setup(self, kind):
        rng = np.random.default_rng(0)
        normal = rng.normal(size=(500, 8000))
        self.x = {
            "normal": normal,
            "mostly zeros": np.where(rng.random(normal.shape) < 0.8, 0.0, normal),
            "all sizes": np.ldexp(normal, rng.integers(-120, 120, normal.shape)),
        }[kind].astype(np.float32)

    def time_median(self, kind):
        median(self.x)
