"""The pivots of a matrix hold all of it, up to the residual that they state."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.kernels.reference import cross as reference
from cdt_core.kernels.tensor_train.pivoting import prrlu, rook
from tests.kernels.tensor_train.trains import numbers


def matrix(shape, rank, dtype, seed=0):
    make = np.random.default_rng(seed)
    return numbers(make, (shape[0], rank), dtype) @ numbers(make, (rank, shape[1]), dtype)


def rest(a, found):
    """What the crossings leave, by the factors that are given."""
    return a - found.right_solve(a[:, found.cols]) @ a[found.rows]


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 6), st.sampled_from(["f8", "c16"]), st.integers(0, 99))
def test_pivots_are_those_of_the_textbook(m, n, rank, dtype, seed):
    a = matrix((m, n), rank, dtype, seed)
    found = prrlu(a, 1e-10 * np.abs(a).max(), 100)
    rows, cols, _ = reference.prrlu(a, 1e-10 * np.abs(a).max())
    assert found.rows.tolist() == rows
    assert found.cols.tolist() == cols
    assert len(rows) == min(m, n, rank)
    assert np.abs(found.lower @ found.upper - a[np.ix_(rows, cols)]).max() <= 1e-13 * np.abs(a).max()
    assert np.abs(rest(a, found)).max() <= 1e-10 * np.abs(a).max()


def test_the_residual_is_the_largest_entry_left():
    a = 1.0 / (1.0 + np.add.outer(np.arange(40), np.arange(30)))
    for rank in range(1, 9):
        found = prrlu(a, 0.0, rank)
        assert len(found.rows) == rank
        assert abs(np.abs(rest(a, found)).max() - found.residual) <= 1e-14
    assert prrlu(a, 1e-3, 100).residual <= 1e-3


@pytest.mark.parametrize("dtype", ["f8", "c16"])
def test_both_solves_and_the_transposed_pivots_agree(dtype):
    a = matrix((30, 20), 5, dtype)
    found = prrlu(a, 1e-10, 100)
    expected = a[:, found.cols] @ np.linalg.inv(a[np.ix_(found.rows, found.cols)])
    assert np.abs(found.right_solve(a[:, found.cols]) - expected).max() <= 1e-11
    turned = found.transposed()
    assert np.abs(turned.left_solve(a[:, found.cols].T) - expected.T).max() <= 1e-11
    assert turned.rows is found.cols
    assert np.abs(turned.lower @ turned.upper - a[np.ix_(found.rows, found.cols)].T).max() <= 1e-12


def test_a_matrix_of_zeros_has_one_pivot():
    found = prrlu(np.zeros((3, 4)), 1e-10, 5)
    assert found.rows.tolist() == [0]
    assert found.residual == 0.0


@pytest.mark.parametrize("dtype", ["f8", "c16"])
def test_rook_search_reads_few_rows_and_columns_and_finds_all_of_the_matrix(dtype):
    a = matrix((300, 200), 6, dtype)
    asked = []

    def read(rows, cols):
        asked.append(len(rows) * len(cols))
        return a[np.ix_(rows, cols)]

    found = rook(read, a.shape, np.arange(10), (1e-9, 100))
    assert sum(asked) <= a.size // 2
    assert len(found.pivots.rows) == 6
    assert np.array_equal(found.lines, a[found.pivots.rows])
    assert np.array_equal(found.columns, a[:, found.pivots.cols])
    assert np.abs(found.pivots.right_solve(found.columns) @ found.lines - a).max() <= 1e-9
    turned = rook(lambda j, i: read(i, j).T, a.T.shape, np.arange(10), (1e-9, 100)).transposed()
    assert np.array_equal(turned.columns, a[:, turned.pivots.cols])
    assert np.abs(turned.pivots.right_solve(turned.columns) @ turned.lines - a).max() <= 1e-9
