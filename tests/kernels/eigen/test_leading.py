"""Leading eigenpairs are those of a dense decomposition within their bounds, whatever the data's shape and place."""

from __future__ import annotations

import math
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import TensorError
from cdt_core.kernels.eigen import leading
from cdt_core.kernels.eigen.pairs import Eigenpairs
from cdt_core.kernels.reference import eigen as reference
from tests.kernels.eigen.matrices import with_spectrum

FALLING = 0.8 ** np.arange(120)

#: (m, n, k) that are solved by the dense matrix of the variables, of the samples, and by iteration.
BY_VARIABLES, BY_SAMPLES, BY_ITERATION = (400, 60, 5), (60, 400, 5), (700, 600, 3)


def assert_right(found: Eigenpairs, x: np.ndarray, centre: bool = True) -> None:
    """Values within their bounds, vectors orthonormal, residuals as they are measured by a dense product."""
    k = len(found.values)
    values, _ = reference.leading(x, k, centre)
    scale = max(values[0], np.finfo(float).tiny)
    exact = 64 * np.finfo(float).eps * scale
    assert (np.abs(found.values - values) <= found.error_bounds + exact).all()
    assert np.abs(found.vectors.conj().T @ found.vectors - np.eye(k)).max() <= 1e-13
    product = reference.normal_product(x, found.vectors, x.mean(axis=0, dtype=found.vectors.dtype) if centre else None)
    residuals = np.linalg.norm(product - found.vectors * found.values, axis=0)
    assert (residuals <= found.residuals * (1 + 1e-6) + exact).all()


@pytest.mark.parametrize("shape", [BY_VARIABLES, BY_SAMPLES, BY_ITERATION])
@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "c16"])
@pytest.mark.parametrize("centre", [True, False])
def test_pairs_are_those_of_a_dense_decomposition(shape, dtype, centre) -> None:
    m, n, k = shape
    x = with_spectrum(m, FALLING[: min(m, n)], n, dtype) + np.asarray(0.5, dtype)
    found = leading(x, k, centre=centre)
    assert_right(found, x, centre)
    assert (found.error_bounds <= 1e-10 * found.values + 1e-12 * found.values[0]).all()
    assert found.vectors.dtype == (np.complex128 if "c" in dtype else np.float64)


@settings(max_examples=40)
@given(
    m=st.integers(1, 40),
    n=st.integers(1, 40),
    data=st.data(),
    rank=st.integers(0, 10),
    seed=st.integers(0, 99),
    centre=st.booleans(),
)
def test_any_shape_any_rank_any_number_of_pairs(m, n, data, rank, seed, centre) -> None:
    x = with_spectrum(m, np.linspace(2.0, 1.0, min(rank, m, n)), n, seed=seed)
    found = leading(x, data.draw(st.integers(1, n)), centre=centre)
    assert_right(found, x, centre)
    assert found.passes <= 4


@pytest.mark.parametrize("rank", [0, 1, 2, 5, 30])
@pytest.mark.parametrize("k", [2, 6])
def test_iteration_on_matrices_of_small_rank(rank, k) -> None:
    x = with_spectrum(700, np.linspace(2.0, 1.0, rank), 650)
    found = leading(x, k, centre=False)
    assert_right(found, x, centre=False)
    assert found.proven[: min(rank, k)].all()


def test_a_zero_matrix_has_zero_eigenvalues() -> None:
    found = leading(np.full((30, 10), 7.0), 10)
    assert not found.values.any()
    assert not found.explained.any()
    assert np.abs(found.vectors.T @ found.vectors - np.eye(10)).max() <= 1e-13


def test_clusters_are_found_whole() -> None:
    singular = np.concatenate([np.full(6, 3.0), np.full(5, 2.0), 0.5 ** np.arange(1, 60)])
    x = with_spectrum(900, singular, 700)
    found = leading(x, 11, centre=False)
    assert_right(found, x, centre=False)
    assert np.abs(found.values - singular[:11] ** 2).max() <= 1e-9


def test_a_flat_spectrum_is_given_up_for_the_dense_way() -> None:
    x = np.random.default_rng(0).standard_normal((500, 450))
    found = leading(x, 3, tol=1e-14)
    assert_right(found, x)


def test_restarts_keep_what_was_found(monkeypatch) -> None:
    monkeypatch.setattr(sys.modules["cdt_core.kernels.eigen.leading"], "_LARGEST_SIDE", 1)
    singular = np.concatenate([np.linspace(1.1, 1.02, 3), np.linspace(1.0, 0.9, 300)])
    x = with_spectrum(420, singular, 400)
    found = leading(x, 3, tol=1e-9, centre=False)
    assert found.passes > 14
    assert_right(found, x, centre=False)


