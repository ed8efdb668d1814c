"""The best method has most of the work, and of all runs the best reads are kept, as many as were asked for."""

from __future__ import annotations

import numpy as np
import pytest

from cdt_core.kernels.anneal import Problem, Samples, anneal
from cdt_core.kernels.anneal.choosing import choose
from tests.kernels.anneal.problems import random_problem

PROBLEM = Problem.from_ising([1, 2, 4], {})
STATES = {"reheat": [[-1, -1, 1], [-1, -1, 1], [1, 1, 1]], "pt": [[-1, 1, -1], [1, 1, 1], [1, 1, 1]]}


def runs_of(asked, interrupted=()):
    def run(method, first, stop):
        asked.append((method, round(first, 9), round(stop, 9)))
        return Samples.of_states(PROBLEM, STATES[method], method=method, sweeps=1, interrupted=method in interrupted)

    return run


def test_trials_come_first_and_the_best_method_does_the_rest():
    asked = []
    found = choose(runs_of(asked), lambda share: False)
    assert asked == [("reheat", 0, 0.1), ("pt", 0.1, 0.2), ("pt", 0.2, 1)]
    assert (found.method, found.sweeps) == ("auto: pt", 3)


@pytest.mark.parametrize(("lower", "taken"), [(-1, "reheat"), (0, "reheat"), (1, "pt")])
def test_the_lowest_energy_is_best_and_the_first_among_equals(lower, taken):
    problem = Problem.from_ising([10_000, lower], {})
    states = {"reheat": [[-1, 1]], "pt": [[-1, -1]]}

    def run(method, first, stop):
        energy = np.array([-10_000 - (lower if method == "pt" else 0)])
        return Samples.of_states(problem, states[method], energies=energy, method=method)

    assert choose(run, lambda share: False).method == f"auto: {taken}"


def test_of_all_reads_the_best_are_kept():
    """Twice -3 of pt, and one of two reads at 1: as many as one run has."""
    found = choose(runs_of([]), lambda share: False)
    assert found.energies.tolist() == [-3, 1]
    assert found.occurrences.tolist() == [2, 1]


@pytest.mark.parametrize(("over", "count"), [(0.05, 1), (0.2, 1), (0.5, 2), (1, 2), (2, 3)])
def test_nothing_is_begun_whose_time_is_over(over, count):
    asked = []
    found = choose(runs_of(asked), lambda share: share >= over or over <= 0.2)
    assert len(asked) == found.sweeps == count


def test_nothing_is_tried_after_an_interruption():
    asked = []
    found = choose(runs_of(asked, interrupted=("reheat",)), lambda share: False)
    assert len(asked) == 1
    assert found.interrupted


@pytest.mark.parametrize("reads", [1, 64, 70])
def test_auto_has_as_many_reads_as_were_asked_for(reads):
    problem = random_problem(30, 90)
    found = anneal(problem, reads, 50, "auto")
    assert found.occurrences.sum() == reads
    assert found.energies.tolist() == problem.energy(found.states).tolist()
    assert (np.diff(found.energies) >= 0).all()
