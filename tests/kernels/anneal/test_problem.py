"""A problem has the energies that its terms say, exactly, whatever form they come in."""

from __future__ import annotations

import pickle

import dimod
import networkx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from cdt_core.errors import AnnealError, CdtError
from cdt_core.kernels.anneal import Problem
from tests.kernels.anneal.problems import REAL, WHOLE, all_states, dense, isings, random_problem, term_by_term


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


def same(found, other):
    return all(
        np.array_equal(getattr(found, part), getattr(other, part))
        for part in ("fields", "start", "neighbours", "weights")
    ) and (found.offset, found.scale, found.binary) == (other.offset, other.scale, other.binary)


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


@given(isings(), st.data())
def test_a_state_has_one_energy_whatever_comes_with_it(ising, data):
    h, pairs, offset = ising
    problem = Problem.from_ising([x + 0.1 for x in h], {pair: w / 3 for pair, w in pairs.items()}, offset)
    states = all_states(len(h))
    alone = [problem.energy(state)[0] for state in states]
    order = data.draw(st.permutations(range(len(states))))
    assert problem.energy(states[order]).tolist() == [alone[k] for k in order]


def test_large_problems_are_summed_in_blocks(monkeypatch):
    problem, rng = random_problem(40, 200), np.random.default_rng(1)
    states = rng.choice(np.array([-1, 1], np.int8), (50, 40))
    whole = problem.energy(states)
    monkeypatch.setattr("cdt_core.kernels.anneal.states._BLOCK", 120)
    assert np.array_equal(problem.energy(states), whole)


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
    ("make", "what"),
    [
        (lambda: Problem.from_ising(None, {(0, 1): 2**62}), "weights of J"),
        (lambda: Problem.from_ising(None, {(0, 1): 2**61, (0, 2): 2**61}), "weights of J"),
        (lambda: Problem.from_ising(None, np.array([[0, 2**62], [2**62, 0]])), "weights of J"),
        (lambda: Problem.from_ising(None, {(0, 1): -(2**63), (1, 0): -(2**63)}), "weights of J"),
        (lambda: Problem.from_ising([-(2**63), 0], {(0, 1): 1}), "offset, fields and weights"),
        (lambda: Problem.from_ising([1], {}, 2**62 - 1), "offset, fields and weights"),
        (lambda: Problem.from_ising([1], {}, 2**63), "offset is 9223372036854775808"),
        (lambda: Problem.from_ising([0, 2**63], {}), r"h\[1\] is 9223372036854775808"),
        (lambda: Problem.from_qubo({(0, 1): 2**60 + 1}), "weights"),
        (lambda: Problem.from_qubo({(0, 0): 2**61 + 1}), "weights"),
        (lambda: Problem.max_cut({(0, 1): 2**61}), "weights of graph, twice"),
        (lambda: Problem.from_ising(None, {(0, 1): 1e308, (1, 2): 1e308, (0, 2): 0.5}), "too much"),
        (lambda: Problem.from_ising([1e308, 1e308], {}), "too much"),
    ],
)
def test_sums_that_no_energy_can_hold_are_refused(make, what):
    with pytest.raises(AnnealError, match=what):
        make()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("make", "where"),
    [
        (lambda x: Problem.from_ising([0, x], {}), r"h\[1\]"),
        (lambda x: Problem.from_ising({"a": 0, "b": x}, {}), r"h\['b'\]"),
        (lambda x: Problem.from_ising(None, {("a", "b"): 1, ("b", "c"): x}), r"J\['b', 'c'\]"),
        (lambda x: Problem.from_ising(None, [[0, 1, 1], [1, 0, x], [1, x, 0]]), r"J\[1, 2\]"),
        (lambda x: Problem.from_ising(None, sparse.csr_array([[0, 1], [x, 0]])), r"J\[1, 0\]"),
        (lambda x: Problem.from_ising(None, ([0, 1, 2], [1, 0], [1, x])), r"J\[1, 0\]"),
        (lambda x: Problem.from_ising(None, (9, [0, 7], [1, 8], [1, x])), r"J\[7, 8\]"),
        (lambda x: Problem.from_ising([1], {}, x), "offset"),
        (lambda x: Problem.from_qubo([[x]]), r"Q\[0, 0\]"),
        (lambda x: Problem.max_cut(weighted(x)), r"graph\['p', 'q'\]"),
        (lambda x: Problem.from_bqm(dimod.BQM({"a": 1.0, "b": x}, {}, 0.0, "SPIN")), r"linear\['b'\]"),
        (lambda x: Problem.from_bqm(dimod.BQM({}, {"ab": x}, 0.0, "BINARY")), r"quadratic\['[ab]', '[ab]'\]"),
    ],
)
def test_weights_that_are_not_finite_are_named(make, where, bad):
    with pytest.raises(AnnealError, match=where + " is -?(nan|inf): it must be a finite number"):
        make(bad)


