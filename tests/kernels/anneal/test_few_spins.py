"""What is left of a problem may be a few spins: they are solved all the same."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from cdt_core.kernels.anneal import Problem, anneal
from cdt_core.kernels.anneal.reducing import reduce
from tests.kernels.anneal.problems import all_states


@pytest.mark.parametrize("size", [1, 2, 3])
def test_tabu_search_of_a_few_spins_looks_at_all_states(size):
    """One read at one hot sweep, whose descent ends where it may."""
    for seed in range(40):
        rng = np.random.default_rng(seed)
        pairs = {pair: int(rng.integers(-5, 6)) for pair in itertools.combinations(range(size), 2)}
        problem = Problem.from_ising(rng.integers(-4, 5, size), pairs)
        found = anneal(problem, 1, 1, tabu=1, seed=seed, schedule=[0.0])
        assert found.energy == problem.energy(all_states(size)).min()


def test_what_reduction_cannot_halve_is_solved_by_tabu_search():
    """An odd sum of two couplings and a field, and no room in bytes for halves: three spins stay."""
    problem = Problem.from_ising([2, 1, 2], {(0, 1): -41, (1, 2): -41, (0, 2): -40})
    assert reduce(problem).problem.size == 3
    for seed in range(20):
        found = anneal(problem, 1, 1, reduce=True, tabu=1, seed=seed, schedule=[0.0])
        assert found.energy == problem.energy(all_states(3)).min()
