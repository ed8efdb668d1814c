"""A problem is its arrays, which nobody can write and which fit each other."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.errors import AnnealError
from cdt_core.kernels.anneal import Problem
from tests.kernels.anneal.problems import all_states, isings, random_problem, same


def test_the_arrays_are_canonical_and_cannot_be_written():
    problem = Problem.from_ising([0, 5, 0], {(2, 0): 3, (0, 2): 4, (1, 2): 1, (2, 1): -1})
    assert problem.start.tolist() == [0, 1, 1, 2]
    assert problem.neighbours.tolist() == [2, 0]
    assert problem.weights.tolist() == [7, 7]
    assert (problem.size, problem.edges, problem.scale) == (3, 1, 1)
    assert (problem.start.dtype, problem.neighbours.dtype, problem.weights.dtype) == (np.int64, np.int32, np.int64)
    for part in (problem.fields, problem.start, problem.neighbours, problem.weights):
        with pytest.raises(ValueError, match="read-only"):
            part[0] = 1


def test_a_problem_does_not_lock_the_arrays_it_came_from():
    made = random_problem()
    mine = made.fields.copy()
    Problem(mine, made.start, made.neighbours, made.weights)
    mine[0] = 3
    assert made.fields[0] == 0


def test_what_it_says_of_itself():
    assert repr(random_problem()) == "Problem(size=12, edges=30, integer)"
    assert repr(Problem.from_qubo([[0.5, 1], [0, 0]])) == "Problem(size=2, edges=1, float, binary)"
    assert repr(random_problem().with_cardinality([0, 1], 1)) == "Problem(size=12, edges=30, integer, cardinalities=1)"


def test_a_problem_survives_pickling():
    problem = Problem.from_qubo({("a", "b"): 3}).with_cardinality([0, 1], 1)
    found = pickle.loads(pickle.dumps(problem))
    assert same(found, problem)
    assert found.labels == ("a", "b")
    assert found.cardinalities[0].indices.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"start": [0, 1]}, "start must be 3 numbers"),
        ({"start": [0, 2, 1]}, "start must be 3 numbers"),
        ({"neighbours": [1, 2]}, "neighbour 1, 2 in row 1, is no variable"),
        ({"neighbours": [0, 0]}, "neighbour 0, 0 in row 0, is the row itself"),
        ({"weights": [1, 0]}, "has the weight 0"),
        ({"weights": [1, 2]}, r"J\[0, 1\] and J\[1, 0\] are not the same"),
        ({"start": [0, 1, 1], "neighbours": [1], "weights": [1]}, r"J\[0, 1\] and J\[1, 0\] are not the same"),
        ({"start": [0, 0, 1], "neighbours": [0], "weights": [1]}, r"J\[0, 1\] and J\[1, 0\] are not the same"),
        ({"weights": [1]}, "each has one"),
        ({"start": [0, 2, 2], "neighbours": [1, 1]}, "is not above the one before"),
        ({"weights": [1.0, 1.0]}, "weights have dtype float64; they must be int64"),
        ({"fields": [[0, 0]]}, "fields have shape"),
        ({"offset": 0.5}, "must be an integer"),
        ({"scale": 0}, "scale is 0"),
        ({"scale": 2}, "not all energies divide by the scale 2"),
        ({"scale": 3, "offset": 2, "fields": [3, 3]}, "not all energies divide by the scale 3"),
        ({"labels": ("a",)}, "1 labels for 2 variables"),
        ({"labels": ("a", "a")}, "2 labels for 2 variables"),
        ({"labels": ([], [])}, "no names"),
        ({"labels": 3}, "no names"),
        ({"offset": None}, "offset is None"),
        ({"offset": True}, "offset is True"),
        ({"offset": "1"}, "offset is '1'"),
        ({"offset": 10**400}, "offset is too large"),
        ({"offset": 2**62}, "offset, fields and weights"),
        ({"offset": -np.inf}, "offset is -inf"),
        ({"fields": np.array([0, np.nan]), "weights": np.ones(2)}, r"fields\[1\] is nan"),
        ({"fields": np.zeros(2), "weights": np.array([1, np.inf])}, r"weights\[1\] is inf"),
        ({"fields": np.zeros(2), "weights": np.ones(2), "offset": np.nan}, "offset, fields and weights sum to nan"),
        ({"fields": np.zeros(2), "weights": np.ones(2), "offset": -np.inf}, "offset is too large"),
        ({"scale": True}, "scale is True"),
        ({"scale": 2**62}, "scale is 4611686018427387904"),
        ({"cardinalities": (3,)}, "group 0 is of"),
        ({"weights": np.array([1, 1], ">i8")}, "weights have dtype >i8; they must be int64"),
        ({"fields": np.zeros(2, ">f8")}, "fields have dtype >f8"),
    ],
)
def test_arrays_that_are_no_problem_are_refused(changed, what):
    parts = {"fields": [0, 0], "start": [0, 1, 2], "neighbours": [1, 0], "weights": [1, 1]} | changed
    for name, dtype in (("fields", "i8"), ("start", "i8"), ("neighbours", "i4")):
        parts[name] = parts[name] if isinstance(parts[name], np.ndarray) else np.array(parts[name], dtype)
    with pytest.raises(AnnealError, match=what):
        Problem(**parts)


@given(isings(), st.integers(2, 4))
def test_a_scale_is_taken_where_all_energies_divide(ising, scale):
    h, pairs, offset = ising
    plain = Problem.from_ising(h, pairs, offset)
    exact = not (plain.energy(all_states(len(h))) % scale).any()
    parts = (plain.fields, plain.start, plain.neighbours, plain.weights, plain.offset, scale)
    if exact:
        assert np.array_equal(Problem(*parts).energy(all_states(len(h))) * scale, plain.energy(all_states(len(h))))
    else:
        with pytest.raises(AnnealError, match="not all energies divide"):
            Problem(*parts)


def test_groups_have_a_fixed_number_up():
    problem = random_problem(4, 3).with_cardinality([[0, 1]], 1).with_cardinality([3, 2], 2)
    assert [group.indices.tolist() for group in problem.cardinalities] == [[0, 1], [2, 3]]
    states = all_states(4)
    expected = [(s[:2] > 0).sum() == 1 and (s[2:] > 0).sum() == 2 for s in states]
    assert problem.feasible(states).tolist() == expected
    assert random_problem(4, 3).feasible(states).all()


@pytest.mark.parametrize(
    ("indices", "count", "what"),
    [
        ([1, 2], 3, r"3 of the 2 variables"),
        ([1, 2], -1, "-1 of the 2 variables"),
        ([1, 2], 1.0, "must be an integer"),
        ([1, 2], True, "must be an integer"),
        ([1, 1], 1, "variable 1 is twice"),
        ([], 0, "1 or more"),
        ([0.5], 1, "integers"),
        ([[0], [1, 2]], 1, "indices are no array"),
        (np.array([2**63], np.uint64), 1, "index 9223372036854775808"),
        ([[[1]]], 1, "shape"),
        ([7, 12], 1, "index 12; variables are 0 .. 11"),
        ([-1, 3], 1, "index -1; variables are 0 .. 11"),
        ([[0, 1], [1, 2]], 1, "variable 1 is in groups 1 and 2; groups must be disjoint"),
        ([5], 1, "variable 5 is in groups 0 and 1"),
    ],
)
def test_groups_that_no_state_can_have_are_refused(indices, count, what):
    with pytest.raises(AnnealError, match=what):
        random_problem().with_cardinality([5, 6], 1).with_cardinality(indices, count)
