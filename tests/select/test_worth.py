"""What sets are worth is what the formulas say of them, and exchanges come to the best of their neighbours."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from cdt_core.select import measure_features, select
from cdt_core.select.worth import Explained, Separated, exchanged, forward, of
from tests.select.tables import table

RIDGE = 0.3


def _classes(seed: int = 0, rows: int = 90):
    values, _, _ = table(rows=rows, seed=seed)
    y = np.random.default_rng(seed).integers(0, 3, rows)
    return values + 0.7 * np.eye(8)[y] + 0.3 * np.eye(8)[7 - y], y


def _separated(values, y) -> Separated:
    dependence = measure_features(values, y)
    return Separated(dependence.correlation, dependence.centres, dependence.counts, RIDGE)


def _mean_error(values, y, chosen) -> float:
    """Of telling two classes by a linear rule, from the rows themselves."""
    scaled = ((values - values.mean(axis=0)) / values.std(axis=0))[:, chosen]
    labels, counts = np.unique(y, return_counts=True)
    means = np.array([scaled[y == label].mean(axis=0) for label in labels])
    within = sum((scaled[y == c] - mean).T @ (scaled[y == c] - mean) for c, mean in zip(labels, means, strict=True))
    within = within / len(y) + RIDGE * np.diag(np.diag(within)) / len(y)
    total = 0.0
    for a, b in combinations(range(len(labels)), 2):
        apart = means[a] - means[b]
        squared = apart @ np.linalg.solve(within, apart) - len(chosen) * (1 / counts[a] + 1 / counts[b])
        total += counts[a] * counts[b] / len(y) ** 2 * ndtr(-np.sqrt(max(squared, 0)) / 2)
    return total


@given(st.integers(0, 1000), st.integers(1, 7))
def test_separation_is_the_error_of_pairs_of_classes(seed: int, k: int) -> None:
    values, y = _classes(seed)
    chosen = np.random.default_rng(seed).permutation(8)[:k]
    assert of(_separated(values, y), chosen) == pytest.approx(-np.log(_mean_error(values, y, chosen)), rel=1e-6)


@given(st.integers(0, 1000), st.integers(1, 7))
def test_explained_is_the_trace(seed: int, k: int) -> None:
    values, numbers, _ = table(seed=seed)
    chosen = np.random.default_rng(seed).permutation(8)[:k]
    pairs = np.ix_(chosen, chosen)
    for y in (numbers, None):
        found = measure_features(values, y)
        expected = np.trace(np.linalg.solve(found.correlation[pairs] + RIDGE * np.eye(k), found.told[pairs]))
        assert of(Explained(found.correlation, found.told, RIDGE), chosen) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("seed", range(4))
def test_no_single_exchange_is_better(seed: int) -> None:
    values, y = _classes(seed)
    worth, all_ = _separated(values, y), np.arange(8)
    start = min((np.array(each) for each in combinations(range(8), 3)), key=lambda each: of(worth, each))
    found = exchanged(worth, start, all_)
    neighbours = [np.append(np.delete(found, i), other) for i in range(3) for other in np.setdiff1d(all_, found)]
    assert of(worth, found) >= max(of(worth, each) for each in neighbours) - 1e-6
    assert of(worth, found) > of(worth, start)


def test_forward_selection_takes_the_best_beside_those_before() -> None:
    values, y = _classes()
    worth = _separated(values, y)
    first, second = forward(worth, 2, np.arange(8))
    assert first == max(range(8), key=lambda i: of(worth, np.array([i])))
    assert second == max(np.setdiff1d(np.arange(8), first), key=lambda i: of(worth, np.array([first, i])))


def test_classes_that_are_alike_are_told_apart_first() -> None:
    """Several features tell a far class from two that are alike, which one weak feature alone tells from each other."""
    rng = np.random.default_rng(2)
    y = np.repeat([0, 1, 2], 100)
    values = rng.normal(size=(300, 6))
    values[:, :5] += 4.0 * (y == 2)[:, None]
    values[:, 5] += 1.5 * (y == 1)
    assert 5 in select(measure_features(values, y), 2).indices
    assert 5 not in np.argsort(-measure_features(values, y).relevance)[:2]


@pytest.mark.parametrize("target", ["nothing", "numbers", "classes"])
def test_selections_are_worth_more_than_greedy_ones(target: str) -> None:
    values, numbers, classes = table(features=30, seed=4)
    y = {"nothing": None, "numbers": numbers, "classes": classes}[target]
    for k in (1, 3, 12):
        found = select(measure_features(values, y), k)
        assert found.worth >= found.greedy_worth


def test_copies_and_features_that_do_not_vary_within_classes_are_worth_finite() -> None:
    y = np.repeat([0, 1], 20)
    values = np.column_stack([y, y, 1 - y, np.random.default_rng(0).normal(size=(40, 2))]).astype(float)
    found = select(measure_features(values, y), 4)
    assert np.isfinite(found.worth)
    assert {0, 1, 2} & set(found.indices.tolist())
