"""Full-domain releases are the least lossy of the whole lattice, and hierarchies are trees."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import PrivacyError
from cdt_privacy.release import anonymise, check

from .people import TOWNS, census

AGES = [5, 10, 40]


def levels_of(frame):
    """Each column at each of its levels, and the loss of each cell, written out by hand."""
    age, town, smokes = frame["age"], frame["town"].fillna("missing"), frame["smokes"].astype(str)
    span = age.max() - age.min()
    ages = [(age.astype(str), age * 0.0)]
    ages += [(age // width * width, age * 0 + (min(1, width / span) if span else 0)) for width in AGES]
    ages += [(age * 0, age * 0 + 1.0)]
    share = {"north": 0.5, "south": 0.5, "missing": 0.0, "land": 1.0}
    towns = [(town, age * 0.0)]
    for level in range(2):
        nodes = town.map(lambda name, level=level: TOWNS[name][level] if name in TOWNS else name)
        towns.append((nodes, nodes.map(share)))
    towns.append((age * 0, age * 0 + 1.0))
    return [ages, towns, [(smokes, age * 0.0), (age * 0, age * 0 + 1.0)]]


def brute_force(frame, k, l, suppress):  # noqa: E741
    """Least loss over every combination of levels."""
    best = np.inf
    for combination in itertools.product(*levels_of(frame)):
        nodes = pd.DataFrame({number: column for number, (column, _) in enumerate(combination)})
        groups = nodes.assign(s=frame["illness"]).groupby(list(nodes), sort=False)["s"]
        good = (groups.transform("size") >= k) & (groups.transform("nunique") >= l)
        if (~good).sum() <= int(suppress * len(frame)) and good.any():
            loss = sum(losses[good].sum() + (~good).sum() for _, losses in combination)
            best = min(best, loss / 3 / len(frame))
    return best


@given(st.integers(0, 2**31), st.integers(1, 6), st.integers(1, 3), st.sampled_from([0.0, 0.1, 0.4]))
@settings(deadline=None, max_examples=25)
def test_no_combination_of_levels_is_less_lossy(seed, k, l, suppress):  # noqa: E741
    frame = census(40, seed)
    l = min(l, frame["illness"].nunique())  # noqa: E741
    found = anonymise(
        frame,
        ["age", "town", "smokes"],
        "illness",
        k=k,
        l=l,
        suppress=suppress,
        method="full_domain",
        hierarchies={"age": AGES, "town": TOWNS},
    )
    assert found.measures.ncp == pytest.approx(brute_force(frame, k, l, suppress), abs=1e-12)


def test_a_released_column_has_the_nodes_of_one_level():
    frame = census(400).dropna()
    found = anonymise(frame, ["age", "town"], k=20, method="full_domain", hierarchies={"age": AGES, "town": TOWNS})
    nodes = {"age": 1 + np.arange(5), "town": [set(TOWNS), {"north", "south"}, {"land"}, {"*"}]}
    assert set(found.table["town"]) <= nodes["town"][found.levels["town"]]
    if 0 < found.levels["age"] < 4:
        width = AGES[found.levels["age"] - 1]
        lows = [int(text[1:].split(",")[0]) for text in found.table["age"]]
        assert all(low % width == 0 for low in lows)


def test_a_hierarchy_may_be_a_table_of_levels():
    frame = census(300)
    as_frame = pd.DataFrame([(town, *nodes) for town, nodes in TOWNS.items()], columns=["town", "region", "all"])
    one, two = (
        anonymise(frame, ["age", "town"], k=5, method="full_domain", hierarchies={"town": given})
        for given in (TOWNS, as_frame)
    )
    pd.testing.assert_frame_equal(one.table, two.table)


def test_a_hierarchy_may_be_one_level():
    frame = pd.DataFrame({"town": ["a", "b", "c", "d"]})
    found = anonymise(frame, ["town"], k=2, hierarchies={"town": {"a": "x", "c": "x", "b": "y", "d": "y"}})
    assert found.table["town"].tolist() == ["x", "y", "x", "y"]
    assert found.measures.ncp == 0.5


def test_suppression_leaves_out_few_rows_where_that_is_less_lossy():
    frame = pd.DataFrame({"town": ["a"] * 50 + ["b"] * 49 + ["c"]})
    options = {"k": 5, "method": "full_domain"}
    assert anonymise(frame, ["town"], **options).measures.ncp == 1
    found = anonymise(frame, ["town"], suppress=0.02, **options)
    assert found.table["town"].tolist() == ["a"] * 50 + ["b"] * 49
    assert found.measures.suppressed == 0.01
    assert found.measures.ncp == 0.01
    assert found.rows.tolist() == list(range(99))


def test_t_holds_between_the_values_that_stay():
    """The costs 2 to 9 are only in rows that may go: without them there is one step between 1 and 10, and not nine."""
    many = {"town": ["a"] * 30 + ["b"] * 30, "cost": [0] * 20 + [1] * 10 + [0] * 10 + [1] * 20}
    few = {"town": [f"x{number}" for number in range(8)] + ["a", "b"], "cost": [*range(2, 10), 10, 10]}
    frame = pd.concat([pd.DataFrame(many), pd.DataFrame(few)])
    found = anonymise(frame, ["town"], "cost", k=5, t=0.05, suppress=0.2, method="full_domain")
    kept = check(found.table, ["town"], "cost")
    assert kept.t <= 0.05 + 1e-11
    assert kept.t == pytest.approx(found.anonymity.t, abs=1e-12)


def test_t_and_entropy_hold_with_suppression():
    frame = census(600)
    found = anonymise(frame, ["age", "town"], "illness", k=5, entropy_l=2.5, t=0.2, suppress=0.1, method="full_domain")
    kept = check(found.table, ["age", "town"], "illness")
    assert kept.entropy_l >= 2.5 - 1e-11
    assert kept.t <= 0.2 + 1e-11


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"a": ("x", "u"), "b": ("x", "v")}, "'x' of level 1 is below both 'u' and 'v'"),
        ({"a": ("x",), "b": ("x", "v")}, "same number of nodes"),
        ({"a": "x"}, "no path for 'b'"),
        (pd.DataFrame({"town": ["a", "b"]}), "at least one more its nodes"),
        (pd.DataFrame({"town": ["a", "a"], "up": ["x", "y"]}), "each value once"),
        ([5, 10], "widths of intervals for a column of numbers"),
        ("x", "give a dict"),
        ({"a": (None,), "b": ("x",)}, "None is no node"),
        (pd.DataFrame({"town": ["a", "b"], "up": ["x", np.nan]}), "nan is no node"),
        ({"a": (1, "u"), "b": ("1", "v")}, "'1' of level 1 is below both 'u' and 'v'"),
    ],
)
@pytest.mark.parametrize("method", ["mondrian", "full_domain"])
def test_what_is_no_tree_is_refused(given, message, method):
    with pytest.raises(PrivacyError, match=message):
        anonymise(pd.DataFrame({"town": ["a", "b"]}), ["town"], k=1, method=method, hierarchies={"town": given})


@pytest.mark.parametrize(("widths", "message"), [([5, 12], "no multiple"), ([], "positive"), ([-1], "positive")])
def test_intervals_that_would_overlap_are_refused(widths, message):
    with pytest.raises(PrivacyError, match=message):
        anonymise(census(50), ["age"], k=2, hierarchies={"age": widths})


def test_widths_beyond_the_digits_of_texts_are_refused():
    for values, width in (([1.6e12 + 3, 1.6e12 + 8], 2), ([1e300, 2e300], 1e-300)):
        with pytest.raises(PrivacyError, match="is too small beside"):
            anonymise(pd.DataFrame({"x": values}), ["x"], k=2, hierarchies={"x": [width]})


@pytest.mark.parametrize("unit", ["s", "ns"])
def test_dates_and_numbers_of_nodes_are_known_in_hierarchies(unit):
    days = pd.date_range("2020", periods=4, unit=unit)
    zoned = days.tz_localize("Europe/Oslo")
    for column, keys in ((days, days), (days, days.date), (days, days.to_pydatetime()), (zoned, zoned)):
        given = dict(zip(keys, [1, 1, 2, 2], strict=True))
        found = anonymise(pd.DataFrame({"x": column}), ["x"], k=2, hierarchies={"x": given})
        assert found.table["x"].tolist() == ["1", "1", "2", "2"]
    with pytest.raises(PrivacyError, match="'soon' is no date"):
        anonymise(pd.DataFrame({"x": days}), ["x"], k=2, hierarchies={"x": {"soon": 1}})


def test_durations_are_known_in_hierarchies():
    hours = pd.to_timedelta([1, 2], unit="h")
    found = anonymise(pd.DataFrame({"x": hours}), ["x"], k=2, hierarchies={"x": dict.fromkeys(hours, "short")})
    assert found.table["x"].tolist() == ["*", "*"]


def test_wide_intervals_end_where_finer_ones_do():
    """A width that is a multiple up to rounding would move the ends away, further with each interval."""
    frame = pd.DataFrame({"x": [3000.0, 3002.5, 4500.0, 4502.5]})
    found = anonymise(frame, ["x"], k=2, hierarchies={"x": [1, 3.0000000009]})
    for text, value in zip(found.table["x"], frame["x"], strict=True):
        low, high = map(float, str(text)[1:-1].split(", "))
        assert low <= value < high


def test_a_lattice_that_is_too_large_is_refused():
    frame = pd.DataFrame({f"x{i}": np.arange(200) ** 2 for i in range(12)})
    with pytest.raises(PrivacyError, match="combinations of levels are too many"):
        anonymise(frame, list(frame), k=2, method="full_domain")


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=40), st.sampled_from([0.1, 0.3, 2.5, 7.0]))
@settings(deadline=None, max_examples=60)
def test_intervals_hold_their_values_as_their_texts_say(values, width):
    frame = pd.DataFrame({"x": values})
    found = anonymise(frame, ["x"], k=2, hierarchies={"x": [width, 3 * width]})
    for text, value in zip(found.table["x"], values, strict=True):
        if str(text).startswith("["):
            low, high = map(float, text[1:-1].split(", "))
            assert low <= value < high