def test_a_large_mean_costs_no_digits() -> None:
    x = with_spectrum(500, FALLING, 450)
    x -= x.mean(axis=0)
    far = leading(x + 1e6, 4)
    assert np.abs(far.values - leading(x, 4).values).max() <= 1e-9 * far.values[0]


@pytest.mark.parametrize("size", [1e-145, 1e-100, 1e80, 1e150])
@pytest.mark.parametrize("shape", [BY_VARIABLES, BY_SAMPLES, BY_ITERATION])
def test_the_unit_of_the_data_is_no_matter(size, shape) -> None:
    m, n, k = shape
    x = with_spectrum(m, FALLING[: min(m, n)], n)
    size = 2.0 ** math.floor(math.log2(size))
    one, scaled = leading(x, k, 1e-3), leading(x * size, k, 1e-3)
    for name in ("values", "residuals", "error_bounds"):
        assert np.array_equal(getattr(scaled, name), getattr(one, name) * size * size)
    assert np.array_equal(scaled.vectors, one.vectors)
    assert np.array_equal(scaled.proven, one.proven)


@pytest.mark.parametrize("dtype", ["f4", "f8", "c16"])
def test_equal_numbers_whose_rounding_errors_add_up(dtype) -> None:
    x = np.broadcast_to(np.asarray(0.1, dtype), (600_000, 3)).copy()
    found = leading(x, 1, centre=False)
    exact = 3 * 600_000 * Fraction(float(x[0, 0].real)) ** 2
    assert abs(Fraction(float(found.values[0])) - exact) <= Fraction(float(found.error_bounds[0]))
    assert abs(Fraction(found.total) - exact) <= exact / 10**12


def test_equal_rows_whose_rounding_errors_add_up_in_the_iteration(monkeypatch) -> None:
    monkeypatch.setattr(sys.modules["cdt_core.kernels.eigen.leading"], "_dense_cost", lambda m, n: float("inf"))
    x = np.broadcast_to(np.float32(0.1), (300_000, 24))
    found = leading(x, 1, centre=False)
    exact = x.size * Fraction(float(x[0, 0])) ** 2
    assert abs(Fraction(float(found.values[0])) - exact) <= Fraction(float(found.error_bounds[0]))


def test_a_first_row_far_from_all_others_costs_no_digits() -> None:
    x = np.random.default_rng(0).standard_normal((20_000, 6))
    x[0] += 1e9
    found = leading(x, 6)
    wide = x.astype(np.longdouble)
    total = ((wide - wide.mean(axis=0)) ** 2).sum()
    assert abs(found.total - total) <= 1e-12 * total
    assert np.abs(found.mean - wide.mean(axis=0)).max() <= 1e-15 * 1e9


def test_float32_is_summed_in_float64() -> None:
    x = with_spectrum(3000, FALLING[:40], 40, "f4")
    assert np.abs(leading(x, 5).values / reference.leading(x.astype(float), 5)[0] - 1).max() <= 1e-12


@pytest.mark.parametrize("shape", [BY_VARIABLES, BY_SAMPLES, BY_ITERATION])
def test_the_data_may_lie_anywhere(shape, tmp_path) -> None:
    import dask.array
    import zarr

    m, n, k = shape
    x = with_spectrum(m, FALLING[: min(m, n)], n)
    here = leading(x, k)
    np.save(tmp_path / "x.npy", x)
    stored = zarr.create_array(tmp_path / "x.zarr", shape=x.shape, chunks=(97, 150), dtype=x.dtype)
    stored[:] = x
    for there in (
        np.load(tmp_path / "x.npy", mmap_mode="r"),
        stored,
        dask.array.from_array(x, chunks=(97, 150)),
        x[:, ::-1][:, ::-1],
    ):
        found = leading(there, k)
        assert np.abs(found.values - here.values).max() <= 1e-12 * here.values[0]
        assert found.passes == here.passes


def test_blocks_of_rows_join(monkeypatch) -> None:
    monkeypatch.setattr("cdt_core.kernels.eigen.rows._LOADED_BYTES", 40_000)
    import dask.array

    x = with_spectrum(333, FALLING, 300)
    assert_right(leading(dask.array.from_array(x, chunks=(10, 300)), 3), x)


