"""What a stream promises: every value within the bound, everything special bit for bit, for any array."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import BoundError, CdtError, UnsupportedDtypeError
from cdt_core.kernels import compress
from cdt_core.model import Bound
from tests.kernels.arrays import ALL, FLOATS, INTEGERS, MISSING, TIMES, arrays, same_bits, states, worst_error
from tests.kernels.blocks import block_count, blocks_of

LOSSLESS = Bound("lossless")
widths = st.sampled_from([1e-300, 1e-40, 1e-6, 1e-3, 0.1, 1.0, 3.7, 1e4, 1e30, 1e300]) | st.floats(1e-9, 1e9)
shares = st.sampled_from([1e-17, 2e-16, 1e-7, 1e-3, 0.35, 0.5, 1.0, 10.0, 1e300]) | st.floats(1e-9, 1.0)
codings = st.tuples(st.sampled_from(compress.PROFILES), st.sampled_from([None, 1, 2, 3, 8]))


def coded(x, bound, coding=("balanced", None), missing=()):
    profile, side = coding
    with blocks_of(side):
        made = compress.encode(x, bound, missing=missing, profile=profile)
    assert len(made.stream) <= most_bytes(x, made.stream)
    return made, compress.decode(made.stream)


def most_bytes(x, stream):
    """What no stream is longer than: the values, the header, and 64 bytes for each block."""
    shape = (*x.shape, 2) if x.dtype.kind == "c" else x.shape
    blocks = block_count(shape, compress.read_header(stream).block_shape)
    return x.nbytes + 100 + 20 * x.ndim + 64 * blocks


@settings(max_examples=300, deadline=None)
@given(arrays(ALL), codings)
def test_lossless_keeps_every_bit(x, coding):
    made, y = coded(x, LOSSLESS, coding)
    assert same_bits(x, y)
    assert made.max_error == 0
    assert made.exact_values == 0


@settings(max_examples=300, deadline=None)
@given(arrays((*FLOATS, "f2")), widths, codings, st.sampled_from([(), MISSING]))
def test_absolute_bound_of_floats(x, width, coding, missing):
    bound = Bound("abs", width)
    made, y = coded(x, bound, coding, missing)
    assert states(made.max_error, worst_error(x, y, bound, missing))


@settings(max_examples=300, deadline=None)
@given(arrays(FLOATS), shares, codings, st.sampled_from([(), MISSING]))
def test_pointwise_relative_bound_of_floats(x, share, coding, missing):
    bound = Bound("pw_rel", share)
    made, y = coded(x, bound, coding, missing)
    worst = worst_error(x, y, bound, missing)
    assert float(worst) * (1 - 1e-15) <= made.max_error <= share


@settings(max_examples=300, deadline=None)
@given(arrays(INTEGERS), widths, codings, st.sampled_from([(), MISSING]))
def test_absolute_bound_of_integers(x, width, coding, missing):
    codes = [code for code in missing if np.can_cast(np.min_scalar_type(int(code)), x.dtype)]
    bound = Bound("abs", width)
    made, y = coded(x, bound, coding, missing)
    assert made.max_error == float(worst_error(x, y, bound, codes))


@settings(max_examples=60, deadline=None)
@given(arrays((*INTEGERS, "f2", "b1", *TIMES)), shares)
def test_types_without_a_relative_lattice_are_kept_whole(x, share):
    assert same_bits(x, coded(x, Bound("pw_rel", share))[1])


@settings(max_examples=60, deadline=None)
@given(arrays(("b1", *TIMES)), widths)
def test_types_without_a_linear_lattice_are_kept_whole(x, width):
    assert same_bits(x, coded(x, Bound("abs", width))[1])


@settings(max_examples=100, deadline=None)
@given(arrays(("c8", "c16")), widths, codings)
def test_absolute_bound_of_complex_numbers_is_of_their_distance(x, width, coding):
    made, y = coded(x, Bound("abs", width), coding)
    assert made.max_error <= width
    part = Bound("abs", width)
    worst_error(x.real, y.real, part, ())
    worst_error(x.imag, y.imag, part, ())
    for a, b in zip(x.reshape(-1).tolist(), y.reshape(-1).tolist(), strict=True):
        if np.isfinite(a):
            squared = (Fraction(a.real) - Fraction(b.real)) ** 2 + (Fraction(a.imag) - Fraction(b.imag)) ** 2
            assert squared <= Fraction(made.max_error) ** 2 * (1 + Fraction(1, 2**50))
            assert squared <= Fraction(width) ** 2


@settings(max_examples=60, deadline=None)
@given(arrays(("c8", "c16")), shares)
def test_relative_bound_of_complex_numbers_is_of_each_part(x, share):
    bound = Bound("pw_rel", share)
    made, y = coded(x, bound)
    assert made.max_error <= share
    worst_error(x.real, y.real, bound, ())
    worst_error(x.imag, y.imag, bound, ())


@settings(max_examples=100, deadline=None)
@given(arrays(ALL), codings, st.data())
def test_a_region_is_that_part_of_the_whole(x, coding, data):
    made, whole = coded(x, Bound("abs", 0.1), coding)
    region = tuple(slice(*sorted(data.draw(st.tuples(st.integers(0, side), st.integers(0, side))))) for side in x.shape)
    assert same_bits(compress.decode(made.stream, region=region), whole[region])


@settings(max_examples=60, deadline=None)
@given(arrays(ALL), codings)
def test_the_header_says_what_is_inside(x, coding):
    bound = Bound("abs", 0.25)
    with blocks_of(coding[1]):
        made = compress.encode(x, bound, asked=Bound("rel", 0.5), profile=coding[0])
    header = compress.read_header(made.stream)
    assert (header.shape, header.dtype.newbyteorder("=")) == (x.shape, x.dtype.newbyteorder("="))
    assert header.asked == Bound("rel", 0.5)
    assert header.applied == bound or same_bits(compress.decode(made.stream), x)
    assert (header.max_error, header.exact_values) == (made.max_error, made.exact_values)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("profile", compress.PROFILES)
@pytest.mark.parametrize("share", [0.1, 0.01, 1e-3, 1e-5, 10.0, 1e300])
def test_infinities_and_extremes_under_a_relative_bound(dtype, profile, share):
    limits = np.finfo(dtype)
    x = np.array([1, np.inf, -np.inf, limits.max, -limits.max, limits.tiny, 5], dtype)
    worst_error(x, coded(x, Bound("pw_rel", share), (profile, None))[1], Bound("pw_rel", share), ())


def test_relative_bound_where_products_round_to_multiples_of_the_least_number():
    bound = Bound("pw_rel", 1e-15)
    x = np.ldexp(1.0, -1074) * np.random.default_rng(5).integers(2**50, 2**53, 5000).astype(float)
    worst_error(x, coded(x, bound)[1], bound, ())


@pytest.mark.parametrize("profile", compress.PROFILES)
@pytest.mark.parametrize("dtype", ["f2", *FLOATS])
@pytest.mark.parametrize("scale", ["smallest_subnormal", "tiny", "max"])
def test_a_grid_of_extreme_numbers(dtype, scale, profile):
    """Whole multiples of the least number, and fractions of the largest one."""
    steps = np.random.default_rng(0).integers(-8, 9, 1000) / (8 if scale == "max" else 1)
    x = (steps.astype(dtype) * getattr(np.finfo(dtype), scale)).astype(dtype)
    for bound in (LOSSLESS, Bound("abs", 1e-3), Bound("abs", 1e-300), Bound("abs", 1e300), Bound("pw_rel", 1e-3)):
        worst_error(x, coded(x, bound, (profile, None))[1], bound, ())


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64, float, int])
def test_missing_codes_may_be_numbers_of_any_kind(kind):
    x = np.linspace(90, 110, 1000, dtype="f4")
    x[10] = 100
    y = coded(x, Bound("abs", 1.0), missing=(kind(100),))[1]
    assert (y == 100).nonzero()[0].tolist() == [10]


def test_missing_codes_that_the_type_cannot_hold_are_of_no_value():
    x = np.linspace(0, 1, 1000, dtype="f4")
    worst_error(
        x, coded(x, Bound("abs", 0.01), missing=(1e300, 10**400, math.nan, -math.inf))[1], Bound("abs", 0.01), ()
    )
    assert same_bits(np.arange(9, dtype="u1"), coded(np.arange(9, dtype="u1"), LOSSLESS, missing=(-1, 256, 0.5))[1])


def test_missing_codes_of_wide_integers_are_exact():
    top = 2**63 - 1
    x = np.array([top, top - 1, top - 2, top - 30, 0, 5], "i8")
    y = coded(x, Bound("abs", 10.0), missing=(top,))[1]
    assert (y == top).tolist() == [True, False, False, False, False, False]


def test_a_smooth_field_becomes_small():
    x = np.sin(np.linspace(0, 9, 200 * 300)).reshape(200, 300)
    made, y = coded(x, Bound("abs", 1e-3))
    assert worst_error(x[:4], y[:4], Bound("abs", 1e-3), ()) > 0
    assert np.abs(x - y).max() <= 1e-3
    assert 20 * len(made.stream) < x.nbytes


def test_the_same_array_gives_the_same_bytes_in_any_layout():
    x = np.random.default_rng(3).normal(size=(40, 50))
    streams = {
        compress.encode(y, Bound("abs", 0.01)).stream for y in (x, np.asfortranarray(x), x.astype(">f8"), x[:, :])
    }
    assert len(streams) == 1


def test_out_is_filled_and_checked():
    x = np.arange(12.0).reshape(3, 4)
    stream = compress.encode(x, LOSSLESS).stream
    out = np.empty((3, 4))
    assert compress.decode(stream, out=out) is out
    assert same_bits(out, x)
    with pytest.raises(ValueError, match="out has shape"):
        compress.decode(stream, out=np.empty((4, 3)))


def test_a_region_with_steps_or_too_few_axes_is_refused():
    stream = compress.encode(np.zeros((3, 4)), LOSSLESS).stream
    with pytest.raises(ValueError, match="step"):
        compress.decode(stream, region=(slice(0, 3, 2), slice(None)))
    with pytest.raises(ValueError, match="1 slices for 2 axes"):
        compress.decode(stream, region=(slice(None),))


@pytest.mark.parametrize("values", [["a"], [None], np.zeros(2, "f4,i4"), np.zeros(2, np.longdouble), np.zeros(2, "S3")])
def test_types_that_no_stream_holds_are_refused(values):
    with pytest.raises(UnsupportedDtypeError):
        compress.encode(np.asarray(values), LOSSLESS)


@pytest.mark.parametrize("dtype", ["M8[2147483647ns]", "m8", "m8[as]"])
def test_any_unit_of_time_is_kept(dtype):
    x = np.arange(5).view(dtype)
    assert same_bits(coded(x, LOSSLESS)[1], x)


def test_more_axes_than_a_stream_can_hold_are_refused():
    with pytest.raises(CdtError, match="axes"):
        compress.encode(np.zeros((1,) * 33), LOSSLESS)
    assert coded(np.zeros((1,) * 32, "c8"), LOSSLESS)[1].ndim == 32


def test_a_relative_bound_needs_its_range_first():
    with pytest.raises(BoundError, match="resolve"):
        compress.encode(np.zeros(3), Bound("rel", 0.1))


def test_more_than_the_limit_is_refused_before_it_is_made():
    stream = compress.encode(np.zeros(1000), LOSSLESS).stream
    with pytest.raises(CdtError, match="max_bytes"):
        compress.decode(stream, max_bytes=7999)
    assert compress.decode(stream, max_bytes=8000).size == 1000


def test_a_boolean_is_0_or_1_whatever_its_byte_was():
    odd = np.array([0, 1, 2, 255] * 50, "u1").view(bool)
    assert bytes(coded(odd, LOSSLESS)[1]) == bytes([0, 1, 1, 1] * 50)


def test_calls_from_several_threads_make_the_same_streams():
    fields = [np.cumsum(np.random.default_rng(seed).normal(size=(64, 512)), axis=1) for seed in range(8)]
    alone = [compress.encode(x, Bound("abs", 0.01)).stream for x in fields]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda x: compress.encode(x, Bound("abs", 0.01)).stream, fields * 4))
        values = list(pool.map(compress.decode, together))
    assert together == alone * 4
    assert all(np.abs(x - y).max() <= 0.01 for x, y in zip(fields * 4, values, strict=True))
