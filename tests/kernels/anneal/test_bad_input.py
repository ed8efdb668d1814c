"""What is no problem is refused, and the error names the place."""

from __future__ import annotations

from fractions import Fraction

import dimod
import networkx
import numpy as np
import pytest
from scipy import sparse

from cdt_core.errors import AnnealError, CdtError
from cdt_core.kernels.anneal import Problem


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
        ({(0, 1): 1, (1, 2): "5"}, r"J\[1, 2\] is '5'; weights are integers or floats"),
        ({(0, 1): 1, (1, 2): 5j}, r"J\[1, 2\] is 5j"),
        ({(0, 1): [1, 2], (1, 2): [3, 4]}, r"J\[0, 1\] is \[1, 2\]"),
        ({(0, 1): 10**400}, r"J\[0, 1\] is 1e400, beyond int64"),
        ({(0, 1): 0.5, (1, 2): -(10**400)}, r"J\[1, 2\] is -1e400, which float64 would round"),
        ({(0, 1): 1, (1, 2): Fraction(10**400, 3)}, r"J\[1, 2\] is inf: it must be a finite number"),
        (np.array([[0, "1"], [1, 0]], object), r"J\[0, 1\] is '1'"),
        ((3, np.array([2**63], np.uint64), [1], [1]), r"entry 0 of J is at \(9223372036854775808, 1\)"),
        ((-3, [0], [1], [1]), "J has -3 variables"),
        ((True, [0], [0], [0]), "starts with True"),
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
        ({"z": 1}, networkx.path_graph("abc"), r"h\['z'\] is of no variable of J; they are 'a' .. 'c'"),
        ([1, "x"], {}, r"h\[1\] is 'x'"),
        ({"a": 1, "b": "2"}, {}, r"h\['b'\] is '2'"),
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


def test_its_errors_are_those_of_cdt_and_of_values():
    assert issubclass(AnnealError, CdtError)
    assert issubclass(AnnealError, ValueError)
