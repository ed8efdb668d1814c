"""The selection is the best set of its energy, and energies are bounds of what sets explain."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.errors import SelectError
from cdt_core.select import measure_features, select
from tests.select.tables import table


def _sets(features: int, k: int):
    return [np.array(chosen) for chosen in combinations(range(features), k)]


@pytest.mark.parametrize("target", ["nothing", "numbers", "classes"])
@pytest.mark.parametrize("measure", ["correlation", "information"])
@pytest.mark.parametrize("weight", [0.0, 0.7, 3.0])
def test_no_set_has_less_energy(target: str, measure: str, weight: float) -> None:
    values, numbers, classes = table(features=12, seed=3)
    y = {"nothing": None, "numbers": numbers, "classes": classes}[target]
    dependence = measure_features(values, y, measure=measure)
    for k in (1, 4, 11, 12):
        found = select(dependence, k, weight=weight)
        least = min(dependence.energy(chosen, weight) for chosen in _sets(12, k))
        assert found.energy == pytest.approx(least, abs=1e-6)
        assert len(set(found.indices.tolist())) == k
        assert found.energy <= found.greedy_energy + 1e-6


@given(st.integers(0, 1000), st.integers(2, 6), st.floats(0.05, 1.95))
def test_energies_are_bounds_of_what_a_set_explains(seed: int, k: int, t: float) -> None:
    values, numbers, classes = table(features=8, seed=seed)
    for y in (None, numbers, classes):
        dependence = measure_features(values, y)
        for chosen in _sets(8, k)[::7]:
            bound = -k * (2 * t - t * t) * dependence.energy(chosen, k * t / (2 - t))
            assert bound <= dependence.explained(chosen) + 1e-9


def test_near_copies_are_not_selected_together() -> None:
    values, numbers, _ = table(rows=400, features=8)
    found = select(measure_features(values, numbers), 2)
    assert sorted(index // 2 for index in found.indices) == [0, 1]


def test_greedy_can_be_bettered() -> None:
    """Two halves of the target together tell all of it; the mean of many is the best one alone."""
    rng = np.random.default_rng(1)
    halves = rng.normal(size=(500, 2))
    values = np.column_stack([halves, halves.sum(axis=1) + 0.5 * rng.normal(size=500)])
    found = select(measure_features(values, halves.sum(axis=1)), 2)
    assert sorted(found.indices.tolist()) == [0, 1]
    assert found.explained == pytest.approx(1)
    assert 2 in found.greedy
    assert found.greedy_explained < 1


def test_the_same_seed_gives_the_same_selection_of_the_most_relevant_first() -> None:
    values, numbers, _ = table(features=30)
    dependence = measure_features(values, numbers)
    first, second = select(dependence, 6, seed=4), select(dependence, 6, seed=4)
    assert first.indices.tolist() == second.indices.tolist()
    assert (np.diff(first.relevance) <= 0).all()
    assert first.mask(30).sum() == 6
    assert first.to_frame()["index"].tolist() == first.indices.tolist()


@pytest.mark.parametrize("k", [0, -1, 9, True, 2.0])
def test_k_is_between_one_and_all(k: object) -> None:
    with pytest.raises(SelectError, match="from 1 to the 8 features"):
        select(measure_features(table()[0]), k)


def test_k_beyond_what_varies_says_what_does_not() -> None:
    values = table()[0]
    values[:, 3] = 2
    with pytest.raises(SelectError, match=r"7 features that can be selected \(1 cannot; 3: constant, 2\)"):
        select(measure_features(values), 8)


@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf])
def test_weights_are_weights(weight: float) -> None:
    with pytest.raises(SelectError, match="weight is"):
        select(measure_features(table()[0]), 2, weight=weight)
