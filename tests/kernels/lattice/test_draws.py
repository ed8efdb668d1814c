"""Discrete noise has its law, at every level, on every path."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import chisquare, kstest

from cdt_core.errors import PrivacyError
from cdt_core.kernels import _lattice
from cdt_core.kernels.lattice import Stream, discrete_gaussian, discrete_laplace
from cdt_core.kernels.lattice.curves import Curve
from cdt_core.kernels.lattice.draws import draw
from cdt_core.kernels.lattice.exact import below
from cdt_core.kernels.lattice.rare import from_tails, one
from cdt_core.kernels.lattice.tables import MARGIN, table_of
from cdt_core.kernels.reference import lattice as reference
from tests.kernels.instruction_sets import LEVELS, using

KEY = bytes(range(32))
LEAST = 1e-6


def gaussian(sigma):
    exact = Fraction(sigma)
    return Curve(1 / (2 * exact * exact), Fraction(0))


def laplace(scale):
    return Curve(Fraction(0), 1 / Fraction(scale))


def exponent(curve, sizes):
    sizes = np.abs(sizes).astype(float)
    return float(curve.quadratic) * sizes**2 + float(curve.linear) * sizes


def fits(drawn, curve, width):
    """The p-value of a law: neighbours are one cell until ten of them are expected, which a single integer mostly is."""
    widest = int(12 * width) + 4 if curve.quadratic else int(60 * width) + 60
    assert np.abs(drawn).max() <= widest
    support = np.arange(-widest, widest + 1)
    chances = np.exp(-exponent(curve, support))
    chances *= len(drawn) / chances.sum()
    cell_of = np.empty(support.size, int)
    cell, sum_of_cell = 0, 0.0
    for k, chance in enumerate(chances):
        if sum_of_cell > 10:
            cell, sum_of_cell = cell + 1, 0.0
        cell_of[k] = cell
        sum_of_cell += chance
    cell_of[cell_of == cell] = max(cell - 1, 0)  # the last one may expect fewer
    expected = np.bincount(cell_of, chances)
    return chisquare(np.bincount(cell_of[drawn + widest], minlength=expected.size), expected).pvalue


@pytest.mark.parametrize("sigma", [0.25, 1, 2.5, Fraction(10, 3), 100.25, 1000, 4567.5])
def test_gaussian_draws_have_their_law(sigma):
    """Ten million of them where that is quick, the rest of the parameters with two."""
    drawn = discrete_gaussian(Stream(KEY), sigma, 10**7 if sigma in (1, 100.25, 4567.5) else 2 * 10**6)
    assert fits(drawn, gaussian(sigma), float(sigma)) > LEAST


@pytest.mark.parametrize("scale", [0.25, 1, Fraction(10, 3), 100.25, 1000])
def test_laplace_draws_have_their_law(scale):
    assert fits(discrete_laplace(Stream(KEY), scale, 2 * 10**6), laplace(scale), float(scale)) > LEAST


@pytest.mark.parametrize("kind", [discrete_gaussian, discrete_laplace])
@pytest.mark.parametrize("width", [1e6, 3.7e12, 2.0**57])
def test_wide_laws_have_their_shape_and_fill_every_last_bit(kind, width):
    drawn = kind(Stream(KEY), width, 200_000)
    name = "norm" if kind is discrete_gaussian else "laplace"
    assert kstest(drawn / width, name).pvalue > LEAST
    for bits in range(0, int(np.log2(width)) - 8, 8):
        assert chisquare(np.bincount((drawn >> bits) & 255, minlength=256)).pvalue > LEAST


@pytest.mark.parametrize(
    ("curve", "low_bits", "width"),
    [
        (gaussian(0.5), None, 0.5),
        (gaussian(6.5), None, 6.5),
        (laplace(4), None, 4),
        (gaussian(160), 1, 160),
        (laplace(200), 2, 200),
    ],
    ids=["gaussian 0.5", "gaussian 6.5", "laplace 4", "gaussian 160 in blocks", "laplace 200 in blocks"],
)
def test_what_tables_leave_open_is_decided_by_the_same_law(curve, low_bits, width):
    """Few units and a margin that believes no float: rounded cells, tails and comparisons all take the long way, often."""
    table = table_of(curve, low_bits, unit_bits=11, margin=2.0)
    drawn = draw(table, Stream(KEY), 20_000)
    assert fits(drawn, curve, width) > LEAST
    stream = Stream(KEY)
    assert fits(np.array([one(table, stream) for _ in range(3000)]), curve, width) > LEAST


@pytest.mark.parametrize(
    ("curve", "low_bits"),
    [(gaussian(0.5), None), (gaussian(6.5), None), (laplace(4), None), (gaussian(160), 1), (laplace(200), 2)],
    ids=["gaussian 0.5", "gaussian 6.5", "laplace 4", "gaussian 160 in blocks", "laplace 200 in blocks"],
)
def test_tails_have_the_law_and_their_share_of_it(curve, low_bits):
    table = table_of(curve, low_bits, unit_bits=11)
    stream, tries = Stream(KEY), 4000
    drawn = [x for x in (from_tails(table, stream) for _ in range(tries)) if x is not None]
    sizes = table.reach + np.arange(40 * table.reach)
    chances = table.scale * np.exp(-exponent(curve, sizes)) / (1 if low_bits is None else 2 << low_bits) / table.tail
    # Sizes count from ``reach`` on, of negative integers from one later.
    upper, lower = tries * chances, tries * np.append(chances[1:], 0)
    expected = upper.sum() + lower.sum()
    assert abs(len(drawn) - expected) < 6 * np.sqrt(expected) + 1
    found = np.array(drawn)
    seen, cells, start = [], [], 0
    for end in np.flatnonzero(np.diff(np.cumsum(upper) // 15)) + 1:
        for sign, chance in ((1, upper), (-1, lower)):
            inner = sign * found - (sign < 0)
            seen.append(np.count_nonzero((inner >= table.reach + start) & (inner < table.reach + end)))
            cells.append(chance[start:end].sum())
        start = end
    assert all(np.abs(found + 0.5) > table.reach)
    if cells:
        rest = len(drawn) - sum(seen)
        assert (
            chisquare([*seen, rest], np.array([*cells, expected - sum(cells)]) * len(drawn) / expected).pvalue > LEAST
        )


@pytest.mark.parametrize(("sigma", "scale"), [(1.5, 2.5)])
def test_the_reference_has_the_law(sigma, scale):
    stream = Stream(KEY)

    def uniform(count):
        return below(count, stream)

    drawn = np.array([reference.discrete_gaussian(Fraction(sigma), uniform) for _ in range(3000)])
    assert fits(drawn, gaussian(sigma), sigma) > LEAST
    drawn = np.array([reference.discrete_laplace(Fraction(scale), uniform) for _ in range(3000)])
    assert fits(drawn, laplace(scale), scale) > LEAST


@pytest.mark.parametrize("sigma", [0.3, 7, 900.5, 5e3, 1e9, 2.0**57])
def test_every_level_draws_the_same(sigma):
    for size in (*range(20), 1000, 40_000):
        results = []
        for level in LEVELS:
            with using(level, _lattice):
                stream = Stream(KEY)
                results.append(
                    (discrete_gaussian(stream, sigma, size), discrete_laplace(stream, sigma, size), stream.take(8))
                )
        for other in results[1:]:
            assert all(np.array_equal(a, b) for a, b in zip(results[0][:2], other[:2], strict=True))
            assert other[2] == results[0][2]


@pytest.mark.parametrize("low_bits", [None, 3])
def test_every_level_takes_the_long_way_at_the_same_draws(low_bits):
    table = table_of(gaussian(60 if low_bits is None else 1000), low_bits, unit_bits=12, margin=2.0**-8)
    results = []
    for level in LEVELS:
        with using(level, _lattice):
            results.append(draw(table, Stream(KEY), 3000))
    assert all(np.array_equal(results[0], other) for other in results[1:])


def test_what_double_precision_decides_is_right():
    """Chances by the kernel's arithmetic are off by less than the margin that leaves them to integers."""
    curve, low_bits = gaussian(5000), 5
    close = table_of(curve, low_bits)
    wide = table_of(curve, low_bits, margin=2.0**-20)
    rng = np.random.default_rng(0)
    words, places, spare = (rng.integers(0, 2**bits, 40_000, dtype=f"u{bits // 8}") for bits in (32, 64, 64))
    assert close.blocks is not None
    assert wide.blocks is not None
    ours, out = np.empty(40_000, np.int64), np.empty(40_000, np.int64)
    done, stop, _, _ = close.blocks.draw(words, places, spare, ours)
    assert (done, stop) == (40_000, _lattice.DONE)
    done, stop, _, _ = wide.blocks.draw(words, places, spare, out)
    assert np.array_equal(out[:done], ours[:done])
    assert MARGIN < 2.0**-20


