"""Digests are exact and linear, and projections are as long as their theory says."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from cdt_core.errors import PrivacyError
from cdt_privacy.verifiable import Terms
from cdt_privacy.verifiable.group import ORDER
from cdt_privacy.verifiable.projection import _coefficients, _stream, digest_of
from cdt_privacy.verifiable.squares import _widths

SEED = bytes(range(32))


def slow_digest(vector, seed: bytes, projections: int) -> list[int]:
    """By Python's integers, one coefficient after another."""
    stream, sums = _stream(seed), [0] * (1 + projections)
    for start in range(0, len(vector), 1 << 16):
        block = [int(value) for value in vector[start : start + (1 << 16)]]
        rows = _coefficients(stream, len(block), projections)
        for column, value in enumerate(block):
            sums[0] += value * sum(int(rows[limb, column]) << (16 * limb) for limb in range(8))
            for row in range(projections):
                sums[1 + row] += value * int(rows[8 + row, column])
    return [sums[0] % ORDER, *sums[1:]]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(npst.arrays(np.int64, st.integers(1, 40)), st.integers(0, 5))
def test_a_digest_is_exact(vector, projections: int) -> None:
    assert digest_of(vector, SEED, projections) == slow_digest(vector, SEED, projections)


def test_a_digest_is_exact_across_blocks_at_the_extremes() -> None:
    extremes = np.array([2**63 - 1, -(2**63), -1, 0, 2**16, -(2**48)], np.int64)
    vector = np.resize(extremes, (1 << 16) + 3)
    assert digest_of(vector, SEED, 1) == slow_digest(vector, SEED, 1)


def test_a_digest_is_linear() -> None:
    rng = np.random.default_rng(1)
    one, two = rng.integers(-(2**30), 2**30, (2, 5000))
    left, right, both = (digest_of(vector, SEED, 3) for vector in (one, two, one + two))
    assert both[0] == (left[0] + right[0]) % ORDER
    assert both[1:] == [a + b for a, b in zip(left[1:], right[1:], strict=True)]


def test_another_seed_is_another_digest() -> None:
    vector = np.arange(100)
    assert digest_of(vector, SEED, 2) != digest_of(vector, bytes(32), 2)
    assert digest_of(vector, SEED, 2) == digest_of(vector, SEED, 2)


def test_coefficients_are_what_is_said() -> None:
    rows = _coefficients(_stream(SEED), 50_000, 4)
    words, small = rows[:8], rows[8:]
    assert (words.min(), words.max()) == (0, 65535)
    assert abs(words.mean() - 32767.5) < 5 * 65536 / math.sqrt(12 * words.size)
    assert abs(small.mean()) < 5 * 2 / math.sqrt(small.size)
    assert abs(small.var() - 4) < 0.06
    assert (small.min(), small.max()) == (-8, 8)


@pytest.mark.parametrize("shape", ["spread", "two", "one"])
def test_projected_norms_keep_the_stated_chances(shape) -> None:
    """For vectors of three shapes and 2,000 seeds: the limit holds for honest ones, long ones pass as seldom as stated."""
    vector = {"spread": np.full(64, 125), "two": np.array([707, 707]), "one": np.array([1000])}[shape]
    norm = float(np.linalg.norm(vector))
    terms = Terms.with_norm_bound("study/1", len(vector), math.ceil(norm), projections=8, honest_failure=1e-3)
    squares = np.array(
        [sum(y * y for y in digest_of(vector, number.to_bytes(4, "little"), 8)[1:]) for number in range(2000)], float
    )
    assert abs(squares.mean() / (4 * 8 * norm**2) - 1) < 0.06
    assert (squares > terms.square_limit).mean() <= 1e-3 + 3 * math.sqrt(1e-3 / 2000)
    for ratio in (2, 3, 4):
        chance = terms.chance_unseen(ratio * norm)
        assert (squares * ratio**2 <= terms.square_limit).mean() <= chance + 3 * math.sqrt(chance / 2000)


