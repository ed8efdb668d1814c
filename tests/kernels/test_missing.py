"""Scattered missing values keep their bits and take few bytes, whatever they are and the instruction set."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from attrs import astuple
from numpy.typing import NDArray

from cdt_core.kernels import compress
from cdt_core.kernels.reference import version2
from cdt_core.model import Bound
from tests.golden.make import noise, walk
from tests.kernels.arrays import bits, same_bits, states, worst_error
from tests.kernels.instruction_sets import everywhere
from tests.kernels.test_stated_error import waves

BOUND = Bound("abs", 0.01)
#: One missing value in so many.
EVERY = (2, 10, 100, 3000)


def is_strewn(size: int, every: int) -> NDArray[np.bool_]:
    """Places at random, and a stretch of them."""
    strewn = noise(size, 4) % np.uint64(every) == 0
    strewn[size // 2 : size // 2 + 200] = True
    return strewn


def with_payloads(values: NDArray[Any], where: NDArray[np.bool_]) -> None:
    """NaN of either sign, each with bits of its own."""
    words = values.view(f"u{values.itemsize}")
    sign = 8 * values.itemsize - 1
    words[where] = np.array(np.nan, values.dtype).view(words.dtype) + np.arange(where.sum(), dtype=words.dtype)
    words[where] ^= (np.arange(where.sum()) % 2).astype(words.dtype) << words.dtype.type(sign)


def of_kind(kind: str, dtype: str, size: int, every: int) -> NDArray[Any]:
    """A walk with missing values of a kind."""
    values = walk(dtype, size)
    where = is_strewn(size, every)
    if kind == "payloads":
        with_payloads(values, where)
    elif kind == "infinities and NaN":
        values[where] = np.nan
        values[::17] = np.inf
        values[5::17] = -np.inf
    elif kind == "zeros":
        values[where] = 0.0
        values[::3][where[::3]] = -0.0
    else:
        values[where] = {"NaN": np.nan, "codes": -999.0, "codes far away": 1e30}[kind]
    return values


CODES = {"codes": (-999.0,), "codes far away": (1e30, float("nan")), "zeros": (0.0,)}
KINDS = ("NaN", "payloads", "infinities and NaN", *CODES)


def coded(x: NDArray[Any], bound: Bound, profile: str, missing: tuple[float, ...]) -> Any:
    """A stream, what is said of it, and its values."""
    made = compress.encode(x, bound, profile=profile, missing=missing)
    return (*astuple(made), compress.decode(made.stream))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("every", EVERY)
@pytest.mark.parametrize("profile", compress.PROFILES)
def test_scattered_missing_values(kind, dtype, every, profile):
    x, missing = of_kind(kind, dtype, 5003, every), CODES.get(kind, ())
    stream, max_error, _, y = everywhere(coded, x, BOUND, profile, missing)
    assert states(max_error, worst_error(x, y, BOUND, missing))
    assert same_bits(version2.decode(stream), y)


@pytest.mark.parametrize("code", [0.0, -999.0, 3.5])
@pytest.mark.parametrize(("shape", "width"), [((5000,), 2.5), ((60, 70), 2.5), ((14, 17, 23), 4.0)])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_no_value_becomes_a_code_that_is_next_to_it(dtype, shape, width, code):
    """Whole numbers around a code: predictions meet it."""
    for seed in range(8):
        x = np.round(20 * waves(shape, seed)) + code
        x[x == code] += 1
        x.reshape(-1)[:: x.size // 20] = code
        x = x.astype(dtype)
        stream, max_error, _, y = everywhere(coded, x, Bound("abs", width), "dense", (code, float("nan")))
        assert states(max_error, worst_error(x, y, Bound("abs", width), (code,)))
        assert seed or same_bits(version2.decode(stream), y)


@pytest.mark.parametrize("size", [1, 7, 8, 9, 15, 16, 17, 63, 64, 65, 127, 129, 511, 513, 1023, 1025])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_missing_values_in_arrays_of_any_length(size, dtype):
    x = np.where(is_strewn(size, 3), np.nan, walk(dtype, size)).astype(dtype)
    for profile in compress.PROFILES:
        *_, y = everywhere(coded, x, BOUND, profile, ())
        worst_error(x, y, BOUND, ())


@pytest.mark.parametrize("first", [0, 1, 15, 16, 17])
@pytest.mark.parametrize("length", [1, 2, 3, 4, 15, 16, 17, 33, 100])
def test_a_run_of_missing_values_anywhere(first, length):
    x = walk("f4", 150)
    x[first : first + length] = np.nan
    *_, y = everywhere(coded, x, BOUND, "fast", ())
    worst_error(x, y, BOUND, ())


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_missing_values_on_a_lossless_grid(dtype):
    x = np.round(walk(dtype, 5003) * 4) / 4
    with_payloads(x, is_strewn(x.size, 10))
    x[::50] = -0.0
    for profile in compress.PROFILES:
        *_, y = everywhere(coded, x, Bound("lossless"), profile, ())
        assert (bits(x) == bits(y)).all()


@pytest.mark.parametrize(("every", "most"), [(2, 1.2), (10, 0.75), (100, 0.18), (3000, 0.04)])
def test_places_take_few_bits_in_the_fastest_profile(every, most):
    x = np.where(is_strewn(1 << 15, every), np.nan, 1.0).astype("f4")
    assert 8 * len(compress.encode(x, BOUND, profile="fast").stream) <= most * x.size
