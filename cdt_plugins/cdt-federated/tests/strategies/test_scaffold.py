"""Heterogeneous quadratics: where averaging stalls, SCAFFOLD reaches the optimum."""

from __future__ import annotations

import numpy as np
import pytest

from cdt_federated.strategies import SCAFFOLD, Aggregate, FedAvg, FedProx

SITES, LENGTH = 10, 20


@pytest.fixture(scope="module")
def curvatures_and_optima():
    """Ten losses ``(x - b)' A (x - b) / 2``, eigenvalues uniform between 0.1 and 10, seed 0."""
    rng = np.random.default_rng(0)

    def curvature():
        axes = np.linalg.qr(rng.normal(size=(LENGTH, LENGTH)))[0]
        return axes @ np.diag(rng.uniform(0.1, 10, LENGTH)) @ axes.T

    return np.array([curvature() for _ in range(SITES)]), rng.normal(size=(SITES, LENGTH))


def _distances(strategy, problem, rounds, weights=None, present=lambda round_, site: True):
    """Distance to the optimum of all losses together, relative to its norm, after each round."""
    curvatures, optima = problem
    weights = np.ones(SITES) if weights is None else weights
    together = np.tensordot(weights, curvatures, 1)
    optimum = np.linalg.solve(together, np.einsum("n,nij,nj->i", weights, curvatures, optima))
    state, memories, distances = strategy.start(np.zeros(LENGTH)), [None] * SITES, []
    for round_ in range(rounds):
        sites = [site for site in range(SITES) if present(round_, site)]
        sent = []
        for site in sites:
            update = strategy.local(
                strategy.broadcast(state), memories[site], lambda x, _, i=site: curvatures[i] @ (x - optima[i])
            )
            memories[site] = update.memory
            sent.append(update.values)
        votes = weights[sites]
        state = strategy.step(state, Aggregate(votes @ np.array(sent) / votes.sum(), votes.sum() / weights.sum()))
        distances.append(np.linalg.norm(state.model - optimum) / np.linalg.norm(optimum))
    return distances


def test_averaging_stalls_where_the_drifts_of_the_sites_cancel(curvatures_and_optima):
    distances = _distances(FedAvg(steps=10, rate=0.05), curvatures_and_optima, 100)
    assert [round(distances[at], 3) for at in (9, 49, 99)] == [0.280, 0.280, 0.280]


def test_a_proximal_term_lessens_the_drift_and_keeps_it(curvatures_and_optima):
    distances = _distances(FedProx(steps=10, rate=0.05, attraction=1.0), curvatures_and_optima, 100)
    assert [round(distances[at], 3) for at in (49, 99)] == [0.255, 0.255]


def test_scaffold_reaches_the_optimum(curvatures_and_optima):
    distances = _distances(SCAFFOLD(steps=10, rate=0.05), curvatures_and_optima, 100)
    assert distances[9] == pytest.approx(1.4e-2, rel=0.05)
    assert distances[49] == pytest.approx(5.7e-7, rel=0.05)
    assert distances[99] < 1e-10


def test_scaffold_reaches_the_weighted_optimum_with_a_third_of_the_sites_missing_in_turn(curvatures_and_optima):
    weights = np.arange(1.0, SITES + 1)
    distances = _distances(
        SCAFFOLD(steps=10, rate=0.02), curvatures_and_optima, 500, weights, lambda round_, site: (round_ + site) % 3
    )
    assert distances[-1] < 1e-8
