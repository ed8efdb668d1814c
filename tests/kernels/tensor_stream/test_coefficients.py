"""Coefficients come back as they were, from the compiled decoder and from the slow one; damage is an error or other numbers."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import CorruptStreamError
from cdt_core.kernels import _tensor_stream
from cdt_core.kernels.reference import coefficients

lengths = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 6), st.integers(1, 9))
marks = st.tuples(*[st.integers(0, 1)] * 4)


def numbers_of(shape, seed, power):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(shape) * 10.0**power
    return values.clip(-_tensor_stream.LARGEST, _tensor_stream.LARGEST).astype(np.int32)


def decoded(code, shape, dyadic):
    return _tensor_stream.decode(np.frombuffer(code, np.uint8), shape, dyadic)


@settings(max_examples=60, deadline=None)
@given(lengths, marks, st.integers(0, 2**32), st.floats(-1, 9))
def test_both_decoders_give_the_numbers_back(shape, dyadic, seed, power):
    numbers = numbers_of(shape, seed, power)
    code = _tensor_stream.encode(numbers, dyadic)
    assert (decoded(code, shape, dyadic) == numbers).all()
    assert coefficients.decode(code, shape, dyadic) == numbers.ravel().tolist()


def test_the_largest_coefficients_are_coded_and_none_beyond():
    numbers = np.full((1, 1, 2, 3), _tensor_stream.LARGEST, np.int32) * np.array([1, -1, 0], np.int32)
    assert (decoded(_tensor_stream.encode(numbers, (0,) * 4), numbers.shape, (0,) * 4) == numbers).all()
    with pytest.raises(ValueError, match="outside"):
        _tensor_stream.encode(numbers + np.int32(1), (0,) * 4)


def test_zeros_cost_next_to_nothing():
    numbers = np.zeros((1, 1, 500, 500), np.int32)
    numbers[0, 0, 0, 0] = 5
    assert len(_tensor_stream.encode(numbers, (0, 0, 1, 1))) < 60


def test_neighbours_and_bands_are_worth_something():
    rng = np.random.default_rng(3)
    scale = np.exp(-np.arange(64) / 12)
    numbers = np.rint(rng.laplace(size=(1, 1, 64, 64)) * 20 * np.outer(scale, scale)).astype(np.int32)
    shuffled = rng.permutation(numbers.ravel()).reshape(numbers.shape)
    assert len(_tensor_stream.encode(numbers, (0,) * 4)) < 0.8 * len(_tensor_stream.encode(shuffled, (0,) * 4))


@settings(max_examples=150, deadline=None)
@given(st.binary(min_size=1, max_size=40), lengths, marks)
def test_any_bytes_are_an_error_or_numbers_and_both_decoders_agree_which(code, shape, dyadic):
    slow = fast = None
    with suppress(CorruptStreamError):
        slow = coefficients.decode(code, shape, dyadic)
    with suppress(CorruptStreamError):
        fast = decoded(code, shape, dyadic).ravel().tolist()
    assert fast == slow


def test_a_code_that_ends_too_soon_is_corrupt():
    numbers = numbers_of((1, 1, 30, 30), 1, 2)
    code = _tensor_stream.encode(numbers, (0,) * 4)
    with pytest.raises(CorruptStreamError):
        decoded(code[: len(code) // 2], numbers.shape, (0,) * 4)


@pytest.mark.parametrize("shape", [(1, 1, 0, 3), (0, 1, 1, 1)])
def test_no_coefficients_are_refused(shape):
    with pytest.raises(ValueError, match="no coefficients"):
        _tensor_stream.encode(np.zeros(shape, np.int32), (0,) * 4)
    with pytest.raises(ValueError, match="no coefficients"):
        decoded(b"\0", shape, (0,) * 4)
