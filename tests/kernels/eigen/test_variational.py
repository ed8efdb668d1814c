"""The lowest states of operators, against dense matrices where they fit and known limits where they do not."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import eigsh

from cdt_core.errors import TensorError
from cdt_core.kernels.eigen import covariance_operator, leading, pauli_sum, variational
from cdt_core.kernels.reference import eigen as reference
from cdt_core.kernels.tensor_train import TensorTrain, TensorTrainOperator

Terms = list[tuple[float, str]]


def heisenberg(n: int) -> Terms:
    return [(0.25, "I" * i + p + p + "I" * (n - 2 - i)) for i in range(n - 1) for p in "XYZ"]


def transverse_ising(n: int, field: float) -> Terms:
    bonds = [(-1.0, "I" * i + "ZZ" + "I" * (n - 2 - i)) for i in range(n - 1)]
    return bonds + [(-field, "I" * i + "X" + "I" * (n - 1 - i)) for i in range(n)]


def sparse(terms: Terms) -> scipy.sparse.csr_array:
    """The matrix of a real Pauli sum: X and Y exchange rows by their bits, Y and Z sign them."""
    n = len(terms[0][1])
    rows = np.arange(2**n)
    total = scipy.sparse.csr_array((2**n, 2**n))
    for value, text in terms:
        flips = sum(1 << (n - 1 - i) for i, letter in enumerate(text) if letter in "XY")
        signs = sum(1 << (n - 1 - i) for i, letter in enumerate(text) if letter in "YZ")
        odd = np.array([(int(row) & signs).bit_count() & 1 for row in rows])
        numbers = value * np.real(1j ** text.count("Y")) * (1.0 - 2.0 * odd)
        total = total + scipy.sparse.csr_array((numbers, (rows ^ flips, rows)), shape=total.shape)
    return total


def assert_orthonormal(states: tuple[TensorTrain, ...], within: float) -> None:
    overlaps = np.array([[one.dot(other) for other in states] for one in states])
    assert np.abs(overlaps - np.eye(len(states))).max() <= within


@pytest.mark.parametrize(
    "terms",
    [
        heisenberg(6),
        heisenberg(9),
        heisenberg(12),
        transverse_ising(7, 0.3),
        transverse_ising(10, 1.0),
        transverse_ising(12, 1.0),
    ],
    ids=["heisenberg6", "heisenberg9", "heisenberg12", "ising7", "ising10", "ising12"],
)
def test_ground_states_of_chains_are_those_of_eigsh(terms) -> None:
    exact = np.sort(
        eigsh(
            sparse(terms),
            k=4,
            which="SA",
            tol=1e-12,
            v0=np.ones(2 ** len(terms[0][1])) + np.arange(2 ** len(terms[0][1])) % 7,
        )[0]
    )
    found = variational(pauli_sum(terms))
    assert found.converged.all()
    assert abs(found.values[0] - exact[0]) <= 1e-9 * abs(exact[0])
    assert found.values[0] >= exact[0] - 1e-12 * abs(exact[0])
    assert abs(found.values[0] - exact[0]) <= found.error_bounds[0]


@pytest.mark.parametrize(
    "terms", [heisenberg(8), transverse_ising(8, 1.0), transverse_ising(8, 0.5)], ids=["heisenberg", "ising", "ordered"]
)
def test_excited_states_follow_in_order_and_are_orthogonal(terms) -> None:
    exact = reference.lowest(reference.pauli_matrix(terms), 5)[0]
    found = variational(pauli_sum(terms), 5)
    assert np.abs(found.values - exact).max() <= 1e-8
    assert (np.abs(found.values - exact) <= found.error_bounds + 1e-12).all()
    assert_orthonormal(found.states, 1e-5)


@settings(max_examples=15, deadline=None)
@given(
    d=st.integers(1, 3),
    n=st.integers(1, 3),
    dtype=st.sampled_from(["f8", "c16"]),
    data=st.data(),
    seed=st.integers(0, 99),
)
def test_any_hermitian_operator(d, n, dtype, data, seed) -> None:
    random = np.random.default_rng(seed)
    ranks = [1, *[2] * (d - 1), 1]
    cores = [random.standard_normal((a, n, n, b)) for a, b in pairwise(ranks)]
    one = TensorTrainOperator(
        [core + 1j * random.standard_normal(core.shape) if dtype == "c16" else core for core in cores]
    )
    operator = one + one.adjoint()
    k = data.draw(st.integers(1, min(4, n**d)))
    exact = reference.lowest(operator.full(), n**d)[0]
    scale = np.abs(exact).max() + 1e-300
    assert abs(variational(operator, k).values[0] - exact[0]) <= 1e-8 * scale
    assert abs(variational(operator, which="highest").values[0] - exact[-1]) <= 1e-8 * scale


def test_a_residual_is_what_a_dense_product_gives() -> None:
    operator = pauli_sum(heisenberg(8))
    found = variational(operator, 2, max_rank=4)
    for value, state, residual in zip(found.values, found.states, found.residuals, strict=True):
        x = state.full().ravel()
        assert abs(np.linalg.norm(operator.full() @ x - value * x) - residual) <= 1e-12
        assert max(state.ranks) <= 4
    assert found.residuals[0] > 1e-3


def test_a_chain_of_forty_spins_that_no_vector_can_hold() -> None:
    n = 40
    found = variational(pauli_sum(transverse_ising(n, 1.0)), max_rank=24, tol=1e-8)
    exact = 1 - 1 / math.sin(math.pi / (2 * (2 * n + 1)))  # open critical chain (Pfeuty 1970)
    assert exact <= found.values[0] + 1e-9
    assert abs(found.values[0] - exact) <= 1e-8 * abs(exact)
    assert found.states[0].size == 2**40
    assert found.states[0].parameters < 40_000


def test_the_leading_component_of_a_tensor_shaped_variable_is_a_train() -> None:
    random = np.random.default_rng(3)
    shape = (30, 6, 5, 4)
    parts = [[random.standard_normal(n) for n in shape] for _ in range(4)]
    cores = [np.zeros((1 if i == 0 else 4, n, 1 if i == 3 else 4)) for i, n in enumerate(shape)]
    for j, (part, size) in enumerate(zip(parts, (3.0, 2.0, 1.0, 0.5), strict=True)):
        for i, vector in enumerate(part):
            cores[i][0 if i == 0 else j, :, 0 if i == 3 else j] = vector * (size if i == 0 else 1)
    samples = TensorTrain(cores)
    found = variational(covariance_operator(samples), 3, which="highest")
    exact = leading(samples.full().reshape(30, -1), 3)
    assert np.abs(found.values - exact.values / 29).max() <= 1e-9 * exact.values[0]
    assert abs(abs(found.states[0].full().ravel() @ exact.vectors[:, 0]) - 1) <= 1e-9
    assert max(found.states[0].ranks) <= 4


@pytest.mark.parametrize("terms", [transverse_ising(6, 0.7), [(1.0, "Z"), (0.5, "X")]], ids=["six", "one"])
@pytest.mark.parametrize("size", [2.0**-1040, 2.0**-660, 2.0**-330, 2.0**330, 2.0**660, 2.0**1000])
def test_the_unit_of_an_operator_is_no_matter(terms, size) -> None:
    operator = pauli_sum(terms)
    one, scaled = variational(operator, 2), variational(operator * size, 2)
    assert np.array_equal(scaled.values, one.values * size)
    assert np.array_equal(scaled.residuals, one.residuals * size)
    assert np.array_equal(scaled.error_bounds, one.error_bounds * size)
    for state, same in zip(scaled.states, one.states, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(state.cores, same.cores, strict=True))


def test_eigenvalues_beyond_float64_are_refused() -> None:
    with pytest.raises(TensorError, match="too large"):
        variational(pauli_sum([(1.7e308, "ZI"), (1.7e308, "IZ")]))
    with pytest.raises(TensorError, match="too large"):
        variational(TensorTrainOperator([np.full((1, 2, 2, 1), 1.9)] * 1100))


def test_a_part_that_is_not_hermitian_is_seen_however_long_the_chain() -> None:
    with pytest.raises(TensorError, match="not Hermitian"):
        variational(pauli_sum([(1.0, "Z" + "I" * 59), (1j, "X" * 60)]), max_rank=4)


def test_a_chain_may_be_longer_than_norms_of_its_operator_can_be() -> None:
    n = 1100
    found = variational(
        pauli_sum([(1.0, "I" * i + "Z" + "I" * (n - 1 - i)) for i in range(0, n, 50)]), max_rank=1, tol=1e-4
    )
    assert abs(found.values[0] + len(range(0, n, 50))) <= found.error_bounds[0]


@settings(max_examples=25, deadline=None)
@given(d=st.integers(1, 4), n=st.integers(1, 3), which=st.sampled_from(["lowest", "highest"]), seed=st.integers(0, 999))
def test_certificates_count_their_own_rounding(d, n, which, seed) -> None:
    random = np.random.default_rng(seed)
    one = TensorTrainOperator([random.standard_normal((a, n, n, b)) for a, b in pairwise([1, *[2] * (d - 1), 1])])
    operator = (one + one.adjoint()) * 10.0 ** random.integers(-5, 6)
    matrix = operator.full()
    exact = reference.lowest(matrix, n**d)[0]
    found = variational(operator, min(3, n**d), which=which)
    for value, state, residual in zip(found.values, found.states, found.residuals, strict=True):
        x = state.full().ravel().astype(np.longdouble)
        assert np.sqrt(((matrix @ x - np.longdouble(value) * x) ** 2).sum()) <= residual
        assert np.abs(exact - value).min() <= residual
    ends = exact if which == "lowest" else exact[::-1]
    assert (np.abs(found.values - ends[: len(found.values)]) <= found.error_bounds).all()


@pytest.mark.parametrize("size", [2.0**7, 2.0**20])
def test_certificates_count_the_rounding_of_parts_that_cancel(size) -> None:
    small, large = pauli_sum(transverse_ising(5, 0.6)), pauli_sum(heisenberg(5)) * size
    found = variational(small + large - large, 2)
    exact = reference.lowest(small.full(), 2)[0]
    assert found.residuals.max() <= 1e-12 * size
    assert (np.abs(found.values - exact) <= found.error_bounds).all()


def test_the_same_seed_gives_the_same_bytes() -> None:
    one, two = (variational(pauli_sum(heisenberg(8)), 2) for _ in range(2))
    assert one.values.tobytes() == two.values.tobytes()
    assert all(
        a.tobytes() == b.tobytes()
        for x, y in zip(one.states, two.states, strict=True)
        for a, b in zip(x.cores, y.cores, strict=True)
    )
    assert "max_rank" in repr(one)


def test_too_few_sweeps_are_told() -> None:
    assert not variational(pauli_sum(transverse_ising(10, 1.0)), max_sweeps=1).converged.any()


@pytest.mark.parametrize("terms", [heisenberg(6), [(1.0, "Z"), (0.5, "X")]], ids=["six", "one"])
def test_progress_rises_to_one(terms) -> None:
    shares: list[float] = []
    variational(pauli_sum(terms), 2, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_the_zero_operator_has_zero_eigenvalues() -> None:
    found = variational(TensorTrainOperator([np.zeros((1, 2, 2, 1))] * 3), 3)
    assert not found.values.any()
    assert found.converged.all()


@pytest.mark.parametrize(
    ("operator", "options", "message"),
    [
        (pauli_sum([(1j, "XX")]), {}, "not Hermitian"),
        (TensorTrainOperator([np.triu(np.ones((2, 2)))[None, :, :, None]] * 3), {}, "not Hermitian"),
        (TensorTrainOperator([np.ones((1, 2, 3, 1))]), {}, "not square"),
        (TensorTrainOperator([np.full((1, 2, 2, 1), np.nan)]), {}, "NaN or infinity"),
        (np.eye(4), {}, "no TensorTrainOperator"),
        (pauli_sum([(1.0, "XX")]), {"k": 0}, "k 0"),
        (pauli_sum([(1.0, "XX")]), {"k": 1.5}, "k 1.5"),
        (pauli_sum([(1.0, "XX")]), {"which": "smallest"}, "'smallest'"),
        (pauli_sum([(1.0, "XX")]), {"seed": -1}, "seed -1"),
        (pauli_sum([(1.0, "XX")]), {"tol": "small"}, "tol 'small'"),
        (pauli_sum([(1.0, "XX")]), {"k": 5}, "ask for 1"),
        (pauli_sum([(1.0, "XX")]), {"max_rank": 0}, "max_rank 0"),
        (pauli_sum([(1.0, "XX")]), {"tol": 0.0}, "tol 0.0"),
        (pauli_sum([(1.0, "XX")]), {"max_sweeps": 0}, "max_sweeps 0"),
    ],
)
def test_what_cannot_be_is_refused(operator, options, message) -> None:
    with pytest.raises(TensorError, match=message):
        variational(operator, **options)
