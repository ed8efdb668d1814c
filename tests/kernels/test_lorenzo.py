"""Lorenzo prediction: differences along axes are numpy's, come back exactly, and are the same on every instruction set."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cdt_core.kernels import _codec as codec
from tests.kernels.instruction_sets import everywhere

TYPES = (np.uint32, np.uint64)
types = st.sampled_from(TYPES)
seeds = st.integers(0, 2**32 - 1)
sides = st.integers(1, 9) | st.sampled_from([15, 16, 17, 31, 33, 40])
small_shapes = st.lists(sides, min_size=1, max_size=4).filter(lambda shape: np.prod(shape) <= 40_000)
long_shapes = st.sampled_from(
    [(70_001,), (3, 2000), (2, 3, 1024), (2, 3, 1025), (2, 2, 3, 1500), (33, 33, 30), (400, 20, 4)]
)
shapes = small_shapes.map(tuple) | long_shapes


def noise(shape, seed, dtype):
    """Codes of any size, so that sums wrap."""
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def orders_of(shape):
    return st.lists(st.integers(0, 2), min_size=len(shape), max_size=len(shape))


def differences(codes, orders):
    """As numpy has them, with zeros before each axis."""
    for axis, order in enumerate(orders):
        for _ in range(order):
            codes = np.diff(codes, axis=axis, prepend=np.zeros((), codes.dtype))
    return codes


def sums(residuals, orders):
    for axis, order in enumerate(orders):
        for _ in range(order):
            residuals = np.cumsum(residuals, axis=axis, dtype=residuals.dtype)
    return residuals


def smooth(shape, dtype, curve=1.0):
    """A field that is nearly a plane: large steps along each axis, small second differences."""
    grid = np.indices(shape).astype(float)
    field = sum((37.3 * (a + 1) + 500) * x + curve * 0.02 * x**2 for a, x in enumerate(grid))
    return np.rint(field).astype(np.int64).astype(dtype)


def spent(codes, orders):
    """Bits of the residuals, about: what a choice of orders is measured by."""
    signed = differences(codes, orders).view(f"i{codes.itemsize}").astype(float)
    return float(np.log2(2 * np.abs(signed) + 1).sum())


@settings(max_examples=300, deadline=None)
@given(st.data(), shapes, seeds, types)
def test_differences_are_those_of_numpy_and_come_back(data, shape, seed, dtype):
    orders, codes = data.draw(orders_of(shape)), noise(shape, seed, dtype)
    residuals = everywhere(codec.lorenzo_difference, codes, orders)
    assert np.array_equal(residuals, differences(codes, orders))
    assert np.array_equal(everywhere(codec.lorenzo_difference, codes, orders, True), residuals)
    assert np.array_equal(everywhere(codec.lorenzo_cumulate, residuals, orders), codes)


@settings(max_examples=100, deadline=None)
@given(st.data(), shapes, seeds, types)
def test_sums_are_those_of_numpy(data, shape, seed, dtype):
    orders, residuals = data.draw(orders_of(shape)), noise(shape, seed, dtype)
    assert np.array_equal(everywhere(codec.lorenzo_cumulate, residuals, orders), sums(residuals, orders))


@settings(max_examples=200, deadline=None)
@given(shapes, seeds, types, st.booleans(), st.integers(0, 63), st.integers(0, 2))
@example((1, 1), 0, np.uint32, True, 0, 0)
def test_the_choice_is_the_same_on_every_instruction_set(shape, seed, dtype, thorough, shift, smoothness):
    codes = sums(noise(shape, seed, dtype) >> dtype(shift % np.iinfo(dtype).bits), (smoothness,) * len(shape))
    orders = everywhere(codec.lorenzo_choose, codes, thorough)
    assert len(orders) == len(shape)
    assert all(o <= min(2, side - 1) for o, side in zip(orders, shape, strict=True))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("thorough", [False, True])
@pytest.mark.parametrize("shape", [(9,), (5, 7), (5000,), (330, 360), (32, 32, 32), (20, 30, 40), (4, 12, 40, 50)])
def test_a_plane_leaves_almost_nothing(shape, thorough, dtype):
    codes = smooth(shape, dtype, curve=0.0)
    orders = everywhere(codec.lorenzo_choose, codes, thorough)
    inner = differences(codes, orders)[tuple(slice(o, None) for o in orders)].view(f"i{codes.itemsize}")
    assert sum(orders) >= 2 or np.abs(inner).max() <= 2
    assert np.abs(inner).max() <= 4


@pytest.mark.parametrize("thorough", [False, True])
@pytest.mark.parametrize("dtype", TYPES)
def test_smooth_curves_get_second_differences(dtype, thorough):
    line = np.rint(1e6 * np.sin(np.arange(20_000) / 500)).astype(np.int64).astype(dtype)
    assert everywhere(codec.lorenzo_choose, line, thorough) == (2,)


@pytest.mark.parametrize("thorough", [False, True])
@pytest.mark.parametrize("dtype", TYPES)
def test_noise_is_left_as_it_is(dtype, thorough):
    codes = (noise((33, 40, 50), 3, dtype) % dtype(1000)).astype(dtype) - dtype(500)
    assert everywhere(codec.lorenzo_choose, codes, thorough) == (0, 0, 0)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([(330, 360), (32, 32, 32), (70, 500), (30_000,)]), seeds, types, st.data())
def test_the_choice_is_near_the_best_of_all(shape, seed, dtype, data):
    hidden = data.draw(orders_of(shape))
    codes = sums((noise(shape, seed, dtype) % dtype(64)).astype(dtype) - dtype(32), hidden)
    chosen = codec.lorenzo_choose(codes, True)
    if sum(hidden) <= 4:
        assert spent(codes, chosen) <= 1.1 * spent(codes, hidden)


@pytest.mark.parametrize(
    ("codes", "orders"),
    [
        (np.zeros(0, np.uint32), (1,)),
        (np.zeros(4, np.int32), (1,)),
        (np.zeros((1, 1, 1, 1, 4), np.uint32), (1, 1, 1, 1, 1)),
        (np.zeros(4, np.uint32), (3,)),
        (np.zeros(4, np.uint32), (1, 1)),
    ],
)
def test_other_codes_and_orders_are_refused(codes, orders):
    with pytest.raises(ValueError, match=r"a block has 1 to 4 axes|each axis has an order"):
        codec.lorenzo_difference(codes, orders)
    with pytest.raises(ValueError, match=r"a block has 1 to 4 axes|each axis has an order"):
        codec.lorenzo_cumulate(codes, orders)
