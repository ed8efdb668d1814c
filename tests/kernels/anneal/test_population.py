"""Population annealing, with any number of replicas and any betas."""

from __future__ import annotations

import numpy as np
import pytest

from cdt_core.kernels.anneal import anneal
from tests.kernels.anneal.problems import all_states, random_problem


@pytest.mark.parametrize("reads", [65, 70, 127, 130])
def test_groups_of_different_sizes_are_one_population(reads):
    """With fixed cardinalities the last group has only the replicas that are left."""
    problem = random_problem(12, 40).with_cardinality([0, 2, 4, 6, 8], 2)
    found = anneal(problem, reads, 60, "pa")
    every = all_states(12)
    assert found.occurrences.sum() == reads
    assert found.energy == problem.energy(every[problem.feasible(every)]).min()


def test_steps_of_beta_beyond_floats_leave_the_best_replicas():
    found = anneal(random_problem(), 64, method="pa", schedule=[1e-3] * 10 + [1.7e308] * 10)
    assert found.energies.min() == found.energies.max()
    assert np.isfinite(found.trace).all()
