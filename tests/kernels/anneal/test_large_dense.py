"""What is done before and after dense problems are annealed: nothing in vain, and nothing long in one piece."""

from __future__ import annotations

import numpy as np
import pytest

from cdt_core.kernels.anneal import Problem, anneal, annealing, states
from cdt_core.kernels.anneal.dense import Dense
from cdt_core.kernels.anneal.reducing import reduce


def glass(size, field, share=1.0):
    rng = np.random.default_rng([size, field])
    upper = np.triu(rng.choice([-1, 1], (size, size)) * (rng.random((size, size)) < share), 1)
    return Problem.from_ising(rng.integers(-field, field + 1, size), upper + upper.T)


@pytest.mark.parametrize("share", [0.3, 0.8, 1.0])
@pytest.mark.parametrize("field", [0, 5, 20, 40, 60])
def test_what_is_said_to_be_rigid_has_no_reduction(field, share):
    problem = glass(40, field, share)
    if annealing._is_rigid(problem):
        assert reduce(problem).taken == 0
    if share == 1.0:
        assert annealing._is_rigid(problem) == (field < 39)


def test_dense_problems_are_not_reduced_in_vain(monkeypatch):
    monkeypatch.setattr(annealing, "reduced", lambda problem: pytest.fail("there is nothing to take out"))
    assert anneal(glass(100, 3), reads=2, sweeps=5, method="pt").energy < 0


def test_a_dense_problem_is_packed_once(monkeypatch):
    problem, made, of = glass(250, 0), [], Dense.of.__func__
    monkeypatch.setattr(Dense, "of", classmethod(lambda cls, problem: made.append(1) or of(cls, problem)))
    anneal(problem, reads=2, sweeps=2, tabu=5)
    assert len(made) == 1


@pytest.mark.parametrize("work", [1, 700, 10_000])
@pytest.mark.parametrize("scale", [1, 0.3, 2**40])
def test_energies_do_not_feel_how_rows_are_cut(scale, work, monkeypatch):
    rng = np.random.default_rng(1)
    upper = np.triu(rng.integers(-9, 10, (60, 60)) * (rng.random((60, 60)) < 0.4), 1)
    upper[:, 20:25] = upper[20:25] = 0
    problem = Problem.from_ising(rng.integers(-3, 4, 60) * scale, (upper + upper.T) * scale)
    some = rng.choice(np.array([-1, 1], np.int8), (7, 60))
    whole = problem.energy(some)
    monkeypatch.setattr(states, "_TERMS", work)
    assert problem.energy(some).tobytes() == whole.tobytes()