def weighted(weight):
    graph = networkx.Graph()
    graph.add_edge("p", "q", weight=weight)
    return graph


def test_a_large_sparse_matrix_stays_sparse():
    """200,000 variables: a dense matrix of them would have 320 GB."""
    size = 200_000
    ring = sparse.coo_array((np.ones(size), (np.arange(size), (np.arange(size) + 1) % size)), shape=(size, size))
    problem = Problem.max_cut(ring + ring.T)
    assert problem.edges == size
    assert problem.energy(np.resize([-1, 1], size)).tolist() == [-size]


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: Problem.from_ising(None, [[0, 1, 0], [1, 0, 2], [0, 3, 0]]), r"J\[1, 2\] = 2 but J\[2, 1\] = 3"),
        (lambda: Problem.from_ising(None, [[0, 1, 0], [0, 0, 0], [0, 3, 0]]), r"J\[1, 2\] = 0 but J\[2, 1\] = 3"),
        (
            lambda: Problem.max_cut(sparse.csr_array([[0, 1.5], [1.25, 0]])),
            r"graph\[0, 1\] = 1.5 but graph\[1, 0\] = 1.25",
        ),
        (lambda: Problem.from_ising(None, {(0, 1): 1, (2, 2): 4}), r"J\[2, 2\] = 4 is a self loop"),
        (lambda: Problem.from_ising(None, [[0, 1], [1, 2]]), r"J\[1, 1\] = 2 is a self loop"),
        (lambda: Problem.from_ising(None, {("a", "a"): 1.5}), r"J\['a', 'a'\] = 1.5 is a self loop"),
        (lambda: Problem.max_cut(networkx.Graph([("x", "y"), ("y", "y")])), r"graph\['y', 'y'\] = 1 is a self loop"),
    ],
)
def test_matrices_of_no_ising_model_are_named_where_they_are_wrong(make, what):
    with pytest.raises(AnnealError, match=what):
        make()


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


@pytest.mark.parametrize(
    "make",
    [
        lambda: Problem.from_ising(None, {}),
        lambda: Problem.from_ising([], {}),
        lambda: Problem.from_ising(None, np.zeros((0, 0))),
        lambda: Problem.from_ising(None, (0, [], [], [])),
        lambda: Problem.from_qubo({}),
        lambda: Problem.max_cut(networkx.Graph()),
        lambda: Problem.from_bqm(dimod.BQM("SPIN")),
    ],
)
def test_problems_of_nothing_are_refused(make):
    with pytest.raises(AnnealError, match="0 variables"):
        make()


def test_one_variable_is_a_problem():
    assert Problem.from_ising([3], {}).energy([[1], [-1]]).tolist() == [3, -3]
    assert Problem.from_ising(None, [[0]]).energy([1]).tolist() == [0]
    assert Problem.max_cut(networkx.empty_graph(2)).energy([1, -1]).tolist() == [0]


def test_more_than_31_bits_of_edges_are_refused_before_memory_is_taken():
    many = np.broadcast_to(np.int64(0), 2**32 + 8)
    with pytest.raises(AnnealError, match=r"4294967304 entries; a problem has at most 2\*\*31 - 1 edges"):
        Problem.max_cut((2, many, many, many))
    with pytest.raises(AnnealError, match="2147483648 variables"):
        Problem.max_cut((2**31, [0], [1], [1]))


