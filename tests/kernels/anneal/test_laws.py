"""Methods that claim the Boltzmann law have it: each rung of a tempering, the last population of a population annealing."""

from __future__ import annotations

import numpy as np
import pytest

from cdt_core.kernels.anneal import Problem
from cdt_core.kernels.anneal.course import Course
from cdt_core.kernels.anneal.lanes import Lanes
from cdt_core.kernels.anneal.population import population
from cdt_core.kernels.anneal.replicas import GROUP
from cdt_core.kernels.anneal.tempering import RUNGS, Ladder
from tests.kernels.anneal.problems import all_states


@pytest.fixture(params=[(1, 0), (1, 1), (0.1, 0), (0.1, 1)], ids=["bytes", "bytes, fields", "floats", "floats, fields"])
def problem(request):
    """Eight spins in a ring with two bridges: few enough neighbours for cluster moves."""
    scale, with_fields = request.param
    pairs = {(i, i + 1): w for i, w in enumerate((-2, 1, 1, -1, 2, 1, -1))} | {(0, 7): 2, (0, 4): 1, (2, 6): -2}
    fields = [with_fields * h for h in (1, 0, -1, 0, 2, 0, 0, 1)]
    return Problem.from_ising([h * scale for h in fields], {pair: w * scale for pair, w in pairs.items()})


def course_of(problem, groups, seed):
    lanes = Lanes.of(problem)
    several = [lanes.group(seed, number) for number in range(groups)]
    return Course(problem, lanes, several, groups * GROUP, 10**9, 1, np.inf, None)


def mean_energy(problem, beta):
    energies = problem.energy(all_states(problem.size)).astype(float)
    weights = np.exp(-beta * (energies - energies.min()))
    return weights @ energies / weights.sum()


def test_each_rung_of_a_tempering_has_its_law(problem):
    """With exchanges of temperatures and cluster moves; errors are those of groups, which are independent."""
    course, scale = course_of(problem, 60, 5), 1 if problem.is_integer else 0.1
    betas = np.geomspace(0.05, 1.0, RUNGS) / scale
    ladders = [Ladder(course, group, betas) for group in course.groups]
    found = np.zeros((len(ladders), RUNGS))
    for at in range(1, 121):
        for ladder, means in zip(ladders, found, strict=True):
            ladder.round(at, cluster=at % 4 == 0)
            if at > 40:
                means += ladder.group.energies()[ladder.on].mean(axis=0) / 80
    expected = np.array([mean_energy(problem, beta) for beta in betas])
    errors = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    assert (abs(found.mean(axis=0) - expected) < 4.5 * errors).all()


@pytest.mark.parametrize("last", [0.3, 1.0])
def test_the_last_population_has_its_law(problem, last):
    scale = 1 if problem.is_integer else 0.1
    betas, found = np.geomspace(0.02, last, 100) / scale, []
    for seed in range(10):
        course = course_of(problem, 16, seed)
        population(course, betas)
        found.append(course.energies().mean())
    error = np.std(found, ddof=1) / np.sqrt(len(found))
    assert abs(np.mean(found) - mean_energy(problem, betas[-1])) < 4.5 * error
