from __future__ import annotations

import numpy as np
import pytest

from cdt_core.validators.outliers import Outliers


def test_planted_outliers_are_counted(case, smooth):
    smooth.reshape(-1)[::1000] = 1000.0
    planted = (smooth == 1000).mean()
    finding = case(smooth, smooth).run(Outliers, (2, 33, 44))["core.outlier_share"]
    assert finding.interval[0] <= planted <= finding.interval[1]
    assert finding.value == pytest.approx(planted, rel=1e-9)


def test_one_value_is_counted_though_the_sample_misses_it(case, smooth):
    smooth[0, 0, 0] = 1e30
    finding = case(smooth, smooth).run(Outliers)["core.outlier_share"]
    assert finding.sampled == 1
    assert finding.value == pytest.approx(1 / smooth.size, rel=1e-9)


def test_a_stretched_histogram_falls_back_to_the_sample(case, smooth):
    planted = np.random.default_rng(2).choice(smooth.size, smooth.size // 200, replace=False)
    smooth.reshape(-1)[planted] = 1000.0
    smooth[0, 0, 0] = 1e30
    finding = case(smooth, smooth).run(Outliers)["core.outlier_share"]
    assert finding.sampled < 1
    assert finding.interval[0] <= 1 / 200 <= finding.interval[1]


def test_normal_values_have_none(case):
    x = np.random.default_rng(0).normal(size=(300, 300))
    assert case(x, x).run(Outliers, (100, 70))["core.outlier_share"].value == 0


def test_the_sample_does_not_depend_on_the_blocks(case, smooth):
    made = case(smooth, smooth)
    values = [made.run(Outliers, chunk)["core.outlier_share"].evidence for chunk in [(6, 80, 90), (1, 7, 11)]]
    assert values[0] == values[1]


def test_small_variables_are_counted_exactly(case):
    x = np.r_[np.random.default_rng(0).normal(size=999), 1e6]
    finding = case(x, x).run(Outliers)["core.outlier_share"]
    assert finding.value == 0.001
    assert finding.sampled == 1


def heavy(name, size=60000):
    rng = np.random.default_rng(7)
    if name == "lognormal":
        return rng.lognormal(0, 2, size)
    if name == "pareto":
        return rng.pareto(0.8, size)
    if name == "rain":
        return np.where(rng.random(size) < 0.9, 0, rng.gamma(0.3, 8, size))
    if name == "counts":
        return rng.negative_binomial(0.05, 0.01, size)
    if name == "rare allele":
        return np.where(rng.random(size) < 0.02, 0, 2).astype(np.int8)
    if name == "two groups":
        return np.where(rng.random(size) < 0.15, rng.normal(1000, 1, size), rng.normal(0, 1, size))
    if name == "questionnaire":
        return rng.choice([1, 2, 3, 4, 5], size, p=[0.02, 0.02, 0.03, 0.03, 0.9])
    blurred = np.convolve(np.where(rng.random(size) < 0.01, rng.uniform(0.1, 1, size), 0), np.hanning(9), "same")
    return 0.26 + 0.01 * rng.normal(size=size) + blurred  # bright objects on a dark ground


@pytest.mark.parametrize(
    "name", ["lognormal", "pareto", "rain", "counts", "rare allele", "two groups", "questionnaire", "objects"]
)
@pytest.mark.parametrize("size", [200, 60000])
def test_tails_groups_and_sparse_fields_are_no_outliers(case, name, size):
    x = heavy(name)[:size].reshape(20, -1)
    found = case(x, x).run(Outliers)
    assert all(finding.value <= 0.001 for finding in found.values())


@pytest.mark.parametrize(("name", "every"), [("lognormal", 50), ("rain", 400), ("counts", 100), ("two groups", 50)])
def test_values_set_apart_from_a_heavy_tail_are_outliers(case, name, every):
    x = heavy(name).astype(np.float64)
    x[np.random.default_rng(3).choice(x.size, x.size // every, replace=False)] = -1e9
    finding = case(x.reshape(20, -1), x.reshape(20, -1)).run(Outliers)["core.outlier_share"]
    assert finding.value == pytest.approx(1 / every, rel=0.2)


def test_signals_between_numerical_zeros_are_no_outliers(case):
    rng = np.random.default_rng(0)
    x = np.where(rng.random(1200) < 0.8, 0, 10.0 ** rng.uniform(-38, -8, 1200))
    x[::20] = rng.uniform(0.01, 2, 60)
    assert case(x, x).run(Outliers)["core.outlier_share"].value <= 0.01


def test_codes_far_apart_are_no_outliers_though_they_have_no_attributes(case):
    rng = np.random.default_rng(0)
    codes = rng.choice([4302207, 4058899, 44786664, 3035995, 4276526], 1500, p=[0.4, 0.3, 0.05, 0.15, 0.1])
    assert case(codes, codes, dims=("row",)).run(Outliers) == {}


def test_measured_whole_numbers_are_no_codes(case):
    rng = np.random.default_rng(0)
    for x in (rng.normal(0, 300, 5000), 100 * np.round(rng.normal(0, 30, 5000)), rng.poisson(3, 5000)):
        x = x.astype(np.int32)
        x[::50] = 10**6
        assert case(x, x, dims=("row",)).run(Outliers)["core.outlier_share"].value == 0.02


def test_refusal_codes_of_a_questionnaire_are_outliers(case):
    x = heavy("questionnaire")
    x[::40] = 99
    assert case(x, x).run(Outliers)["core.outlier_share"].value == pytest.approx(0.025, rel=0.2)


@pytest.mark.parametrize(
    ("x", "attributes"),
    [
        (np.full(500, np.nan), {}),
        (np.full(500, 3.0), {}),
        (np.array([1.0, 2.0, 1e9] * 30), {}),
        (np.array(5.0), {}),
        (np.zeros((0, 4)), {}),
        (np.r_[np.arange(1000), 10**9], {}),
        (np.r_[np.ones(999), 1e6], {}),
        (np.r_[np.tile([1, 2, 3], 300), [100] * 9], {"flag_meanings": "a b c d"}),
    ],
)
def test_is_not_asked_of_few_or_equal_values_nor_of_codes_and_keys(case, x, attributes):
    assert case(x, x, attributes=attributes).run(Outliers) == {}


def test_too_small_a_sample_of_what_is_there_is_not_assessed(case):
    x = np.full((400, 400), np.nan)
    x[:20, :20] = np.arange(400).reshape(20, 20)
    finding = case(x, x).run(Outliers)["core.outlier_share"]
    assert finding.value is None
    assert "sample" in finding.message


@pytest.mark.parametrize("chunk", [(20, 100), (7, 999), (1, 3000)])
def test_any_cut_into_blocks_gives_the_same_finding(case, chunk):
    x = heavy("lognormal")
    x[::77] = 1e7
    made = case(x.reshape(20, -1), x.reshape(20, -1))
    whole, cut = (made.run(Outliers, c, tree=True)["core.outlier_share"] for c in (None, chunk))
    assert cut == whole
