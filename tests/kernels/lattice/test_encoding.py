"""What is encoded is what was given, to one of its two neighbours; nothing is lost, nothing wraps, no chance is rounded."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cdt_core.errors import PrivacyError
from cdt_core.kernels import _lattice
from cdt_core.kernels.lattice import Lattice, Stream, add_mask
from cdt_core.kernels.lattice.clipping import clip
from cdt_core.kernels.lattice.masks import TILE
from cdt_core.kernels.reference import lattice as reference
from tests.kernels.instruction_sets import LEVELS, using

KEY = bytes(range(32))
RINGS = {32: np.uint32, 64: np.uint64}
LIMITS = {32: 2.0**31 - 1, 64: 2.0**63 - 1024}


@pytest.fixture(params=LEVELS)
def level(request):
    with using(request.param, _lattice):
        yield request.param


def centred(ring):
    return ring.view(f"i{ring.itemsize}").astype(object)


def norm_squared(integers):
    return sum(int(q) ** 2 for q in integers)


def hard_values(rng, count, limit, dtype):
    """Numbers of all sizes up to the limit, with few and with many bits, with fractions that are no 16 bits long."""
    sizes = 2.0 ** rng.uniform(-60, np.log2(limit), count)
    values = np.concatenate(
        [
            sizes * rng.choice([-1, 1], count),
            rng.integers(-50, 50, count) / 65536,
            rng.integers(-9, 9, count).astype(float),
            [0.0, -0.0, 5e-324, -5e-324, 1e-300, limit / 2, -limit / 2, 0.5, -0.5],
        ]
    )
    values = values.astype(dtype)
    return rng.permutation(values[np.abs(values.astype(float)) <= limit])


@pytest.mark.parametrize("bits", RINGS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kernels_round_as_the_reference_does(level, dtype, bits):
    rng = np.random.default_rng(bits)
    for factor in (1.0, 0.3):
        values = hard_values(rng, 150, LIMITS[bits], dtype)
        words = rng.integers(0, 2**16, values.size, np.uint16)
        # Every third number comes to the comparison of what follows its first 16 bits.
        first = (np.abs(values.astype(float) * factor) % 1 * 65536).astype(int)
        words[::3] = 65535 - first[::3]
        spare = rng.integers(0, 2**64, 400, np.uint64)
        ring = np.empty(values.size, RINGS[bits])
        done, stop, used = _lattice.encode(values, factor, words, spare, ring)
        assert (done, stop) == (values.size, _lattice.DONE)
        expected = reference.encode(values.tolist(), factor, words.tolist(), spare.tolist(), bits)
        assert (ring.tolist(), used) == expected


@pytest.mark.parametrize("bits", RINGS)
@pytest.mark.parametrize(
    "value", [0.0, 0.5, -0.25, 1 / 3, -1 / 3, 2.0**-16, 2.0**-20, -(2.0**-40), 7 + 2.0**-17, 65535 / 65536, -1e-300]
)
def test_every_chance_is_exact(level, value, bits):
    """Over all words there are, exactly so many go up as the fraction's first 16 bits say, and one is left to the others."""
    words = np.arange(2**16, dtype=np.uint16)
    whole, fraction = divmod(abs(Fraction(value)), 1)
    certain, rest = divmod(fraction * 2**16, 1)
    for after, more in ((0, rest > 0), (2**64 - 1, False)):
        ring = np.empty(words.size, RINGS[bits])
        spare = np.full(20, after, np.uint64)
        assert _lattice.encode(np.full(words.size, value), 1.0, words, spare, ring)[1] == _lattice.DONE
        sizes = np.abs(ring.view(f"i{bits // 8}").astype(np.int64))
        assert set(sizes.tolist()) <= {whole, whole + 1}
        assert np.count_nonzero(sizes == whole + 1) == certain + more


def test_expectations_are_the_values():
    """A fraction of 2^-18, which 16 bits cannot have, and others, over two million roundings each."""
    stream, lattice = Stream(KEY), Lattice(1.0)
    for fraction in (0.37, 0.5, 2.0**-18, 1 - 2.0**-18):
        ring = lattice.encode(np.full(2_000_000, fraction), None, stream)
        ups, expected = int(ring.sum()), fraction * 2e6
        assert abs(ups - expected) < 6 * np.sqrt(2e6 * fraction * (1 - fraction)) + 1
        ring = lattice.encode(np.full(200_000, -fraction, np.float32), None, stream)
        assert abs(lattice.decode(ring).sum() + 2e5 * fraction) < 6 * np.sqrt(2e5 * fraction * (1 - fraction)) + 1


