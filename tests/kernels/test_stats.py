"""The compiled statistics say what NumPy and exact fractions say, however the values are split."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import UnsupportedDtypeError
from cdt_core.kernels import stats
from cdt_core.kernels.reference import stats as reference
from cdt_core.model import Bound
from tests.kernels.arrays import FLOATS, INTEGERS, arrays

NUMBERS = (*FLOATS, *INTEGERS)
COUNTS = ("count", "missing", "nan", "positive_infinite", "negative_infinite", "zeros", "minimum", "maximum", "finite")
pairs_of_kinds = st.sampled_from(
    [None, Bound("lossless"), Bound("abs", 0.5), Bound("abs", 2.0), Bound("pw_rel", 1e-3), Bound("rmse", 0.5)]
)


def mask_of(values, seed):
    return None if seed is None else np.random.default_rng(seed).random(values.shape) < 0.2


masks = st.none() | st.integers(0, 99)


@st.composite
def pairs(draw, dtypes=NUMBERS):
    """An array, and one that differs from it here and there, in its special values too."""
    x = draw(arrays(dtypes))
    make = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    y = np.array(x, copy=True, order="C").astype(x.dtype.newbyteorder("="))
    if y.size:
        flat = y.reshape(-1)
        with np.errstate(all="ignore"):
            if y.dtype.kind == "f":
                flat[:] += (make.integers(-2, 3, flat.size) * draw(st.sampled_from([0.0, 0.25, 1e-3]))).astype(y.dtype)
            spots = make.random(flat.size) < draw(st.sampled_from([0.0, 0.1]))
            flat[spots] = make.permutation(flat)[spots]
        if y.ndim == 0:
            y = flat.reshape(())
    return x.astype(y.dtype), y


def small(values, mask=None):
    """Whether sums of squares are far from overflow."""
    kept = values if mask is None else values[~mask]
    kept = kept[np.isfinite(kept)].astype(float)
    return not kept.size or np.abs(kept).max() < 1e100


def same_counts(left, right):
    return [getattr(left, name) for name in COUNTS] == [getattr(right, name) for name in COUNTS]


def close(left, right, scale):
    return abs(left - right) <= 1e-11 * scale + 1e-300


def same_moments(left, right, values, mask=None):
    kept = values if mask is None else values[~mask]
    size = np.abs(kept[np.isfinite(kept)].astype(float))
    total, squares = float(size.sum()), float((size**2).sum())
    return (
        close(left.total, right.total, total)
        and close(left.mean, right.mean, float(size.max()) if size.size else 0)
        and close(left.m2, right.m2, squares)
    )


@settings(max_examples=250, deadline=None)
@given(arrays((*NUMBERS, "f2", "b1")), masks)
def test_description_is_that_of_numpy(x, seed):
    mask = mask_of(x, seed)
    found = stats.describe(x, missing=mask)
    wide = x.astype({"b1": "u1", "f2": "f4"}.get(x.dtype.str[1:], x.dtype))
    with np.errstate(all="ignore"):
        expected = reference.describe(np.asarray(wide), mask)
    assert same_counts(found, expected)
    if small(wide, mask):
        assert same_moments(found, expected, wide, mask)


@settings(max_examples=150, deadline=None)
@given(arrays(NUMBERS), masks, st.lists(st.integers(0, 600), max_size=4))
def test_descriptions_of_pieces_merge_to_that_of_the_whole(x, seed, cuts):
    flat = x.reshape(-1)
    mask = mask_of(flat, seed)
    edges = [0, *sorted(min(cut, flat.size) for cut in cuts), flat.size]
    with np.errstate(all="ignore"):
        merged = stats.Description()
        for start, stop in pairwise(edges):
            piece = slice(start, stop)
            merged = merged.merge(stats.describe(flat[piece], missing=None if mask is None else mask[piece]))
    whole = stats.describe(flat, missing=mask)
    assert same_counts(merged, whole)
    if small(flat, mask):
        assert same_moments(merged, whole, flat, mask)


@settings(max_examples=250, deadline=None)
@given(pairs(), masks, pairs_of_kinds, st.sampled_from([None, (-3.0, 5.0), (1.0, 1.0), (-1e308, 1e308)]))
def test_comparison_is_that_of_numpy(xy, seed, bound, edges):
    x, y = xy
    mask = mask_of(x, seed)
    found = stats.compare(x, y, missing=mask, bound=bound, edges=edges)
    with np.errstate(all="ignore"):
        expected = reference.compare(x, y, mask, edges, bound)
    assert same_counts(found.original, expected.original)
    assert same_counts(found.treated, expected.treated)
    assert (found.finite, found.mismatched) == (expected.finite, expected.mismatched)
    assert (found.histogram_original == expected.histogram_original).all()
    assert (found.histogram_treated == expected.histogram_treated).all()
    assert found.error_histogram.tolist() == expected.error_histogram.tolist()
    if small(x, mask) and small(y, mask):
        both = np.isfinite(x) & np.isfinite(y) & (True if mask is None else ~mask)
        a, b = x[both].astype(float), y[both].astype(float)
        sizes = np.abs(a).sum() + np.abs(b).sum()
        assert close(found.sum_error, expected.sum_error, sizes)
        assert close(found.sum_squared_error, expected.sum_squared_error, (a**2).sum() + (b**2).sum())
        assert close(found.co_moment, expected.co_moment, (a**2).sum() + (b**2).sum())


@settings(max_examples=250, deadline=None)
@given(pairs(), st.sampled_from([Bound("abs", 0.25), Bound("abs", 1e-3), Bound("abs", 1.0), Bound("abs", 3.0)]))
def test_errors_are_decided_without_rounding(xy, bound):
    x, y = xy
    found = stats.compare(x, y, bound=bound)
    errors = exact_errors(x, y)
    assert found.max_error == largest(errors)
    assert found.over_bound == sum(error > Fraction(bound.value) for error, _ in errors)


@settings(max_examples=250, deadline=None)
@given(pairs(FLOATS), st.sampled_from([1e-3, 0.25, 1e-7, 1.0, 2.0]))
def test_relative_errors_are_decided_without_rounding(xy, share):
    x, y = xy
    found = stats.compare(x, y, bound=Bound("pw_rel", share))
    errors = exact_errors(x, y)
    assert found.over_bound == sum(error > Fraction(share) * size for error, size in errors)
    worst = max((error / size for error, size in errors if size), default=Fraction(0))
    if worst < Fraction(10) ** 300:
        assert abs(found.max_relative_error - float(worst)) <= 4e-16 * float(worst)


def exact_errors(x, y):
    both = np.isfinite(x) & np.isfinite(y)
    values = zip(x[both].tolist(), y[both].tolist(), strict=True)
    return [(abs(Fraction(a) - Fraction(b)), abs(Fraction(a))) for a, b in values]


def largest(errors):
    worst = max((error for error, _ in errors), default=Fraction(0))
    return math.inf if worst > Fraction(2) ** 1024 - Fraction(2) ** 969 else float(worst)


@pytest.mark.parametrize(
    ("x", "y", "bound", "over"),
    [
        (0.3, 0.1, Bound("abs", 0.2), 0),  # 0.3 - 0.1 is below 0.2 by less than a rounding
        (1.0, 1.0 + 2**-52, Bound("abs", 2**-52), 0),
        (1e16, -1.5, Bound("abs", 1e16), 1),  # the difference rounds to the bound, and is above it
        (1e16, 0.5, Bound("abs", 1e16), 0),
        (3.0, 3.3, Bound("pw_rel", 0.1), 0),
        (np.ldexp(5.0, -1074), np.ldexp(7.0, -1074), Bound("pw_rel", 0.35), 1),
        (1.7e308, -1.7e308, Bound("pw_rel", 2.0), 0),
        (1.7e308, -1.75e308, Bound("pw_rel", 2.0), 1),
        (0.0, 5e-324, Bound("pw_rel", 1.0), 1),
    ],
)
def test_ties_with_the_bound(x, y, bound, over):
    pair = np.array([x]), np.array([y])
    ((error, size),) = exact_errors(*pair)
    allowed = Fraction(bound.value) * (size if bound.kind == "pw_rel" else 1)
    assert over == (error > allowed)
    assert stats.compare(*pair, bound=bound).over_bound == over


def test_a_relative_error_whose_difference_has_no_double():
    x, y = np.array([-7.28e307, 1.0]), np.array([1.53e308, 1.5])
    found = stats.compare(x, y, bound=Bound("pw_rel", 0.5))
    assert found.max_error == math.inf
    assert found.max_relative_error == pytest.approx(
        float((Fraction(1.53e308) + Fraction(7.28e307)) / Fraction(7.28e307))
    )


@settings(max_examples=100, deadline=None)
@given(pairs(), masks, pairs_of_kinds, st.integers(0, 600))
def test_comparisons_of_pieces_merge_to_that_of_the_whole(xy, seed, bound, cut):
    x, y = (side.reshape(-1) for side in xy)
    mask = mask_of(x, seed)
    pieces = [slice(0, cut), slice(cut, None)]
    with np.errstate(all="ignore"):
        first, second = (
            stats.compare(x[p], y[p], missing=None if mask is None else mask[p], bound=bound, edges=(-3.0, 5.0))
            for p in pieces
        )
        merged = first.merge(second)
    whole = stats.compare(x, y, missing=mask, bound=bound, edges=(-3.0, 5.0))
    for name in ("finite", "mismatched", "max_error", "max_relative_error", "over_bound"):
        assert getattr(merged, name) == getattr(whole, name)
    for name in ("histogram_original", "histogram_treated", "error_histogram"):
        assert (getattr(merged, name) == getattr(whole, name)).all()
    assert same_counts(merged.original, whole.original)
    assert same_counts(merged.treated, whole.treated)


@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1e-150, 1.0, 1e150])
def test_the_root_mean_square_of_errors_decides_at_any_scale(scale):
    x = np.zeros(100)
    y = scale * np.linspace(0.5, 1.5, 100)
    rms = scale * float(np.sqrt(np.mean(np.square(y / scale))))
    assert not stats.compare(x, y).keeps(Bound("rmse", 0.99 * rms))
    assert stats.compare(x, y).keeps(Bound("rmse", (1.01 if scale > 1e-140 else 1.5) * rms))
    assert stats.compare(x, x).keeps(Bound("rmse", 5e-324))
    assert not stats.compare(x, np.where(x == 0, np.nan, x)).keeps(Bound("rmse", 9.0))


@settings(max_examples=100, deadline=None)
@given(arrays(NUMBERS), masks, pairs_of_kinds)
def test_an_array_beside_itself_is_as_beside_its_copy(x, seed, bound):
    mask = mask_of(x, seed)
    once = stats.compare(x, x, missing=mask, bound=bound, edges=(-3.0, 5.0))
    twice = stats.compare(x, x.copy(), missing=mask, bound=bound, edges=(-3.0, 5.0))
    assert same_counts(once.treated, twice.treated)
    for name in ("finite", "mismatched", "max_error", "max_relative_error", "over_bound", "sum_error"):
        assert getattr(once, name) == getattr(twice, name)
    assert once.co_moment == twice.co_moment or not math.isfinite(once.co_moment)
    assert (once.histogram_treated == twice.histogram_treated).all()
    assert (once.error_histogram == twice.error_histogram).all()


def test_correlation_of_masked_pairs_survives_merging():
    make = np.random.default_rng(2)
    x = make.normal(size=5000)
    y = x + make.normal(size=5000)
    whole = stats.compare(x, y)
    expected = np.corrcoef(x, y)[0, 1]
    assert abs(whole.co_moment / math.sqrt(whole.original.m2 * whole.treated.m2) - expected) <= 1e-12


def test_results_do_not_depend_on_layout():
    x = np.random.default_rng(1).normal(size=(40, 50))
    assert stats.describe(x) == stats.describe(x.astype(">f8")) == stats.describe(np.asfortranarray(x))


def test_a_far_mean_does_not_spoil_the_variance():
    x = 1e9 + np.random.default_rng(1).normal(size=100_000)
    found = stats.describe(x)
    assert abs(found.m2 / x.size - x.var()) <= 1e-7


def test_wide_integers_have_exact_extremes():
    x = np.array([2**63 - 1, -(2**63), 2**63 - 2], "i8")
    assert (stats.describe(x).minimum, stats.describe(x).maximum) == (-(2**63), 2**63 - 1)
    assert stats.compare(x[1:2], x[:1]).max_error == 2.0**64


@pytest.mark.parametrize(
    ("values", "codes", "expected"),
    [
        (np.array([1, -999.9, np.nan], "f4"), (-999.9,), [1]),
        (np.array([1, -999.9, np.nan], "f4"), (np.float64(-999.9),), [1]),
        (np.array([1, 2, np.nan], "f4"), (math.nan,), [2]),
        (np.array([1, np.inf], "f4"), (1e300, 10**400), []),
        (np.array([1, np.inf], "f4"), (math.inf,), [1]),
        (np.array([1, 255], "u1"), (-1, 300, 255.0), [1]),
        (np.array([2**63 - 1, 2**63 - 2], "i8"), (2**63 - 1,), [0]),
        (np.array([True, False]), (1,), [0]),
    ],
)
def test_missing_codes_are_found_as_the_type_holds_them(values, codes, expected):
    found = stats.mask(values, codes)
    assert ([] if found is None else found.nonzero()[0].tolist()) == expected


@pytest.mark.parametrize(
    "values", [np.zeros(2, "c8"), np.zeros(2, "M8[s]"), np.zeros(2, "S1"), np.zeros(2, np.longdouble)]
)
def test_types_without_statistics_are_refused(values):
    with pytest.raises(UnsupportedDtypeError):
        stats.describe(values)


def test_what_cannot_be_compared_is_refused():
    x = np.zeros(3)
    with pytest.raises(ValueError, match="cannot compare"):
        stats.compare(x, np.zeros(3, "f4"))
    with pytest.raises(ValueError, match="resolved"):
        stats.compare(x, x, bound=Bound("rel", 0.1))
    with pytest.raises(ValueError, match="2 places for 3"):
        stats.describe(x, missing=np.zeros(2, bool))


def test_errors_of_wide_integers_are_those_of_their_difference():
    x = np.array([2**60, 2**60 + 5, -(2**62)], np.int64)
    found = stats.compare(x, x + np.array([3, -2, 0]))
    assert (found.sum_error, found.sum_squared_error, found.max_error) == (1.0, 13.0, 3.0)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 5), st.integers(1, 700), st.sampled_from(["u1", "f4", "f8"]), st.integers(0, 2**32))
def test_row_hashes_are_those_of_the_reference_and_part_rows(count, width, dtype, seed):
    rows = np.random.default_rng(seed).integers(0, 256, (count, width * np.dtype(dtype).itemsize)).astype(np.uint8)
    rows = rows.view(dtype)
    found = stats.row_hashes(rows)
    assert found.tolist() == reference.row_hashes(rows).tolist()
    other = rows.copy()
    other.view(np.uint8)[0, seed % rows.view(np.uint8).shape[1]] ^= 1 << seed % 8
    changed = stats.row_hashes(other)
    assert changed[0] != found[0]
    assert changed[1:].tolist() == found[1:].tolist()


def test_row_hashes_of_nothing():
    assert stats.row_hashes(np.zeros((3, 0))).tolist() == [0, 0, 0]
    assert stats.row_hashes(np.zeros((0, 5))).size == 0


def test_swapped_blocks_and_trailing_zeros_have_other_hashes():
    row = np.random.default_rng(0).integers(0, 9, 128).astype(np.uint64)
    swapped = np.concatenate([row[64:], row[:64]])
    assert len({int(stats.row_hashes(r[None])[0]) for r in (row, swapped, row[::-1], np.append(row, 0), row[:-1])}) == 5
