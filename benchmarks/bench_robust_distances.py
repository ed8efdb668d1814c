"""Robust rules by distance: time by number of sites and dtype, memory beside the input, and the error under wrong updates."""

from __future__ import annotations

import numpy as np

from cdt_core.kernels.robust import bulyan, distances, geometric_median, krum

NUMBERS = 4_000_000
RULES = {
    "krum": krum,
    "multi-krum": lambda updates, wrong: krum(updates, wrong, len(updates) - wrong),
    "bulyan": bulyan,
    "geometric median": lambda updates, wrong: geometric_median(updates),
}


class ByDistance:
    params = ([11, 100, 500], ["f4", "f8"])
    param_names = ("rows", "dtype")

    def setup(self, rows, dtype):
        self.x = np.random.default_rng(0).normal(size=(rows, NUMBERS // rows)).astype(dtype)
        self.wrong = (rows - 3) // 4

    def time_distances(self, rows, dtype):
        distances(self.x)

    def peakmem_distances(self, rows, dtype):
        distances(self.x)

    def time_krum(self, rows, dtype):
        krum(self.x, self.wrong)

    def time_bulyan(self, rows, dtype):
        bulyan(self.x, self.wrong)

    def time_geometric_median(self, rows, dtype):
        geometric_median(self.x)


class Attacked:
    """40 honest updates of unit noise, and 10 that agree with each other, one deviation off in every coordinate."""

    params = (tuple(RULES),)
    param_names = ("rule",)

    def setup(self, rule):
        self.x = np.random.default_rng(0).normal(size=(50, 1000))
        self.x[40:] = self.x[:40].mean(0) - 1

    def track_error_per_coordinate(self, rule):
        off = RULES[rule](self.x, 10) - self.x[:40].mean(0)
        return float(np.sqrt(np.mean(off**2)))
