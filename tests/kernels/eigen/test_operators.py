"""Pauli sums and covariances are the matrices that they stand for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.errors import TensorError
from cdt_core.kernels.eigen import covariance_operator, pauli_sum
from cdt_core.kernels.reference import eigen as reference
from cdt_core.kernels.tensor_train import TensorTrain

numbers = st.floats(-4, 4).map(lambda value: round(value, 3))


@st.composite
def sums(draw):
    d = draw(st.integers(1, 5))
    letters = st.text("IXYZ", min_size=d, max_size=d)
    coefficient = numbers if draw(st.booleans()) else st.builds(complex, numbers, numbers)
    return draw(st.lists(st.tuples(coefficient, letters), min_size=1, max_size=20))


def random_train(shape: tuple[int, ...], rank: int, dtype: str = "f8", seed: int = 0) -> TensorTrain:
    random = np.random.default_rng(seed)
    ranks = [1, *[rank] * (len(shape) - 1), 1]
    cores = [random.standard_normal((a, n, b)) for n, a, b in zip(shape, ranks[:-1], ranks[1:], strict=True)]
    return TensorTrain(
        [(core + 1j * random.standard_normal(core.shape) if "c" in dtype else core).astype(dtype) for core in cores]
    )


@given(sums())
def test_a_pauli_sum_is_its_matrix(terms) -> None:
    operator = pauli_sum(terms)
    assert np.abs(operator.full() - reference.pauli_matrix(terms)).max() <= 1e-13
    real = all(complex(value).imag == 0 for value, _ in terms) and not any(text.count("Y") % 2 for _, text in terms)
    assert not real or operator.dtype == np.float64


def test_ranks_are_the_smallest() -> None:
    n = 12
    neighbours = [(1.0, "I" * i + p + p + "I" * (n - 2 - i)) for i in range(n - 1) for p in "XYZ"]
    field = [(0.5, "I" * i + "Z" + "I" * (n - 1 - i)) for i in range(n)]
    assert pauli_sum(neighbours).ranks[2:-2] == (5,) * (n - 3)
    assert pauli_sum(neighbours + field).ranks[2:-2] == (5,) * (n - 3)
    assert max(pauli_sum(field).ranks) == 2
    assert max(pauli_sum([(2.0, "XYZ" * 5)]).ranks) == 1


def test_equal_strings_are_added_up() -> None:
    assert np.array_equal(pauli_sum([(1.0, "XZ"), (0.5, "XZ")]).full(), pauli_sum([(1.5, "XZ")]).full())


def test_strings_that_cancel_take_no_rank() -> None:
    assert pauli_sum([(1.0, "XX"), (-1.0, "XX"), (2.0, "ZZ")]).ranks == (1, 1, 1)
    assert not pauli_sum([(1.0, "XX"), (-1.0, "XX")]).full().any()


@pytest.mark.parametrize(
    ("terms", "message"),
    [([], "at least one"), ([(1.0, "XA")], "'XA'"), ([(1.0, "")], "''"), ([(1.0, "X"), (1.0, "XX")], r"lengths \[1, 2\]"),
     ([(float("nan"), "X")], "finite"), ([(1e308, "XX"), (1e308, "XX")], "finite"), ([(None, "X")], "finite"),
     ([(1.0, ["X"])], "no Pauli string"), ([(1.0, "X", 2)], "pairs"), (3, "pairs")],
)  # fmt: skip
def test_what_is_no_pauli_sum_is_refused(terms, message) -> None:
    with pytest.raises(TensorError, match=message):
        pauli_sum(terms)


@pytest.mark.parametrize("shape", [(5, 3), (7, 2, 3), (2, 4, 3, 2)])
@pytest.mark.parametrize("dtype", ["f4", "f8", "c16"])
@pytest.mark.parametrize("centre", [True, False])
def test_a_covariance_is_its_matrix(shape, dtype, centre) -> None:
    samples = random_train(shape, 2, dtype)
    operator = covariance_operator(samples, centre=centre, rtol=1e-10 if dtype != "f4" else 1e-5)
    expected = reference.covariance(samples.full(), centre)
    assert np.abs(operator.full() - expected).max() <= (1e-4 if dtype == "f4" else 1e-9) * np.abs(expected).max()
    assert operator.shape_in == operator.shape_out == shape[1:]


def test_samples_may_be_an_array() -> None:
    samples = random_train((9, 3, 4), 2).full()
    expected = reference.covariance(samples)
    assert np.abs(covariance_operator(samples, rtol=1e-8).full() - expected).max() <= 1e-7 * np.abs(expected).max()
    samples[2, 1, 1] = np.nan
    with pytest.raises(TensorError):
        covariance_operator(samples)


@pytest.mark.parametrize("as_array", [True, False])
@pytest.mark.parametrize("mean", [0.0, 1e4])
def test_the_tolerance_bounds_the_operators_error(as_array, mean) -> None:
    samples = random_train((20, 6, 6), 3) + random_train((20, 6, 6), 3, seed=1) * 1e-3 + mean
    full = samples.full()
    rough = covariance_operator(full if as_array else samples, rtol=0.01)
    exact = reference.covariance(full)
    assert np.linalg.norm(rough.full() - exact, "nuc") <= (2 * 0.01 + 0.01**2) * np.trace(exact)
    assert max(rough.ranks) < max(covariance_operator(samples).ranks)


@pytest.mark.parametrize("centre", [True, False])
def test_single_precision_is_summed_in_double(centre) -> None:
    samples = random_train((9, 3, 4), 2).full().astype("f4")
    expected = reference.covariance(samples.astype(float), centre)
    assert np.abs(covariance_operator(samples, centre=centre).full() - expected).max() <= 1e-9 * np.abs(expected).max()


def test_masked_samples_are_refused() -> None:
    with pytest.raises(TensorError, match="masked"):
        covariance_operator(np.ma.masked_greater(random_train((9, 3, 4), 2).full(), 1.0))


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (random_train((4,), 1), "one axis for the samples"),
        (random_train((1, 3), 1), "at least two"),
        (random_train((90, 90, 90), 90), "GiB: raise rtol"),
    ],
)
def test_what_has_no_covariance_is_refused(samples, message) -> None:
    with pytest.raises(TensorError, match=message):
        covariance_operator(samples)
