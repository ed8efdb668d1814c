"""Axes in another order: the same numbers within the tolerance, which is certified."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.errors import TensorError
from cdt_core.kernels.reference import tensor_train as reference
from cdt_core.kernels.tensor_train import TensorTrain
from tests.kernels.tensor_train.test_rounding import distance, exact
from tests.kernels.tensor_train.trains import DTYPES, hilbert_like, random_train, trains


@given(trains(max_axes=5, max_length=4), st.data())
def test_it_is_a_transpose_within_the_tolerance(train, data):
    axes = data.draw(st.permutations(range(train.ndim)))
    rtol = data.draw(st.sampled_from([1e-2, 1e-4]))
    found = train.permute(axes, rtol)
    assert found.shape == tuple(train.shape[axis] for axis in axes)
    assert found.dtype == train.dtype
    if found.error is None:
        assert np.array_equal(exact(found), exact(train).transpose(axes))
    else:
        assert distance(found, exact(train).transpose(axes)) <= found.error <= rtol


@pytest.mark.parametrize("axes", list(permutations(range(4))))
def test_the_default_is_exact_to_rounding_and_ranks_are_the_least(axes):
    x = hilbert_like((5, 6, 4, 7))
    train = TensorTrain(reference.decompose(x, 1e-9))
    found = train.permute(axes)
    turned = train.full().transpose(axes)
    bounds = zip(reference.unfolding_ranks(turned, 2e-12), reference.unfolding_ranks(turned, 5e-13), strict=True)
    assert all(least <= rank <= most for rank, (least, most) in zip(found.ranks[1:-1], bounds, strict=True))
    if axes not in ((0, 1, 2, 3), (3, 2, 1, 0)):
        assert distance(found, exact(train).transpose(axes)) <= found.error <= 1e-12


@pytest.mark.parametrize("dtype", DTYPES)
def test_single_precision_gets_what_it_can_hold(dtype):
    train = random_train((3, 4, 5, 2), 3, dtype)
    found = train.permute((2, 0, 3, 1))
    assert found.dtype == train.dtype
    allowed = 1e-12 if dtype in ("float64", "complex128") else 1e-4
    assert distance(found, exact(train).transpose(2, 0, 3, 1)) <= found.error <= allowed


def test_a_train_that_cancels_itself_claims_no_more_than_it_can_hold():
    large, small = random_train((4, 5, 3, 4), 3), 1e-12 * random_train((4, 5, 3, 4), 2, seed=1)
    train = (large + small) - large
    found = train.permute((1, 3, 0, 2), 1e-6)
    assert distance(found, exact(train).transpose(1, 3, 0, 2)) <= found.error


def test_the_order_reversed_costs_nothing():
    train = TensorTrain(random_train((3, 4, 5), 3).cores, 0.25)
    assert train.permute((2, 1, 0)).ranks == train.ranks[::-1]
    assert train.permute((-1, -2, -3)).error == 0.25
    assert np.array_equal(train.permute((2, 1, 0)).permute((2, 1, 0)).full(), train.full())
    assert train.permute((0, 1, 2)) is train


def test_errors_add_up():
    train = TensorTrain(random_train((4, 4, 4), 3).cores, 0.25)
    assert 0.25 < train.permute((1, 0, 2), 1e-3).error <= 0.25 + 1e-3 * 1.25


@pytest.mark.parametrize("axes", [(0, 1), (0, 0, 1), (0, 1, 3), (0, 1, 2, 3), 5, "210", (1.0, 0.0, 2.0), (-4, 0, 1)])
def test_axes_that_are_no_order_are_refused(axes):
    with pytest.raises(TensorError, match=r"give each|whole number"):
        random_train((3, 4, 5), 2).permute(axes)


@pytest.mark.parametrize("rtol", [-1.0, np.nan, np.inf, None, "1"])
@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_tolerances_that_are_none_are_refused(axes, rtol):
    with pytest.raises(TensorError, match="rtol is"):
        random_train((3, 4, 5), 2).permute(axes, rtol)