def test_all_levels_give_the_same():
    rng = np.random.default_rng(3)
    for dtype in (np.float32, np.float64):
        for length in (*range(40), 1000, TILE + 9, 2 * TILE + 1):
            values = rng.normal(size=length).astype(dtype)
            for bits in RINGS:
                lattice = Lattice.for_sum(1.0, 50, bits=bits)
                rings = []
                for each in LEVELS:
                    with using(each, _lattice):
                        rings.append(lattice.encode_masked(values, 1.0, Stream(KEY), [(Stream(KEY), 1)]))
                assert all(np.array_equal(rings[0], ring) for ring in rings)


@given(
    arrays(np.float64, st.integers(0, 60), elements=st.floats(-1e6, 1e6)),
    st.integers(-20, 9),
    st.sampled_from([32, 64]),
)
@settings(max_examples=100, deadline=None)
def test_decoded_values_are_less_than_a_step_away(values, exponent, bits):
    lattice = Lattice(2.0**exponent, bits)
    if values.size and np.abs(values).max() / lattice.step > 2.0**30:
        values = values / 2.0**20
    found = lattice.decode(lattice.encode(values, None, Stream(KEY)))
    assert found.dtype == np.float64
    assert all(abs(Fraction(a) - Fraction(b)) < Fraction(lattice.step) for a, b in zip(found, values, strict=True))


@pytest.mark.parametrize("bits", RINGS)
def test_sums_in_the_ring_are_sums_of_the_integers(bits):
    rng, stream, sites = np.random.default_rng(1), Stream(KEY), 30
    lattice = Lattice.for_sum(1.0, sites, bits=bits)
    vectors = [rng.normal(size=1001) for _ in range(sites)]
    # The worst there is: all of the norm in one place, in all vectors.
    for vector in vectors:
        vector[500] = 1e9
    rings = [lattice.encode(vector, 1.0, stream) for vector in vectors]
    total = np.sum(rings, axis=0, dtype=lattice.dtype)
    assert centred(total).tolist() == [sum(int(q) for q in column) for column in zip(*map(centred, rings), strict=True)]
    exact = sum(vector / np.linalg.norm(vector) for vector in vectors)
    np.testing.assert_allclose(lattice.decode(total), exact, atol=sites * lattice.step * 1.01)


@pytest.mark.parametrize("bits", RINGS)
@pytest.mark.parametrize("noise", [0.0, 3e-3, 40.0])
@pytest.mark.parametrize(("clip", "sites"), [(1.0, 1), (1.0, 100), (0.3, 7), (1e6, 1000), (1e-9, 3)])
def test_the_step_for_a_sum_is_the_finest_that_cannot_wrap(clip, sites, noise, bits):
    lattice = Lattice.for_sum(clip, sites, bits=bits, noise_deviation=noise * clip, length=1000)
    assert np.frexp(lattice.step)[0] == 0.5
    tails = np.sqrt(2 * (np.log(2000) + 64 * np.log(2)))

    def largest(step):
        return sites * np.ceil(clip / step) + noise * clip * tails / step

    limit = 2.0 ** (bits - 1)
    assert largest(lattice.step) < limit
    assert largest(lattice.step / 2) > limit * (1 - 1e-9)


@pytest.mark.parametrize("arguments", [(1.0, 2**31), (1.0, 3, 32, 1e9), (1e300, 3), (1.0, 2**40)])
def test_sums_that_fit_no_ring_are_refused(arguments):
    with pytest.raises(PrivacyError, match="do not fit a ring"):
        Lattice.for_sum(*arguments)


@pytest.mark.parametrize(
    "arguments", [(0.0, 3), (np.inf, 3), (1.0, 0), (1.0, 3, 32, -1.0), (1.0, 3, 32, 0.0, 0), (np.nan, 1)]
)
def test_sums_that_mean_nothing_are_refused(arguments):
    with pytest.raises(PrivacyError, match=r"no lattice for|is 0; give 1 or more"):
        Lattice.for_sum(*arguments)


