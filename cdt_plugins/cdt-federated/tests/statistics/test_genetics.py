"""Frequencies and associations of variants are those of all samples together."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from cdt_core.errors import FederatedError
from cdt_federated.statistics import AlleleFrequencies, Association, alleles, run
from cdt_federated.statistics.alleles import hardy_weinberg

VARIANTS = 7


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch):
    """Variants are looked at three at a time, as if there were thousands."""
    monkeypatch.setattr(alleles, "_TOGETHER", 3)


def table(rows=240, missing=0.1, seed=4):
    rng = np.random.default_rng(seed)
    g = rng.binomial(2, rng.uniform(0.1, 0.6, VARIANTS), (rows, VARIANTS)).astype(np.int8)
    age = rng.normal(50, 9, rows)
    height = 170 + 0.1 * age + 1.5 * g[:, 2] + rng.normal(0, 6, rows)
    ill = rng.random(rows) < 1 / (1 + np.exp(-0.5 * g[:, 1] + 0.05 * (age - 50)))
    g[rng.random(g.shape) < missing] = -1
    return {"g": g, "age": age, "height": height, "ill": ill}


def test_frequencies_are_those_of_all_samples(how, split):
    whole = table()
    found = run(AlleleFrequencies("g", VARIANTS), split(whole, how))
    called = np.where(whole["g"] < 0, np.nan, whole["g"].astype(float))
    np.testing.assert_allclose(found.frequencies, np.nanmean(called, axis=0) / 2, rtol=1e-14)
    np.testing.assert_array_equal(found.calls.sum(axis=0), np.isfinite(called).sum(axis=0))


@pytest.mark.parametrize("counts", [(57, 14, 2), (0, 5, 0), (10, 0, 10), (3, 4, 1), (100, 0, 0)])
def test_the_exact_test_is_the_sum_over_all_tables(counts):
    """By every number of heterozygotes, with whole-number arithmetic."""
    from fractions import Fraction
    from math import comb

    total, rare = sum(counts), 2 * min(counts[0], counts[2]) + counts[1]
    chances = {
        both: Fraction(comb(total, both) * comb(total - both, (rare - both) // 2) * 2**both, comb(2 * total, rare))
        for both in range(rare % 2, rare + 1, 2)
    }
    assert sum(chances.values()) == 1
    exact = sum(chance for chance in chances.values() if chance <= chances[counts[1]])
    assert hardy_weinberg(*counts) == pytest.approx(float(exact), rel=1e-9)


@pytest.mark.parametrize("counts", [(500, 400, 90), (0, 901, 0), (700, 1, 700), (333, 333, 333), (5, 990, 2)])
def test_the_exact_test_of_many_looks_at_the_likely_ones_alone(counts, monkeypatch):
    all_looked_at = hardy_weinberg(*counts)
    monkeypatch.setattr(alleles, "_FEW", 10)
    assert hardy_weinberg(*counts) == pytest.approx(all_looked_at, rel=1e-12)
    assert len(alleles._likely(1e6, 1e6)) < 50_000


def test_counts_of_few_are_held_back(split):
    found = run(AlleleFrequencies("g", 1, min_count=2), split({"g": np.array([[0]] * 5 + [[1]])}))
    assert np.isnan(found.frequencies).all()


@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_linear_association_is_the_pooled_regression_of_each_variant(how, missing, split):
    whole = table(missing=missing)
    found = run(Association("height", "g", VARIANTS, ["age"]), split(whole, how))
    for variant in range(VARIANTS):
        called = whole["g"][:, variant] >= 0
        columns = np.column_stack([whole["g"][called, variant], whole["age"][called]])
        pooled = sm.OLS(whole["height"][called], sm.add_constant(columns)).fit()
        assert found.coefficients[variant] == pytest.approx(pooled.params[1], rel=1e-8)
        assert found.standard_errors[variant] == pytest.approx(pooled.bse[1], rel=1e-8)
        assert found.p_values[variant] == pytest.approx(pooled.pvalues[1], rel=1e-6)
        assert found.called[variant] == called.sum()


def test_logistic_association_is_the_pooled_score_test(how, split):
    whole = table(missing=0)
    found = run(Association("ill", "g", VARIANTS, ["age"], model="logistic"), split(whole, how))
    covariates = sm.add_constant(whole["age"])
    null = sm.GLM(whole["ill"].astype(float), covariates, family=sm.families.Binomial()).fit(tol=1e-14)
    for variant in range(VARIANTS):
        statistic, p_value = null.score_test(exog_extra=whole["g"][:, [variant]].astype(float))[:2]
        assert found.statistics[variant] ** 2 == pytest.approx(float(np.squeeze(statistic)), rel=1e-7)
        assert found.p_values[variant] == pytest.approx(float(np.squeeze(p_value)), rel=1e-6)


def test_without_covariates_the_score_test_is_that_of_trend(split):
    whole = table(missing=0)
    found = run(Association("ill", "g", VARIANTS, model="logistic"), split(whole))
    for variant in range(VARIANTS):
        correlation = stats.pearsonr(whole["g"][:, variant], whole["ill"]).statistic
        assert found.statistics[variant] ** 2 == pytest.approx(240 * correlation**2, rel=1e-8)


def test_uncalled_genotypes_move_the_score_test_little(split):
    whole = table(rows=2000, missing=0.05)
    found = run(Association("ill", "g", VARIANTS, ["age"], model="logistic"), split(whole))
    for variant in range(VARIANTS):
        called = whole["g"][:, variant] >= 0
        own = {name: column[called] for name, column in whole.items()}
        alone = run(Association("ill", "g", VARIANTS, ["age"], model="logistic"), {"a": {**own, "g": np.abs(own["g"])}})
        assert found.statistics[variant] == pytest.approx(alone.statistics[variant], abs=0.02)


def test_variants_that_do_not_vary_have_no_answer(split):
    whole = table(missing=0)
    whole["g"][:, 0] = 1
    whole["g"][:, 3] = -1
    found = run(Association("height", "g", VARIANTS, ["age"]), split(whole))
    np.testing.assert_array_equal(np.isnan(found.p_values), [at in (0, 3) for at in range(VARIANTS)])
    assert "7 variants" in str(found)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: run(AlleleFrequencies("g", 2), {"a": {"g": [[0, 1, 2]]}}), "2 counts of alleles are wanted"),
        (lambda: run(AlleleFrequencies("g", 2), {"a": {"g": [[0, 3]]}}), "has 3 in row 0, variant 1"),
        (lambda: run(AlleleFrequencies("g", 1), {"a": {"g": [[0.5]]}}), "has 0.5 in row 0"),
        (lambda: run(AlleleFrequencies("g", 5), {"a": {"g": [[0, 1, 2, -1, 7]]}}), "has 7 in row 0, variant 4"),
        (lambda: Association("y", "g", 1, ["a", "a"]), "each once"),
        (lambda: Association("y", "g", 1, model="probit"), "'linear' or 'logistic'"),
        (lambda: run(Association("y", "g", 1), {"a": {"y": [1.0, 1.0], "g": [[0], [1]]}}), "one value in all rows"),
    ],
)
def test_what_makes_no_sense_is_refused(make, said):
    with pytest.raises(FederatedError, match=said):
        make()
