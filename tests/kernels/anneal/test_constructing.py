"""Problems made of what users have have the energies that its terms say, in whatever form they come."""

from __future__ import annotations

import dimod
import networkx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from cdt_core.errors import AnnealError
from cdt_core.kernels.anneal import Problem
from tests.kernels.anneal.problems import REAL, WHOLE, all_states, dense, isings, same, term_by_term


def csr_arrays(matrix):
    rows = sparse.csr_array(matrix)
    return rows.indptr, rows.indices, rows.data


def coordinates(pairs, size):
    ends = np.array(list(pairs), dtype=np.int64).reshape(-1, 2)
    return size, ends[:, 0], ends[:, 1], np.array(list(pairs.values()))


FORMS = {
    "mapping": lambda pairs, size: pairs,
    "triangle": lambda pairs, size: dense(pairs, size, both=False),
    "lower triangle": lambda pairs, size: dense(pairs, size, both=False).T,
    "symmetric": lambda pairs, size: dense(pairs, size, both=True),
    "lists": lambda pairs, size: dense(pairs, size, both=True).tolist(),
    "csr": lambda pairs, size: sparse.csr_array(dense(pairs, size, both=True)),
    "csc matrix": lambda pairs, size: sparse.csc_matrix(dense(pairs, size, both=False)),
    "coo": lambda pairs, size: sparse.coo_array(dense(pairs, size, both=True)),
    "csr arrays": lambda pairs, size: csr_arrays(dense(pairs, size, both=True)),
    "coordinates": coordinates,
}


@given(isings(), st.sampled_from(list(FORMS)))
def test_whole_weights_have_exact_energies(ising, form):
    h, pairs, offset = ising
    problem = Problem.from_ising(h, FORMS[form](pairs, len(h)), offset)
    states = all_states(len(h))
    assert problem.is_integer
    assert problem.energy(states).dtype == np.int64
    assert problem.energy(states).tolist() == [term_by_term(state, h, pairs, offset) for state in states]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_problem(form):
    pairs = {(0, 1): 3, (1, 2): -2, (0, 4): 1, (3, 4): 5}
    assert same(Problem.from_ising(range(5), FORMS[form](pairs, 5)), Problem.from_ising(range(5), pairs))


@given(isings(REAL), st.sampled_from(list(FORMS)))
def test_other_weights_have_energies_to_rounding(ising, form):
    h, pairs, offset = ising
    problem = Problem.from_ising(h, FORMS[form](pairs, len(h)), offset)
    states = all_states(len(h))
    size = sum(map(abs, [*h, *pairs.values(), offset]))
    expected = np.array([term_by_term(state, h, pairs, offset) for state in states])
    assert problem.energy(states).dtype == np.float64
    assert np.abs(problem.energy(states) - expected).max() <= 8 * 2.0**-52 * size


@pytest.mark.parametrize("numbers", [WHOLE, REAL])
@given(data=st.data())
def test_a_qubo_counts_every_element_of_its_matrix(numbers, data):
    size = data.draw(st.integers(1, 5))
    matrix = np.array(data.draw(st.lists(numbers, min_size=size * size, max_size=size * size))).reshape(size, size)
    offset = data.draw(numbers)
    states = all_states(size, 0)
    expected = [(x.astype(matrix.dtype) @ matrix @ x) + offset for x in states]
    pairs = {(i, j): matrix[i, j].item() for i in range(size) for j in range(size)}
    for given_as in (matrix, sparse.csr_array(matrix), pairs):
        problem = Problem.from_qubo(given_as, offset)
        found = problem.energy(states)
        assert problem.binary
        if numbers is WHOLE:
            assert found.dtype == np.int64
            assert found.tolist() == expected
        else:
            assert np.abs(found - expected).max() <= 32 * 2.0**-52 * (np.abs(matrix).sum() + abs(offset))
        assert np.array_equal(found, problem.energy(2 * states - 1))


@pytest.mark.parametrize("numbers", [WHOLE, REAL])
@given(data=st.data())
def test_the_energy_of_a_cut_is_its_weight_negated(numbers, data):
    h, pairs, _ = data.draw(isings(numbers))
    graph = networkx.Graph()
    graph.add_nodes_from(range(len(h)))
    graph.add_weighted_edges_from((i, j, weight) for (i, j), weight in pairs.items())
    for given_as in (graph, dense(pairs, len(h), both=True), coordinates(pairs, len(h))):
        problem = Problem.max_cut(given_as)
        for state in all_states(len(h)):
            cut = sum(weight for (i, j), weight in pairs.items() if state[i] != state[j])
            found = problem.energy(state)[0]
            allowed = 0 if numbers is WHOLE else 16 * 2.0**-52 * sum(map(abs, pairs.values()))
            assert abs(found + cut) <= allowed