CLIPS = [1.0, 0.1, 3e-7, 12345.678]


@given(
    arrays(np.float64, st.integers(1, 30), elements=st.floats(-1e3, 1e3)),
    st.sampled_from(CLIPS),
    st.sampled_from([2.0**-20, 1e-5]),
)
@settings(max_examples=200, deadline=None)
def test_what_is_rounded_has_the_norm_of_the_clip_at_most_as_real_numbers(values, most, step):
    scaled = np.multiply(*clip(values, most, step))
    limit = (Fraction(most) / Fraction(step)) ** 2
    total = sum(Fraction(x) ** 2 for x in scaled.tolist())
    assert total <= limit * (1 if step == 2.0**-20 else (1 + Fraction(1, 2**50)) ** 2)
    norm = np.linalg.norm(values)
    if norm > most:  # and no less than it has to be
        assert total >= limit * (1 - Fraction(1, 10**12))


@pytest.mark.parametrize("scale", [1e-323, 1e-320, 1e-200, 1e-160, 1e150, 1e200, 4e307])
def test_norms_whose_squares_are_no_numbers(scale):
    values = np.array([3.0, -4.0, 0.0, 1.0]) * scale
    most = 2.0**-1000 if scale < 1 else 1.0
    step = most / 2**20
    total = sum(Fraction(x) ** 2 for x in np.multiply(*clip(values, most, step)).tolist())
    assert total <= 2**40
    assert total >= (2**40 if np.abs(values).max() > most else 0) * (1 - Fraction(1, 10**12))


def test_vectors_within_the_clip_are_not_scaled():
    values = np.array([0.5, -0.25, 0.125])
    lattice = Lattice(0.125)
    assert np.array_equal(lattice.decode(lattice.encode(values, 10.0, Stream(KEY))), values)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("clip", [None, 1.0])
@pytest.mark.parametrize("at", [0, 3, TILE - 1, TILE, 2 * TILE + 4])
def test_what_is_no_number_is_refused_by_its_index(level, bad, clip, at):
    values = np.zeros(2 * TILE + 5, np.float32)
    values[at] = bad
    with pytest.raises(PrivacyError, match=rf"value {bad} at index {at} is no number"):
        Lattice(0.5).encode(values, clip, Stream(KEY))


@pytest.mark.parametrize("bits", RINGS)
@pytest.mark.parametrize("sign", [1, -1])
def test_what_the_ring_cannot_hold_is_refused_and_never_wraps(level, bits, sign):
    lattice, limit = Lattice(1.0, bits), LIMITS[bits]
    values = np.full(21, sign * limit)
    assert [int(q) for q in centred(lattice.encode(values, None, Stream(KEY)))] == [sign * int(limit)] * 21
    for beyond in (np.nextafter(limit, np.inf), limit * 2, 1e300):
        values[13] = sign * beyond
        with pytest.raises(PrivacyError, match=f"at index 13 is beyond a ring of {bits} bits"):
            lattice.encode(values, None, Stream(KEY))


def test_masks_fused_are_masks_added():
    rng = np.random.default_rng(5)
    for bits in RINGS:
        lattice = Lattice.for_sum(1.0, 10, bits=bits)
        values = rng.normal(size=TILE + 100).astype(np.float32)
        keys = [bytes([k]) * 32 for k in range(3)]
        fused = lattice.encode_masked(
            values, 1.0, Stream(KEY), [(Stream(key), 1 - 2 * (k % 2)) for k, key in enumerate(keys)]
        )
        plain = lattice.encode(values, 1.0, Stream(KEY))
        apart = plain.copy()
        for k, key in enumerate(keys):
            words = Stream(key).words(values.size, lattice.dtype)
            apart = apart + words if k % 2 == 0 else apart - words
        assert np.array_equal(fused, apart)
        for k, key in enumerate(keys):
            add_mask(fused, Stream(key), 2 * (k % 2) - 1)
        assert np.array_equal(fused, plain)


