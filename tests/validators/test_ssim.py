from __future__ import annotations

import numpy as np
import pytest

from cdt_core.model import Bound
from cdt_core.validators.ssim import StructuralSimilarity, ssim_map


def slow_ssim(x, y, spread):
    """Equation 13 of Wang et al. 2004, window by window."""
    c1, c2 = (0.01 * spread) ** 2, (0.03 * spread) ** 2
    out = np.empty((x.shape[0] - 6, x.shape[1] - 6))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            a, b = x[i : i + 7, j : j + 7], y[i : i + 7, j : j + 7]
            cov = ((a - a.mean()) * (b - b.mean())).mean()
            top = (2 * a.mean() * b.mean() + c1) * (2 * cov + c2)
            out[i, j] = top / ((a.mean() ** 2 + b.mean() ** 2 + c1) * (a.var() + b.var() + c2))
    return out


def test_agrees_with_the_formula_window_by_window(smooth):
    x = smooth[0, :30, :40].astype(float)
    y = x + np.random.default_rng(0).normal(0, 2, x.shape)
    scores, usable = ssim_map(x[None], y[None], np.ones((1, *x.shape), bool), 30.0)
    assert usable.all()
    assert np.abs(scores[0] - slow_ssim(x, y, 30.0)).max() <= 1e-10


def test_windows_with_missing_values_are_left_out(smooth):
    x = smooth[:1, :20, :20].astype(float)
    valid = np.ones(x.shape, bool)
    valid[0, 10, 10] = False
    x[0, 10, 10] = np.nan
    _, usable = ssim_map(x, x, valid, 30.0)
    assert (~usable).sum() == 49
    assert not usable[0, 4:11, 4:11].any()


def test_noise_lowers_it_and_identity_gives_one(case, smooth):
    noise = np.random.default_rng(3).normal(0, 3, smooth.shape).astype(np.float32)
    clean = case(smooth, smooth.copy()).run(StructuralSimilarity)["core.ssim"]
    noisy = case(smooth, smooth + noise, Bound("abs", 20.0)).run(StructuralSimilarity, (2, 80, 90))["core.ssim"]
    assert clean.value == pytest.approx(1.0, abs=1e-12)
    assert noisy.value < 0.9
    assert noisy.sampled == 1
    assert noisy.interval is None


def test_a_sample_of_tiles_has_an_interval_that_holds_the_whole(case):
    x = np.random.default_rng(0).normal(0, 1, (300, 300)).astype(np.float32)
    y = x + np.random.default_rng(1).normal(0, 0.1, x.shape).astype(np.float32)
    finding = case(x, y, Bound("abs", 1.0)).run(StructuralSimilarity)["core.ssim"]
    scores, _ = ssim_map(x[None].astype(float), y[None].astype(float), np.ones((1, *x.shape), bool), float(np.ptp(x)))
    assert 0 < finding.sampled < 1
    assert finding.interval[0] <= scores.mean() <= finding.interval[1]


@pytest.mark.parametrize("x", [np.zeros((50, 3), np.float32), np.full((20, 20), np.nan), np.ones((20, 20))])
def test_what_has_no_window_or_no_range_is_not_assessed(case, x):
    finding = case(x, x).run(StructuralSimilarity)["core.ssim"]
    assert finding.value is None
    assert finding.message
