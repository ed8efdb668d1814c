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
