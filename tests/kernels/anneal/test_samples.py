"""Samples are distinct, best first, in one order only, and say what users ask in the users' own names and values."""

from __future__ import annotations

import sys

import dimod
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.errors import AnnealError
from cdt_core.kernels.anneal import Problem, Samples
from tests.kernels.anneal.problems import all_states, random_problem


@given(st.lists(st.lists(st.sampled_from([-1, 1]), min_size=11, max_size=11), min_size=1, max_size=40), st.data())
def test_states_are_distinct_best_first_then_lexicographic(reads, data):
    problem = random_problem(11, 6)
    found = Samples.of_states(problem, reads)
    rows = [tuple(state) for state in reads]
    expected = sorted(set(rows), key=lambda state: (problem.energy(state)[0], state))
    assert [tuple(state) for state in found.states.tolist()] == expected
    assert found.occurrences.tolist() == [rows.count(state) for state in expected]
    assert found.energies.tolist() == problem.energy(expected).tolist()
    assert (found.states.dtype, found.energies.dtype, found.occurrences.dtype) == (np.int8, np.int64, np.int64)
    again = Samples.of_states(problem, data.draw(st.permutations(reads)))
    assert np.array_equal(again.states, found.states)
    assert np.array_equal(again.occurrences, found.occurrences)


def test_occurrences_that_are_given_add_up():
    found = Samples.of_states(random_problem(3, 3), [[1, 1, 1], [-1, 1, 1], [1, 1, 1]], [2, 5, 3])
    assert dict(zip(map(tuple, found.states.tolist()), found.occurrences.tolist(), strict=True)) == {
        (1, 1, 1): 5,
        (-1, 1, 1): 5,
    }


def test_the_best_state_is_the_first():
    problem = random_problem()
    found = Samples.of_states(problem, all_states(12)[::5])
    assert found.energy == found.energies.min() == problem.energy(found.best)[0]
    assert isinstance(found.energy, int)
    assert len(found) == len(found.states)


def test_what_it_says_of_itself():
    found = Samples.of_states(Problem.from_ising([1], {}), [[1], [-1], [-1]], method="sa")
    assert repr(found) == "Samples(states=2, reads=3, method='sa', energy=-1)"


def test_values_are_those_the_user_thinks_in():
    spins = Samples.of_states(Problem.from_ising([1, 2], {}), [-1, 1])
    assert spins.values().tolist() == [[-1, 1]]
    assert spins.as_dict() == {0: -1, 1: 1}
    bits = Samples.of_states(Problem.from_qubo({("a", "a"): 1, ("a", "b"): -2}), [[0, 1], [1, 1]])
    assert bits.values().tolist() == [[1, 1], [0, 1]]
    assert bits.as_dict() == {"a": 1, "b": 1}
    assert bits.states.tolist() == [[1, 1], [-1, 1]]


@pytest.mark.parametrize("vartype", ["SPIN", "BINARY"])
def test_dimod_gets_the_same_samples(vartype):
    bqm = dimod.BQM({"a": 1.5, "b": -2, "c": 0}, {"ab": 1, "bc": -0.25}, 3, vartype)
    problem = Problem.from_bqm(bqm)
    run = {"method": "sa", "seed": 7, "betas": np.array([0.1, 1, 3.0]), "sweeps": 3, "attempts": 72, "seconds": 0.5}
    found = Samples.of_states(problem, np.repeat(all_states(3), 2, axis=0), **run)
    given = found.to_dimod()
    dimod.testing.assert_response_energies(given, bqm)
    assert given.vartype is bqm.vartype
    assert given.record.num_occurrences.tolist() == [2] * 8
    assert given.first.sample == found.as_dict()
    assert given.first.energy == found.energy
    assert given.info == {
        "method": "sa",
        "seed": 7,
        "beta_range": [0.1, 3.0],
        "num_sweeps": 3,
        "attempts": 72,
        "seconds": 0.5,
        "interrupted": False,
    }


def test_without_dimod_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "dimod", None)
    with pytest.raises(AnnealError, match=r"pip install 'cdt\[dimod\]'"):
        Samples.of_states(Problem.from_ising([1], {}), [1]).to_dimod()


def test_samples_that_were_given_had_no_run():
    found = Samples.of_states(Problem.from_ising([1], {}), [1])
    assert (found.method, found.sweeps, found.attempts, found.interrupted) == ("given", 0, 0, False)
    assert found.betas.shape == (0,)
    assert found.trace.shape == (0, 2)
    assert found.to_dimod().info["beta_range"] is None


@pytest.mark.parametrize(
    ("states", "occurrences", "what"),
    [
        (np.empty((0, 3)), None, "no states"),
        ([[1, 1, 5]], None, r"states\[0, 2\] is 5"),
        ([[1, 1, 1]], [1, 2], "1 states need 1 integers"),
        ([[1, 1, 1]], [1.5], "need 1 integers"),
        ([[1, 1, 1], [1, -1, 1]], [1, 0], r"occurrences\[1\] is 0"),
    ],
)
def test_what_are_no_samples_is_refused(states, occurrences, what):
    with pytest.raises(AnnealError, match=what):
        Samples.of_states(random_problem(3, 3), states, occurrences)
