"""Gram matrices, projections and the compiled products are what NumPy makes of unfoldings, for any layout of the axes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.kernels import _tensor
from cdt_core.kernels.tucker import modes
from cdt_core.kernels.tucker.modes import energies, gram, groups, growing_gram, marginal, project, three_way
from tests.kernels.instruction_sets import LEVELS, using
from tests.kernels.tucker.tensors import DTYPES, normal

SHAPES = [
    (1, 5, 7),
    (1, 40, 300),
    (300, 40, 1),
    (300, 5, 1),
    (9, 33, 20),
    (90, 33, 3),
    (3, 70, 130),
    (700, 5, 20),
    (60, 40, 30),
    (2, 1, 2),
    (1, 1, 1),
]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_gram_and_projection_are_those_of_the_unfolding(shape, dtype, level):
    rng = np.random.default_rng(1)
    x, wide = normal(rng, shape, dtype), np.result_type(dtype, np.float64)
    unfolded = x.transpose(1, 0, 2).reshape(shape[1], -1).astype(wide)
    basis = normal(rng, (shape[1], max(shape[1] // 3, 1)), wide)
    with using(level, _tensor):
        found, projected = gram(x, np.dtype(wide)), project(basis, x)
    scale = np.abs(unfolded) @ np.abs(unfolded).T
    assert np.abs(found - unfolded @ unfolded.conj().T).max() <= 1e-13 * scale.max()
    assert (found == found.conj().T).all() or dtype not in (np.float32, np.float64)
    wanted = np.einsum("jr,ijk->irk", basis.conj(), x.astype(wide))
    assert np.abs(projected - wanted).max() <= 1e-13 * np.abs(basis).sum(0).max() * np.abs(x).max()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [*SHAPES, (1, 3, 70_000), (70_000, 3, 1)])
def test_a_part_of_a_gram_matrix_is_no_more_than_the_whole(shape, dtype):
    x, wide = normal(np.random.default_rng(2), shape, dtype), np.dtype(np.result_type(dtype, np.float64))
    part, whole = growing_gram(x, wide)
    assert np.linalg.eigvalsh(whole - part)[0] >= -1e-13 * np.trace(whole).real
    assert np.trace(part).real <= 0.5 * np.trace(whole).real
    assert x.size < 100_000 or np.trace(part).real >= 0.1 * np.trace(whole).real


@pytest.mark.parametrize("value", [1 / 3, 1 / 7])
def test_sums_in_single_precision_stay_as_precise_for_long_tensors(value):
    x = np.full((1, 33, 400_000), value, np.float32)
    found = gram(x, np.dtype(np.float32))
    assert found.dtype == np.float32
    assert np.abs(found / (400_000 * float(x[0, 0, 0]) ** 2) - 1).max() <= 5e-6


@pytest.mark.parametrize("run", [lambda x: gram(x, x.dtype), lambda x: project(np.eye(5), x)])
def test_many_small_slices_take_few_calls(run, monkeypatch):
    calls, matrix, add = [], modes._matrix, modes._add
    monkeypatch.setattr(modes, "_matrix", lambda *a: calls.append(0) or matrix(*a))
    monkeypatch.setattr(modes, "_add", lambda *a: calls.append(0) or add(*a))
    run(np.ones((20_000, 5, 20)))
    assert len(calls) <= 200


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 220),
    st.integers(1, 40),
    st.integers(1, 600),
    st.booleans(),
    st.booleans(),
    st.sampled_from(DTYPES[:2]),
    st.sampled_from(LEVELS),
)
def test_products_of_any_strides_are_those_of_numpy(m, n, depth, turned, turned_too, dtype, level):
    rng = np.random.default_rng(m * n)
    a = normal(rng, (depth, m), dtype).T if turned else normal(rng, (m, 2 * depth), dtype)[:, ::2]
    b = normal(rng, (n, depth), dtype).T if turned_too else normal(rng, (depth, n + 3), dtype)[:, :n]
    y = normal(rng, (m, n), dtype)
    wanted = y + a.astype(float) @ b
    with using(level, _tensor):
        _tensor.product(a, b, y)
    assert (
        np.abs(y - wanted).max()
        <= 4 * np.sqrt(depth + 9) * np.finfo(dtype).eps * (np.abs(a).astype(float) @ np.abs(b) + 9).max()
    )


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("n", [1, 15, 16, 17, 191, 192, 193, 250])
def test_half_of_a_symmetric_product_is_whole(n, level):
    a = normal(np.random.default_rng(n), (n, 300), np.float64)
    y = np.zeros((n, n))
    with using(level, _tensor):
        _tensor.product(a, a.T, y, True)
    assert np.abs(np.triu(y) - np.triu(a @ a.T)).max() <= 1e-11


def test_products_refuse_what_does_not_fit():
    a, b = np.ones((3, 4)), np.ones((4, 5))
    for shapes in ((a, a, np.ones((3, 4))), (a, b, np.ones((3, 4))), (a, b, np.ones((5, 5)))):
        with pytest.raises(ValueError, match="fit together"):
            _tensor.product(*shapes)
    with pytest.raises(ValueError, match="fit together"):
        _tensor.product(a, b, np.ones((3, 5)), True)
    with pytest.raises(ValueError, match="strides"):
        _tensor.product(a[::-1], b, np.ones((3, 5)))
    y = np.ones((3, 5))
    _tensor.product(np.ones((3, 0)), np.ones((0, 5)), y)
    assert (y == 1).all()


def test_marginals_of_a_group_are_the_gram_matrices_of_its_axes():
    x = normal(np.random.default_rng(2), (7, 2, 3, 4, 5), np.float64)
    whole = gram(three_way(x, range(1, 4)), np.dtype(float))
    for k in range(3):
        one = gram(three_way(x, range(k + 1, k + 2)), np.dtype(float))
        assert np.abs(marginal(whole, (2, 3, 4), k) - one).max() <= 1e-12 * one.max()


def test_energies_sum_to_that_of_the_tensor():
    x = normal(np.random.default_rng(3), (4, 5, 6), np.complex64)
    for axis in range(3):
        assert abs(energies(x, axis).sum() - np.linalg.norm(x) ** 2) <= 1e-4


def test_groups_hold_each_axis_once_and_short_neighbours_together():
    assert sorted(axis for group in groups((3, 2, 3, 241, 480)) for axis in group) == [0, 1, 2, 3, 4]
    assert groups((3, 2, 3, 241, 480)) == [range(3), range(3, 4), range(4, 5)]
    assert groups((128, 96, 24, 2)) == [range(2, 4), range(1), range(1, 2)]
