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
    assert hooi(x * 0, 1).error == 0
