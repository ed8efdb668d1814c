"""MTTKRP is what its definition says, on every instruction set and for any shape, and equals TensorLy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorly.tenalg import unfolding_dot_khatri_rao

from cdt_core.errors import TensorError
from cdt_core.kernels import _tensor
from cdt_core.kernels.reference import tucker as reference
from cdt_core.kernels.tucker import khatri_rao, mttkrp, mttkrp_all
from cdt_core.kernels.tucker.khatri_rao import sweep
from tests.kernels.instruction_sets import LEVELS, using
from tests.kernels.tucker.tensors import DTYPES, normal, tensors


def assert_close(found, wanted, x, factors):
    """Sums differ by less than rounding can: epsilon times the number of terms times the largest sum of magnitudes."""
    terms = [np.abs(f).astype(np.float64) for f in factors]
    bound = max(reference.mttkrp(np.abs(x).astype(np.float64), terms, k).max() for k in range(x.ndim))
    bound = max(bound, np.abs(wanted).max())
    assert found.dtype == x.dtype
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() <= 8 * (x.ndim + 20) * np.finfo(x.dtype).eps * bound


@settings(max_examples=150, deadline=None)
@given(tensors(), st.integers(1, 40), st.integers(0, 99))
def test_it_is_the_unfolding_times_the_khatri_rao_product(x, rank, seed):
    rng = np.random.default_rng(seed)
    factors = [normal(rng, (n, rank), x.dtype) for n in x.shape]
    for mode, product in sweep(x, factors):
        wanted = reference.mttkrp(x, factors, mode)
        assert_close(mttkrp(x, factors, mode), wanted, x, factors)
        assert_close(product, wanted, x, factors)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", DTYPES[:2])
@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (7, 97, 3), (97, 5, 300), (3, 200, 13), (130, 9, 2), (2, 3, 2, 19, 21), (300, 3), (3, 300)]
)
@pytest.mark.parametrize("rank", [1, 8, 16, 24, 33])
def test_tiles_of_every_size_are_whole(level, shape, dtype, rank):
    rng = np.random.default_rng(1)
    x, factors = normal(rng, shape, dtype), [normal(rng, (n, rank), dtype) for n in shape]
    with using(level, _tensor):
        for mode, product in sweep(x, factors):
            wanted = reference.mttkrp(x, factors, mode)
            assert_close(product, wanted, x, factors)
            assert_close(mttkrp(x, factors, mode), wanted, x, factors)


@pytest.mark.parametrize("dtype", DTYPES)
def test_it_equals_tensorly(dtype):
    rng = np.random.default_rng(2)
    x, factors = normal(rng, (4, 3, 5, 6), dtype), [normal(rng, (n, 7), dtype) for n in (4, 3, 5, 6)]
    for mode in range(4):
        assert_close(mttkrp(x, factors, mode), unfolding_dot_khatri_rao(x, (None, factors), mode), x, factors)
        assert_close(
            mttkrp(x, [None if k == mode else f for k, f in enumerate(factors)], mode - 4),
            reference.mttkrp(x, factors, mode),
            x,
            factors,
        )


@pytest.mark.parametrize("shape", [(7,), (50, 3), (9, 5, 4), (1, 30, 4), (3, 2, 3, 9, 8)])
@pytest.mark.parametrize("step", [1, 40, 10**9])
def test_long_products_come_in_pieces(shape, step, monkeypatch):
    monkeypatch.setattr(khatri_rao, "_CALL", step)
    rng = np.random.default_rng(4)
    x, factors = normal(rng, shape, np.float64), [normal(rng, (n, 5), np.float64) for n in shape]
    for mode, product in enumerate(mttkrp_all(x, factors)):
        wanted = reference.mttkrp(x, factors, mode)
        assert_close(product, wanted, x, factors)
        assert_close(mttkrp(x, factors, mode), wanted, x, factors)


def test_all_modes_need_all_factors():
    with pytest.raises(TensorError, match="factor 1 has the shape"):
        mttkrp_all(np.ones((2, 3)), [np.ones((2, 4)), np.ones((2, 4))])
    with pytest.raises(TensorError, match="factor 2 has the shape"):
        mttkrp_all(np.ones((2, 3, 4)), [np.ones((2, 4)), np.ones((3, 4)), np.ones((3, 4))])


def test_a_sweep_uses_the_factors_that_were_changed_meanwhile():
    rng = np.random.default_rng(3)
    x, factors = normal(rng, (5, 4, 3), np.float64), [normal(rng, (n, 2), np.float64) for n in (5, 4, 3)]
    for mode, product in sweep(x, factors):
        assert_close(product, reference.mttkrp(x, factors, mode), x, factors)
        factors[mode] = normal(rng, factors[mode].shape, np.float64)


def test_strides_integers_and_nan_are_taken_as_they_are():
    x = np.arange(60).reshape(3, 4, 5)
    factors = [np.ones((n, 1)) for n in (5, 4, 3)]
    assert (mttkrp(x.T, factors, 0)[:, 0] == x.sum((0, 1))).all()
    broken = x.astype(float)
    broken[0, 0, 0] = np.nan
    assert np.isnan(mttkrp(broken.T, factors, 0)[:, 0]).tolist() == [True, False, False, False, False]


@pytest.mark.parametrize(
    ("factor", "says"),
    [
        (None, "is None"),
        (np.ones((3, 1)) * 1j, "of complex128"),
        (np.full((3, 1), "a"), "of <U1"),
        (np.ma.masked_equal(np.ones((3, 1)), 1), "masked"),
    ],
)
def test_factors_that_are_no_numbers_of_the_kind_are_refused(factor, says):
    with pytest.raises(TensorError, match=says):
        mttkrp(np.ones((2, 3)), [np.ones((2, 1)), factor], 0)


def test_factors_that_single_precision_does_not_hold_are_infinite():
    assert np.isinf(mttkrp(np.ones((2, 3), np.float32), [None, np.full((3, 1), 1e39)], 0)).all()


@pytest.mark.parametrize("mode", [0.5, "a", None])
def test_modes_are_whole_numbers(mode):
    with pytest.raises(TensorError, match="has no mode"):
        mttkrp(np.ones((2, 3)), iter([np.ones((2, 1)), np.ones((3, 1))]), mode)


@pytest.mark.parametrize(
    ("x", "shapes", "mode", "says"),
    [
        (np.ones((2, 3)), [(2, 4), (3, 4)], 2, "no mode 2"),
        (np.ones((2, 3)), [(2, 4)], 0, "1 factors"),
        (np.ones((2, 3)), [(2, 4), (4, 4)], 0, "factor 1 has the shape"),
        (np.ones((2, 3, 4)), [(2, 4), (3, 4), (4, 5)], 0, "factor 2 has the shape"),
        (np.ones((2, 3)), [(2, 0), (3, 0)], 0, "factor 0 has the shape"),
        (np.ones((2, 0)), [(2, 4), (0, 4)], 0, "nothing to decompose"),
        (np.array("text"), [], 0, "no numbers"),
        (np.array(3.0), [], 0, "at least one axis"),
    ],
)
def test_what_does_not_fit_is_refused(x, shapes, mode, says):
    with pytest.raises(TensorError, match=says):
        mttkrp(x, [np.ones(s) for s in shapes], mode)


def test_the_compiled_functions_refuse_what_does_not_fit():
    x, f = np.ones((2, 3, 4)), [np.ones((n, 8)) for n in (2, 3, 4)]
    with pytest.raises(ValueError, match="asked axis"):
        _tensor.mttkrp(x, *f, 3, np.empty((4, 8)))
    with pytest.raises(ValueError, match="each factor"):
        _tensor.mttkrp(x, None, None, f[2], 0, np.empty((2, 8)))
    with pytest.raises(ValueError, match="outside"):
        _tensor.mttkrp(x, *[np.ones((n, 3)) for n in (2, 3, 4)], 0, np.empty((2, 3)))
    with pytest.raises(ValueError, match="asked axis"):
        _tensor.mttkrp_fold(np.ones((2, 3, 8)), np.ones((3, 8)), 0, np.empty((3, 8)))
    with pytest.raises(ValueError, match="each factor"):
        _tensor.mttkrp_fold(np.ones((2, 3, 8)), np.ones((2, 8)), 0, np.empty((2, 8)))
    with pytest.raises(ValueError, match="an argument"):
        _tensor.use_kernels("sse9")


def test_empty_axes_of_the_compiled_function_sum_to_nothing():
    y = np.full((2, 8), 7.0)
    _tensor.mttkrp(np.ones((2, 0, 4)), None, np.ones((0, 8)), np.ones((4, 8)), 0, y)
    assert not y.any()
