"""Slices of zeros cost nothing and change nothing: the decomposition is that of the rest, with rows of zeros in the factors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import TensorError
from cdt_core.kernels.tucker import hosvd
from cdt_core.kernels.tucker.cropping import cropped, occupied, spread
from tests.kernels.tucker.tensors import normal, tensors, true_error


@settings(max_examples=150, deadline=None)
@given(tensors(), st.integers(0, 99), st.sampled_from((None, 0.3, 1e-2, 1e-5)))
def test_padding_with_zeros_changes_no_rank_and_the_error_is_certified(x, seed, rtol):
    rng = np.random.default_rng(seed)
    places = [np.sort(rng.permutation(n + rng.integers(0, 4))[:n]) for n in x.shape]
    padded = np.zeros([n + 3 for n in x.shape], x.dtype)
    padded[np.ix_(*places)] = x
    found, plain = (hosvd(a, rtol, ranks=2 if rtol is None else None) for a in (padded, x))
    assert true_error(padded, found) <= found.error
    if rtol is not None:
        assert found.error <= rtol
    if all(a.any() for k, n in enumerate(x.shape) for a in np.split(x, n, k)):
        assert found.ranks == plain.ranks
        outside = [np.delete(f, kept, 0) for f, kept in zip(found.factors, places, strict=True)]
        assert not any(f.any() for f in outside)


@settings(max_examples=100, deadline=None)
@given(tensors(), st.integers(0, 99))
def test_only_slices_of_zeros_are_left_out(x, seed):
    rng = np.random.default_rng(seed)
    for axis, n in enumerate(x.shape):
        x = x * (rng.random(n) < 0.6).astype(x.dtype).reshape([-1 if k == axis else 1 for k in range(x.ndim)])
    wanted = [np.flatnonzero(x.any(axis=tuple(j for j in range(x.ndim) if j != k))) for k in range(x.ndim)]
    left = np.prod([len(p) for p in wanted])
    places = occupied(x)
    if places is None:
        assert not left or left > 0.9 * x.size
    else:
        assert all((a == b).all() for a, b in zip(places, wanted, strict=True))
        assert (cropped(x, places) == x[np.ix_(*places)]).all()


def test_a_tensor_without_truncation_is_its_own_core_but_for_the_zeros():
    x = np.zeros((9, 8, 7))
    x[2:7, 1:8, [0, 3, 5]] = normal(np.random.default_rng(1), (5, 7, 3), np.float64)
    found = hosvd(x, 1e-3)
    assert found.ranks == (5, 7, 3)
    assert found.error == 0
    assert (found.full() == x).all()


def test_one_number_among_zeros_is_found_and_nan_is_named_by_its_place():
    x = np.zeros((50, 60, 3))
    x[33, 7, 1] = 1e-30
    found = hosvd(x, 1e-3)
    assert found.ranks == (1, 1, 1)
    assert (found.full() == x).all()
    x[44, 59, 2] = np.nan
    with pytest.raises(TensorError, match=r"first at \(44, 59, 2\)"):
        hosvd(x, 1e-3)


def test_zeros_are_put_back_where_they_were():
    x = np.zeros((6, 40))
    x[1:4, ::2] = normal(np.random.default_rng(2), (3, 20), np.float64)
    places = occupied(x)
    small = hosvd(cropped(x, places), ranks=2)
    whole = spread(small, places, x.shape)
    assert whole.shape == x.shape
    assert whole.error == small.error
    assert (whole.full()[1:4, ::2] == small.full()).all()
