"""Arrays of few distinct numbers: long enough that a piece is weighed first, in every type."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cdt_core.kernels import compress
from cdt_core.model import Bound
from tests.golden.make import noise

COUNT, N = 200, 40_000
TYPES = ["i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"]


def distinct(dtype: str) -> NDArray[Any]:
    """Numbers of a type, far apart and at no regular distance; of floats, also of either sign."""
    bits = np.unique(noise(4 * COUNT, 11) >> np.uint64(64 - 8 * np.dtype(dtype).itemsize))
    numbers: NDArray[Any] = bits.astype(f"u{np.dtype(dtype).itemsize}").view(dtype)
    return np.compress(np.isfinite(numbers), numbers)[:COUNT]


def at_random(dtype: str) -> NDArray[Any]:
    """They, at random places of five rows."""
    return distinct(dtype)[(noise(N, 5) % np.uint64(COUNT)).astype(np.intp)].reshape(5, N // 5)


def encoded(values: NDArray[Any], profile: str) -> bytes:
    """The lossless stream of an array."""
    return compress.encode(values, Bound.parse("lossless"), profile=profile).stream


@pytest.mark.parametrize("profile", ["balanced", "dense"])
@pytest.mark.parametrize("dtype", TYPES)
def test_takes_little_more_than_ranks(dtype: str, profile: str) -> None:
    values = at_random(dtype)
    stream = encoded(values, profile)
    ranks, table = N * math.log2(COUNT) / 8, COUNT * (values.itemsize + 1)
    assert len(stream) <= 1.15 * ranks + table
    assert compress.decode(stream).tobytes() == values.tobytes()


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_keeps_bits_of_what_is_no_number(dtype: str) -> None:
    values = at_random(dtype)
    values[0, :70] = np.nan
    values[3] = -np.inf
    values[4, ::9] = np.array([-0.0, np.inf, 0.0], dtype)[np.arange(len(values[4, ::9])) % 3]
    assert compress.decode(encoded(values, "balanced")).tobytes() == values.tobytes()


@pytest.mark.parametrize("dtype", TYPES)
def test_parts_with_numbers_of_their_own_share_no_palette(dtype: str) -> None:
    numbers = distinct(dtype)[np.argsort(noise(COUNT, 2))].reshape(20, -1)
    of_part = np.repeat(np.arange(20), N // 20)
    values = numbers[of_part, (noise(N, 7) % np.uint64(COUNT // 20)).astype(np.intp)].reshape(20, -1)
    stream = encoded(values, "balanced")
    assert len(stream) <= 1.25 * N * math.log2(COUNT // 20) / 8 + 2 * COUNT * (values.itemsize + 1)
    assert compress.decode(stream).tobytes() == values.tobytes()


@pytest.mark.parametrize("dtype", TYPES)
def test_too_many_are_kept_all_the_same(dtype: str) -> None:
    bits = noise(N, 3) >> np.uint64(64 - 8 * np.dtype(dtype).itemsize)
    values = bits.astype(f"u{np.dtype(dtype).itemsize}").view(dtype)
    values[N // 2 :] = values[0]  # few of a sample, many in the first block
    assert compress.decode(encoded(values, "dense")).tobytes() == values.tobytes()
