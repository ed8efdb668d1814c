"""Residuals in bit planes: what goes in comes out on every instruction set, and no bytes make the decoder fail otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import CorruptStreamError
from cdt_core.kernels import _codec as codec
from cdt_core.kernels.reference import planes as reference
from tests.kernels.instruction_sets import everywhere

TYPES = (np.int32, np.int64)
types = st.sampled_from(TYPES)
seeds = st.integers(0, 2**32 - 1)
lengths = st.integers(1, 300) | st.sampled_from([1, 61, 63, 64, 65, 127, 128, 129, 509, 4093, 8191, 8192, 8193, 16411])
patterns = st.sampled_from(["zero", "rare", "runs", "small", "laplace", "mixed", "wide", "ends"])


def made(pattern, n, seed, dtype):
    """Residuals of a kind."""
    rng = np.random.default_rng(seed)
    least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
    scale = np.exp(rng.uniform(-3, 8))
    if pattern == "zero":
        x = np.zeros(n)
    elif pattern == "rare":
        x = np.where(rng.random(n) < rng.random() / 5, rng.integers(-3, 4, n), 0)
    elif pattern == "runs":
        x = np.repeat(rng.integers(-9, 10, n), rng.integers(1, 300))[:n]
    elif pattern == "small":
        x = rng.integers(-1, 2, n)
    elif pattern == "laplace":
        x = np.rint(rng.laplace(0, scale, n) * np.exp(np.sin(np.arange(n) / 500)))
    elif pattern == "mixed":
        x = np.ldexp(rng.normal(size=n), rng.integers(0, rng.integers(1, np.iinfo(dtype).bits - 4), n))
    elif pattern == "wide":
        x = rng.integers(least, most, n, endpoint=True)
    else:
        return rng.choice(np.array([0, 0, 1, -1, least, least + 1, most], dtype), n)
    return x.astype(dtype)


@settings(max_examples=250, deadline=None)
@given(patterns, lengths, seeds, types)
def test_residuals_come_back_on_every_instruction_set(pattern, n, seed, dtype):
    x = made(pattern, n, seed, dtype)
    data = everywhere(codec.planes_encode, x)
    assert np.array_equal(everywhere(codec.planes_decode, data, n, dtype), x)


@settings(max_examples=60, deadline=None)
@given(patterns, st.integers(1, 700) | st.just(8200), seeds, types)
def test_the_plain_decoder_reads_the_same(pattern, n, seed, dtype):
    x = made(pattern, n, seed, dtype)
    assert np.array_equal(reference.decode(codec.planes_encode(x), n, dtype), x)


@pytest.mark.parametrize("dtype", TYPES)
def test_each_power_of_two_comes_back(dtype):
    bits = np.iinfo(dtype).bits
    powers = np.array(
        [s * 2**b + d for b in range(bits - 1) for s in (1, -1) for d in (0, -1)] + [-(2 ** (bits - 1))], dtype
    )
    for x in (powers, np.repeat(powers, 64), np.tile(powers, 70)):
        data = everywhere(codec.planes_encode, x)
        assert np.array_equal(everywhere(codec.planes_decode, data, x.size, dtype), x)


@settings(max_examples=250, deadline=None)
@given(patterns, st.integers(1, 300) | st.sampled_from([8192, 9000]), seeds, types, st.data())
def test_changed_bytes_are_refused_or_read_alike(pattern, n, seed, dtype, data):
    whole = codec.planes_encode(made(pattern, n, seed, dtype))
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    found = everywhere(codec.planes_decode, bytes(changed), n, dtype)
    if n > 300:
        return
    try:
        expected = reference.decode(bytes(changed), n, dtype)
    except CorruptStreamError:
        assert found is None
    else:
        assert np.array_equal(found, expected)


@settings(max_examples=150, deadline=None)
@given(patterns, st.integers(1, 300) | st.sampled_from([8192, 9000]), seeds, types, st.data())
def test_cut_and_continued_bytes_are_refused(pattern, n, seed, dtype, data):
    whole = codec.planes_encode(made(pattern, n, seed, dtype))
    cut = data.draw(st.integers(0, len(whole) - 1))
    assert everywhere(codec.planes_decode, whole[:cut], n, dtype) is None
    assert everywhere(codec.planes_decode, whole + bytes([data.draw(st.integers(0, 255))]), n, dtype) is None


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.integers(1, 9000), types)
def test_any_bytes_are_read_alike(noise, n, dtype):
    everywhere(codec.planes_decode, noise, n, dtype)


@settings(max_examples=60, deadline=None)
@given(patterns, st.integers(65, 300), seeds, types)
def test_another_number_of_groups_is_refused(pattern, n, seed, dtype):
    x = made(pattern, n, seed, dtype)
    x[-1] = 1
    data = codec.planes_encode(x)
    assert everywhere(codec.planes_decode, data, n - 1, dtype) is None
    assert everywhere(codec.planes_decode, data, (n + 63) // 64 * 64 - 64, dtype) is None


@pytest.mark.parametrize("dtype", TYPES)
def test_zeros_take_almost_nothing(dtype):
    assert len(codec.planes_encode(np.zeros(32768, dtype))) == 2
    assert len(codec.planes_encode(np.zeros(1, dtype))) == 1


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0, 40.0, 3000.0])
def test_size_stays_near_the_entropy_of_laplacian_residuals(scale):
    x = np.rint(np.random.default_rng(5).laplace(0, scale, 32768)).astype(np.int32)
    shares = np.unique_counts(x).counts / x.size
    entropy_bits = float(-(shares * np.log2(shares)).sum())
    ideal = max(entropy_bits, np.log2(2 * np.e * scale) if scale > 10 else 0.0)
    assert 8 * len(codec.planes_encode(x)) / x.size <= ideal + 0.3


@pytest.mark.parametrize("residuals", [np.zeros(0, np.int32), np.zeros(4, np.int16), np.zeros(4)])
def test_other_types_and_nothing_are_refused(residuals):
    with pytest.raises(ValueError, match="at least one residual"):
        codec.planes_encode(residuals)
    with pytest.raises(ValueError, match="at least one residual"):
        codec.planes_decode(b"", residuals.size, residuals.dtype)
