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


@pytest.mark.parametrize("bound", [Bound("abs", 5.0), Bound("abs", 1e300), Bound("pw_rel", 1e308)])
def test_bands_under_the_allowed_noise_are_not_asked_for(case, bound):
    x = np.random.default_rng(1).normal(0, 1, 4096)
    assert case(x, x + 0.1, bound).run(SpectralError) == {}


def test_what_did_not_change_is_exactly_zero(case, smooth):
    smooth[:, ::5, ::5] = np.nan
    for bound in (Bound("abs", 5.0), Bound("lossless")):
        finding = case(smooth, smooth.copy(), bound).run(SpectralError, (2, 40, 7))["core.spectral_error"]
        assert finding.value == 0
        assert finding.sampled == 1


def test_a_change_where_no_tile_is_whole_is_not_assessed(case, smooth):
    smooth[:, ::5, ::5] = np.nan
    finding = case(smooth, smooth + np.float32(0.1), Bound("abs", 0.2)).run(SpectralError)["core.spectral_error"]
    assert finding.value is None
    assert "without missing values" in finding.message


def test_between_missing_values_smaller_tiles_are_found(case):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(256, 256))
    x[::40, :] = np.nan
    x[:, ::40] = np.nan
    finding = case(x, 0.9 * x, Bound("abs", 1e-3)).run(SpectralError)["core.spectral_error"]
    assert finding.value == pytest.approx(1 - 0.81, rel=1e-9)
    assert 0 < finding.sampled < 1
    assert finding.interval[0] <= finding.value <= finding.interval[1]


@pytest.mark.parametrize(
    ("x", "attributes"),
    [
        (np.zeros((50, 3), np.float32), {}),
        (np.random.default_rng(0).normal(size=(7, 3)), {}),
        (np.full((20, 20), np.nan), {}),
        (np.array(3.0), {}),
        (np.zeros((0, 20, 20)), {}),
        (np.random.default_rng(0).integers(0, 4, (20, 20)), {"flag_meanings": "clear cloudy snow rain"}),
    ],
)
def test_is_not_asked_without_neighbours_or_a_spread_nor_of_codes(case, x, attributes):
    assert case(x, x + 1, Bound("abs", 1.0), attributes).run(SpectralError) == {}


@pytest.mark.parametrize("chunk", [(1, 128, 128), (2, 64, 128), (1, 64, 64)])
def test_blocks_of_whole_tiles_give_what_the_whole_gives(case, chunk):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 128, 128))
    made = case(x, x + 0.1 * np.roll(x, 1, axis=2), Bound("abs", 1e-3))
    whole = made.run(SpectralError)["core.spectral_error"]
    assert made.run(SpectralError, chunk, tree=True)["core.spectral_error"].value == pytest.approx(
        whole.value, rel=1e-9
    )


def test_a_column_of_a_table_has_no_spectrum(case):
    x = np.random.default_rng(1).normal(0, 1, 4096)
    assert case(x, x, dims=("row",)).run(SpectralError) == {}