@pytest.mark.parametrize("shape", [BY_VARIABLES, BY_SAMPLES, BY_ITERATION])
def test_the_same_seed_gives_the_same_bytes_and_signs_are_fixed(shape) -> None:
    m, n, k = shape
    x = with_spectrum(m, FALLING[: min(m, n)], n)
    one, two, other = leading(x, k, tol=1e-15), leading(x, k, tol=1e-15), leading(x, k, tol=1e-15, seed=1)
    assert one.values.tobytes() + one.vectors.tobytes() == two.values.tobytes() + two.vectors.tobytes()
    assert np.abs(one.vectors - other.vectors).max() <= 1e-7
    assert (np.take_along_axis(one.vectors, np.abs(one.vectors).argmax(axis=0)[None], 0) > 0).all()


def test_the_explained_share_and_the_mean() -> None:
    x = with_spectrum(50, np.array([2.0, 1.0]), 20) + np.arange(20.0)
    found = leading(x, 20)
    assert np.abs(found.mean - x.mean(axis=0)).max() <= 1e-13
    assert abs(found.explained.sum() - 1) <= 1e-12
    assert abs(found.total - ((x - x.mean(axis=0)) ** 2).sum()) <= 1e-11
    assert leading(x, 1, centre=False).mean is None
    assert "k=20 n=20" in repr(found)


def test_progress_rises_to_one() -> None:
    shares: list[float] = []
    leading(with_spectrum(700, FALLING, 600), 3, progress=shares.append)
    assert shares == sorted(shares)
    assert len(shares) >= 2
    assert shares[-1] == 1.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["f4", "f8", "c16"])
def test_what_is_no_number_is_named(bad, dtype) -> None:
    x = np.ones((50, 8), dtype)
    x[33, 5] = bad
    with pytest.raises(TensorError, match=r"x\[33, 5\] is .*(nan|inf).*fill"):
        leading(x, 2)


@pytest.mark.parametrize(
    ("x", "k", "tol", "message"),
    [
        (np.ones((3, 4)), 0, 1e-10, "from 1 to"),
        (np.ones((3, 4)), 5, 1e-10, "ask for 1 to 4"),
        (np.ones((3, 4)), 1, 0.0, "above 0"),
        (np.ones((3, 4)), 1, float("nan"), "above 0"),
        (np.ones((0, 4)), 1, 1e-10, "at least one of each"),
        (np.ones((3, 0)), 1, 1e-10, "at least one of each"),
        (np.ones(3), 1, 1e-10, "at least one of each"),
        (np.array([["a", "b"]]), 1, 1e-10, "convert it first"),
        (np.ones((3, 4), np.longdouble), 1, 1e-10, "convert it first"),
        (np.full((30, 4), 1e200), 1, 1e-10, "too large"),
        (np.eye(4) * 1e-160, 1, 1e-10, "too small"),
        (np.eye(4) * 1e-200, 1, 1e-10, "too small"),
        ([[1.0, 2.0], [3.0]], 1, 1e-10, "no data matrix"),
        (np.ones((3, 4)), 1.0, 1e-10, "whole number"),
        (np.ones((3, 4)), "1", 1e-10, "whole number"),
        (np.ones((3, 4)), 1, "1e-10", "a number above 0"),
        (np.ma.masked_equal(np.eye(4), 0), 1, 1e-10, "masked"),
    ],
)
def test_what_cannot_be_is_refused(x, k, tol, message) -> None:
    with pytest.raises(TensorError, match=message):
        leading(x, k, tol, centre=False)


def test_a_seed_that_is_none_is_refused() -> None:
    with pytest.raises(TensorError, match="seed -1"):
        leading(np.ones((3, 4)), 1, seed=-1)


def test_a_chunked_array_that_hides_something_is_refused() -> None:
    import dask.array

    x = dask.array.from_array(np.random.default_rng(0).standard_normal((30, 6)), chunks=(7, 6))
    with pytest.raises(TensorError, match="masked"):
        leading(dask.array.ma.masked_greater(x, 1), 2)
    with pytest.raises(TensorError, match="compute_chunk_sizes"):
        leading(x[x[:, 0] > 0], 2)


def test_a_sparse_matrix_is_refused() -> None:
    import scipy.sparse

    with pytest.raises(TensorError, match="sparse"):
        leading(scipy.sparse.eye_array(5).tocsr(), 2)


@pytest.mark.parametrize(("copies", "k"), [(40, 30), (100, 36)])
def test_an_eigenvalue_of_more_copies_than_a_block_is_wide(copies, k, monkeypatch) -> None:
    monkeypatch.setattr(sys.modules["cdt_core.kernels.eigen.leading"], "_dense_cost", lambda m, n: float("inf"))
    x = with_spectrum(120, np.ones(copies), 200)
    assert_right(leading(x, k, centre=False), x, centre=False)
