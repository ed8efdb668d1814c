"""A tensor train does what the array that it stands for does."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.errors import TensorError
from cdt_core.kernels.reference import tensor_train as reference
from cdt_core.kernels.tensor_train import TensorTrain
from cdt_core.kernels.tensor_train.slicing import positions
from tests.kernels.tensor_train.trains import ROUNDING, close, pairs, random_train, trains


def size_of(train):
    """The largest number that sums in a train of these cores can pass through: what rounding is relative to."""
    return float(np.abs(reference.full([np.abs(core) for core in train.cores])).max())


@given(trains())
def test_full_is_the_product_of_the_slices(train):
    expected = reference.full(train.cores)
    assert close(train.full(), expected, size_of(train))
    assert train.full().dtype == train.dtype
    assert np.array_equal(np.asarray(train), train.full())
    assert train.shape == expected.shape
    assert train.size == expected.size
    assert len(train) == expected.shape[0]


def test_what_it_says_of_itself():
    train = random_train((4, 5, 6), 3)
    assert train.ranks == (1, 3, 3, 1)
    assert train.parameters == 4 * 3 + 3 * 5 * 3 + 3 * 6
    assert train.nbytes == 8 * train.parameters
    assert train.ratio == 120 / 75
    assert repr(train) == "TensorTrain(shape=(4, 5, 6), dtype=float64, ranks=(1, 3, 3, 1), ratio=1.6, error=unknown)"
    assert "error=0.01" in repr(TensorTrain(train.cores, 0.01))


@given(trains(), st.data())
def test_indexing_is_that_of_arrays(train, data):
    parts = [
        data.draw(
            st.integers(-n, n - 1)
            | st.slices(n).filter(lambda part, n=n: len(range(n)[part]) > 0)
            | st.just(slice(None))
        )
        for n in train.shape
    ]
    if data.draw(st.booleans()):
        start, end = sorted((data.draw(st.integers(0, train.ndim)), data.draw(st.integers(0, train.ndim))))
        parts[start:end] = [Ellipsis]
    found = train[tuple(parts)]
    expected = train.full()[tuple(parts)]
    if expected.ndim == 0:
        assert isinstance(found, np.generic)
        assert found.dtype == train.dtype
    else:
        assert isinstance(found, TensorTrain)
    assert close(np.asarray(found), expected, size_of(train))


def test_the_error_is_known_only_of_the_whole():
    train = TensorTrain(random_train((3, 1, 4), 2).cores, 1e-3)
    assert train[::-1, 0].error == 1e-3
    assert train[1:].error is None
    assert (2 * train).error == (-train).error == train.conj().error == 1e-3
    assert (train + train).error is None


@pytest.mark.parametrize("key", [3, (0, 0, 0, 0), (..., 0, ...), 1.0, True, None, ([0, 1],), (0, -5)])
def test_indices_that_no_array_has_are_refused(key):
    with pytest.raises(IndexError, match=r"axis|axes"):
        random_train((3, 4, 5), 2)[key]


def test_slices_that_take_nothing_are_refused():
    with pytest.raises(TensorError, match="takes nothing of axis 1"):
        random_train((3, 4, 5), 2)[:, 2:2]


@pytest.mark.parametrize("points", [0, 1, 7, 400])
@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_entries_are_the_elements(points, dtype):
    train = random_train((6, 3, 9, 2), 4, dtype)
    make = np.random.default_rng(1)
    indices = make.integers([-6, -3, -9, -2], [6, 3, 9, 2], (points, 4))
    found = train.entries(indices)
    assert found.dtype == train.dtype
    if points:
        assert close(found, train.full()[tuple(indices.T)], size_of(train))
    assert found.shape == (points,)


@pytest.mark.parametrize("indices", [[[0, 3]], [[0, 0, 0]], [0, 0], [[0.0, 0.0]], [[0, 0], [-3, 0]], [[0, 0], [0]]])
def test_entries_out_of_range_are_refused(indices):
    with pytest.raises(IndexError, match=r"axis|give"):
        random_train((2, 3), 2).entries(indices)


@given(pairs())
def test_sums_differences_and_products(both):
    a, b = both
    x, y = a.full(), b.full()
    scale = size_of(a) + size_of(b)
    assert close((a + b).full(), x + y, scale, a, b)
    assert close((a - b).full(), x - y, scale, a, b)
    assert close((a * b).full(), x * y, size_of(a) * size_of(b), a, b)
    if a.ndim > 1:
        assert (a + b).ranks[1:-1] == tuple(p + q for p, q in zip(a.ranks[1:-1], b.ranks[1:-1], strict=True))


@given(trains(), st.sampled_from([2, -0.5, 3 + 1j, np.float32(0.25), np.float64(3), np.complex64(1j), np.int64(2)]))
def test_scalars(train, number):
    x = train.full()
    scale = (size_of(train) + 1) * 4
    for found, expected in [
        (train * number, x * number),
        (number * train, number * x),
        (train / number, x / number),
        (train + number, x + number),
        (number + train, number + x),
        (train - number, x - number),
        (number - train, number - x),
        (-train, -x),
        (train.conj(), x.conj()),
    ]:
        assert found.dtype == expected.dtype
        assert close(found.full(), expected, scale * 4, train)


@given(trains(max_axes=4), st.data())
def test_contraction_of_neighbours(a, data):
    shape = [a.shape[-1], *data.draw(st.lists(st.integers(1, 4), max_size=3))]
    b = data.draw(trains(shape=shape))
    expected = np.tensordot(a.full(), b.full(), 1)
    assert close(np.asarray(a @ b), expected, size_of(a) * size_of(b) * a.shape[-1], a, b)
    assert isinstance(a @ b, TensorTrain) == (expected.ndim > 0)


@given(pairs())
def test_dot_norm_and_sum(both):
    a, b = both
    x, y = a.full().astype(complex), b.full().astype(complex)
    rounding = max(ROUNDING[a.dtype.name], ROUNDING[b.dtype.name])
    room = size_of(a) * size_of(b) * a.size
    assert abs(a.dot(b) - np.vdot(x, y)) <= rounding * room
    assert abs(a.norm() - np.linalg.norm(x)) <= rounding * size_of(a) * a.size
    assert abs(a.sum() - x.sum()) <= rounding * size_of(a) * a.size


def test_the_norm_of_a_small_difference_is_right():
    """The square root of a dot product would say 1e-8 times the norm at best."""
    a = random_train((5, 6, 7, 8), 4)
    b = 1e-12 * random_train((5, 6, 7, 8), 2, seed=1)
    assert abs(((a + b) - a).norm() / b.norm() - 1) <= 1e-2


def test_arrays_leave_arithmetic_to_the_train():
    train = random_train((3, 4), 2)
    with pytest.raises(TypeError):
        np.ones((3, 4)) + train
    with pytest.raises(TypeError):
        train * "2"


@pytest.mark.parametrize(
    ("cores", "message"),
    [
        ([], "no cores"),
        ([np.ones((1, 2))], "core 0"),
        ([np.ones((2, 2, 1))], "core 0"),
        ([np.ones((1, 2, 2)), np.ones((3, 2, 1))], r"core 1 has shape \(3, 2, 1\); it must be \(2, n, r\)"),
        ([np.ones((1, 0, 1))], "core 0"),
        ([np.ones((1, 2, 2))], "its last length must be 1"),
        ([np.array([[["a"]]])], "dtype"),
        ([np.ones((1, 2, 1), dtype="longdouble")], "convert"),
        (None, "a NoneType that holds no cores"),
        ([[[1, 2], [3]]], "a list that holds no cores"),
        ([np.zeros((1, 2, 1), "M8[s]"), np.ones((1, 2, 1))], "holds no cores"),
        ([np.ma.masked_equal(np.ones((1, 2, 1)), 1.0)], "missing values"),
    ],
)
def test_cores_that_do_not_fit_are_refused(cores, message):
    with pytest.raises(TensorError, match=message):
        TensorTrain(cores)


@pytest.mark.parametrize("error", [-1.0, np.nan, "1", 1j])
def test_errors_that_no_train_has_are_refused(error):
    with pytest.raises(TensorError, match="error is"):
        TensorTrain([np.ones((1, 2, 1))], error)


def test_an_infinite_error_is_an_unknown_one():
    train = TensorTrain([np.ones((1, 2, 1))], np.inf)
    assert train.error is None
    assert TensorTrain.from_bytes(train.to_bytes()).error is None


def test_rounding_of_a_factor_is_in_the_error():
    """In single precision the factor and each product are rounded; products out of its range are no longer near."""
    x = np.random.default_rng(0).standard_normal((1, 200, 1)).astype(np.float32)
    train = TensorTrain([x], 0.0)
    for factor in (3, 0.1, 1 / 7, 3 - 1j):
        for found, expected in (
            (train * factor, x * np.complex128(factor)),
            (train / factor, x / np.complex128(factor)),
        ):
            wrong = np.linalg.norm(found.cores[0] - expected) / np.linalg.norm(expected)
            assert 0 < wrong <= found.error <= 2e-7
    assert (train * np.float64(0.1)).error <= 1e-15
    assert (train * 2).error == (train / -4).error == (train * 0).error == 0.0
    assert (train * 1e-40).error is None
    with np.errstate(over="ignore"):
        assert (train * 1e40).error is None


def test_the_ratio_of_more_elements_than_floats_have_is_infinite():
    train = TensorTrain([np.ones((1, 1000, 1))] * 200)
    assert train.ratio == np.inf
    assert "ratio=inf" in repr(train)


def test_indices_beyond_the_digits_of_doubles():
    train = TensorTrain([np.arange(5.0).reshape(1, 5, 1)])
    found = positions(np.array([[2**60 + 1], [-(2**60) + 3]]), (2**62,))
    assert found.tolist() == [[2**60 + 1], [2**62 - 2**60 + 3]]
    assert positions(np.array([[2**60 + 1]], np.uint64), (2**62,)).tolist() == [[2**60 + 1]]
    assert train.entries(np.array([[4]], np.uint64)).tolist() == [4.0]


def test_trains_that_do_not_fit_are_refused():
    a, b = random_train((3, 4), 2), random_train((3, 5), 2)
    for wrong in (lambda: a + b, lambda: a - b, lambda: a * b, lambda: a.dot(b), lambda: a @ b, lambda: a / 0):
        with pytest.raises(TensorError):
            wrong()
    with pytest.raises(TensorError, match="does not fit into memory"):
        random_train((2,) * 64, 1).full()
    with pytest.raises(TensorError, match="does not fit into memory"):
        random_train((1 << 19,) * 3, 1).full()
    with pytest.raises(TensorError, match="at most 64 axes"):
        random_train((1,) * 65, 1).full()
    with pytest.raises(TensorError, match="a ndarray is no tensor train"):
        a.dot(np.ones((3, 4)))
    with pytest.raises(ValueError, match="copy"):
        np.array(a, copy=False)


def test_workers_can_be_sent_one():
    train = TensorTrain(random_train((3, 4), 2).cores, 0.5)
    sent = pickle.loads(pickle.dumps(train))
    assert sent.to_bytes() == train.to_bytes()