def test_conditional_rounding_keeps_its_bound():
    lattice, stream, length = Lattice(0.25), Stream(KEY), 200
    values = np.full(length, 1 / np.sqrt(length))
    for beta in (0.9, 0.5):
        bound = lattice.norm_bound(length, 1.0, beta)
        assert bound < lattice.sensitivity(length, 1.0).l2
        for _ in range(50):
            ring = lattice.encode(values, 1.0, stream, norm_bound=bound)
            assert norm_squared(centred(ring)) <= Fraction(bound) ** 2
    masked = lattice.encode_masked(values, 1.0, Stream(KEY), [(Stream(bytes(32)), 1)], norm_bound=bound)
    add_mask(masked, Stream(bytes(32)), -1)
    assert np.array_equal(masked, lattice.encode(values, 1.0, Stream(KEY), norm_bound=bound))


@pytest.mark.parametrize("norm_bound", [None, 50.0])
def test_masks_that_an_iterator_gives_are_all_added(norm_bound):
    """They were looked at once before: what had been looked at was then added no more, and the vector left as it is."""
    lattice, values = Lattice(0.5), np.arange(6.0)
    keys = [(KEY, 1), (bytes(32), -1)]
    ours = lattice.encode_masked(
        values, 9.0, Stream(KEY), ((Stream(key), sign) for key, sign in keys), norm_bound=norm_bound
    )
    for key, sign in keys:
        add_mask(ours, Stream(key), -sign)
    assert np.array_equal(ours, lattice.encode(values, 9.0, Stream(KEY), norm_bound=norm_bound))


@pytest.mark.parametrize("beta", [0.01, 0.3])
def test_the_bound_holds_as_often_as_it_says(beta):
    lattice, stream = Lattice(0.5), Stream(KEY)
    for length in (10, 400):
        values = np.full(length, 1 / np.sqrt(length))
        bound = lattice.norm_bound(length, 1.0, beta)
        above = sum(norm_squared(centred(lattice.encode(values, 1.0, stream))) > bound**2 for _ in range(500))
        assert above <= 500 * beta + 6 * np.sqrt(500 * beta)


def test_a_bound_out_of_reach_is_refused():
    with pytest.raises(PrivacyError, match=r"stayed above 0\.5"):
        Lattice(1.0).encode([3.0, 4.0], 10.0, Stream(KEY), norm_bound=0.5)


