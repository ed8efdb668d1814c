"""Survival curves, log-rank tests and Cox regressions are those of all rows together."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.duration.api import PHReg, SurvfuncRight, survdiff

from cdt_core.errors import FederatedError
from cdt_federated.statistics import Cox, KaplanMeier, LogRank, cox, run


def table(rows=160, ties=True, seed=5):
    rng = np.random.default_rng(seed)
    dose, age = rng.normal(size=rows), rng.normal(60, 10, rows)
    arm = rng.choice(["p", "q", "r"], rows)
    until = rng.exponential(np.exp(-0.6 * dose - 0.03 * (age - 60) + 0.4 * (arm == "q"))) * 20
    limit = rng.exponential(25, rows)
    days = np.minimum(until, limit)
    return {
        "days": np.ceil(days) if ties else days,
        "died": until <= limit,
        "dose": dose,
        "age": age,
        "arm": arm,
    }


@pytest.mark.parametrize("ties", [True, False])
def test_kaplan_meier(how, ties, split):
    whole = table(ties=ties)
    (curve,) = run(KaplanMeier("days", "died"), split(whole, how))
    pooled = SurvfuncRight(whole["days"], whole["died"])
    at = np.isin(pooled.surv_times, curve.times)
    np.testing.assert_array_equal(pooled.surv_times[at], curve.times)
    np.testing.assert_allclose(curve.survival, pooled.surv_prob[at], rtol=1e-12)
    np.testing.assert_array_equal(curve.at_risk, np.asarray(pooled.n_risk)[at])
    np.testing.assert_allclose(curve.standard_errors, np.asarray(pooled.surv_prob_se)[at], rtol=1e-10, equal_nan=True)
    assert curve.median == pooled.quantile(0.5)
    low, high = curve.intervals().T
    assert ((low <= curve.survival) & (curve.survival <= high)).all()


def test_curves_of_groups_are_their_own(split):
    whole = table()
    curves = run(KaplanMeier("days", "died", "arm", ("p", "q", "r")), split(whole))
    for curve in curves:
        own = {name: column[whole["arm"] == curve.level] for name, column in whole.items()}
        (alone,) = run(KaplanMeier("days", "died"), split(own))
        np.testing.assert_allclose(curve.survival, alone.survival, rtol=1e-12)
    assert curves[0].at(0) == 1


def test_log_rank(how, split):
    whole = table()
    found = run(LogRank("days", "died", "arm", ("p", "q", "r")), split(whole, how))
    statistic, p_value = survdiff(whole["days"], whole["died"], whole["arm"])
    assert (found.statistic, found.p_value) == pytest.approx((statistic, p_value), rel=1e-8)
    assert found.observed.sum() == whole["died"].sum() == pytest.approx(found.expected.sum())


def test_the_last_row_alone_is_observed_too():
    """It adds nothing to the test, but is an event that was expected."""
    rows = {"days": [1, 2, 3, 4], "died": [1, 1, 1, 1], "arm": list("pqpq")}
    found = run(LogRank("days", "died", "arm", ("p", "q")), {"a": rows})
    np.testing.assert_array_equal(found.observed, [2, 2])
    assert found.expected.sum() == pytest.approx(4)
    assert found.statistic == pytest.approx(survdiff(rows["days"], rows["died"], np.array(rows["arm"]))[0], rel=1e-8)


@pytest.mark.parametrize("together", [1, 7])
@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_cox_where_nearly_all_have_an_event_at_one_time(ties, together, split, monkeypatch):
    """However few tied events are looked at together."""
    monkeypatch.setattr(cox, "_TOGETHER", together)
    whole = table()
    whole["days"], whole["died"] = np.where(whole["dose"] > -1.5, 3.0, whole["days"]), np.arange(160) % 9 > 0
    found = run(Cox("days", "died", ["dose", "age"], ties=ties), split(whole))
    covariates = np.column_stack([whole["dose"], whole["age"]])
    pooled = PHReg(whole["days"], covariates, status=whole["died"], ties=ties).fit(disp=0)
    np.testing.assert_allclose(found.coefficients, pooled.params, rtol=1e-6)
    np.testing.assert_allclose(found.standard_errors, pooled.bse, rtol=1e-6)
    assert found.log_likelihood == pytest.approx(pooled.llf, rel=1e-10)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_cox(how, ties, split):
    whole = table()
    found = run(Cox("days", "died", ["dose", "age"], ties=ties), split(whole, how))
    covariates = np.column_stack([whole["dose"], whole["age"]])
    pooled = PHReg(whole["days"], covariates, status=whole["died"], ties=ties).fit(disp=0)
    np.testing.assert_allclose(found.coefficients, pooled.params, rtol=1e-7)
    np.testing.assert_allclose(found.standard_errors, pooled.bse, rtol=1e-6)
    assert found.log_likelihood == pytest.approx(pooled.llf, rel=1e-10)
    assert found.events == whole["died"].sum()


def test_cox_reaches_the_point_where_the_gradient_is_zero(split):
    """statsmodels ends at 1e-8 of its own; from our point its Newton step moves nothing."""
    whole = table()
    found = run(Cox("days", "died", ["dose", "age"]), split(whole))
    covariates = np.column_stack([whole["dose"], whole["age"]])
    model = PHReg(whole["days"], covariates, status=whole["died"], ties="efron")
    step = np.linalg.solve(model.hessian(found.coefficients), model.score(found.coefficients))
    np.testing.assert_allclose(step, 0, atol=1e-10)


def test_the_baseline_is_breslows(split):
    whole = table()
    found = run(Cox("days", "died", ["dose"], ties="breslow"), split(whole))
    pooled = PHReg(whole["days"], whole["dose"][:, None], status=whole["died"], ties="breslow").fit(disp=0)
    times, before, _ = pooled.baseline_cumulative_hazard[0]  # of events before each time
    at = [np.flatnonzero(times == time)[-1] for time in found.times]
    np.testing.assert_allclose(found.cumulative_hazard[:-1], before[at][1:], rtol=1e-6)
    assert before[at][0] == 0


def test_strata_of_sites_have_baselines_of_their_own(split):
    whole = table()
    sites = split(whole, "even")
    found = run(Cox("days", "died", ["dose", "age"], strata="sites"), sites)
    rows = {name: np.concatenate([site[name] for site in sites.values()]) for name in whole}
    strata = np.repeat(np.arange(len(sites)), [len(site["days"]) for site in sites.values()])
    covariates = np.column_stack([rows["dose"], rows["age"]])
    pooled = PHReg(rows["days"], covariates, status=rows["died"], ties="efron", strata=strata).fit(disp=0)
    np.testing.assert_allclose(found.coefficients, pooled.params, rtol=1e-7)
    np.testing.assert_allclose(found.standard_errors, pooled.bse, rtol=1e-6)
    assert found.times is None


@pytest.mark.parametrize("analysis", [KaplanMeier("days", "died", times=[5, 10, 20, 40]), "cox"])
def test_agreed_times_are_those_of_rounded_rows(analysis, split):
    """What lies between two times counts as the later one, and what is after the last as censored."""
    whole, grid = table(ties=False), np.array([5.0, 10, 20, 40])
    rounded = grid[np.minimum(np.searchsorted(grid, whole["days"]), 3)]
    coarse = {**whole, "days": rounded, "died": whole["died"] & (whole["days"] <= 40)}
    if analysis == "cox":
        found = run(Cox("days", "died", ["dose"], times=grid), split(whole))
        exact = run(Cox("days", "died", ["dose"]), split(coarse))
        np.testing.assert_allclose(found.coefficients, exact.coefficients, rtol=1e-9)
        return
    (found,), (exact,) = run(analysis, split(whole)), run(KaplanMeier("days", "died"), split(coarse))
    np.testing.assert_allclose(found.survival, exact.survival, rtol=1e-12)


def test_times_with_few_at_risk_are_left_out(split):
    whole = table()
    (curve,) = run(KaplanMeier("days", "died", min_count=20), split(whole))
    assert curve.at_risk.min() >= 20


NOBODY = {"a": {"days": [1.0, 2.0], "died": [0, 0], "dose": [0.0, 1.0], "arm": ["p", "q"]}}


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: run(KaplanMeier("days", "died"), NOBODY), "has an event in 'died'"),
        (lambda: run(Cox("days", "died", ["dose"]), NOBODY), "has an event in 'died'"),
        (lambda: LogRank("days", "died"), "name their column"),
        (lambda: KaplanMeier("days", "died", "arm"), "and its levels"),
        (lambda: KaplanMeier("days", "died", times=[3, 2]), "that rise"),
        (lambda: Cox("days", "died", ["x"], ties="exact"), "'efron' or 'breslow'"),
        (lambda: Cox("days", "died", ["x"], strata="sites", times=[1, 2]), "leave the agreed times out"),
        (lambda: run(KaplanMeier("x", "died"), {"a": {"x": [-1.0], "died": [1]}}), "'x' is negative in row 0"),
    ],
)
def test_what_has_no_answer_is_refused(make, said):
    with pytest.raises(FederatedError, match=said):
        make()


def test_a_covariate_that_orders_all_events_is_refused(split):
    rows = np.arange(1.0, 30)
    with pytest.raises(FederatedError, match="'rank' grows without end"):
        run(Cox("days", "died", ["rank"]), split({"days": rows, "died": np.ones(29), "rank": -rows}))
