"""Moments are those of all rows at once, however the rows came."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.errors import SelectError
from cdt_core.model.state import state_from_json, state_to_json
from cdt_core.select import MomentSummary
from tests.select.tables import table

NAMES = tuple("abcdefgh")


def test_numbers_have_squared_correlations() -> None:
    values, numbers, _ = table()
    summary = MomentSummary(NAMES, "numbers")
    found = summary.finish(summary.update(summary.start(), values, numbers))
    pairs = np.corrcoef(np.column_stack([values, numbers]).T)
    np.testing.assert_allclose(found.relevance, pairs[-1, :-1] ** 2, rtol=1e-12)
    np.testing.assert_allclose(found.correlation, pairs[:-1, :-1], rtol=1e-12, atol=1e-14)
    chosen = np.array([0, 2, 5])
    residual = np.linalg.lstsq(np.column_stack([values[:, chosen], np.ones(120)]), numbers)[1]
    assert found.explained(chosen) == pytest.approx(
        1 - residual[0] / ((numbers - numbers.mean()) ** 2).sum(), rel=1e-10
    )


def test_classes_have_eta_squared_and_two_classes_are_two_numbers() -> None:
    values, _, classes = table()
    summary = MomentSummary(NAMES, "classes")
    found = summary.finish(summary.update(summary.start(), values, classes))
    within = sum(((values[classes == c] - values[classes == c].mean(axis=0)) ** 2).sum(axis=0) for c in range(3))
    np.testing.assert_allclose(
        found.relevance, 1 - within / ((values - values.mean(axis=0)) ** 2).sum(axis=0), rtol=1e-12
    )
    two = (classes > 0).astype(int)
    as_classes = summary.finish(summary.update(summary.start(), values, two))
    as_numbers = MomentSummary(NAMES, "numbers")
    other = as_numbers.finish(as_numbers.update(as_numbers.start(), values, two))
    np.testing.assert_allclose(as_classes.redundancy, other.redundancy, rtol=1e-10, atol=1e-14)


def test_without_a_target_all_features_are_to_be_told() -> None:
    values = table()[0]
    summary = MomentSummary(NAMES)
    found = summary.finish(summary.update(summary.start(), values))
    scaled = (values - values.mean(axis=0)) / values.std(axis=0)
    chosen = np.array([1, 6])
    residual = np.linalg.lstsq(scaled[:, chosen], scaled)[1]
    assert found.explained(chosen) == pytest.approx(1 - residual.sum() / (120 * 8), rel=1e-10)
    assert found.explained(np.arange(8)) == pytest.approx(1, rel=1e-10)


@given(st.lists(st.integers(0, 120), max_size=4), st.booleans(), st.integers(-6, 6))
def test_merged_blocks_are_all_rows(cuts: list[int], backwards: bool, magnitude: int) -> None:
    values, _, classes = table()
    values = (values + 3) * 10.0**magnitude
    names = np.array(["x", "y", "z"])[classes]
    summary = MomentSummary(NAMES, "classes")
    edges = [0, *sorted(cuts), 120]
    states = [summary.update(summary.start(), values[a:b], names[a:b]) for a, b in pairwise(edges)]
    merged = summary.start()
    for state in reversed(states) if backwards else states:
        merged = summary.merge(merged, state_from_json(state_to_json(state)))
    found, whole = summary.finish(merged), summary.finish(summary.update(summary.start(), values, names))
    assert found.rows == 120
    np.testing.assert_allclose(found.redundancy, whole.redundancy, rtol=0, atol=1e-13)


def test_large_means_do_not_cost_digits() -> None:
    values, numbers, _ = table()
    exact = np.round(values * 2**10) / 2**10
    summary = MomentSummary(NAMES, "numbers")
    near = summary.finish(summary.update(summary.start(), exact, numbers))
    far = summary.finish(summary.update(summary.start(), exact + 2.0**40, numbers))
    np.testing.assert_allclose(far.correlation, near.correlation, rtol=0, atol=1e-12)


def test_what_cannot_be_selected_is_named_with_its_reason() -> None:
    values, numbers, _ = table()
    values[:, 2], values[3, 4], values[5, 4] = 7, np.nan, np.inf
    summary = MomentSummary(NAMES, "numbers", missing="columns")
    found = summary.finish(summary.update(summary.start(), values, numbers))
    assert found.excluded == {"c": "constant, 7", "e": "not finite in 2 rows"}
    assert found.kept.tolist() == [0, 1, 3, 5, 6, 7]


def test_rounding_is_no_variance() -> None:
    values, numbers, _ = table()
    values[:, 0] = 0.1 + np.arange(120) % 2 * 1e-17 * 2
    values[:, 1] = np.where(np.arange(120) % 2, 0.1, np.nextafter(0.1, 1))
    summary = MomentSummary(NAMES, "numbers")
    assert set(summary.finish(summary.update(summary.start(), values, numbers)).excluded) == {"a", "b"}


def test_rows_that_are_left_out_are_as_if_never_there() -> None:
    values, numbers, _ = table()
    holed = values.copy()
    holed[7, 3], holed[9, 0] = np.nan, -np.inf
    numbers[20] = np.nan
    summary = MomentSummary(NAMES, "numbers", missing="rows")
    state = summary.update(summary.start(), holed, numbers)
    kept = np.setdiff1d(np.arange(120), [7, 9, 20])
    other = summary.finish(summary.update(summary.start(), values[kept], numbers[kept]))
    assert state["left_out"] == 3
    np.testing.assert_array_equal(summary.finish(state).redundancy, other.redundancy)


def test_values_that_are_not_finite_are_refused_by_name() -> None:
    values, numbers, _ = table()
    values[7, 3] = np.nan
    summary = MomentSummary(NAMES, "numbers")
    with pytest.raises(SelectError, match=r"feature 'd' is nan in row 7 .* in 1 rows"):
        summary.update(summary.start(), values, numbers)


@pytest.mark.parametrize(
    ("y", "match"),
    [
        (np.ones(120), "y is constant"),
        (np.ones(119), r"shape \(119,\) for 120 rows"),
        (["a"] * 120, "no number"),
        (None, r"shape \(\)"),
    ],
)
def test_targets_that_do_not_fit_are_refused(y: object, match: str) -> None:
    summary = MomentSummary(NAMES, "numbers")
    with pytest.raises(SelectError, match=match):
        summary.finish(summary.update(summary.start(), table()[0], y))


def test_one_class_is_refused() -> None:
    summary = MomentSummary(NAMES, "classes")
    with pytest.raises(SelectError, match="class 'x' alone"):
        summary.finish(summary.update(summary.start(), table()[0], ["x"] * 120))


def test_states_of_other_features_are_not_merged() -> None:
    values, _, _ = table()
    one, other = MomentSummary(NAMES[:1]), MomentSummary(NAMES)
    with pytest.raises(SelectError, match="'nonfinite' has the shapes"):
        other.merge(other.update(other.start(), values), one.update(one.start(), values[:, :1]))


@given(st.integers(0, 1000), st.integers(1, 5))
def test_sites_with_classes_of_their_own_are_all_rows(seed: int, sites: int) -> None:
    values, _, classes = table(seed=seed)
    order = np.argsort(classes + 0.5 * np.random.default_rng(seed).random(120))
    summary = MomentSummary(NAMES, "classes")
    merged = summary.start()
    for part in np.array_split(order, sites):
        state = summary.update(summary.start(), values[part], classes[part])
        merged = summary.merge(state_from_json(state_to_json(state)), merged)
    found, whole = summary.finish(merged), summary.finish(summary.update(summary.start(), values, classes))
    np.testing.assert_array_equal(found.counts, whole.counts)
    for name in ("relevance", "correlation", "told", "centres"):
        np.testing.assert_allclose(getattr(found, name), getattr(whole, name), rtol=0, atol=1e-12)
