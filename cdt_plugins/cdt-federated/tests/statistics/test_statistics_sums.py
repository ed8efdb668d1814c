"""Moments, histograms, tables and tests of groups are those of all rows together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cdt_core.errors import FederatedError
from cdt_federated.statistics import ChiSquare, Contingency, Histogram, Moments, TTest, ask_all, run


def table(rows=200, offset=0.0, seed=1):
    rng = np.random.default_rng(seed)
    group = rng.choice(["p", "q"], rows)
    x = rng.normal(size=rows) + (group == "q") * 0.3 + offset
    return {"x": x, "y": rng.gamma(2, size=rows) - x, "group": group, "ill": rng.integers(0, 3, rows)}


@pytest.mark.parametrize("offset", [0.0, 1e8])
def test_moments_are_those_of_all_rows(how, offset, split):
    whole = table(offset=offset)
    found = run(Moments(["x", "y"]), split(whole, how))
    both = np.stack([whole["x"], whole["y"]])
    assert (found.rows, found.left_out) == (200, 0)
    np.testing.assert_allclose(found.mean, both.mean(axis=1), rtol=1e-14)
    centred = both - both.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(found.covariance, centred @ centred.T / 199, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.correlation, np.corrcoef(both), rtol=1e-7)


def test_weights_count_rows(split):
    whole = table(50)
    times = np.random.default_rng(3).integers(0, 4, 50)
    weighted = run(Moments(["x"], weights="w"), split({**whole, "w": times}))
    repeated = run(Moments(["x"]), split({"x": np.repeat(whole["x"], times)}))
    np.testing.assert_allclose(weighted.mean, repeated.mean, rtol=1e-13)
    np.testing.assert_allclose(weighted.covariance, repeated.covariance, rtol=1e-12)


def test_of_one_row_there_is_no_variance_and_of_none_no_mean():
    assert np.isnan(run(Moments(["x"]), {"a": {"x": [4.0]}, "b": {"x": []}}).variance).all()
    with pytest.raises(FederatedError, match="no site has a row"):
        run(Moments(["x"]), {"a": {"x": []}})


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=30), st.integers(0, 30), st.randoms())
def test_neither_order_nor_split_matters(values, cut, order):
    sites = {"a": {"x": values[:cut]}, "b": {"x": values[cut:]}}
    found = run(Moments(["x"]), sites)
    names = list(sites)
    order.shuffle(names)
    again = run(Moments(["x"]), {name: sites[name] for name in names})
    assert found.mean == pytest.approx(np.mean(values), rel=1e-12, abs=1e-9)
    assert found.variance == pytest.approx(np.var(values, ddof=1), rel=1e-9, abs=1e-9)
    assert again.mean == pytest.approx(found.mean, rel=1e-12, abs=1e-9)


def test_histograms_are_numpys(how, split):
    whole, edges = table(), np.linspace(-1, 2, 13)
    whole["x"][:3] = edges[[0, 4, -1]]
    found = run(Histogram("x", edges), split(whole, how))
    np.testing.assert_array_equal(found.counts, np.histogram(whole["x"], edges)[0])
    assert (found.below, found.above) == ((whole["x"] < -1).sum(), (whole["x"] > 2).sum())


def test_counts_of_few_are_held_back():
    found = run(Histogram("x", [0, 1, 2, 3], min_count=3), {"a": {"x": [0.5] * 3 + [1.5]}, "b": {"x": [1.5]}})
    np.testing.assert_array_equal(found.counts, [3, np.nan, 0])
    assert "few" in str(found)


@pytest.mark.parametrize("equal", [False, True])
def test_t_tests_are_scipys(how, equal, split):
    whole = table(offset=1e5)
    found = run(TTest("x", "group", ("p", "q"), equal_variances=equal), split(whole, how))
    first, second = (whole["x"][whole["group"] == level] for level in ("p", "q"))
    pooled = stats.ttest_ind(first, second, equal_var=equal)
    assert found.statistic == pytest.approx(pooled.statistic, rel=1e-8)
    assert found.p_value == pytest.approx(pooled.pvalue, rel=1e-8)
    assert found.freedom == pytest.approx(pooled.df, rel=1e-8)
    interval = pooled.confidence_interval()
    assert found.interval() == pytest.approx((interval.low, interval.high), rel=1e-7)


def test_groups_far_apart_keep_their_own_variance(split):
    rng = np.random.default_rng(2)
    group = np.repeat(["p", "q"], 40)
    x = rng.normal(0, 1e-3, 80) + 1e8 * (group == "q")
    found = run(TTest("x", "group", ("p", "q")), split({"x": x, "group": group}))
    np.testing.assert_allclose(found.deviations, [x[:40].std(ddof=1), x[40:].std(ddof=1)], rtol=1e-9)


def test_means_that_do_not_differ_have_an_interval():
    found = run(TTest("x", "g", ("a", "b")), {"s": {"x": [1, 2, 1, 2], "g": list("aabb")}})
    interval = stats.ttest_ind([1, 2], [1, 2], equal_var=False).confidence_interval()
    assert found.statistic == 0
    assert found.interval() == pytest.approx((interval.low, interval.high), rel=1e-10)


@pytest.mark.parametrize("correction", [False, True])
def test_chi_square_is_scipys(how, correction, split):
    whole = table()
    test = ChiSquare("group", ("p", "q"), "ill", (0, 1, 2), correction=correction)
    found = run(test, split(whole, how))
    cells = [[((whole["group"] == one) & (whole["ill"] == other)).sum() for other in range(3)] for one in "pq"]
    pooled = stats.chi2_contingency(cells, correction=correction)
    np.testing.assert_array_equal(found.counts, cells)
    assert (found.statistic, found.p_value) == pytest.approx((pooled.statistic, pooled.pvalue), rel=1e-10)


def test_tables_of_few_are_held_back_and_their_tests_refused(split):
    sites = split({"a": ["x"] * 9 + ["y"] * 9, "b": [0] * 8 + [1] * 10})
    assert np.isnan(run(Contingency("a", ("x", "y"), "b", (0, 1), min_count=2), sites).counts[0, 1])
    with pytest.raises(FederatedError, match="cells of fewer than 2"):
        run(ChiSquare("a", ("x", "y"), "b", (0, 1), min_count=2), sites)


def test_sums_can_be_carried_as_one_vector(split):
    """As secure sums do: integers on a lattice, added; nobody sees a state."""

    def total(vectors):
        scaled = [np.rint(vector * 2**40).astype(object) for vector in vectors.values()]
        return np.array([float(value) for value in sum(scaled)]) / 2**40

    whole = table()
    carried = ask_all(split(whole), total=total)
    found, plain = run(Moments(["x", "y"]), carried), run(Moments(["x", "y"]), split(whole))
    np.testing.assert_allclose(found.covariance, plain.covariance, rtol=1e-9)
    assert found.rows == plain.rows


@pytest.mark.parametrize(
    ("site", "said"),
    [
        ({"x": [1.0, np.nan]}, "site 'b': column 'x' has no value in 1 rows, the first is 1"),
        ({"x": [1.0, np.inf]}, "site 'b': column 'x' is infinite in row 1"),
        ({"x": ["1", "2"]}, "site 'b': column 'x' holds <U1, not numbers"),
        ({"z": [1.0]}, "site 'b': there is no column 'x'; the table has 'z'"),
        ({"x": 1.0}, "site 'b': column 'x' has shape"),
        ({"x": [1.0]}, "site 'b': 1 rows, and at least 2"),
    ],
)
def test_what_a_site_cannot_answer_is_said(site, said):
    with pytest.raises(FederatedError, match=said.replace("(", r"\(")):
        run(Moments(["x"]), ask_all({"a": {"x": [1.0, 2.0]}, "b": site}, min_rows=2))


def test_rows_without_a_value_may_be_left_out():
    sites = {"a": {"x": [1.0, np.nan, 3.0], "y": [1.0, 2.0, np.nan]}, "b": {"x": [5.0], "y": [1.0]}}
    found = run(Moments(["x", "y"], missing="drop"), sites)
    assert (found.rows, found.left_out, found.mean[0]) == (2, 2, 3.0)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Moments([]), "name at least one"),
        (lambda: Moments(["a", "a"]), "each once"),
        (lambda: Histogram("x", [1, 1]), "rise"),
        (lambda: TTest("x", "g", ("a", "b", "c")), "of two groups, not of 3"),
        (lambda: TTest("x", "g", "a"), "at least two"),
        (lambda: Histogram("x", [0, 1], min_count=0), "min_count is 0"),
        (lambda: run(Moments("x"), {}), "there are no sites"),
        (lambda: run(TTest("x", "g", ("a", "b")), {"s": {"x": [1, 2], "g": ["a", "c"]}}), "has 'c' in row 1"),
        (lambda: run(TTest("x", "g", ("a", "b")), {"s": {"x": [1, 2], "g": ["a", "b"]}}), "fewer than two rows"),
        (lambda: run(TTest("x", "g", ("a", "b")), {"s": {"x": [1, 1, 2, 2], "g": list("aabb")}}), "does not vary"),
        (
            lambda: run(TTest("x", "g", ("a", "b")), {"s": {"x": [0.1] * 3 + [0.7] * 3, "g": list("aaabbb")}}),
            "not vary",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(make, said):
    with pytest.raises(FederatedError, match=said):
        make()
