"""Regressions over sites are those of all rows together, as statsmodels fits them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import statsmodels.api as sm

from cdt_core.errors import FederatedError
from cdt_federated.statistics import LinearRegression, LogisticRegression, PoissonRegression, run


def table(rows=300, seed=2):
    rng = np.random.default_rng(seed)
    age, dose = rng.normal(60, 12, rows), rng.gamma(2, 1e-3, rows)
    predictor = 0.05 * (age - 60) - 400 * (dose - 2e-3)
    years = rng.uniform(0.5, 9, rows)
    return {
        "age": age,
        "dose": dose,
        "years": years,
        "pressure": 120 + 8 * predictor + rng.normal(0, 9, rows),
        "ill": rng.random(rows) < 1 / (1 + np.exp(-predictor)),
        "visits": rng.poisson(years * np.exp(0.3 * predictor)),
        "w": rng.integers(1, 5, rows),
    }


def design(whole):
    return sm.add_constant(np.column_stack([whole["age"], whole["dose"]]))


def agree(found, pooled, tolerance=1e-8):
    np.testing.assert_allclose(found.coefficients, pooled.params, rtol=tolerance)
    np.testing.assert_allclose(found.standard_errors, pooled.bse, rtol=tolerance)
    np.testing.assert_allclose(found.p_values, pooled.pvalues, rtol=1e-6)
    np.testing.assert_allclose(found.intervals(), pooled.conf_int(), rtol=1e-6)


def test_least_squares(how, split):
    whole = table()
    found = run(LinearRegression("pressure", ["age", "dose"]), split(whole, how))
    pooled = sm.OLS(whole["pressure"], design(whole)).fit()
    agree(found, pooled)
    assert found.r_squared == pytest.approx(pooled.rsquared, rel=1e-10)
    assert found.residual_variance == pytest.approx(pooled.mse_resid, rel=1e-10)
    assert "intercept" in str(found)


def test_weighted_least_squares(split):
    whole = table()
    found = run(LinearRegression("pressure", ["age", "dose"], weights="w"), split(whole))
    agree(found, sm.WLS(whole["pressure"], design(whole), weights=whole["w"]).fit())


def test_logistic(how, split):
    whole = table()
    found = run(LogisticRegression("ill", ["age", "dose"]), split(whole, how))
    pooled = sm.GLM(whole["ill"].astype(float), design(whole), family=sm.families.Binomial()).fit(tol=1e-14)
    agree(found, pooled)
    assert found.deviance == pytest.approx(pooled.deviance, rel=1e-10)
    assert found.questions <= 10


@pytest.mark.parametrize("exposure", [None, "years"])
def test_poisson(exposure, split):
    whole = table()
    found = run(PoissonRegression("visits", ["age", "dose"], exposure=exposure), split(whole))
    exposed = None if exposure is None else whole[exposure]
    model = sm.GLM(whole["visits"], design(whole), family=sm.families.Poisson(), exposure=exposed)
    pooled = model.fit(tol=1e-14)
    agree(found, pooled)
    assert found.deviance == pytest.approx(pooled.deviance, rel=1e-8)
    assert found.log_likelihood == pytest.approx(pooled.llf, rel=1e-10)


def test_weights_count_rows(split):
    whole = table(100)
    repeated = {name: np.repeat(column, whole["w"]) for name, column in whole.items()}
    found = run(LogisticRegression("ill", ["age"], weights="w"), split(whole))
    plain = run(LogisticRegression("ill", ["age"]), split(repeated))
    np.testing.assert_allclose(found.coefficients, plain.coefficients, rtol=1e-9)
    np.testing.assert_allclose(found.standard_errors, plain.standard_errors, rtol=1e-9)


def test_columns_of_any_scale_lose_no_digits(split):
    whole = table()
    shifted = {**whole, "age": whole["age"] + 1e8}
    plain, far = (run(LogisticRegression("ill", ["age"]), split(each)) for each in (whole, shifted))
    np.testing.assert_allclose(far.coefficients[1], plain.coefficients[1], rtol=1e-6)


@pytest.mark.parametrize(
    ("analysis", "change", "said"),
    [
        (LogisticRegression("ill", ["age"]), {"ill": lambda t: t["age"] > 60}, "'age' grows without end"),
        (LogisticRegression("ill", ["age"]), {"ill": lambda t: t["age"] * 0}, "the same in all rows"),
        (LogisticRegression("ill", ["age"]), {"ill": lambda t: t["w"]}, "values other than 0 and 1"),
        (
            LogisticRegression("ill", ["age", "dose"]),
            {"dose": lambda t: 3 * t["age"] + 1},
            "age, dose cannot be told apart",
        ),
        (
            LinearRegression("pressure", ["age", "dose"]),
            {"dose": lambda t: -t["age"]},
            "age, dose cannot be told apart",
        ),
        (LinearRegression("pressure", ["age"]), {"age": lambda t: t["age"] * 0 + 7}, "'age' has one value in all rows"),
        (LinearRegression("age", ["age"]), {}, "is among the covariates"),
        (PoissonRegression("visits", ["age"]), {"visits": lambda t: -t["w"]}, "'visits' is negative in some"),
        (PoissonRegression("visits", ["age"]), {"visits": lambda t: t["w"] * 0}, "is 0 in all rows"),
        (PoissonRegression("visits", ["age"], exposure="w"), {"w": lambda t: t["w"] - 1}, "exposure 'w' is 0"),
    ],
)
def test_what_has_no_answer_is_refused(analysis, change, said, split):
    whole = table(80)
    whole |= {name: make(whole) for name, make in change.items()}
    with pytest.raises(FederatedError, match=said):
        run(analysis, split(whole))


RARE = np.arange(3000) < 8


@pytest.mark.parametrize(
    ("make", "outcome"),
    [
        (LogisticRegression, lambda rng: RARE | (rng.random(3000) < 0.3)),
        (LogisticRegression, lambda rng: ~RARE & (rng.random(3000) < 0.3)),
        (PoissonRegression, lambda rng: np.where(RARE, 0, rng.poisson(2, 3000))),
    ],
)
def test_a_rare_level_that_separates_is_refused(make, outcome, split):
    """In units of its deviation such a coefficient stays small, however far it runs."""
    rng = np.random.default_rng(3)
    rows = {"rare": RARE, "age": rng.normal(60, 9, 3000), "y": outcome(rng)}
    with pytest.raises(FederatedError, match="'rare' grows without end"):
        run(make("y", ["age", "rare"]), split(rows))


def test_a_covariate_of_heavy_tails_is_no_separation(split):
    rng = np.random.default_rng(1)
    x = rng.standard_cauchy(20000) * 30
    y = rng.random(20000) < 1 / (1 + np.exp(-np.clip(x / 10, -500, 500)))
    found = run(LogisticRegression("y", ["x"]), split({"x": x, "y": y}))
    with np.errstate(over="ignore"):
        pooled = sm.Logit(y.astype(float), sm.add_constant(x)).fit(disp=0, tol=1e-12, maxiter=200)
    np.testing.assert_allclose(found.coefficients, pooled.params, rtol=1e-6)


@pytest.mark.parametrize(("count", "time"), [(1e15, None), (3.0, 1e15)])
def test_rates_of_any_size(count, time, split):
    rng = np.random.default_rng(4)
    x = rng.normal(size=200)
    rows = {"x": x, "n": rng.poisson(count * np.exp(0.3 * x)), "t": np.full(200, time or 1.0)}
    found = run(PoissonRegression("n", ["x"], exposure=time and "t"), split(rows))
    model = sm.GLM(rows["n"], sm.add_constant(x), family=sm.families.Poisson(), exposure=rows["t"])
    np.testing.assert_allclose(found.coefficients, model.fit(tol=1e-14).params, rtol=1e-8)


@pytest.mark.parametrize("weights", [None, "w"])
def test_the_little_that_a_good_fit_leaves_keeps_its_digits(weights, split):
    """One part in 1e12 of the outcome's squares: a difference of these has no digits of it."""
    rng = np.random.default_rng(5)
    x, noise, w = rng.normal(size=200), rng.normal(size=200), rng.integers(1, 4, 200)
    y = 1e6 * x + noise
    found = run(LinearRegression("y", ["x"], weights=weights), split({"x": x, "y": y, "w": w}))
    pooled = sm.WLS(y, sm.add_constant(x), weights=w if weights else 1.0).fit()
    np.testing.assert_allclose(found.standard_errors, pooled.bse, rtol=1e-8)
    assert found.residual_variance == pytest.approx(pooled.mse_resid, rel=1e-8)


