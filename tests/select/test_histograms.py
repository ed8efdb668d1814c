"""Mutual information is that of the counts, and counts add exactly."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import entropy
from scipy.stats.contingency import crosstab

from cdt_core.errors import SelectError
from cdt_core.select import HistogramSummary, MomentSummary
from tests.select.tables import table

NAMES = tuple("abcdefgh")


def _after(target, values, y, bins=4, missing="error"):
    moments = MomentSummary(NAMES, target, missing)
    return HistogramSummary.after(moments, moments.update(moments.start(), values, y), bins)


def _information(left, right) -> float:
    """Kullback and Leibler's distance of a table from that of independence."""
    joint = crosstab(left, right).count / len(left)
    return float(entropy(joint.ravel(), np.outer(joint.sum(axis=1), joint.sum(axis=0)).ravel()))


@pytest.mark.parametrize("target", ["numbers", "classes"])
def test_information_is_the_distance_from_independence(target: str) -> None:
    values, numbers, classes = table()
    y = numbers if target == "numbers" else classes
    summary = _after(target, values, y)
    found = summary.finish(summary.update(summary.start(), values, y))
    codes = [np.searchsorted(edges, column) for edges, column in zip(summary.edges, values.T, strict=False)]
    told = np.searchsorted(summary.edges[-1], numbers) if target == "numbers" else classes
    np.testing.assert_allclose(found.relevance, [_information(told, code) for code in codes], atol=1e-12)
    pairs = [[_information(a, b) for a in codes] for b in codes]
    np.testing.assert_allclose(found.redundancy, pairs, atol=1e-12)


def test_counts_of_blocks_are_those_of_all_rows_exactly() -> None:
    values, _, classes = table()
    summary = _after("classes", values, classes)
    whole = summary.update(summary.start(), values, classes)
    parts = [summary.update(summary.start(), values[a:b], classes[a:b]) for a, b in ((50, 120), (0, 50))]
    merged = summary.merge(*parts)
    assert all(np.array_equal(merged[name], whole[name]) for name in whole)


def test_features_without_a_copy_are_least_relevant_without_a_target() -> None:
    values = table(features=8)[0]
    values[:, 7] = np.random.default_rng(5).normal(size=120)
    summary = _after("nothing", values, None)
    found = summary.finish(summary.update(summary.start(), values))
    assert sorted(np.argsort(found.relevance)[:2]) == [6, 7]


def test_a_class_that_was_not_told_of_is_refused() -> None:
    values, _, classes = table()
    summary = _after("classes", values, classes)
    with pytest.raises(SelectError, match="class 9"):
        summary.update(summary.start(), values, np.full(120, 9))


@pytest.mark.parametrize("bins", [1, 33, 2.0, True])
def test_bins_are_few(bins: object) -> None:
    with pytest.raises(SelectError, match="bins is"):
        _after("nothing", table()[0], None, bins)


@pytest.mark.parametrize(
    ("edges", "match"),
    [(np.zeros((7, 3)), "shape"), (np.full((8, 3), np.nan), "finite"), (np.tile([1.0, 0.0], (8, 1)), "rise")],
)
def test_edges_are_checked(edges: np.ndarray, match: str) -> None:
    with pytest.raises(SelectError, match=match):
        HistogramSummary(NAMES, edges)


def test_states_of_other_bins_are_not_merged() -> None:
    values = table()[0]
    one, other = _after("nothing", values, None, 4), _after("nothing", values, None, 5)
    with pytest.raises(SelectError, match="'pairs' has the shapes"):
        one.merge(one.update(one.start(), values), other.update(other.start(), values))


def test_more_bins_than_have_pairs_in_memory_are_refused() -> None:
    with pytest.raises(SelectError, match="6000 features of 5 bins"):
        HistogramSummary(range(6000), np.zeros((6000, 4)))


def test_what_varies_by_rounding_alone_has_one_bin() -> None:
    values = table()[0]
    values[:, 1] = np.where(np.arange(120) % 2, 0.1, np.nextafter(0.1, 1))
    summary = _after("nothing", values, None)
    assert summary.finish(summary.update(summary.start(), values)).excluded == {"b": "all values in one bin"}
