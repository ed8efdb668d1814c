"""Partitions of tables: time of cutting and checking, and beside it the loss."""

from __future__ import annotations

import numpy as np

from benchmarks.census import QUASI, codes, frame
from cdt_core.kernels.partition import Demand, annealed, classes_of, measure, mondrian
from cdt_core.kernels.partition.partition import Partition

DEMANDS = {
    "k": {},
    "k, l": {"l": 3},
    "k, t": {"t": 0.4, "ordered": True},
    "k, l, t": {"l": 3, "t": 0.4, "ordered": True},
}


def ncp(found: Partition, table) -> float:
    """Mean width of the ranges, over rows and columns."""
    widths = (found.highs.astype(float) - found.lows) / table.max(0)
    return float(np.average(widths.mean(1), weights=found.sizes))


class Cutting:
    """k = 10 on codes, under some demands."""

    params = tuple(DEMANDS)
    param_names = ("demands",)

    def setup(self, demands):
        self.table, occupation = codes()
        self.demands = [Demand(occupation, **DEMANDS[demands])] if DEMANDS[demands] else []

    def time_mondrian(self, demands):
        mondrian(self.table, 10, self.demands)

    def peakmem_mondrian(self, demands):
        mondrian(self.table, 10, self.demands)

    def track_ncp(self, demands):
        return ncp(mondrian(self.table, 10, self.demands), self.table)


class Annealing:
    """20 sweeps over the classes of k = 10."""

    def setup(self):
        self.table, _ = codes()
        self.cut = mondrian(self.table, 10)

    def time_annealed(self):
        annealed(self.table, self.cut, 10, sweeps=20)

    def track_ncp(self):
        return ncp(annealed(self.table, self.cut, 10, sweeps=20), self.table)


class Checking:
    """k, l and t of a raw and of a released table of codes."""

    params = ("raw", "released")
    param_names = ("table",)

    def setup(self, table):
        raw, occupation = codes()
        cut = mondrian(raw, 10)
        self.table = raw if table == "raw" else cut.lows[cut.classes].astype(np.int64)
        self.demand = Demand(occupation, ordered=True)

    def time_check(self, table):
        measure(classes_of(self.table), self.demand)


class Releasing:
    """From a DataFrame of texts to one of intervals and sets."""

    def setup(self):
        self.frame = frame()

    def time_anonymise(self):
        from cdt_privacy.release import anonymise

        anonymise(self.frame, QUASI, "occupation", k=10)
