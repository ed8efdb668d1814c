"""Batches are alike, places and groups are kept, and chance does no better."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import SelectError
from cdt_core.select import balance_batches
from cdt_core.select.covariates import columns_of, read_covariates
from cdt_core.select.swapping import energies

COVARIATES = ["age", "bmi", "sex"]


def _study(samples: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    columns = {
        "age": rng.normal(50, 12, samples).round(),
        "bmi": np.where(rng.random(samples) < 0.05, np.nan, rng.gamma(9, 3, samples)),
        "sex": rng.choice(["f", "m"], samples),
        "arm": rng.choice(["a", "b", "c"], samples),
        "patient": np.arange(samples) // 3,
    }
    return pd.DataFrame(columns, index=[f"s{i}" for i in range(samples)])


def test_batches_are_more_alike_than_by_chance_or_greed() -> None:
    found = balance_batches(_study(60), 4, COVARIATES, treatment="arm", steps=1000)
    assert found.sizes.tolist() == [15, 15, 15, 15]
    assert found.score <= 0.5 * found.best_random_score
    assert found.score <= 0.5 * found.greedy_score
    assert found.mean_random_score == pytest.approx(1, abs=0.1)
    assert found.batch.index.tolist() == [f"s{i}" for i in range(60)]


def test_a_small_design_is_the_best_there_is() -> None:
    study = _study(8, seed=2)
    columns = columns_of(read_covariates(study, ["age", "sex"], "arm", ()), pairs=False)
    dealt = np.array(sorted(set(permutations([0, 0, 0, 0, 1, 1, 1, 1]))))
    least = energies(columns, dealt, np.array([4, 4])).min()
    found = balance_batches(study, 2, ["age", "sex"], treatment="arm", steps=200)
    assert found.score == pytest.approx(least, abs=1e-12)


def test_a_treatment_that_can_be_spread_evenly_is() -> None:
    study = _study(48)
    study["arm"] = np.tile(["a", "b", "c"], 16)
    found = balance_batches(study, 4, COVARIATES, treatment="arm", steps=500)
    assert {one.name: one.assigned for one in found.imbalances}["arm"] == 0
    assert (pd.crosstab(study["arm"], found.batch) == 4).all(axis=None)


def test_pairs_are_balanced_when_asked() -> None:
    """Sex and arm may each be even in all batches while their pairs are not."""
    study = {"sex": list("ffmm") * 8, "arm": list("abab") * 8}
    found = balance_batches(study, 4, ["sex"], treatment="arm", pairs=True, steps=500)
    counts = pd.crosstab([study["sex"], study["arm"]], found.batch)
    assert (counts == 2).all(axis=None)


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.integers(6, 40), st.integers(2, 5))
def test_places_and_groups_are_kept(seed: int, samples: int, count: int) -> None:
    study = _study(samples, seed)
    free = balance_batches(study, [samples] * count, COVARIATES, steps=50, seed=seed)
    assert free.sizes.max() - free.sizes.min() <= 1
    together = balance_batches(study, [samples] * count, COVARIATES, together="patient", steps=50, seed=seed)
    assert (study.assign(batch=together.batch).groupby("patient").batch.nunique() == 1).all()
    if count >= 3:
        apart = balance_batches(study, count, COVARIATES, apart="patient", steps=50, seed=seed)
        assert study.assign(batch=apart.batch).groupby("patient").batch.nunique().sum() == samples


def test_groups_that_stay_together_fit_their_batches() -> None:
    found = balance_batches(_study(60), {"p1": 30, "p2": 21, "p3": 15}, COVARIATES, together="patient", steps=300)
    counts = found.batch.value_counts()
    assert counts["p1"] <= 30
    assert counts["p2"] <= 21
    assert counts["p3"] <= 15


def test_capacities_are_filled_to_the_same_share() -> None:
    found = balance_batches(_study(30), {"large": 40, "small": 20}, COVARIATES, steps=50)
    assert found.sizes.tolist() == [20, 10]
    assert set(found.batch) == {"large", "small"}


def test_the_same_seed_gives_the_same_batches() -> None:
    one, other = (balance_batches(_study(40), 4, COVARIATES, steps=50, seed=3) for _ in range(2))
    assert one.batch.equals(other.batch)
    assert not balance_batches(_study(40), 4, COVARIATES, steps=50, seed=4).batch.equals(one.batch)


def test_a_mapping_of_columns_gives_an_array() -> None:
    found = balance_batches({"age": [1.0, 1.0, 2.0, 2.0]}, 2, ["age"], steps=10)
    assert isinstance(found.batch, np.ndarray)
    assert found.batch[0] != found.batch[1]
    assert found.batch[2] != found.batch[3]


def test_imbalance_is_cramers_v_and_mean_difference() -> None:
    from scipy.stats.contingency import association

    study = _study(50)
    batch = np.arange(50) % 3
    number, category = read_covariates(study, ["age", "arm"], None, ())
    expected = association(pd.crosstab(study["arm"], batch), method="cramer")
    assert category.imbalance(batch, 3) == pytest.approx(expected, rel=1e-12)
    age = study["age"]
    differences = [abs(age[batch == b].mean() - age[batch != b].mean()) / age.std(ddof=0) for b in range(3)]
    assert number.imbalance(batch, 3) == pytest.approx(max(differences), rel=1e-12)


def test_numbers_can_be_categories() -> None:
    study = {"site": [1, 2, 3] * 4}
    found = balance_batches(study, 2, ["site"], categorical=["site"], steps=50)
    assert found.imbalances[0].measure == "Cramer's V"
    assert found.imbalances[0].assigned == 0


def test_names_of_categories_may_come_one_by_one() -> None:
    found = balance_batches({"site": [1, 2, 3] * 4}, 2, ["site"], categorical=iter(["site"]), steps=50)
    assert found.imbalances[0].measure == "Cramer's V"


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([30, None, 40, 50, 60, 35], dtype="Int64"),
        [30, None, 40, 50, 60, 35],
        pd.Series([30, None, 40, 50, 60, 35.5], dtype="Float64"),
        pd.to_datetime(["2020-01-01", None, "2020-02-01", "2020-03-01", "2020-04-01", "2021-01-01"]),
    ],
    ids=["nullable integers", "objects", "nullable floats", "dates"],
)
def test_numbers_that_are_missing_are_numbers(column: object) -> None:
    found = balance_batches({"x": column}, 2, ["x"], steps=20)
    assert found.imbalances[0].measure == "largest standardised mean difference"


def test_text_and_groups_may_be_missing() -> None:
    study = pd.DataFrame(
        {
            "sex": pd.Series(["f", None, "m"] * 4, dtype="string"),
            "family": pd.Series(["a", "a", "b", "b", None, None] * 2, dtype="string"),
        }
    )
    found = balance_batches(study, 2, ["sex"], together="family", steps=50)
    known = study.assign(batch=found.batch).dropna()
    assert (known.groupby("family").batch.nunique() == 1).all()


@pytest.mark.parametrize("unit", [1e308, 1e-308])
def test_units_do_not_matter(unit: float) -> None:
    age = np.array([0.1, -0.9, 0.7, -0.3, 0.5, -0.1])
    one, other = (balance_batches({"age": values}, 2, ["age"], steps=50) for values in (age, age * unit))
    assert one.batch.tolist() == other.batch.tolist()
    assert other.imbalances[0].assigned == pytest.approx(one.imbalances[0].assigned, rel=1e-9)


def test_names_of_batches_are_kept_as_they_are() -> None:
    found = balance_batches({"age": [1.0, 2, 3, 4]}, {("plate", 1): 2, ("plate", 2): 2}, ["age"], steps=20)
    assert set(found.batch) == {("plate", 1), ("plate", 2)}
    assert balance_batches({"age": [1.0, 2, 3, 4]}, {True: 2, False: 2}, ["age"], steps=20).batch.dtype == bool


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(2, 6), st.integers(1, 5))
def test_energies_are_squares_of_sums(seed: int, count: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    columns, batches, shares = rng.normal(size=(30, width)), rng.integers(0, count, (7, 30)), rng.integers(1, 9, count)
    expected = [
        sum((columns[batch == b].sum(axis=0) ** 2).sum() / shares[b] for b in range(count)) for batch in batches
    ]
    np.testing.assert_allclose(energies(columns, batches, shares), expected, rtol=1e-12)


def test_metadata_is_a_table() -> None:
    with pytest.raises(SelectError, match="metadata is NoneType"):
        balance_batches(None, 2, ["age"])


@pytest.mark.parametrize(
    ("batches", "options", "match"),
    [
        (1, {}, "1 batches"),
        ([6, 5], {}, "12 samples for 11 places"),
        ([12, 0], {}, "capacity 0"),
        (2, {"balance": ["weight"]}, "no 'weight'"),
        (2, {"balance": {"age": -1.0}}, "weight -1.0"),
        (2, {"balance": []}, "nothing to balance"),
        (2, {"together": "family"}, "no 'family'"),
        (2, {"apart": "patient"}, "3 samples to keep apart, and there are 2 batches"),
        (4, {"apart": "patient", "together": "patient"}, "both given"),
        ([2] * 6, {"together": "patient"}, "fit in no way"),
        (2, {"steps": 0}, "steps is 0"),
        (2, {"balance": "age"}, r"balance is 'age'; it must be a list of names, \['age'\]"),
        (2, {"categorical": "age"}, "categorical is 'age'"),
        (2, {"balance": {"age": "1"}}, "weight '1'"),
        (13, {}, "leave batch 12 empty"),
        ([1000, 1], {}, "leave batch 1 empty"),
        (2, {"seed": -1}, "seed is -1"),
    ],
)
def test_what_cannot_be_assigned_is_refused(batches: object, options: dict, match: str) -> None:
    with pytest.raises(SelectError, match=match):
        balance_batches(_study(12), batches, **{"balance": COVARIATES, **options})


def test_infinite_numbers_are_refused_by_sample() -> None:
    with pytest.raises(SelectError, match="'age' is infinite for sample 1"):
        balance_batches({"age": [1.0, np.inf, 2.0]}, 2, ["age"])
