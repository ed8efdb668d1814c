"""Annealing: speed in attempts per nanosecond, and beside it the energies that the sweeps reach."""

from __future__ import annotations

import time

import numpy as np

from cdt_core.kernels.anneal import Problem, Samples, anneal, default_range


def lattice(side: int, seed: int = 7) -> Problem:
    """side^3 spins in a periodic cube, couplings of -1 and +1."""
    places = np.arange(side**3).reshape((side,) * 3)
    ends = np.concatenate([np.roll(places, -1, axis).ravel() for axis in range(3)])
    signs = np.random.default_rng(seed).choice([-1, 1], ends.size)
    return Problem.from_ising(None, (places.size, np.tile(places.ravel(), 3), ends, signs))


def graph(size: int, edges: int, seed: int = 7) -> Problem:
    """Max-cut of a random graph."""
    ends = np.random.default_rng(seed).integers(0, size, (2, edges))
    kept = ends[:, ends[0] != ends[1]]
    return Problem.max_cut((size, *kept, np.ones(kept.shape[1])))


def all_to_all(size: int, seed: int = 7) -> Problem:
    """Every pair of spins coupled by -1 or +1."""
    i, j = np.triu_indices(size, 1)
    return Problem.from_ising(None, (size, i, j, np.random.default_rng(seed).choice([-1, 1], i.size)))


def real(problem: Problem, seed: int = 7) -> Problem:
    """The same couplings times 0.5 to 1.5."""
    i = np.repeat(np.arange(problem.size), np.diff(problem.start))
    kept = i < problem.neighbours
    factors = np.random.default_rng(seed).uniform(0.5, 1.5, kept.sum())
    terms = i[kept], problem.neighbours[kept], problem.weights[kept] * factors
    return Problem.from_ising(None, (problem.size, *terms))


def mean_per_spin(samples: Samples) -> float:
    """Mean energy of the reads."""
    return float(np.average(samples.energies, weights=samples.occurrences)) / samples.problem.size


PROBLEMS = {
    "cube 12": lambda: lattice(12),
    "graph 5000": lambda: graph(5000, 12_500),
    "cube 12, floats": lambda: real(lattice(12)),
    "all to all 500": lambda: all_to_all(500),
}


class Sweeps:
    """64 reads of 300 sweeps, one thread."""

    params = tuple(PROBLEMS)
    param_names = ("problem",)

    def setup(self, problem):
        self.problem = PROBLEMS[problem]()
        self.betas = np.geomspace(*default_range(self.problem), 300)

    def run(self):
        return anneal(self.problem, schedule=self.betas, threads=1)

    def time_anneal(self, problem):
        self.run()

    def peakmem_anneal(self, problem):
        self.run()

    def track_energy_per_spin(self, problem):
        return mean_per_spin(self.run())

    def track_attempts_per_nanosecond(self, problem):
        taken = []
        for _ in range(5):
            start = time.process_time()
            found = self.run()
            taken.append(time.process_time() - start)
        return found.attempts / min(taken) / 1e9

    track_attempts_per_nanosecond.unit = "1/ns"


class Methods:
    """64 reads of 300 sweeps of a cube: what each method makes of them."""

    params = ("sa", "sqa", "pt", "pa", "reheat", "auto")
    param_names = ("method",)

    def setup(self, method):
        self.problem = lattice(10)

    def time_anneal(self, method):
        anneal(self.problem, 64, 300, method, threads=1)

    def track_lowest_energy_per_spin(self, method):
        return anneal(self.problem, 64, 300, method, threads=1).energy / self.problem.size


class Packing:
    """What a large problem takes before its first sweep."""

    def setup(self):
        self.ends = np.random.default_rng(0).integers(0, 100_000, (2, 500_000))
        self.ends = self.ends[:, self.ends[0] != self.ends[1]]
        self.problem = graph(100_000, 500_000)

    def time_max_cut(self):
        Problem.max_cut((100_000, *self.ends, np.ones(self.ends.shape[1])))

    def time_one_sweep(self):
        anneal(self.problem, 64, 1, threads=1)
