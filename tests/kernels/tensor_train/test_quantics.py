"""Digits of indices as axes: arrays come back, and functions on 2^30 points and more are known from few of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.errors import TensorError
from cdt_core.kernels.tensor_train import QuanticsTrain, TensorTrain, quantics
from tests.kernels.tensor_train.trains import DTYPES, numbers

shapes = st.lists(st.integers(1, 24), min_size=1, max_size=3)


@given(shape=shapes, base=st.integers(2, 4), dtype=st.sampled_from(DTYPES), seed=st.integers(0, 99))
def test_arrays_come_back(shape, base, dtype, seed):
    make = np.random.default_rng(seed)
    x = numbers(make, shape, dtype)
    rtol = 1e-5 if x.real.dtype == np.float32 else 1e-12
    found = quantics(x, rtol, base=base)
    assert found.shape == x.shape
    assert found.dtype == x.dtype
    assert np.linalg.norm(found.full() - x) <= rtol * np.linalg.norm(x)
    assert math.prod(length for _, length in found.modes) == x.size
    indices = make.integers(0, shape, (20, len(shape)))
    assert np.abs(found.entries(indices) - x[tuple(indices.T)]).max() <= 2 * rtol * np.linalg.norm(x)
    assert all(length <= base or length % base or math.gcd(length, base) < base for _, length in found.modes)


def test_remainders_come_first_and_digits_are_interleaved():
    found = quantics(np.zeros((12, 1, 8, 5)), 1e-3)
    assert found.modes == ((0, 3), (2, 2), (3, 5), (0, 2), (2, 2), (0, 2), (2, 2))
    assert found.shape == (12, 1, 8, 5)
    assert quantics(np.ones((1, 1)), 1e-3).full().shape == (1, 1)


def test_smooth_fields_have_small_ranks():
    t = np.linspace(0, 1, 4096)
    found = quantics(np.exp(-t) * np.sin(40 * t), 1e-10)
    assert max(found.train.ranks) == 2
    assert found.error <= 1e-10
    assert repr(found).startswith("QuanticsTrain(shape=(4096,), dtype=float64, digits=12, max_rank=2, ratio=")


def test_arrays_with_an_interval_are_functions():
    n = 256
    t = (np.arange(n) + 0.5) / n * 2 - 1
    found = quantics(np.add.outer(t**2, 3 * t[:64]), 1e-12, interval=[(-1, 1), (-1, -0.5)])
    points = np.random.default_rng(0).uniform([-0.99, -0.99], [0.99, -0.51], (50, 2))
    assert np.abs(found.evaluate(points) - (points[:, 0] ** 2 + 3 * points[:, 1])).max() <= (1 / n) ** 2
    assert abs(found.integrate() - (2 / 3 * 0.5 + 2 * 3 * (0.125 - 0.5))) <= 1e-4
    assert np.array_equal(found.evaluate([[-1, -1]]), found.entries([[0, 0]]))


def test_a_function_on_a_thousand_million_points():
    """The exact integral, and the function itself between the grid's points, from some thousand values."""
    asked = 0

    def f(t):
        nonlocal asked
        asked += len(t)
        return np.exp(-t) * np.cos(50 * t)

    found = quantics(f, 1e-10, levels=30, interval=(0.0, 2.0))
    assert found.size == 2**30
    assert found.train.nbytes <= 10_000
    assert asked <= 100_000
    exact = (np.exp(-2) * (50 * np.sin(100) - np.cos(100)) + 1) / (1 + 50**2)
    assert abs(found.integrate() - exact) <= 1e-9
    t = np.random.default_rng(0).uniform(0, 2, 100)
    assert np.abs(found.evaluate(t) - np.exp(-t) * np.cos(50 * t)).max() <= 1e-8


