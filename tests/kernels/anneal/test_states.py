"""States have the energies that their problem's terms say, exactly, each whatever comes with it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.errors import AnnealError
from cdt_core.kernels import _anneal
from cdt_core.kernels.anneal import Problem
from tests.kernels.anneal.problems import all_states, isings, random_problem, term_by_term


@given(isings(), st.data())
def test_a_state_has_one_energy_whatever_comes_with_it(ising, data):
    h, pairs, offset = ising
    problem = Problem.from_ising([x + 0.1 for x in h], {pair: w / 3 for pair, w in pairs.items()}, offset)
    states = all_states(len(h))
    alone = [problem.energy(state)[0] for state in states]
    order = data.draw(st.permutations(range(len(states))))
    assert problem.energy(states[order]).tolist() == [alone[k] for k in order]


@pytest.mark.parametrize("divisor", [1, 3])
@pytest.mark.parametrize("count", [1, 3, 4, 63, 64, 65, 130])
def test_many_states_are_summed_in_pieces_as_each_alone(count, divisor, monkeypatch):
    plain, rng = random_problem(40, 200), np.random.default_rng(1)
    problem = Problem(plain.fields / divisor, plain.start, plain.neighbours, plain.weights / divisor)
    states = rng.choice(np.array([-1, 1], np.int8), (count, 40))
    alone = [problem.energy(state)[0] for state in states]
    assert problem.energy(states).tolist() == alone
    monkeypatch.setattr("cdt_core.kernels.anneal.states._TERMS", 1)
    assert problem.energy(states).tolist() == alone


def test_energies_of_many_floats_are_rounded_little():
    """20,000 terms from 1e-9 to 1e9: of the sum of their sizes, as much as a hundred additions round."""
    rng = np.random.default_rng(2)
    i, j = np.triu_indices(200, 1)
    weights = rng.normal(size=len(i)) * 10 ** rng.uniform(-9, 9, len(i))
    problem = Problem.from_ising(rng.normal(size=200), (200, i, j, weights))
    for state in rng.choice(np.array([-1, 1], np.int8), (5, 200)):
        terms = [*(problem.fields * state), *(weights * state[i] * state[j])]
        assert abs(problem.energy(state)[0] - math.fsum(terms)) <= 100 * 2.0**-52 * sum(map(abs, terms))


@pytest.mark.parametrize(
    ("start", "neighbours", "weights", "size"),
    [([0, 1, 3], [1, 0], [1, 1], 2), ([0, 1, 2], [1, 2], [1, 1], 2), ([0, 1, 2], [1, 0], [1], 2), ([0], [], [], 0)],
)
def test_arrays_that_are_no_couplings_are_refused(start, neighbours, weights, size):
    with pytest.raises(ValueError, match=r"start|neighbour|weight"):
        _anneal.energies(
            np.array(start, np.int64),
            np.array(neighbours, np.int32),
            np.array(weights, np.int64),
            np.zeros(size, np.int64),
            np.ones((1, size), np.int8),
        )


@pytest.mark.parametrize("size", [2**22, 2**24, 2**31, 2**51, 2**53, 2**57])
def test_whole_weights_of_every_size_are_exact(size):
    """Local fields are summed in what holds them exactly: float32, float64 or int64."""
    rng = np.random.default_rng(size)
    h, pairs = rng.integers(-size, size, 9).tolist(), {(i, i + 1): int(rng.integers(-size, size)) for i in range(8)}
    states = all_states(9)[::7]
    found = Problem.from_ising(h, pairs, 1).energy(states)
    assert found.tolist() == [term_by_term(state, h, pairs, 1) for state in states]


def test_the_largest_weights_are_exact():
    problem = Problem.from_ising([2**61, -1], {(0, 1): 2**61 - 2})
    expected = [2**62 - 3, 2**61 + 1 - (2**61 - 2)]
    assert problem.energy([[1, 1], [1, -1]]).tolist() == expected
    with pytest.raises(AnnealError, match=r"below 2\*\*62"):
        Problem.from_ising([2**61, -1], {(0, 1): 2**61 - 1})


@pytest.mark.parametrize(
    ("states", "what"),
    [
        ([[1, -1, 1], [1, 2, 1]], r"states\[1, 1\] is 2; states hold -1 and \+1"),
        ([1, 0, 1], r"states\[1\] is 0"),
        ([1.5, 1, 1], r"states\[0\] is 1.5"),
        ([np.nan, 1, 1], r"states\[0\] is nan"),
        ([1, 1], r"shape \(2,\); they must be \(3,\) or \(k, 3\)"),
        ([[[1, 1, 1]]], "shape"),
        (1, "shape"),
        (["a", "b", "c"], "dtype"),
        ([[1, 1, 1], [1, 1]], "no array"),
        (np.ma.masked_equal([1, -1, 1], -1), "masked"),
    ],
)
def test_states_that_are_none_are_named(states, what):
    with pytest.raises(AnnealError, match=what):
        random_problem(3, 3).energy(states)


@pytest.mark.parametrize("dtype", ["i1", "i8", "f4"])
@pytest.mark.parametrize("value", [-128, -127, 0, 2, 127])
def test_no_other_number_is_a_spin(value, dtype):
    with pytest.raises(AnnealError, match=rf"states\[1\] is {value}"):
        random_problem(3, 3).energy(np.array([1, value, -1], dtype))


def test_binary_states_do_not_mix_with_spins():
    problem = Problem.from_qubo([[1, 1], [0, 2]])
    assert problem.energy([[0, 1], [-1, -1]][:1]).tolist() == [2]
    assert problem.energy([True, False]).tolist() == [1]
    with pytest.raises(AnnealError, match=r"states\[1, 0\] is -1; states hold 0 and 1, or -1 and \+1"):
        problem.energy([[0, 1], [-1, 1]])


def test_no_states_have_no_energies():
    assert random_problem(3, 3).energy(np.empty((0, 3))).shape == (0,)
