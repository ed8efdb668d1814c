"""Bases are orthonormal (wavelets nearly), and what decoders do with them has one result, bit for bit."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import scipy.fft
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.kernels import _tensor_stream
from cdt_core.kernels.reference import ordered
from cdt_core.kernels.tensor_stream.bases import along, cosines, from_wavelet, to_wavelet


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 37, 240, 480, 1024])
def test_cosines_are_the_orthonormal_transform(n):
    assert np.abs(cosines(n, n) - scipy.fft.dct(np.eye(n), axis=0, norm="ortho")).max() < 1e-14


def test_cosines_have_the_same_bits_everywhere():
    digest = hashlib.sha256(np.concatenate([cosines(n, n).ravel() for n in range(1, 60)]).astype("<f8").tobytes())
    assert digest.hexdigest() == "cc569c0f4c9cb59891a97aba398ca96730f848b27baa24186769ac62dd979dd8"


@pytest.mark.parametrize("n", range(1, 30))
def test_a_wavelet_is_undone(n):
    x = np.random.default_rng(n).standard_normal((2, n, 3))
    assert np.abs(from_wavelet(to_wavelet(x, 1), 1) - x).max() < 1e-12


def test_a_smooth_axis_has_its_energy_in_few_wavelets():
    made = to_wavelet(np.sin(np.linspace(0, 6, 500)), 0)
    assert np.square(made[:40]).sum() > 0.9999 * np.square(made).sum()


def test_the_way_back_from_wavelets_has_the_same_bits_everywhere():
    x = (np.arange(12 * 37).reshape(12, 37) * 7919 % 1009) / 16.0
    digest = hashlib.sha256(from_wavelet(from_wavelet(x, 0), 1).astype("<f8").tobytes())
    assert digest.hexdigest() == "2d99233c3b59a4848160eb9415b19e286426a9b28d318d481a1990b233f8bbf7"


shapes = st.tuples(st.integers(0, 4), st.integers(1, 9), st.integers(0, 20))


@settings(max_examples=80, deadline=None)
@given(shapes, st.integers(1, 12), st.integers(0, 2**32))
def test_products_and_energies_add_in_one_order(shape, n, seed):
    rng = np.random.default_rng(seed)
    x, basis = rng.standard_normal(shape), rng.standard_normal((shape[1], n))
    assert _tensor_stream.product(basis, x).tobytes() == ordered.product(basis, x).tobytes()
    assert _tensor_stream.energies(x).tobytes() == ordered.energies(x).tobytes()


def test_an_axis_is_replaced_in_place():
    x = np.random.default_rng(0).standard_normal((3, 4, 5, 6))
    basis = np.random.default_rng(1).standard_normal((5, 7))
    expected = np.moveaxis(np.tensordot(basis.T, x, (1, 2)), 0, 2)
    np.testing.assert_allclose(along(basis, x, 2), expected, rtol=1e-12, atol=1e-12)