def test_a_draw_goes_on_where_spare_words_ended():
    table = table_of(gaussian(5000), 5)
    assert table.blocks is not None
    rng = np.random.default_rng(1)
    words, places, spare = (rng.integers(0, 2**bits, 30_000, dtype=f"u{bits // 8}") for bits in (32, 64, 64))
    whole = np.empty(30_000, np.int64)
    table.blocks.draw(words, places, spare, whole)
    out, done, at = np.empty(30_000, np.int64), 0, 0
    words, places = words.copy(), places.copy()
    while done < out.size:
        more, stop, used, last = table.blocks.draw(words[done:], places[done:], spare[at : at + 4], out[done:])
        done, at = done + more, at + used
        if stop == _lattice.DRY:
            words[done], places[done] = last[:2]
    assert np.array_equal(out, whole)


def test_a_float_is_the_fraction_that_it_is():
    a = discrete_gaussian(Stream(KEY), 0.1, 1000)
    assert np.array_equal(a, discrete_gaussian(Stream(KEY), Fraction(0.1), 1000))
    assert np.array_equal(a, discrete_gaussian(Stream(KEY), np.float64(0.1), 1000))
    for three in (np.int32(3), np.float32(3), np.longdouble(3), Fraction(3)):
        assert np.array_equal(discrete_gaussian(Stream(KEY), 3, 1000), discrete_gaussian(Stream(KEY), three, 1000))


