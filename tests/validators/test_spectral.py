from __future__ import annotations

import numpy as np
import pytest

from cdt_core.model import Bound
from cdt_core.validators.spectral import SpectralError, _banded


def test_white_noise_has_its_variance_in_every_mode():
    x = np.random.default_rng(0).normal(0, 2.0, (64, 64))
    power, modes = _banded(x)
    assert power[1:].sum() / modes[1:].sum() == pytest.approx(4.0, rel=0.1)


def test_a_sine_lies_in_its_band():
    power, _ = _banded(np.sin(2 * np.pi * 0.26 * np.arange(1024)))
    assert np.argmax(power) == int(0.26 * 32)


def test_scaled_amplitude_gives_the_square(case):
    x = np.random.default_rng(1).normal(0, 1, (8, 128, 128))
    found = case(x, 0.9 * x, Bound("abs", 1e-3)).run(SpectralError, (4, 64, 128))["core.spectral_error"]
    assert found.value == pytest.approx(1 - 0.81, rel=1e-9)


def test_removed_small_scales_are_found_and_allowed_noise_is_not(case):
    t = np.arange(32768)
    x = np.sin(t / 50) + 0.1 * np.sin(2 * np.pi * 0.4 * t) + np.random.default_rng(4).normal(0, 0.02, t.size)
    smoothed = np.convolve(x, np.ones(5) / 5, mode="same")
    noisy = x + np.random.default_rng(5).uniform(-1e-4, 1e-4, t.size)
    assert case(x, smoothed, Bound("abs", 1e-3)).run(SpectralError)["core.spectral_error"].value > 0.5
    assert case(x, noisy, Bound("abs", 1e-4)).run(SpectralError)["core.spectral_error"].value < 0.01


def test_bands_under_the_allowed_noise_are_not_assessed(case):
    x = np.random.default_rng(1).normal(0, 1, 4096)
    finding = case(x, x, Bound("abs", 5.0)).run(SpectralError)["core.spectral_error"]
    assert finding.value is None
    assert "noise" in finding.message


def test_a_column_of_a_table_has_no_spectrum(case):
    x = np.random.default_rng(1).normal(0, 1, 4096)
    assert case(x, x, dims=("row",)).run(SpectralError) == {}
