"""A Tucker decomposition is its core and factors, and goes to TensorLy and back unchanged."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from tensorly import tucker_to_tensor

from cdt_core.errors import TensorError
from cdt_core.kernels.tucker import Tucker, hosvd
from tests.kernels.tucker.tensors import normal, tensors


@settings(max_examples=60, deadline=None)
@given(tensors(least_axes=2))
def test_the_whole_is_what_tensorly_makes_of_it(x):
    found = hosvd(x, ranks=2)
    theirs = tucker_to_tensor(found.to_tensorly())
    assert np.abs(found.full() - theirs).max() <= 100 * np.finfo(x.dtype).eps * max(np.abs(theirs).max(), 1e-30)
    back = Tucker.from_tensorly(found.to_tensorly())
    assert back.error is None
    assert (back.full() == found.full()).all()


def test_what_it_says_of_itself():
    rng = np.random.default_rng(0)
    t = Tucker(
        normal(rng, (2, 3), np.float32), (normal(rng, (4, 2), np.float32), normal(rng, (6, 3), np.float32)), 0.25
    )
    assert (t.shape, t.ranks, t.ndim, t.size, t.parameters, t.nbytes) == ((4, 6), (2, 3), 2, 24, 32, 128)
    assert t.ratio == 0.75
    assert repr(t) == "Tucker(shape=(4, 6), dtype=float32, ranks=(2, 3), ratio=0.75, error=0.25)"
    assert np.asarray(t, np.float64).dtype == np.float64
    with pytest.raises(ValueError, match="copy=False"):
        np.asarray(t, copy=False)


def test_factors_must_fit_the_core():
    with pytest.raises(TensorError, match="do not fit a core"):
        Tucker(np.ones((2, 2)), (np.ones((3, 2)),))
    with pytest.raises(TensorError, match="do not fit a core"):
        Tucker(np.ones((2, 2)), (np.ones((3, 2)), np.ones((3, 1))))


def test_lists_are_arrays_and_nothing_is_refused():
    assert Tucker([[2.0]], ([[1.0], [2.0]], [[3.0]])).full().tolist() == [[6.0], [12.0]]
    with pytest.raises(TensorError, match="no 0 is allowed"):
        Tucker(np.ones((0, 1)), (np.ones((2, 0)), np.ones((2, 1))))
    with pytest.raises(TensorError, match="no pair of a core and factors"):
        Tucker.from_tensorly(3)
