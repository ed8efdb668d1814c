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
    x = np.random.default_rng(0).normal(0, 1, (800, 800)).astype(np.float32)
    y = x + np.random.default_rng(1).normal(0, 0.1, x.shape).astype(np.float32)
    finding = case(x, y, Bound("abs", 1.0)).run(StructuralSimilarity)["core.ssim"]
    scores, _ = ssim_map(x[None].astype(float), y[None].astype(float), np.ones((1, *x.shape), bool), float(np.ptp(x)))
    assert finding.evidence["tiles"] == 64
    assert 0 < finding.sampled < 0.5
    assert finding.interval[0] <= scores.mean() <= finding.interval[1]


@pytest.mark.parametrize(
    ("x", "attributes"),
    [
        (np.zeros((50, 3), np.float32), {}),
        (np.random.default_rng(0).normal(size=(500, 3)), {}),
        (np.full((20, 20), np.nan), {}),
        (np.ones((20, 20)), {}),
        (np.zeros((0, 20, 20)), {}),
        (np.random.default_rng(0).integers(0, 4, (20, 20)), {"flag_values": [0, 1, 2, 3]}),
        (np.random.default_rng(0).integers(0, 4, (20, 20)), {"standard_name": "air_temperature status_flag"}),
    ],
)
def test_is_not_asked_without_a_plane_or_a_spread_nor_of_codes(case, x, attributes):
    assert case(x, x + 1, Bound("abs", 1.0), attributes).run(StructuralSimilarity) == {}


def test_what_did_not_change_is_exactly_one_though_no_window_is_whole(case, smooth):
    smooth[:, ::5, ::5] = np.nan
    finding = case(smooth, smooth.copy(), Bound("abs", 1.0)).run(StructuralSimilarity, (2, 40, 7))["core.ssim"]
    assert finding.value == 1
    assert finding.sampled == 1
    assert finding.interval is None


def test_a_change_where_no_window_is_whole_is_not_assessed(case, smooth):
    smooth[:, ::5, ::5] = np.nan
    finding = case(smooth, smooth + np.float32(0.1), Bound("abs", 1.0)).run(StructuralSimilarity)["core.ssim"]
    assert finding.value is None
    assert "without missing values" in finding.message


def test_colours_are_no_axis_of_the_plane(case):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 50, 3))
    y = x + rng.normal(0, 0.1, x.shape)
    last = case(x, y, Bound("abs", 1.0)).run(StructuralSimilarity)["core.ssim"]
    first = case(np.moveaxis(x, 2, 0), np.moveaxis(y, 2, 0), Bound("abs", 1.0)).run(StructuralSimilarity)["core.ssim"]
    assert last.value == pytest.approx(first.value, rel=1e-12)


def test_blocks_of_whole_tiles_give_what_the_whole_gives(case):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 128, 128)).astype(np.float32)
    made = case(x, x + rng.normal(0, 0.1, x.shape).astype(np.float32), Bound("abs", 1.0))
    whole = made.run(StructuralSimilarity)["core.ssim"]
    for chunk in [(1, 128, 128), (2, 64, 128), (1, 64, 64)]:
        assert made.run(StructuralSimilarity, chunk, tree=True)["core.ssim"].value == pytest.approx(whole.value, 1e-12)
