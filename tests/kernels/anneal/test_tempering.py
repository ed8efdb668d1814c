"""Parallel tempering keeps the best that its chains had, at any betas."""

from __future__ import annotations

import numpy as np

from cdt_core.kernels.anneal import anneal
from tests.kernels.anneal.problems import random_problem


def test_what_the_last_cluster_moves_made_is_among_the_reads():
    """At beta 0 energies rise as soon as sweeps go on, and cluster moves come after those."""
    for seed in range(40):
        problem = random_problem(8, 12, seed)
        found = anneal(problem, 1, 1, "pt", schedule=[0.0], seed=seed, reduce=False)
        assert found.energy <= found.trace[:, 1].min()


def test_betas_beyond_floats_are_cold():
    found = anneal(random_problem(60, 900), sweeps=20, method="pt", schedule=[1e-3, 1.0, 1.7e308])
    assert np.isfinite(found.trace).all()
    assert found.energy <= found.trace[-1, 1]
