"""Leading eigenvectors leave out what their values say, and no more of them are kept than an error asks for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.kernels.spectrum import leading, rank_for, rank_of_singular, top

SIZES = np.array([4.0, 2.0, 1.0, 0.5, 0.0])


def hermitian(spectrum: np.ndarray, dtype: str = "f8", seed: int = 0) -> np.ndarray:
    random, n = np.random.default_rng(seed), len(spectrum)
    numbers = random.standard_normal((n, n))
    basis = np.linalg.qr(numbers + 1j * random.standard_normal((n, n)) if "c" in dtype else numbers)[0]
    return ((basis * spectrum) @ basis.conj().T).astype(dtype)


@given(
    values=st.lists(st.floats(-1e-3, 10), min_size=1, max_size=12).map(lambda found: sorted(found, reverse=True)),
    budget=st.floats(-1, 40),
    cap=st.integers(1, 14),
)
def test_no_smaller_rank_would_do(values, budget, cap) -> None:
    kept = np.maximum(values, 0)
    rank = rank_for(np.array(values), budget, cap)
    assert 1 <= rank <= cap
    assert rank == cap or kept[rank:].sum() <= max(budget, 0) * (1 + 1e-15)
    assert rank == 1 or kept[rank - 1 :].sum() > max(budget, 0) * (1 - 1e-15)


@pytest.mark.parametrize("n", [1, 40, 400])
@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("dtype", ["f8", "c16"])
@pytest.mark.parametrize("share", [0.0, 1e-8, 1e-3, 0.3, 1.0])
def test_vectors_leave_out_what_their_values_say(n, exact, dtype, share) -> None:
    gram = hermitian(0.8 ** np.arange(n), dtype)
    trace = float(np.trace(gram).real)
    vectors, values = leading(gram, share * trace, n, exact)
    kept = float(np.trace(vectors.conj().T @ gram @ vectors).real)
    rank = vectors.shape[1]
    assert len(values) == n
    assert abs(trace - kept - values[rank:].sum()) <= 1e-13 * trace
    assert trace - kept <= share * trace + 1e-13 * trace
    assert np.abs(vectors.conj().T @ vectors - np.eye(rank)).max() <= 1e-12
    fewest = rank_for(0.8 ** np.arange(n), share * trace, n)
    assert rank <= fewest + (0 if exact and share else n if not share else 1)


def test_a_spectrum_that_does_not_fall_is_decomposed_whole() -> None:
    gram = hermitian(np.ones(320))
    vectors, values = leading(gram, 0.2 * 320, 320, exact=False)
    assert vectors.shape[1] == 256
    assert np.abs(values - 1).max() <= 1e-12


@pytest.mark.parametrize("count", [1, 3, 39, 40])
@pytest.mark.parametrize("dtype", ["f8", "c16"])
def test_the_top_is_the_top(count, dtype) -> None:
    spectrum = np.linspace(2.0, 1.0, 40)
    gram = hermitian(spectrum, dtype)
    vectors = top(gram, count)
    assert vectors.shape == (40, count)
    assert np.abs(gram @ vectors - vectors * spectrum[:count]).max() <= 1e-13


@pytest.mark.parametrize(
    ("budget", "cap", "rank"),
    [
        (-1.0, None, 4),
        (0.0, None, 4),
        (0.24, None, 4),
        (0.25, None, 3),
        (1.25, None, 2),
        (1.25, 3, 2),
        (0.0, 2, 2),
        (0.0, 9, 4),
        (1e9, None, 1),
        (1e9, 1, 1),
    ],
)
def test_the_least_rank_whose_rest_is_within_the_budget(budget, cap, rank):
    assert rank_for(SIZES**2, budget, cap) == rank
    assert rank_of_singular(SIZES, budget, cap) == (rank, np.sum(SIZES[rank:] ** 2))


def test_what_rounding_made_negative_leaves_nothing_out():
    assert rank_for(np.array([1.0, 1e-3, -1e-17]), 0.0, None) == 2
