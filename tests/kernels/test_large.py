"""The same promises on arrays of several blocks of the real size: profiles, threads, regions, missing values, layouts."""

from __future__ import annotations

import numpy as np
import pytest

from cdt_core.errors import CorruptStreamError
from cdt_core.kernels import compress
from cdt_core.model import Bound
from tests.kernels.arrays import same_bits
from tests.kernels.test_compress import most_bytes


def field(*shape):
    """Waves of eight lengths, and a little noise."""
    make = np.random.default_rng(6)
    x = 1e-4 * make.normal(size=shape)
    for octave in range(8):
        for axis, n in enumerate(shape):
            wave = np.sin(make.normal(0, 2**octave) * np.linspace(0, 3, n) + make.normal()) / 2**octave
            x += np.expand_dims(wave, tuple(range(1, len(shape) - axis)))
        x *= 1 + 0.1 * x
    return x


def holes(x):
    """With NaN here and there, a land of one fill value, and a few infinities."""
    make = np.random.default_rng(2)
    x = x.copy()
    x[make.random(x.shape) < 0.02] = np.nan
    x[tuple(slice(n // 3, n // 2 + 1) for n in x.shape)] = -999
    x.reshape(-1)[make.integers(x.size, size=5)] = np.inf
    return x


ARRAYS = {
    "3-d f4": lambda: field(40, 61, 83).astype("f4"),
    "2-d f8": lambda: field(397, 503),
    "1-d f8": lambda: np.cumsum(np.random.default_rng(1).normal(size=200_003)),
    "4-d f2": lambda: field(7, 11, 41, 53).astype("f2"),
    "5-d f4": lambda: field(3, 5, 7, 31, 43).astype("f4"),
    "holes f4": lambda: holes(field(61, 50, 70)).astype("f4"),
    "holes f8": lambda: holes(field(401, 499)),
    "decimals f8": lambda: np.round(field(251, 701), 2),
    "counts i2": lambda: np.rint(300 * field(499, 501)).astype("i2"),
    "counts u1": lambda: np.clip(40 * field(499, 501) + 99, 0, 255).astype("u1"),
    "counts i8": lambda: np.rint(1e12 * field(260, 499)).astype("i8"),
    "noise f4": lambda: np.random.default_rng(3).normal(size=(300, 400)).astype("f4"),
    "bits u4": lambda: np.random.default_rng(3).integers(0, 2**32, 150_001, "u4"),
    "transposed f4": lambda: field(83, 61, 40).astype("f4").T,
    "big-endian f8": lambda: field(300, 301).astype(">f8"),
    "every other f4": lambda: field(300, 602).astype("f4")[:, ::2],
}
MISSING = (-999.0,)


def over(x, y, bound):
    """How many finite numbers have an error over the bound, and how many others changed a bit.

    Differences are rounded to the nearest long double, which cannot bring one from above a double to below it.
    """
    x, y = np.ascontiguousarray(x, x.dtype.newbyteorder("=")), np.asarray(y)
    words = f"u{x.itemsize}"
    fixed = ~np.isfinite(x) | (x == -999) if x.dtype.kind == "f" else x == -999
    moved = int((x.view(words) != y.view(words))[fixed].sum())
    if x.dtype.kind in "iu":
        distance = np.where(x > y, x.astype("u8") - y.astype("u8"), y.astype("u8") - x.astype("u8"))
        return int((distance > bound.value).sum()), moved
    with np.errstate(invalid="ignore"):
        error = np.abs(x.astype("g") - y.astype("g"))
    limit = np.longdouble(bound.value) * (np.abs(x.astype("g")) if bound.kind == "pw_rel" else 1)
    return int((~(error <= limit))[~fixed].sum()), moved


def bounds_of(x):
    if x.dtype.kind in "iu":
        return [Bound("abs", 2.5), Bound("abs", 1e6)]
    reach = float(np.ptp(x[np.isfinite(x)].astype("f8")))
    return [*(Bound("abs", share * reach) for share in (1e-2, 1e-4, 1e-7)), Bound("pw_rel", 1e-3)]


@pytest.mark.parametrize("profile", compress.PROFILES)
@pytest.mark.parametrize("name", ARRAYS)
def test_no_value_is_over_the_bound_and_none_that_must_stay_moves(name, profile):
    x = ARRAYS[name]()
    for bound in bounds_of(x):
        made = compress.encode(x, bound, missing=MISSING, profile=profile)
        y = compress.decode(made.stream)
        assert (y.shape, y.dtype) == (x.shape, x.dtype.newbyteorder("="))
        assert over(x, y, bound) == (0, 0)
        assert made.max_error <= bound.value
        assert len(made.stream) <= most_bytes(x, made.stream)


@pytest.mark.parametrize("profile", compress.PROFILES)
@pytest.mark.parametrize("name", ARRAYS)
def test_lossless_keeps_every_bit(name, profile):
    x = ARRAYS[name]()
    stream = compress.encode(x, Bound("lossless"), profile=profile).stream
    assert same_bits(compress.decode(stream), x)
    assert len(stream) <= most_bytes(x, stream)


@pytest.mark.parametrize("profile", compress.PROFILES)
@pytest.mark.parametrize("name", ["3-d f4", "holes f8", "counts i2", "5-d f4", "1-d f8"])
def test_threads_regions_and_arrays_to_fill_change_nothing(name, profile):
    x = ARRAYS[name]()
    bound = bounds_of(x)[0]
    made = compress.encode(x, bound, missing=MISSING, profile=profile)
    together = compress.encode(x, bound, missing=MISSING, profile=profile, workers=2)
    assert (together.stream, together.max_error, together.exact_values) == (
        made.stream,
        made.max_error,
        made.exact_values,
    )
    whole = compress.decode(made.stream)
    assert same_bits(compress.decode(made.stream, workers=2), whole)
    out = np.empty_like(whole)
    assert compress.decode(made.stream, out=out, workers=2) is out
    assert same_bits(out, whole)
    for low, high in ((0.3, 0.31), (0.1, 0.9), (0.99, 1.0)):
        region = tuple(slice(int(low * n), max(1, int(high * n))) for n in x.shape)
        assert same_bits(compress.decode(made.stream, region=region), whole[region])
        part = np.asfortranarray(np.empty_like(whole[region]))
        assert compress.decode(made.stream, region=region, out=part, workers=2) is part
        assert same_bits(part, whole[region])


def test_smooth_fields_become_small_and_denser_profiles_smaller():
    x = ARRAYS["2-d f8"]()
    sizes = [len(compress.encode(x, bounds_of(x)[1], profile=name).stream) for name in compress.PROFILES]
    assert sizes == sorted(sizes, reverse=True)
    assert 8 * sizes[0] < x.nbytes


def test_more_axes_than_blocks_have_and_a_part_of_them():
    x = field(6, 5, 4, 3, 5, 6, 7)
    stream = compress.encode(x, Bound("abs", 0.01)).stream
    whole = compress.decode(stream)
    assert np.abs(whole - x).max() <= 0.01
    for region in (slice(1, 3), slice(0, 6)):
        wanted = (region, slice(2, 5), slice(1, 2), slice(0, 3), slice(4, 5), slice(0, 6), slice(3, 7))
        assert same_bits(compress.decode(stream, region=wanted), whole[wanted])
    with pytest.raises(CorruptStreamError, match="max_bytes"):
        compress.decode(stream, region=wanted, max_bytes=whole.nbytes - 1)
