"""The bounds of Ritz values hold, and are called proven only where nothing is assumed."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.kernels.eigen.certificate import error_bounds


@st.composite
def projected(draw):
    """A positive semidefinite matrix's eigenvalues, and Ritz values and residuals of a subspace near its leading vectors."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(2, 12))
    p = draw(st.integers(1, n))
    spectrum = np.sort(random.random(n) ** draw(st.sampled_from([1, 4, 12])))[::-1]
    basis = np.linalg.qr(random.standard_normal((n, n)))[0]
    a = (basis * spectrum) @ basis.T
    q = np.linalg.qr(basis[:, :p] + 10.0 ** -draw(st.integers(0, 9)) * random.standard_normal((n, p)))[0]
    values, coordinates = np.linalg.eigh(q.T @ a @ q)
    vectors = q @ coordinates[:, ::-1]
    return spectrum, values[::-1], np.linalg.norm(a @ vectors - vectors * values[::-1], axis=0)


@given(projected())
def test_proven_bounds_hold_for_the_eigenvalue_of_the_same_place(case) -> None:
    spectrum, values, residuals = case
    bounds, proven = error_bounds(values, residuals, float(spectrum.sum() - values.sum()), 1e-14)
    errors = np.abs(values - spectrum[: len(values)])
    assert (errors[proven] <= bounds[proven]).all()


@given(projected())
def test_some_eigenvalue_is_within_the_residual(case) -> None:
    spectrum, values, residuals = case
    assert (np.abs(values[:, None] - spectrum).min(axis=1) <= residuals + 1e-14).all()


def test_a_bound_is_quadratic_where_the_trace_leaves_a_gap() -> None:
    bounds, proven = error_bounds(np.array([1.0, 0.1]), np.array([1e-4, 1e-4]), 0.01, 0.0)
    assert bounds[0] <= 2e-8
    assert proven[0]


def test_a_bound_is_the_residual_where_nothing_is_known_of_the_rest() -> None:
    bounds, proven = error_bounds(np.array([1.0]), np.array([1e-4]), 5.0, 0.0)
    assert bounds[0] == 1e-4
    assert not proven[0]


def test_a_gap_that_was_only_found_is_not_proven() -> None:
    bounds, proven = error_bounds(np.array([1.0, 0.5]), np.array([1e-4, 1e-4]), 5.0, 0.0)
    assert bounds[0] <= 3e-8
    assert not proven.any()
