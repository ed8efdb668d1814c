"""Kernels: compress, decompress and statistics, with ratio and error beside the time."""

from __future__ import annotations

import numpy as np

import cdt_core as cdt
from benchmarks.fields import gaussian_field
from cdt_core.kernels import stats
from cdt_core.model import Bound

ARRAYS = {
    "grf_f4": lambda: gaussian_field(128),
    "grf_f8": lambda: gaussian_field(96, seed=2).astype(np.float64),
    "image_u2": lambda: np.clip(gaussian_field(128, seed=3) * 4000 + 20000, 0, 65535).astype(np.uint16),
}


class Compress:
    params = (list(ARRAYS), ["rel:1e-2", "rel:1e-3", "rel:1e-4", "lossless"], ["fast", "balanced", "dense"])
    param_names = ("array", "bound", "profile")

    def setup(self, array, bound, profile):
        self.values = ARRAYS[array]()
        self.stream = cdt.compress(self.values, bound, profile=profile)

    def time_compress(self, array, bound, profile):
        cdt.compress(self.values, bound, profile=profile)

    def time_decompress(self, array, bound, profile):
        cdt.decompress(self.stream)

    def peakmem_compress(self, array, bound, profile):
        cdt.compress(self.values, bound, profile=profile)

    def track_ratio(self, array, bound, profile):
        return self.values.nbytes / len(self.stream)

    def track_max_error_over_bound(self, array, bound, profile):
        back = cdt.decompress(self.stream)
        worst = np.abs(back.astype(np.longdouble) - self.values.astype(np.longdouble)).max()
        wide = self.values.astype(np.float64)
        asked = Bound.parse(bound)
        if asked.is_lossless:
            return float(worst)
        return float(worst / (asked.value * (wide.max() - wide.min())))


class Statistics:
    params = (["describe", "compare", "compare_histograms"],)
    param_names = ("what",)

    def setup(self, what):
        self.values = gaussian_field(128)
        self.other = self.values + np.float32(1e-3)
        self.edges = (float(self.values.min()), float(self.values.max()))

    def time_statistics(self, what):
        if what == "describe":
            stats.describe(self.values)
        else:
            edges = self.edges if what == "compare_histograms" else None
            stats.compare(self.values, self.other, edges=edges, bound=Bound("abs", 0.01))

    def peakmem_statistics(self, what):
        self.time_statistics(what)

    def track_max_error(self, what):
        return stats.compare(self.values, self.other).max_error


Statistics.track_max_error.unit = "1"