def test_an_exact_fit_has_errors_of_0():
    found = run(LinearRegression("y", ["x"]), {"a": {"x": [2.0, 4.0, 6.0, 8.0], "y": [1.0] * 4}})
    assert found.standard_errors.tolist() == [0, 0]
    assert "coefficient" in str(found)


def test_fewer_rows_than_coefficients_are_refused():
    with pytest.raises(FederatedError, match="too few for 2 coefficients"):
        run(LinearRegression("y", ["x"]), {"a": {"x": [1.0, 2.0], "y": [1.0, 3.0]}})


def test_three_hospitals_fit_what_one_would():
    """The Wisconsin breast-cancer data, split unevenly; three covariates of scales from 0.1 to 1000."""
    from sklearn.datasets import load_breast_cancer

    given = load_breast_cancer()
    names = ["mean texture", "mean area", "mean smoothness"]
    columns = given.data[:, [list(given.feature_names).index(name) for name in names]]
    edges = [0, 300, 320, 569]
    sites = {
        f"hospital {at}": {**dict(zip(names, columns[first:stop].T, strict=True)), "benign": given.target[first:stop]}
        for at, (first, stop) in enumerate(pairwise(edges))
    }
    found = run(LogisticRegression("benign", names), sites)
    pooled = sm.GLM(given.target, sm.add_constant(columns), family=sm.families.Binomial()).fit(tol=1e-14)
    agree(found, pooled)