def test_chances_fall_with_length_and_number() -> None:
    few, many = (Terms.with_norm_bound("study/1", 100, 1000, projections=count) for count in (16, 64))
    chances = [many.chance_unseen(1000 * ratio) for ratio in (0.5, 1, 2, 3, 5, 10)]
    assert chances[:2] == [1, 1]
    assert all(a >= b for a, b in pairwise(chances))
    assert many.chance_unseen(4000) < few.chance_unseen(4000) < 0.05
    assert Terms(round="study/1", length=5).chance_unseen(1e9) == 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"round": " "}, "the round ' ' has no name"),
        ({"round": "\ud800"}, "has no name that can be printed"),
        ({"length": 0}, "an update has 1 to 2\\^30 numbers"),
        ({"projections": 3}, "give 1 to 256 of them and a limit"),
        ({"square_limit": 3}, "give 1 to 256 of them and a limit"),
        ({"projections": 257, "square_limit": 3}, "give 1 to 256"),
        ({"projections": 256, "square_limit": 1 << 224}, "squares could wrap around"),
    ],
)
def test_terms_without_a_meaning_are_refused(values, said) -> None:
    with pytest.raises(PrivacyError, match=said):
        Terms(**{"round": "study/1", "length": 5, **values})


def test_the_largest_terms_can_be_proved() -> None:
    _widths(256, (1 << 224) - 1)


@pytest.mark.parametrize("values", [{"norm_bound": 0}, {"projections": 0}, {"honest_failure": 0.0}])
def test_a_bound_without_a_meaning_is_refused(values) -> None:
    with pytest.raises(PrivacyError, match="wanted are"):
        Terms.with_norm_bound("study/1", 5, **{"norm_bound": 5, **values})


@pytest.mark.parametrize("norm", [5e-324, 1e-200, 1, 10, 100])
def test_short_updates_pass(norm) -> None:
    assert Terms.with_norm_bound("study/1", 1000, 1000).chance_unseen(norm) == 1.0


def test_long_updates_are_found_however_long_they_are() -> None:
    terms = Terms.with_norm_bound("study/1", 1000, 1000)
    chances = [terms.chance_unseen(norm) for norm in (2000, 3000, 1e6, 1e100, 1e300, 10**400, math.inf)]
    assert chances == sorted(chances, reverse=True)
    assert 0 < chances[-1] < 1e-14
    for wrong in (math.nan, "1", None):
        with pytest.raises(PrivacyError, match="the norm is"):
            terms.chance_unseen(wrong)


@pytest.mark.parametrize("bound", [1, 1000, 2**40, 3**25])
def test_a_bound_of_numpy_is_the_same_bound(bound) -> None:
    """The square of 2^40 does not fit into 64 bits, and must not wrap around into a small limit."""
    terms = Terms.with_norm_bound("study/1", 1000, bound)
    assert Terms.with_norm_bound("study/1", np.int64(1000), np.int64(bound), projections=np.int64(32)) == terms
    assert terms.square_limit > 4 * 32 * bound**2
    assert type(terms.square_limit) is int


@pytest.mark.parametrize("bound", [math.nan, math.inf, -1, 0, 0.5, 10**400, "1", None])
def test_bounds_that_bound_nothing_are_refused(bound) -> None:
    with pytest.raises(PrivacyError, match=r"norm_bound|the end"):
        Terms.with_norm_bound("study/1", 10, bound)


@pytest.mark.parametrize("name", ["length", "projections", "square_limit"])
@pytest.mark.parametrize("value", [2.5, "3", None])
def test_terms_are_whole_numbers(name, value) -> None:
    with pytest.raises(PrivacyError, match=f"{name}.* must be a whole number"):
        Terms(**{"round": "study/1", "length": 10, "projections": 2, "square_limit": 9, name: value})
