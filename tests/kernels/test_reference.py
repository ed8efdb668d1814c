"""Two decoders of version 2, one compiled and one written from the text alone, find the same bits; each path occurs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cdt_core.errors import CorruptStreamError
from cdt_core.kernels import compress
from cdt_core.kernels.reference import version2
from cdt_core.model import Bound
from tests.golden.make import noise, walk
from tests.kernels.arrays import MISSING, arrays, same_bits
from tests.kernels.blocks import blocks_of
from tests.kernels.hard_streams import hard_streams
from tests.kernels.mutations import mutated
from tests.kernels.path_cases import FURTHER, PATHS, few, ramp
from tests.kernels.paths import paths_of


def agree(stream: bytes) -> None:
    """The two decoders find one array."""
    assert same_bits(version2.decode(stream), compress.decode(stream))


bounds = st.sampled_from(["abs:0.02", "abs:0.5", "abs:1e-6", "abs:3", "pw_rel:0.01", "pw_rel:1e-9", "lossless"])


@settings(max_examples=250, deadline=None)
@given(arrays(), bounds, st.sampled_from(compress.PROFILES), st.sampled_from([None, 3, 8]), st.booleans())
def test_arrays_of_every_type_and_shape(values, bound, profile, side, has_missing):
    missing = MISSING if has_missing and values.dtype.kind in "iuf" and values.dtype.itemsize > 1 else ()
    with blocks_of(side):
        agree(compress.encode(values, Bound.parse(bound), missing=missing, profile=profile).stream)


@pytest.mark.parametrize("profile", compress.PROFILES)
@pytest.mark.parametrize(
    "shape",
    [(1,), (97,), (64, 3), (3, 64), (13, 17), (5, 1, 29), (7, 11, 13), (2, 3, 5, 31), (3, 2, 4, 5, 6), (2,) * 8],
)
@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "u4"])
def test_surfaces_of_every_shape(dtype, shape, profile):
    values = np.multiply(walk(dtype, *shape), 3, dtype=dtype)
    agree(compress.encode(values, Bound.parse("abs:2"), profile=profile).stream)
    agree(compress.encode(values, Bound("lossless"), profile=profile).stream)


def counter(dtype: str) -> NDArray[Any]:
    """Numbers that rise by one, and start again."""
    return (np.arange(3000) % 100 + 3).astype(dtype).reshape(60, 50)


def decimals(dtype: str) -> NDArray[Any]:
    """Numbers on a grid of their own."""
    return ((walk("i4", 60, 50) % 300) * (0.25 if dtype == "f2" else 0.1) + 1).astype(dtype)


KINDS: Mapping[str, Callable[[str], NDArray[Any]]] = {
    "counter": counter,
    "decimals": decimals,
    "few": lambda dtype: (few(60, 50) * 30).astype(dtype),
    "smooth": lambda dtype: (ramp(60, 50) % 100).astype(dtype),
    "series": lambda dtype: (walk("i4", 2500) % 120).astype(dtype),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "M8[s]", "m8[25us]"]
)
def test_numbers_of_every_kind_and_type(dtype, kind):
    values = KINDS[kind]("i8" if dtype[0] in "mM" else "f4" if dtype[0] == "c" else dtype)
    values = values.astype(dtype) if dtype[0] == "c" else values.view(dtype)
    for profile in compress.PROFILES:
        for bound in ("lossless", "abs:2"):
            agree(compress.encode(values, Bound.parse(bound), profile=profile).stream)


@pytest.mark.parametrize("path", PATHS)
def test_each_path_occurs_and_leads_to_the_same_bits(path):
    stream = PATHS[path].stream()
    assert path in paths_of(stream)
    agree(stream)


@pytest.mark.parametrize("name", FURTHER)
def test_further_arrays(name):
    agree(FURTHER[name].stream())


@pytest.mark.parametrize("name", hard_streams())
def test_hard_streams(name):
    agree(hard_streams()[name])


@pytest.mark.parametrize("profile", ["fast", "balanced"])
@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])
def test_steps_of_integers_end_at_the_limits_of_their_type(dtype, profile):
    least, most = (int(limit) for limit in (np.iinfo(dtype).min, np.iinfo(dtype).max))
    # The nearest multiples of the width are beyond both limits, where there are two.
    step = next(s for s in range(2, 99) if most % (2 * s + 1) > s and (least == 0 or -least % (2 * s + 1) > s))
    near = (noise(8000) % np.uint64(60)).astype(object)
    values = np.concatenate([most - near, least + near]).reshape(80, 200).astype(dtype)
    made = compress.encode(values, Bound("abs", step), profile=profile)
    cells = [(2 * abs(int(x)) // (2 * step + 1) + 1) // 2 * (2 * step + 1) * (-1 if x < 0 else 1) for x in values.flat]
    expected = np.array([min(most, max(least, cell)) for cell in cells], dtype).reshape(values.shape)
    assert made.exact_values == 0
    assert {least, most} <= set(expected.flat)
    assert np.array_equal(compress.decode(made.stream), expected)
    agree(made.stream)


NAMES = tuple(hard_streams())
LIMIT = 1 << 15


def found(decode: Callable[..., NDArray[Any]], stream: bytes) -> NDArray[Any] | None:
    """What a decoder finds, None when it refuses."""
    try:
        with np.errstate(all="ignore"):
            return decode(stream, max_bytes=LIMIT)
    except CorruptStreamError:
        return None


def like(x: NDArray[Any], y: NDArray[Any]) -> bool:
    """The same bits, but for those of NaN, which damage makes and machines do not agree on."""
    if x.dtype.kind in "fc" and x.dtype == y.dtype:
        x, y = (np.where(np.isnan(z), z.dtype.type(np.nan), z) for z in (x, y))
    return same_bits(x, y)


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 2**32 - 1))
def test_one_decoder_refuses_what_the_other_does(name, seed):
    stream = mutated(hard_streams()[name], seed)
    slow, fast = found(version2.decode, stream), found(compress.decode, stream)
    assert (slow is None) == (fast is None)
    assert slow is None or fast is None or like(slow, fast)
