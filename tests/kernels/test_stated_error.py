"""The largest error that a stream states is never below the true one, nor much above it."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

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


def coded(x: NDArray[Any], width: float, profile: str) -> tuple[bytes, NDArray[Any]]:
    made = compress.encode(x, Bound("abs", width), profile=profile)
    return made.stream, compress.decode(made.stream)


def assert_stated(x: NDArray[Any], width: float, profile: str) -> None:
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


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_stated_error_of_a_grid_that_does_not_meet_zero(dtype, seed):
    """A few numbers beside the grid are far smaller than its nearest place."""
    random = np.random.default_rng(seed)
    x = np.round(random.normal(size=20_000) * 4) * 0.7 + 0.31
    x[1000::2000] = random.uniform(1e-5, 0.02, 10)
    assert_stated(x.astype(dtype), 0.3, "fast")


@pytest.mark.parametrize("share", [1e-9, 1e-3, 0.3, 1.0, 7.0, 1e30])
@pytest.mark.parametrize("scale", [1.0, 1e30, 2.0**-1000])
@pytest.mark.parametrize("profile", compress.PROFILES)
def test_stated_share(profile, scale, share):
    """Quotients, and the differences in them, are rounded: what is stated is the next number or the one after it."""
    x = np.random.default_rng(5).normal(size=600) * scale
    for values in (x, x.astype("f4")):
        if np.isinf(values).any() or not values.any():
            continue
        made = compress.encode(values, Bound("pw_rel", share), profile=profile)
        worst = worst_error(values, compress.decode(made.stream), Bound("pw_rel", share), ())
        assert worst <= Fraction(made.max_error) <= Fraction(share)
        assert float(worst) * (1 + 2**-51) >= made.max_error


@pytest.mark.parametrize("dtype", ["i8", "u8"])
@pytest.mark.parametrize("profile", compress.PROFILES)
def test_stated_error_of_integers_that_binary64_does_not_hold(profile, dtype):
    for seed in range(8):
        x = np.random.default_rng(seed).integers(0, 2**63, 300).astype(dtype)
        assert_stated(x, 2.0**60, profile)


@pytest.mark.parametrize(("dtype", "width"), [("i1", 200.0), ("u1", 140.0), ("i2", 40000.0), ("u2", 40000.0)])
def test_stated_error_of_integers_that_become_the_last_of_their_type(dtype, width):
    """Cells reach beyond the type: what is stated is what is left of the error there."""
    limits = np.iinfo(dtype)
    middle, reach = (limits.max + limits.min) / 2, (limits.max - limits.min) / 2
    for seed in range(6):
        x = (middle + reach * (1 - 7.6 * waves(SHAPES[2], seed) ** 2)).clip(limits.min, limits.max).astype(dtype)
        assert_stated(x, width, "dense")