def test_norms_of_rings_are_exact(level):
    rng = np.random.default_rng(0)
    small = rng.integers(0, 2**32, 1000, np.uint32)
    large = rng.integers(0, 2**64, 7, np.uint64) >> np.uint64(2)
    for ring in (small, large, -large, small[:0]):
        assert _lattice.norm(ring) == norm_squared(centred(ring))


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda: Lattice(0.0), "step 0.0"),
        (lambda: Lattice(-1.0), "step -1.0"),
        (lambda: Lattice(np.nan), "step nan"),
        (lambda: Lattice(1.0, 16), "32 or 64 bits"),
        (lambda: Lattice(1.0).encode(np.zeros((2, 2)), None, Stream(KEY)), "2 axes"),
        (lambda: Lattice(1.0).encode(["a"], None, Stream(KEY)), "axes of <U1"),
        (lambda: Lattice(1.0).encode(np.zeros(2, complex), None, Stream(KEY)), "complex128"),
        (lambda: Lattice(1.0).encode([1.0], 0.0, Stream(KEY)), "clipped to norm 0.0"),
        (lambda: Lattice(1.0).encode([1.0], np.nan, Stream(KEY)), "clipped to norm nan"),
        (lambda: Lattice(1.0).encode([1.0], 2.0**70, Stream(KEY)), "clipped to norm"),
        (lambda: Lattice(1.0).encode([1.0], None, Stream(KEY), norm_bound=3.0), "give clip_norm"),
        (lambda: Lattice(1.0).encode_masked([1.0], None, Stream(KEY), [(Stream(KEY), 2)]), r"a mask is added .* not 2"),
        (lambda: Lattice(1.0).encode_masked([1.0], None, Stream(KEY), None), "masks are pairs"),
        (lambda: Lattice(1.0).encode_masked([1.0], None, Stream(KEY), [Stream(KEY)]), "masks are pairs"),
        (lambda: Lattice("x"), "step is 'x'"),
        (lambda: Lattice(1.0, 32.0), r"32 or 64 bits, not 32\.0"),
        (lambda: Lattice(1.0).encode([[1], [1, 2]], 1.0, Stream(KEY)), "vector of real numbers"),
        (lambda: Lattice(1.0).encode(np.ma.array([1.0, 9.0], mask=[0, 1]), 1.0, Stream(KEY)), "masked values"),
        (lambda: Lattice(1.0).encode([1.0], 2.0**63.5, Stream(KEY)), "clipped to norm"),
        (lambda: Lattice.for_sum(1.0, 2.5), r"sites is 2\.5"),
        (lambda: Lattice.for_sum(1.0, np.inf), "sites is inf"),
        (lambda: Lattice.for_sum(1.0, None), "sites is None"),
        (lambda: Lattice.for_sum(1.0, 3, length=2.5), r"length is 2\.5"),
        (lambda: Lattice.for_sum(1.0, 3, noise_deviation=1e308), "no lattice for"),
        (lambda: Lattice(1.0).norm_bound(3, 1.0, None), "beta is None"),
        (lambda: Lattice(1.0).sensitivity(10**700, 1.0), "length is a number of"),
        (lambda: Lattice(1.0).encode([1.0], "one", Stream(KEY)), "clip_norm is 'one'"),
        (lambda: Lattice(1.0).encode([1.0], 1.0, Stream(KEY), norm_bound=1j), "norm_bound is 1j"),
        (lambda: Lattice.for_sum(None, 3), "clip is None"),
        (lambda: Lattice.for_sum(1.0, 3, bits=0), "32 or 64 bits"),
        (lambda: Lattice(1.0).norm_bound(3, 1.0, 1.0), "beta"),
        (lambda: Lattice(1.0).sensitivity(0, 1.0), "length is 0; give 1 or more"),
        (lambda: Lattice(1.0).sensitivity(3, 1.0, norm_bound=-1.0), "positive number"),
        (lambda: Lattice(1.0).decode(np.zeros(3, np.uint64)), "1-d uint64"),
        (lambda: Lattice(1.0).decode([1, 2]), "this is list"),
        (lambda: add_mask(np.zeros(3, np.int32), Stream(KEY), 1), "1-d int32"),
        (lambda: add_mask(np.zeros((3, 2), np.uint32), Stream(KEY), 1), "2-d uint32"),
        (lambda: add_mask(np.zeros(6, np.uint32)[::2], Stream(KEY), 1), "contiguous"),
        (lambda: add_mask(np.zeros(3, np.uint32), Stream(KEY), 0), "a mask is added"),
        (lambda: add_mask(np.zeros(3, np.uint32), Stream(KEY), np.ones(2)), "a mask is added"),
    ],
)
def test_what_cannot_be_is_refused(call, what):
    with pytest.raises(PrivacyError, match=what):
        call()


def test_read_only_rings_are_decoded_and_not_masked():
    ring = np.array([1, 2**32 - 1], np.uint32)
    ring.flags.writeable = False
    assert Lattice(0.5).decode(ring).tolist() == [0.5, -0.5]
    with pytest.raises(PrivacyError, match="writable"):
        add_mask(ring, Stream(KEY), 1)
    with pytest.raises(ValueError, match="as many"):
        _lattice.add(np.zeros(3, np.uint32), np.zeros(2, np.uint32), False)


def test_numbers_of_numpy_are_numbers():
    lattice = Lattice.for_sum(
        np.float32(0.5), np.int64(100), bits=64, noise_deviation=np.float32(0.25), length=np.int32(9)
    )
    assert lattice == Lattice.for_sum(0.5, 100, bits=64, noise_deviation=0.25, length=9)
    assert lattice.sensitivity(np.int64(9), np.float32(0.5)) == lattice.sensitivity(9, 0.5)
    bound = np.float32(2.0**60)
    ring = lattice.encode([3.0, 4.0], np.float32(0.5), Stream(KEY), norm_bound=bound)
    assert np.array_equal(ring, lattice.encode([3.0, 4.0], 0.5, Stream(KEY), norm_bound=float(bound)))


def test_values_of_other_kinds_are_encoded():
    lattice = Lattice(0.5)
    for values in (
        [1, -2, 3],
        np.array([1, -2, 3], np.int8),
        np.array([1, -2, 3], np.float16),
        np.array([1, 0, -2, 0, 3.0])[::2],
    ):
        assert lattice.decode(lattice.encode(values, None, Stream(KEY))).tolist() == [1.0, -2.0, 3.0]
    assert lattice.encode([], 1.0, Stream(KEY)).tolist() == []