@pytest.mark.parametrize("vartype", ["SPIN", "BINARY"])
@pytest.mark.parametrize("kind", [dimod.Float64BQM, dimod.Float32BQM, dimod.DictBQM])
@given(ising=isings(st.integers(-40, 40).map(lambda x: x / 4)))
def test_models_of_dimod_keep_energies_and_labels(vartype, kind, ising):
    h, pairs, offset = ising
    names = [f"v{k}" for k in range(len(h))][::-1]
    bqm = kind(
        dict(zip(names, h, strict=True)), {(names[i], names[j]): w for (i, j), w in pairs.items()}, offset, vartype
    )
    problem = Problem.from_bqm(bqm)
    states = all_states(len(h), 0 if vartype == "BINARY" else -1)
    assert problem.labels == tuple(bqm.variables)
    assert problem.energy(states).tolist() == bqm.energies((states, list(bqm.variables))).tolist()


def test_a_cut_as_a_qubo_has_the_small_weights_of_a_cut():
    """What all numbers have in common is divided out, so that weights of 1 stay weights of 1."""
    problem = Problem.from_qubo([[-2, 2, 2], [0, -2, 2], [0, 0, -2]])
    assert set(problem.weights.tolist()) == {1}
    assert problem.scale == 2
    assert same(Problem(*problem_parts(problem)), Problem.max_cut([[0, 1, 1], [0, 0, 1], [0, 0, 0]]))


def problem_parts(problem):
    return problem.fields, problem.start, problem.neighbours, problem.weights, problem.offset, problem.scale


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "i4", "u8", "f2", "f4", "f8", "g", "O", ">i4", ">f8"])
def test_whole_numbers_of_any_dtype_are_exact(dtype):
    problem = Problem.from_ising(np.array([1, 0], dtype), np.array([[0, 1], [1, 0]], dtype), 1)
    assert problem.is_integer
    assert problem.energy([[1, 1], [1, -1]]).tolist() == [3, 1]


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g", "O"])
def test_halves_of_any_dtype_are_floats(dtype):
    assert Problem.from_ising(np.array([0.5, 0], dtype), {(0, 1): 2}).energy([1, 1]).tolist() == [2.5]


def test_a_large_sparse_matrix_stays_sparse():
    """200,000 variables: a dense matrix of them would have 320 GB."""
    size = 200_000
    ring = sparse.coo_array((np.ones(size), (np.arange(size), (np.arange(size) + 1) % size)), shape=(size, size))
    problem = Problem.max_cut(ring + ring.T)
    assert problem.edges == size
    assert problem.energy(np.resize([-1, 1], size)).tolist() == [-size]


def test_halves_of_a_matrix_may_differ_by_rounding():
    """As those of correlations do, which are divided by one deviation after the other."""
    values = np.random.default_rng(3).normal(size=(200, 6))
    matrix = np.corrcoef(values, rowvar=False) * np.exp(np.arange(6))
    matrix = matrix * np.exp(np.arange(6))[:, None]
    np.fill_diagonal(matrix, 0)
    matrix[0, 1] *= 1 + 2.0**-52
    assert not np.array_equal(matrix, matrix.T)
    problem = Problem.from_ising(None, matrix)
    assert problem.edges == 15
    matrix[0, 5] += 1e-10 * np.abs(matrix).max()
    with pytest.raises(AnnealError, match=r"J\[0, 5\]"):
        Problem.from_ising(None, matrix)


def test_one_variable_is_a_problem():
    assert Problem.from_ising([3], {}).energy([[1], [-1]]).tolist() == [3, -3]
    assert Problem.from_ising(None, [[0]]).energy([1]).tolist() == [0]
    assert Problem.max_cut(networkx.empty_graph(2)).energy([1, -1]).tolist() == [0]


def test_names_that_are_numbers_from_zero_are_no_labels():
    assert Problem.from_ising({2: 5, 0: 1}, {(1, 0): 1}).labels is None
    assert Problem.from_ising({2: 5, 0: 1}, {(1, 0): 1}).fields.tolist() == [1, 0, 5]
    assert Problem.from_ising({2: 5}, {(1, 2): 1}).labels == (2, 1)
    assert Problem.max_cut(networkx.path_graph("cab")).labels == ("c", "a", "b")


def test_the_best_known_cut_of_a_graph_of_the_set(test_data):
    """G1's weights are all 1: what is cut and what is not add up to its edges."""
    size, edges, *entries = np.fromfile(test_data / "gset" / "G1.txt", dtype=np.int64, sep=" ")
    first, second, weights = np.array(entries).reshape(edges, 3).T
    problem = Problem.max_cut((int(size), first - 1, second - 1, weights))
    assert (problem.size, problem.edges, problem.scale) == (800, 19176, 2)
    state = np.random.default_rng(0).choice([-1, 1], 800)
    assert problem.energy(state).tolist() == [-int((state[first - 1] != state[second - 1]).sum())]
