"""Alternating over the factors never makes a decomposition worse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorly.decomposition import tucker as tensorly_tucker

from cdt_core.errors import TensorError
from cdt_core.kernels.tucker import Tucker, hooi, hosvd
from tests.kernels.tucker.tensors import DTYPES, low_rank, normal, tensors, true_error


@settings(max_examples=100, deadline=None)
@given(tensors(), st.integers(1, 3))
def test_the_error_is_certified_and_no_larger_than_that_of_the_start(x, rank):
    start = hosvd(x, ranks=rank)
    found = hooi(x, start, sweeps=3)
    assert found.ranks == start.ranks
    assert found.dtype == x.dtype
    assert true_error(x, found) <= found.error <= start.error


@pytest.mark.parametrize("dtype", DTYPES)
def test_it_reaches_what_tensorly_reaches(dtype):
    x = normal(np.random.default_rng(1), (9, 8, 7), dtype)
    core, factors = tensorly_tucker(x, (2, 3, 2), n_iter_max=100, tol=1e-9)
    theirs = np.linalg.norm(x - np.einsum("abc,ia,jb,kc->ijk", core, *factors)) / np.linalg.norm(x)
    assert hooi(x, (2, 3, 2), sweeps=100, tol=1e-9).error <= theirs + 1e-3


def test_a_poor_start_becomes_a_good_one():
    rng = np.random.default_rng(2)
    x = low_rank(rng, (10, 11, 12), 2, np.float64)
    poor = Tucker(np.zeros((2, 2, 2)), tuple(normal(rng, (n, 2), np.float64) for n in x.shape))
    seen = []
    assert hooi(x, poor, sweeps=20, progress=seen.append).error <= 1e-6
    assert seen == sorted(seen)
    assert hooi(x, poor, sweeps=0).error > 0.1


def test_a_start_of_another_shape_and_bad_values_are_refused():
    x = np.ones((3, 4))
    with pytest.raises(TensorError, match="no start"):
        hooi(x, hosvd(np.ones((4, 4)), ranks=1))
    with pytest.raises(TensorError, match="NaN"):
        hooi(x * np.nan, 1)
    with pytest.raises(TensorError, match="start have NaN"):
        hooi(x, Tucker(np.ones((1, 1)), (np.full((3, 1), np.nan), np.ones((4, 1)))))
    with pytest.raises(TensorError, match="complex128"):
        hooi(x, hosvd(x + 1j * x, ranks=1))
    with pytest.raises(TensorError, match="sweeps of -1"):
        hooi(x, 1, sweeps=-1)
    with pytest.raises(TensorError, match="error of nan"):
        hooi(x, 1, tol=np.nan)
    assert hooi(x * 0, 1).error == 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_error_of_a_start_that_is_of_another_tensor_is_not_believed(dtype):
    rng = np.random.default_rng(3)
    x, other = low_rank(rng, (7, 8, 9), 2, dtype), low_rank(rng, (7, 8, 9), 2, dtype)
    start = hosvd(other, ranks=2)
    for sweeps in (0, 1, 5):
        found = hooi(x, start, sweeps=sweeps)
        assert true_error(x, found) <= found.error
    assert found.error <= 0.01


def test_the_ranks_of_a_start_stay_for_zeros_too():
    start = hosvd(normal(np.random.default_rng(4), (5, 6, 7), np.float32), ranks=(2, 3, 4))
    found = hooi(np.zeros((5, 6, 7), np.float32), start)
    assert found.ranks == (2, 3, 4)
    assert found.error == 0
    assert not found.full().any()
