"""An operator in train form does what its matrix does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.errors import TensorError
from cdt_core.kernels.tensor_train import TensorTrain, TensorTrainOperator
from tests.kernels.tensor_train.trains import DTYPES, ROUNDING, numbers, random_train


def random_operator(shape_out, shape_in, rank, dtype="float64", seed=0):
    make = np.random.default_rng(seed)
    ranks = [1, *([rank] * (len(shape_out) - 1)), 1]
    return TensorTrainOperator(
        [
            numbers(make, (ranks[k], *sides, ranks[k + 1]), dtype)
            for k, sides in enumerate(zip(shape_out, shape_in, strict=True))
        ]
    )


def agree(found, expected, *parts):
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    room = 100 * max(ROUNDING[part.dtype.name] for part in parts)
    return np.linalg.norm(found - expected) <= room * max(1.0, np.linalg.norm(expected))


@st.composite
def settings_of_shapes(draw):
    axes = st.integers(1, 4)
    d = draw(st.integers(1, 4))
    return [tuple(draw(axes) for _ in range(d)) for _ in range(3)]


@given(settings_of_shapes(), st.sampled_from(DTYPES), st.sampled_from(DTYPES), st.integers(1, 3), st.integers(0, 99))
def test_it_is_its_matrix(shapes, dtype, other_dtype, rank, seed):
    a = random_operator(shapes[0], shapes[1], rank, dtype, seed)
    b = random_operator(shapes[1], shapes[2], 2, other_dtype, seed + 1)
    c = random_operator(shapes[0], shapes[1], 2, other_dtype, seed + 2)
    x = random_train(shapes[1], rank, other_dtype, seed + 3)
    matrix, other = a.full(), c.full()
    assert a.shape == matrix.shape
    assert agree((a @ x).full().ravel(), matrix @ x.full().ravel(), a, x)
    assert agree((a @ b).full(), matrix @ b.full(), a, b)
    assert agree((a + c).full(), matrix + other, a, c)
    assert agree((a - c).full(), matrix - other, a, c)
    assert agree((2 * a * 0.5).full(), matrix, a)
    assert agree(a.transpose().full(), matrix.T, a)
    assert agree(a.adjoint().full(), matrix.conj().T, a)
    assert abs(a.norm() - np.linalg.norm(matrix)) <= 100 * ROUNDING[dtype] * (1 + np.linalg.norm(matrix))
    assert agree((a + a).round(1e-3).full(), 2 * matrix, a)
    assert max((a + a).round(1e-3).ranks) <= max(a.ranks)


@given(settings_of_shapes(), st.sampled_from(DTYPES), st.integers(0, 99))
def test_expectation_is_the_quadratic_form(shapes, dtype, seed):
    a = random_operator(shapes[0], shapes[0], 3, dtype, seed)
    x = random_train(shapes[0], 2, dtype, seed + 1)
    vector = x.full().ravel()
    expected = np.vdot(vector, a.full() @ vector)
    scale = np.linalg.norm(a.full()) * np.linalg.norm(vector) ** 2
    assert abs(a.expectation(x) - expected) <= 100 * ROUNDING[dtype] * max(1.0, scale)


def test_identity_and_diagonal():
    x, y = random_train((3, 1, 4), 2), random_train((3, 1, 4), 3, seed=1)
    eye = TensorTrainOperator.identity((3, 1, 4), "float32")
    assert np.array_equal(eye.full(), np.eye(12, dtype="float32"))
    assert eye.error == 0.0
    diagonal = TensorTrainOperator.diagonal(TensorTrain(x.cores, 1e-3))
    assert diagonal.error == 1e-3
    assert np.array_equal(diagonal.full(), np.diag(x.full().ravel()))
    assert np.allclose((diagonal @ y).full(), x.full() * y.full(), rtol=0, atol=1e-13)


@given(settings_of_shapes(), st.sampled_from(DTYPES), st.integers(0, 99))
def test_a_matrix_is_decomposed(shapes, dtype, seed):
    matrix = random_operator(shapes[0], shapes[1], 3, dtype, seed).full()
    found = TensorTrainOperator.from_matrix(matrix, shapes[0], shapes[1], 1e-4)
    assert (found.shape_out, found.shape_in) == (shapes[0], shapes[1])
    assert np.linalg.norm(found.full() - matrix) <= 2e-4 * np.linalg.norm(matrix)
    assert found.error <= 1e-4
    assert max(found.ranks) <= 3


def test_what_it_says_of_itself():
    a = random_operator((2, 3), (4, 5), 2)
    assert (a.shape, a.shape_out, a.shape_in, a.ranks, a.ndim, a.parameters) == (
        (6, 20),
        (2, 3),
        (4, 5),
        (1, 2, 1),
        2,
        46,
    )
    assert (a.size, a.nbytes, a.ratio) == (120, 368, 120 / 46)
    shapes = "shape_out=(2, 3), shape_in=(4, 5), dtype=float64, ranks=(1, 2, 1), ratio=2.609"
    assert repr(a) == f"TensorTrainOperator({shapes}, error=unknown)"
    assert a.train.shape == (8, 15)


def test_what_does_not_fit_is_refused():
    a, x = random_operator((2, 3), (4, 5), 2), random_train((2, 3), 2)
    wrongs = [
        lambda: a @ x,
        lambda: a @ a,
        lambda: a + a.transpose(),
        lambda: a.expectation(x),
        lambda: TensorTrainOperator([np.ones((1, 2, 1))]),
        lambda: TensorTrainOperator.from_matrix(np.ones((6, 6)), (2, 3), (6,), 1e-6),
        lambda: TensorTrainOperator.from_matrix(np.ones((6, 6)), (2, 3), (2, 2), 1e-6),
        lambda: TensorTrainOperator([np.ones((1, 2, 2, 2)), np.ones((1, 2, 2, 1))]),
        lambda: TensorTrainOperator([[[1, 2], [3]]]),
        lambda: TensorTrainOperator([np.ma.masked_equal(np.ones((1, 2, 2, 1)), 1)]),
        lambda: TensorTrainOperator(None),
        lambda: TensorTrainOperator.from_matrix([[1, 2], [3]], (2,), (2,), 1e-6),
        lambda: TensorTrainOperator.from_matrix(np.ma.masked_equal(np.eye(4), 0), (2, 2), (2, 2), 1e-6),
        lambda: TensorTrainOperator.from_matrix(np.eye(4), 4, 4, 1e-6),
        lambda: TensorTrainOperator.from_matrix(np.eye(4), (-2, -2), (2, 2), 1e-6),
        lambda: TensorTrainOperator.identity(3),
        lambda: TensorTrainOperator.identity((2, 0)),
        lambda: TensorTrainOperator.identity((2, -1)),
        lambda: TensorTrainOperator.diagonal(np.ones(3)),
        lambda: a.expectation(np.ones((2, 3))),
    ]
    for wrong in wrongs:
        with pytest.raises(TensorError):
            wrong()
    for wrong in (lambda: a * a, lambda: a + 1, lambda: a @ np.ones(20), lambda: a * "2"):
        with pytest.raises(TypeError):
            wrong()


def test_a_matrix_larger_than_any_memory_is_refused_in_its_own_words():
    with pytest.raises(TensorError, match="apply the operator"):
        TensorTrainOperator.identity((2,) * 40).full()


def test_rounding_tells_how_far_it_is():
    shares = []
    random_operator((2, 3, 2), (2, 3, 2), 2).round(1e-3, progress=shares.append)
    assert shares == sorted(shares)
    assert shares
