"""Tensor trains to test with."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from cdt_core.kernels.tensor_train import TensorTrain

DTYPES = ("float32", "float64", "complex64", "complex128")

#: Relative error of one operation in a dtype, with room for sums of some hundred terms.
ROUNDING = {"float32": 2e-5, "float64": 1e-13, "complex64": 2e-5, "complex128": 1e-13}


def numbers(make, shape, dtype):
    found = make.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        found = found + 1j * make.standard_normal(shape)
    return found.astype(dtype)


def random_train(shape, rank, dtype="float64", seed=0):
    make = np.random.default_rng(seed)
    ranks = [1, *([rank] * (len(shape) - 1)), 1]
    return TensorTrain([numbers(make, (ranks[k], n, ranks[k + 1]), dtype) for k, n in enumerate(shape)])


def hilbert_like(shape):
    """``1 / (1 + sum of indices)``: singular values that fall by a constant factor, down to rounding."""
    return 1.0 / (1.0 + sum(np.ogrid[tuple(slice(0, n) for n in shape)]))


@st.composite
def trains(draw, max_axes=8, max_length=5, dtypes=DTYPES, shape=None):
    """Random cores: order 1 to 8, ranks 1 to 5, now and then zero or badly scaled."""
    if shape is None:
        axes = draw(st.integers(1, max_axes))
        shape = [draw(st.integers(1, max_length if axes <= 5 else 3)) for _ in range(axes)]
    ranks = [1, *(draw(st.integers(1, 5)) for _ in shape[1:]), 1]
    dtype = draw(st.sampled_from(dtypes))
    make = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    cores = [numbers(make, (ranks[k], n, ranks[k + 1]), dtype) for k, n in enumerate(shape)]
    special = draw(st.sampled_from(["no", "no", "zero", "graded"]))
    at = draw(st.integers(0, len(shape) - 1))
    if special == "zero":
        cores[at] = np.zeros_like(cores[at])
    elif special == "graded":
        cores[at] = cores[at] * (10.0 ** -np.arange(0, 2 * ranks[at + 1], 2)).astype(dtype)
    return TensorTrain(cores)


@st.composite
def pairs(draw, **kinds):
    """Two trains of one shape."""
    first = draw(trains(**kinds))
    return first, draw(trains(shape=first.shape, **kinds))


def close(found, expected, scale, *parts):
    """Whether arrays agree to rounding, relative to a scale, in the coarsest dtype of them and of their parts."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    coarse = max(ROUNDING.get(array.dtype.name, 1e-13) for array in (found, expected, *parts))
    return np.abs(found - expected).max() <= coarse * scale


def field(shape, axes, noise=1e-4, seed=0):
    """Smooth in neighbouring axes, and then with its axes in another order."""
    rng = np.random.default_rng(seed)
    x = np.ones((1, 1))
    for k, n in enumerate(shape):
        rank = 1 if k == len(shape) - 1 else int(rng.integers(2, 6))
        x = np.tensordot(x, rng.normal(size=(x.shape[-1], n, rank)), 1).reshape(-1, rank)
    x = x.reshape(shape) / np.linalg.norm(x)
    return np.ascontiguousarray((x + noise / np.sqrt(x.size) * rng.normal(size=shape)).transpose(axes))