def test_a_function_of_several_variables():
    def f(x):
        return 1 / (1 + x[:, 0] ** 2 + 2 * x[:, 1] ** 2)

    found = quantics(f, 1e-8, levels=12, interval=[(-1, 1), (0, 3)])
    assert found.shape == (4096, 4096)
    assert [axis for axis, _ in found.modes] == [0, 1] * 12
    points = np.random.default_rng(0).uniform([-1, 0], [1, 3], (100, 2))
    assert np.abs(found.evaluate(points) - f(points)).max() <= 1e-5
    smaller = found.round(1e-3)
    assert max(smaller.train.ranks) < max(found.train.ranks)
    assert smaller.intervals == found.intervals


def test_a_function_that_is_no_number_somewhere():
    with pytest.raises(TensorError, match=r"the function is .* at"), np.errstate(invalid="ignore"):
        quantics(lambda t: np.sqrt(t), 1e-6, levels=10, interval=(-1, 1))


def test_a_function_that_is_masked_somewhere():
    with pytest.raises(TensorError, match=r"the function is -- at"):
        quantics(lambda t: np.ma.masked_greater(t, 0.5), 1e-6, levels=10, interval=(0, 1))


@pytest.mark.parametrize(
    "returned", [lambda t: None, lambda t: 1.0, lambda t: np.array(["a"] * len(t)), lambda t: [[1], [1, 2]]]
)
def test_what_is_no_value_for_each_point_is_refused(returned):
    with pytest.raises(TensorError, match="the function returned"):
        quantics(returned, 1e-6, levels=10, interval=(0, 1))


def test_points_that_are_no_numbers_are_refused():
    found = quantics(np.sin, 1e-6, levels=10, interval=(0, 1))
    for wrong in (["a"], [1j], [[0.1], [0.1, 0.2]], 0.5, [np.nan]):
        with pytest.raises(TensorError, match="point"):
            found.evaluate(wrong)


def test_the_integral_over_more_points_than_floats_have():
    """40 variables of 30 digits each; the value is 3 wherever one asks."""
    train = TensorTrain([np.full((1, 2, 1), 3.0 ** (1 / 1200))] * 1200)
    modes = tuple((axis, 2) for _ in range(30) for axis in range(40))
    found = QuanticsTrain(train, modes, (2**30,) * 40, ((0.0, 2.0),) * 40)
    assert abs(found.integrate() / (3 * 2.0**40) - 1) <= 1e-9
    assert "ratio=inf" in repr(found)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"levels": 4}, "without an interval"),
        ({"interval": (1, 0)}, "a < b"),
        ({"interval": (0, np.inf)}, "a < b"),
        ({"interval": [(0, 1, 2)]}, "a < b"),
        ({"interval": (0, 1), "levels": 0}, "levels"),
        ({"interval": (0, 1), "levels": 63}, "62 bits"),
        ({"interval": (0, 1), "base": 1}, "base is 1"),
        ({"interval": (0, 1), "base": 2.5}, "base is 2.5"),
        ({"interval": (0, 1), "levels": 3.5}, "levels is 3.5"),
        ({"interval": "ab"}, "a < b"),
        ({"interval": [(0, 1), (0,)]}, "a < b"),
        ({"interval": (0, 1j)}, "a < b"),
        ({"interval": (-1.7e308, 1.7e308)}, "a finite b - a"),
    ],
)
def test_grids_that_cannot_be_are_refused(settings, message):
    with pytest.raises(TensorError, match=message):
        quantics(np.sin, 1e-6, **settings)


def test_arrays_that_have_no_digits_are_refused():
    for wrong in (1.0, np.zeros((3, 0))):
        with pytest.raises(TensorError, match="no digits"):
            quantics(wrong, 1e-3)
    with pytest.raises(TensorError, match="one for each"):
        quantics(np.ones(4), 1e-3, interval=[(0, 1), (0, 1)])
    found = quantics(np.ones((4, 4)), 1e-3)
    with pytest.raises(TensorError, match="no intervals"):
        found.integrate()
    found = quantics(np.ones((4, 4)), 1e-3, interval=[(0, 1), (0, 1)])
    for points in ([[0.5, 1.5]], [[0.5, np.nan]], [0.5, 0.5]):
        with pytest.raises(TensorError, match="point"):
            found.evaluate(points)
    with pytest.raises(ValueError, match="copy"):
        np.array(found, copy=False)