@pytest.mark.parametrize(
    ("J", "what"),
    [
        (np.zeros((2, 3)), r"shape \(2, 3\)"),
        (np.zeros(3), r"shape \(3,\)"),
        (sparse.csr_array((2, 3)), r"shape \(2, 3\)"),
        ([[0, 1], [1]], "no matrix"),
        ([["0", "a"], ["b", "0"]], r"J\[0, 0\] is of dtype <U1"),
        (np.array([[0, 1j], [1j, 0]]), r"J\[0, 1\] is of dtype complex128"),
        (np.array([[0, None], [None, 0]]), r"J\[0, 1\] is None"),
        (np.array([[0, 1], [1, 0]], "M8[s]"), "dtype datetime64"),
        (np.ma.masked_equal([[0, 7], [7, 0]], 7), r"J\[0, 1\] is masked"),
        ({"ab": 1}, "keys must be pairs"),
        ({(0, 1, 2): 1}, r"key \(0, 1, 2\)"),
        ({(0, 1): "x"}, r"J\[0, 1\]"),
        ({(0, 1): 2**53 + 1, (1, 2): 0.5}, r"J\[0, 1\] is 9007199254740993"),
        (([0, 2, 1, 2], [1, 2], [1, 1]), "falls at row 1"),
        (([0, 1, 3], [1, 0], [1, 1]), r"start of J must have n \+ 1 numbers"),
        (([0, 1, 2], [1, 2], [1, 1]), r"entry 1 of J is at \(1, 2\)"),
        (([0, 1, 2], [1, 0], [1]), "equally long"),
        (([0, 1, 2], [1.0, 0.0], [1, 1]), "dtype float64"),
        ((3, [0, -1], [1, 2], [1, 1]), r"entry 1 of J is at \(-1, 2\); indices are 0 .. 2"),
        ((3.0, [0], [1], [1]), r"\(n, first, second, weights\)"),
        (networkx.DiGraph([(0, 1)]), "directed"),
        (networkx.Graph([(0, 1, {"weight": None})]), r"J\[0, 1\] is None"),
    ],
)
def test_what_is_no_matrix_of_numbers_is_refused(J, what):
    with pytest.raises(AnnealError, match=what):
        Problem.from_ising(None, J)


@pytest.mark.parametrize(
    ("h", "J", "what"),
    [
        ([1, 2, 3], np.zeros((2, 2)), r"h has shape \(3,\), J has 2 variables"),
        ([[1, 2]], {(0, 1): 1}, r"h has shape \(1, 2\)"),
        ([1, 2], {(0, 2): 1}, r"J\[0, 2\] is between variables that h, of 2, does not have"),
        ({5: 1}, np.zeros((2, 2)), r"h\[5\] is of no variable"),
        (np.ma.masked_equal([1, 7], 7), {(0, 1): 1}, r"h\[1\] is masked"),
        ([2**53 + 1, 1], {(0, 1): 0.5}, "number 0 of h is 9007199254740993"),
        (np.array([0.1, 0], "g") / 3, {(0, 1): 1}, r"h\[0\] .* round it yourself"),
        (5, {(0, 1): 1}, r"h has shape \(\)"),
    ],
)
def test_fields_that_do_not_fit_are_refused(h, J, what):
    with pytest.raises(AnnealError, match=what):
        Problem.from_ising(h, J)


@pytest.mark.parametrize("offset", [[1, 2], None, "a", 1j, np.nan])
def test_an_offset_is_one_number(offset):
    with pytest.raises(AnnealError, match="offset"):
        Problem.from_ising([1], {}, offset)


@pytest.mark.parametrize("model", [3, {}, dimod.ConstrainedQuadraticModel()])
def test_what_is_no_model_of_dimod_is_refused(model):
    with pytest.raises(AnnealError, match="no binary quadratic model"):
        Problem.from_bqm(model)


def test_names_that_are_numbers_from_zero_are_no_labels():
    assert Problem.from_ising({2: 5, 0: 1}, {(1, 0): 1}).labels is None
    assert Problem.from_ising({2: 5, 0: 1}, {(1, 0): 1}).fields.tolist() == [1, 0, 5]
    assert Problem.from_ising({2: 5}, {(1, 2): 1}).labels == (2, 1)
    assert Problem.max_cut(networkx.path_graph("cab")).labels == ("c", "a", "b")


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
    ],
)
def test_arrays_that_are_no_problem_are_refused(changed, what):
    parts = {"fields": [0, 0], "start": [0, 1, 2], "neighbours": [1, 0], "weights": [1, 1]} | changed
    for name, dtype in (("fields", "i8"), ("start", "i8"), ("neighbours", "i4")):
        parts[name] = np.array(parts[name], dtype)
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


def test_its_errors_are_those_of_cdt_and_of_values():
    assert issubclass(AnnealError, CdtError)
    assert issubclass(AnnealError, ValueError)


def test_the_best_known_cut_of_a_graph_of_the_set(test_data):
    """G1's weights are all 1: what is cut and what is not add up to its edges."""
    size, edges, *entries = np.fromfile(test_data / "gset" / "G1.txt", dtype=np.int64, sep=" ")
    first, second, weights = np.array(entries).reshape(edges, 3).T
    problem = Problem.max_cut((int(size), first - 1, second - 1, weights))
    assert (problem.size, problem.edges, problem.scale) == (800, 19176, 2)
    state = np.random.default_rng(0).choice([-1, 1], 800)
    assert problem.energy(state).tolist() == [-int((state[first - 1] != state[second - 1]).sum())]
