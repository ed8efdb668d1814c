"""CP decompositions follow TensorLy's iterates, find what is there, and are the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorly import cp_to_tensor
from tensorly.decomposition import parafac as tensorly_parafac

from cdt_core.errors import TensorError
from cdt_core.kernels.tucker import parafac
from cdt_core.kernels.tucker.sampled import leverage_scores
from tests.kernels.tucker.tensors import DTYPES, low_rank, normal, tensors


def relative(x, cp):
    return np.linalg.norm(x - cp_to_tensor(cp)) / np.linalg.norm(x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(6, 7), (5, 6, 7), (3, 2, 3, 9, 8)])
def test_iterates_are_those_of_tensorly(shape, dtype):
    rng = np.random.default_rng(1)
    x = low_rank(rng, shape, 4, dtype, 0.7) + normal(rng, shape, dtype) / 10
    start = (np.array([1.0, 2.0], dtype), [normal(rng, (n, 2), dtype) for n in shape])
    theirs, errors = tensorly_parafac(x, 2, n_iter_max=4, init=start, tol=1e-30, return_errors=True)
    seen = []
    ours = parafac(x, 2, sweeps=4, init=start, tol=0, callback=lambda cp, error: seen.append(error))
    assert np.abs(np.array(seen) - np.array(errors)).max() <= 1e4 * np.finfo(dtype).eps
    for f, g in zip(ours.factors, theirs.factors, strict=True):
        assert f.dtype == dtype
        assert np.abs(f - g).max() <= 1e4 * np.finfo(dtype).eps * np.abs(g).max()


@settings(max_examples=60, deadline=None)
@given(tensors(least_axes=2), st.integers(1, 5), st.sampled_from(("svd", "random")))
def test_the_error_that_is_told_is_the_true_one_and_the_result_has_a_form(x, rank, init):
    seen = []
    cp = parafac(x, rank, sweeps=3, init=init, tol=0, callback=lambda cp, error: seen.append(error))
    assert [f.shape for f in cp.factors] == [(n, rank) for n in x.shape]
    assert all(f.dtype == x.dtype for f in cp.factors)
    assert len(seen) == 3
    if np.isfinite(seen[-1]) and np.linalg.norm(x):
        assert abs(seen[-1] - relative(x, cp)) <= 1e2 * np.sqrt(np.finfo(x.dtype).eps)


@pytest.mark.parametrize("sampled", [False, True, 400])
def test_a_sum_of_outer_products_is_found(sampled):
    x = low_rank(np.random.default_rng(2), (20, 21, 22), 3, np.float64)
    assert relative(x, parafac(x, 3, sampled=sampled, sweeps=200, init="random")) <= 1e-3


def test_sampling_comes_near_to_the_exact_result():
    rng = np.random.default_rng(3)
    x = low_rank(rng, (12, 3, 14, 15), 5, np.float64) + normal(rng, (12, 3, 14, 15), np.float64)
    exact = relative(x, parafac(x, 5, sweeps=60))
    assert relative(x, parafac(x, 5, sweeps=60, sampled=True)) <= 1.1 * exact


def test_a_seed_gives_one_result_and_the_start_is_left_alone():
    x = normal(np.random.default_rng(4), (5, 6, 7), np.float64)
    for options in ({"sampled": True}, {"init": "random"}, {}):
        one, two = parafac(x, 9, sweeps=3, seed=5, **options), parafac(x, 9, sweeps=3, seed=5, **options)
        assert all((f == g).all() for f, g in zip(one.factors, two.factors, strict=True))
    start = (None, [np.ones((n, 1)) for n in x.shape])
    parafac(x, 1, sweeps=2, init=start)
    assert all((f == 1).all() for f in start[1])


def test_it_stops_when_told_and_when_nothing_changes():
    x = low_rank(np.random.default_rng(6), (5, 6, 7), 1, np.float64)
    seen = []
    parafac(x, 1, callback=lambda cp, error: seen.append(error))
    assert len(seen) < 10
    parafac(x, 1, tol=0, callback=lambda cp, error: seen.append(error) or len(seen) > 12)
    assert len(seen) == 13


def test_dependent_starts_and_zero_tensors_have_a_result():
    x = normal(np.random.default_rng(7), (4, 5, 6), np.float64)
    cp = parafac(x, 2, init=(None, [np.ones((n, 2)) for n in x.shape]), sweeps=2)
    assert all(np.isfinite(f).all() for f in cp.factors)
    assert relative(x, cp) <= 1
    for sampled in (False, True):
        assert not cp_to_tensor(parafac(np.zeros((3, 4, 5)), 2, sweeps=2, sampled=sampled)).any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [1e-36, 1e34])
@pytest.mark.parametrize("options", [{}, {"init": "random"}, {"sampled": True}])
def test_very_small_and_very_large_numbers_are_like_others(scale, dtype, options):
    x = low_rank(np.random.default_rng(9), (8, 9, 10), 2, dtype)
    start = [normal(np.random.default_rng(10), (n, 2), dtype) for n in x.shape]
    for some in (options, {**options, "init": (None, start)}):
        plain = relative(x, parafac(x, 2, sweeps=9, **some))
        told = []
        cp = parafac(
            x * np.array(scale, dtype), 2, sweeps=9, callback=lambda cp, error, told=told: told.append(error), **some
        )
        assert cp.factors[-1].dtype == dtype
        factors = [*cp.factors[:-1], cp.factors[-1].astype(np.complex128) / scale]
        assert relative(x, (None, factors)) <= plain + 0.02
        assert told[-1] <= plain + 0.02


def test_leverage_scores_sum_to_the_rank_of_a_factor():
    factor = normal(np.random.default_rng(8), (30, 4), np.float64)
    assert abs(leverage_scores(factor).sum() - 4) <= 1e-12
    assert abs(leverage_scores(np.hstack([factor, factor])).sum() - 4) <= 1e-12
    assert leverage_scores(np.zeros((3, 2))).sum() == 0


@pytest.mark.parametrize(
    ("x", "rank", "options", "says"),
    [
        (np.ones(5), 1, {}, "2 axes or more"),
        (np.ones((5, 5)), 0, {}, "rank of 0 cannot be"),
        (np.ones((5, 5)), 1.5, {}, "rank of 1.5 cannot be"),
        (np.full((5, 5), np.nan), 1, {}, "NaN"),
        (np.ones((5, 5)), "a", {}, "rank of 'a' cannot be"),
        (np.ones((5, 5)), np.nan, {}, "rank of nan cannot be"),
        (np.ma.masked_equal(np.eye(3), 0), 1, {}, "masked"),
        (np.ones((5, 5)), 1, {"init": "best"}, "'best'"),
        (np.ones((5, 5)), 1, {"init": None}, "no pair of weights and factors"),
        (np.ones((5, 5)), 1, {"init": (None, [np.full((5, 1), np.nan)] * 2)}, "start have NaN"),
        (np.ones((5, 5)), 1, {"init": (None, [np.ones((5, 1)) * 1j] * 2)}, "complex128"),
        (np.ones((5, 5)), 1, {"init": (np.ones(3), [np.ones((5, 1))] * 2)}, r"weights of shape \(3,\)"),
        (np.ones((5, 5)), 1, {"sweeps": 2.5}, "number of sweeps of 2.5"),
        (np.ones((5, 5)), 1, {"sampled": -5}, "sampled equations of -5"),
        (np.ones((5, 5)), 1, {"tol": np.nan}, "change of the error of nan"),
        (np.ones((5, 5)), 1, {"seed": -1}, "seed of -1"),
        (np.ones((5, 5)), 2, {"init": (None, [np.ones((5, 1))] * 2)}, "does not fit"),
    ],
)
def test_what_cannot_be_decomposed_is_refused(x, rank, options, says):
    with pytest.raises(TensorError, match=says):
        parafac(x, rank, **options)
