"""Random rows are the same however they are asked for, on every machine, and random enough."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.kernels.tensor_train.random_rows import random_rows, row_signs

GOLDEN_ROWS = [
    "0x1.4f21ac3387df7p+0",
    "-0x1.a96f5ad3b040ap-5",
    "0x1.b17907f997e1bp-1",
    "0x1.0e97a3d76e776p+0",
    "-0x1.441fa04157cb8p+0",
    "0x1.1db50aa06f2efp-2",
]
GOLDEN_SIGNS = [[1, 1, -1, 1, 1, -1], [1, -1, 1, 1, 1, -1], [-1, 1, 1, -1, 1, -1]]


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 23))
def test_any_stretch_of_rows_alone_is_that_of_all(start, count, width):
    rows = random_rows((7, 3), 0, 100, width)
    assert np.array_equal(random_rows((7, 3), start, start + count, width), rows[start : start + count])


def test_the_numbers_are_these_for_ever():
    """Sketches of different years and machines add up: these are golden."""
    found = random_rows((1, 2), 5, 7, 3)
    assert [number.hex() for number in found.ravel().tolist()] == GOLDEN_ROWS
    assert row_signs(9, np.array([0, 1, 2**63], np.uint64), 6).astype(int).tolist() == GOLDEN_SIGNS


def test_mean_variance_and_independence():
    rows = random_rows((0, 0), 0, 4000, 25)
    assert abs(rows.mean()) <= 0.02
    assert abs(rows.var() - 1.0) <= 0.02
    assert np.abs(rows.T @ rows / 4000 - np.eye(25)).max() <= 0.1
    others = random_rows((0, 1), 0, 4000, 25)
    assert np.abs(rows.T @ others / 4000).max() <= 0.1


def test_signs_are_fair_and_independent():
    signs = row_signs(3, np.arange(20_000), 32)
    assert set(np.unique(signs)) == {-1.0, 1.0}
    assert np.abs(signs.T @ signs / 20_000 - np.eye(32)).max() <= 0.05
    assert np.abs(signs.mean(axis=0)).max() <= 0.05
    assert not np.array_equal(signs, row_signs(4, np.arange(20_000), 32))


@pytest.mark.parametrize("first", [1, 1 << 40, (1 << 63) - 1])
def test_large_seeds_and_far_rows(first):
    assert np.isfinite(random_rows((first, 5), 10**9, 10**9 + 2, 3)).all()
