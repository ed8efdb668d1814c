from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.model import Bound
from cdt_core.validators.fidelity import QUANTILES, Fidelity


@pytest.fixture
def pair(smooth):
    error = np.random.default_rng(1).uniform(-0.05, 0.05, smooth.shape)
    return smooth, (smooth + error).astype(np.float32)


def test_agrees_with_formulas_written_out(case, pair):
    x, y = pair
    found = case(x, y, Bound("abs", 0.06)).run(Fidelity, (2, 40, 33))
    a, b = x.astype(float).ravel(), y.astype(float).ravel()
    value = {check: finding.value for check, finding in found.items()}
    rmse = np.sqrt(((a - b) ** 2).mean())
    assert value["core.max_error"] == np.abs(a - b).max()
    assert value["core.over_bound"] == 0
    assert value["core.nonfinite_kept"] == 0
    assert value["core.rmse"] == pytest.approx(rmse, rel=1e-10)
    assert value["core.psnr"] == pytest.approx(20 * np.log10((a.max() - a.min()) / rmse), rel=1e-10)
    assert value["core.pearson_r"] == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-12)
    assert value["core.mean_shift"] == pytest.approx(abs((b - a).mean()) / a.std(), rel=1e-6)
    assert value["core.std_shift"] == pytest.approx(abs(b.std() - a.std()) / a.std(), rel=1e-5)
    assert sum(found["core.max_error"].evidence["error_histogram"]["counts"]) == a.size


def test_a_promise_for_all_values_together_is_judged_by_their_root_mean_square(case, pair):
    x, y = pair
    rmse = float(np.sqrt(np.mean(np.square(x.astype(float) - y))))
    kept, broken = (case(x, y, Bound("rmse", rmse * by)).run(Fidelity, (2, 40, 33)) for by in (1.001, 0.999))
    assert "core.max_error" not in kept
    assert kept["core.over_bound"].value == 0
    assert broken["core.over_bound"].value == x.size
    assert kept["core.rmse"].parameters["bound_value"] == rmse * 1.001
    assert kept["core.rmse"].evidence["max_error"] == np.abs(x.astype(float) - y).max()
    assert sum(kept["core.rmse"].evidence["error_histogram"]["counts"]) == x.size


def test_quantiles_lie_within_the_resolution_of_the_histogram(case, pair):
    x, y = pair
    finding = case(x, y, Bound("abs", 0.06)).run(Fidelity)["core.quantile_shift"]
    width = float(x.max() - x.min()) / 1024
    exact = np.quantile(x.astype(float), QUANTILES)
    assert np.abs(np.array(finding.evidence["original"]) - exact).max() <= width
    shift = np.abs(np.quantile(y.astype(float), QUANTILES) - exact).max() / (1024 * width)
    assert finding.interval[0] <= shift <= finding.interval[1]


def test_a_value_over_the_bound_and_a_lost_nan_are_counted(case, smooth):
    x = smooth.copy()
    x[0, 0, :3] = np.nan
    y = x.copy()
    y[0, 0, 0] = 1.0
    y[3, 3, 3] += 1.0
    found = case(x, y, Bound("abs", 0.5)).run(Fidelity, (3, 80, 90))
    assert found["core.over_bound"].value == 1
    assert found["core.nonfinite_kept"].value == 1


def test_relative_bounds_report_the_relative_error(case, smooth):
    found = case(smooth, smooth * np.float32(1.001), Bound("pw_rel", 0.01)).run(Fidelity)
    assert 0.0009 < found["core.max_error"].value < 0.0011
    assert found["core.max_error"].unit == "1"


def test_lossless_says_that_nothing_changed(case, smooth):
    found = case(smooth, smooth).run(Fidelity)
    assert found["core.max_error"].value == 0
    assert float(found["core.psnr"].value) == np.inf
    assert found["core.pearson_r"].value == 1
    assert found["core.quantile_shift"].value == 0


PROMISE = {"core.max_error", "core.over_bound", "core.nonfinite_kept"}


def test_without_finite_values_nothing_but_the_promise_is_asked(case):
    x = np.full((4, 4), np.nan)
    found = case(x, x, Bound("abs", 1.0)).run(Fidelity)
    assert found.keys() == PROMISE
    assert found["core.over_bound"].value == 0


def test_without_a_value_nothing_is_asked(case):
    x = np.zeros((0, 3))
    assert case(x, x).run(Fidelity) == {}


@pytest.mark.parametrize("x", [np.full((5, 5), 7.0), np.array(3, np.int16), np.array([2.5, np.nan])])
@pytest.mark.parametrize("error", [0, 1])
def test_moments_of_one_repeated_value_are_not_asked(case, x, error):
    found = case(x, (x + x.dtype.type(error)).astype(x.dtype), Bound("abs", 1.0)).run(Fidelity)
    assert found.keys() == PROMISE | {"core.rmse"}
    assert found["core.rmse"].value == error


def test_rmse_is_not_asked_under_a_bound_that_differs_from_value_to_value(case, smooth):
    assert "core.rmse" not in case(smooth, smooth, Bound("pw_rel", 0.01)).run(Fidelity)


def test_lost_variation_does_not_correlate(case, smooth):
    found = case(smooth, np.full_like(smooth, smooth.mean()), Bound("abs", 100.0)).run(Fidelity)
    assert found["core.pearson_r"].value == 0
    assert found["core.std_shift"].value == pytest.approx(1)


def test_what_float64_cannot_hold_is_not_assessed(case):
    x = np.array([-1.7e308, 0.0, 1.7e308])
    found = case(x, x * 0.5, Bound("abs", 1e308)).run(Fidelity)
    for check in ("core.psnr", "core.pearson_r", "core.std_shift", "core.quantile_shift"):
        assert found[check].value is None
        assert "overflows" in found[check].message
    same = case(x, x).run(Fidelity)
    assert float(same["core.psnr"].value) == np.inf
    assert [same[check].value for check in ("core.pearson_r", "core.std_shift", "core.quantile_shift")] == [1, 0, 0]


def test_errors_that_vanish_in_float64_are_not_taken_for_none(case):
    x = np.array([1 << 60, (1 << 60) + 2])
    found = case(x, x + 1, Bound("abs", 1.0)).run(Fidelity)
    assert found["core.max_error"].value == 1
    assert found["core.rmse"].value in (None, 1.0)
    assert found["core.psnr"].value != "inf"


@settings(deadline=None, max_examples=25)
@given(
    chunk=st.tuples(st.integers(1, 6), st.integers(9, 80), st.integers(9, 90)),
    tree=st.booleans(),
    seed=st.integers(0, 99),
)
def test_any_cut_into_blocks_gives_the_same_findings(case, chunk, tree, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(3, 2, (6, 30, 20)).astype(np.float32)
    x[rng.random(x.shape) < 0.02] = np.nan
    made = case(x, x + rng.uniform(-0.1, 0.1, x.shape).astype(np.float32), Bound("abs", 0.2))
    whole, cut = made.run(Fidelity), made.run(Fidelity, chunk, tree=tree)
    for check, finding in whole.items():
        assert cut[check].value == pytest.approx(finding.value, rel=1e-9, abs=1e-12)
        assert cut[check].evidence.get("finite") == finding.evidence.get("finite")
    for check in ("core.max_error", "core.over_bound", "core.nonfinite_kept", "core.quantile_shift"):
        assert cut[check].value == whole[check].value