def test_every_width_has_a_table():
    """Those at which the kind of a table changes, and others of all sizes; a table that had too few units would say so."""
    edges = [255.99, 256, 1023.99, 1024, 2048, 511.99 * 2.0**47, 512 * 2.0**47, 2.0**57, Fraction(10**30 + 1, 10**20)]
    widths = [*edges, *2.0 ** np.random.default_rng(2).uniform(-40, 57, 20)]
    for width in widths:
        for kind in (discrete_gaussian, discrete_laplace):
            drawn = kind(Stream(KEY), width, 400)
            assert np.abs(drawn / float(width)).max() < 25
            assert width < 1 or 0.5 < drawn.std() / float(width) < 2


def test_narrow_laws_are_nearly_always_zero():
    assert not discrete_gaussian(Stream(KEY), 1e-300, 1000).any()
    assert not discrete_laplace(Stream(KEY), Fraction(1, 10**20), 1000).any()


@pytest.mark.parametrize("wrong", [0, -1, np.nan, np.inf, 2.0**58, "1", None, 1j])
def test_parameters_without_a_law_are_refused(wrong):
    with pytest.raises(PrivacyError, match="sigma is"):
        discrete_gaussian(Stream(KEY), wrong, 3)
    with pytest.raises(PrivacyError, match="scale is"):
        discrete_laplace(Stream(KEY), wrong, 3)


def test_sizes_that_are_no_counts_are_refused():
    for wrong in (-1, 2.5, (3, 4), None, 2**62, 2**80):
        with pytest.raises(PrivacyError, match="size is"):
            discrete_gaussian(Stream(KEY), 1, wrong)
