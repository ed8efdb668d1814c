"""The largest error that a stream states is never below the true one, nor much above it."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from cdt_core.kernels import compress
from cdt_core.model import Bound
from tests.kernels.arrays import worst_error
from tests.kernels.instruction_sets import everywhere

SHAPES = ((5000,), (60, 70), (14, 17, 23))


def waves(shape: tuple[int, ...], seed: int) -> NDArray[np.float64]:
    """The mean of a wave along each axis, and noise of a thousandth of it."""
    random = np.random.default_rng(seed)
    values = random.normal(size=shape) * 1e-3
    for axis, length in enumerate(shape):
        x = np.arange(length).reshape([-1 if a == axis else 1 for a in range(len(shape))])
        values = values + np.sin(x * random.uniform(0.02, 0.3) + random.uniform(0, 6)) / len(shape)
    return values


def with_holes(values: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    return np.where(np.random.default_rng(seed).random(values.shape) < 0.1, np.nan, values)


def coded(x: NDArray[np.floating], width: float, profile: str) -> tuple[bytes, NDArray[np.floating]]:
    made = compress.encode(x, Bound("abs", width), profile=profile)
    return made.stream, compress.decode(made.stream)


def assert_stated(x: NDArray[np.floating], width: float, profile: str) -> None:
    """The stated error is the least number of binary64 that the true one is not above."""
    stream, y = everywhere(coded, x, width, profile)
    stated, worst = compress.read_header(stream).max_error, worst_error(x, y, Bound("abs", width), ())
    assert worst <= Fraction(stated) <= Fraction(width)
    assert worst > Fraction(math.nextafter(stated, 0)) or worst == stated


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("offset", "width"), [(0, 0.3), (0, 1e-3), (300, 1e-2), (1e5, 0.02), (-273.15, 1e-4)])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("profile", compress.PROFILES)
def test_stated_error_of_a_smooth_field(profile, dtype, offset, width, shape):
    x = waves(shape, 7) + offset
    assert_stated(x.astype(dtype), width, profile)
    assert_stated(with_holes(x, 7).astype(dtype), width, profile)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_stated_error_where_numbers_are_smaller_than_the_bound(dtype, seed):
    """Differences of numbers that are far apart in size are rounded."""
    x = 30 * waves(SHAPES[seed % len(SHAPES)], seed) ** 5
    x = x + np.random.default_rng(seed).normal(size=x.shape) * 0.05
    assert_stated(x.astype(dtype), 0.3, "dense")
    assert_stated(with_holes(x, seed).astype(dtype), 0.3, "dense")
