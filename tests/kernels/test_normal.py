"""The fused product with a tall matrix's normal matrix says what NumPy says, and loses no digit to the mean."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.errors import TensorError
from cdt_core.kernels import _tensor
from cdt_core.kernels.normal import normal_product
from cdt_core.kernels.reference import eigen as reference
from tests.kernels.instruction_sets import LEVELS, using


def matrix(rows: int, columns: int, dtype: str, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    x = random.standard_normal((rows, columns)) + random.standard_normal(columns) * 3
    return (x + 1j * random.standard_normal(x.shape) if "c" in dtype else x).astype(dtype)


def assert_equal(found: np.ndarray, x: np.ndarray, v: np.ndarray, mean: np.ndarray | None) -> None:
    """Within the rounding of sums of so many products."""
    wide = np.abs(x if mean is None else x - mean).astype(float)
    allowed = 4e-16 * (wide.T @ (wide @ np.abs(v))) * (8 + sum(x.shape) ** 0.5)
    assert (np.abs(found - reference.normal_product(x, v, mean)) <= allowed).all()


@pytest.mark.parametrize("level", LEVELS)
@given(
    rows=st.integers(1, 130),
    columns=st.integers(1, 60),
    width=st.integers(1, 35),
    dtype=st.sampled_from(["f4", "f8"]),
    centre=st.booleans(),
    seed=st.integers(0, 99),
)
def test_says_what_numpy_says(level, rows, columns, width, dtype, centre, seed) -> None:
    x, v = matrix(rows, columns, dtype, seed), matrix(columns, width, "f8", seed + 1)
    mean = x.mean(axis=0, dtype=float) if centre else None
    with using(level, _tensor):
        assert_equal(normal_product(x, v, mean), x, v, mean)


@pytest.mark.parametrize("level", LEVELS)
def test_tiles_join_where_rows_are_many_and_long(level) -> None:
    x, v = matrix(203, 2500, "f8"), matrix(2500, 16, "f8")
    with using(level, _tensor):
        assert_equal(normal_product(x, v, x.mean(axis=0)), x, v, x.mean(axis=0))


@pytest.mark.parametrize(
    "change", [lambda x: x[::2], lambda x: x[:, ::2], lambda x: x[::-1], lambda x: x[:, 3:20], np.asfortranarray]
)
@pytest.mark.parametrize("dtype", ["f4", "f8", ">f8", "<f2", "i2", "c16"])
def test_lies_as_it_lies(change, dtype) -> None:
    x = change(matrix(70, 40, dtype))
    v = matrix(x.shape[1], 3, "f8")
    wide = x.astype(complex if "c" in dtype else float)
    assert_equal(normal_product(x, v, None), wide, v, None)


def test_a_mean_far_larger_than_the_spread_costs_no_digits() -> None:
    random = np.random.default_rng(0)
    spread = np.round(random.standard_normal((400, 30)) * 2**20) / 2**20
    x, v = spread + 2.0**25, matrix(30, 8, "f8")
    assert_equal(normal_product(x, v, np.full(30, 2.0**25)), spread, v, None)


def test_is_the_same_each_time_and_for_any_cut_into_vectors() -> None:
    x, v = matrix(300, 50, "f8"), matrix(50, 16, "f8")
    both = normal_product(x, v)
    assert np.array_equal(both, normal_product(x, v))
    assert np.array_equal(both[:, :8], normal_product(x, np.ascontiguousarray(v[:, :8])))


@pytest.mark.parametrize("v_shape", [(12, 0), (12, 7), (11, 8), (24, 8)])
def test_room_that_does_not_fit_is_refused(v_shape) -> None:
    v = np.zeros(v_shape)
    with pytest.raises(ValueError, match=r"rows for the columns of x|outside what the function allows"):
        _tensor.normal_product(np.ones((5, 9)), None, v, np.zeros(v_shape))


@pytest.mark.parametrize("dtype", ["f8", "c16"])
def test_shapes_that_do_not_fit_are_refused(dtype) -> None:
    x = np.ones((5, 9), dtype)
    for v, mean in (
        (np.ones((8, 3)), None),
        (np.ones((10, 3)), None),
        (np.ones(9), None),
        (np.ones((9, 3)), np.ones(8)),
    ):
        with pytest.raises(TensorError, match="each column of x"):
            normal_product(x, v, mean)


@pytest.mark.parametrize(("rows", "columns", "width"), [(5, 0, 3), (5, 9, 0), (0, 9, 3)])
@pytest.mark.parametrize("dtype", ["f4", "c8"])
def test_of_nothing_comes_zero(rows, columns, width, dtype) -> None:
    found = normal_product(np.ones((rows, columns), dtype), np.ones((columns, width)))
    assert found.shape == (columns, width)
    assert found.dtype == np.result_type(dtype, np.float64)
    assert not found.any()


def test_rows_that_are_not_contiguous_are_refused() -> None:
    with pytest.raises(ValueError, match="must be contiguous"):
        _tensor.normal_product(np.ones((5, 18))[:, ::2], None, np.zeros((12, 8)), np.zeros((12, 8)))
    with pytest.raises(ValueError, match="must be contiguous"):
        _tensor.normal_moments(np.ones((5, 9))[::-1], np.zeros(9), np.zeros(9))


@pytest.mark.parametrize("level", LEVELS)
@given(
    rows=st.integers(1, 30), columns=st.integers(1, 40), dtype=st.sampled_from(["f4", "f8"]), seed=st.integers(0, 99)
)
def test_moments_are_sums_and_squares(level, rows, columns, dtype, seed) -> None:
    x = matrix(rows, columns, dtype, seed)
    shift, sums = x[0].astype(float), np.zeros(columns)
    with using(level, _tensor):
        squares = _tensor.normal_moments(x, shift, sums)
    apart = x - shift
    assert np.abs(sums - apart.sum(axis=0)).max() <= 1e-13 * np.abs(apart).sum()
    assert abs(squares - (apart**2).sum()) <= 1e-13 * (apart**2).sum()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [(0, 0), (3, 8), (16, 39)])
def test_moments_of_what_is_no_number_are_none(bad, place) -> None:
    x = matrix(17, 40, "f8")
    x[place] = bad
    with np.errstate(all="ignore"):
        assert not np.isfinite(_tensor.normal_moments(x, np.zeros(40), np.zeros(40)))
