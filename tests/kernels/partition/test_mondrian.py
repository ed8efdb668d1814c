"""Mondrian cuts are those of the reference on every instruction set, and what they promise holds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import PrivacyError
from cdt_core.kernels.partition import Demand, measure, mondrian
from cdt_core.kernels.reference import partition as reference
from tests.kernels.partition.tables import adult_like, demands, everywhere, tables


@given(st.data(), tables(), st.integers(1, 12), st.booleans())
@settings(deadline=None, max_examples=60)
def test_cuts_are_those_of_the_reference(data, table, k, relaxed):
    codes, sensitive = table
    k = min(k, len(codes))
    asked = data.draw(st.lists(demands(sensitive), max_size=2))
    cuts = data.draw(st.sampled_from([1, 2, 4, 64]))
    expected = reference.mondrian(codes, k, asked, relaxed=relaxed, cuts=cuts)
    for _ in everywhere():
        np.testing.assert_array_equal(mondrian(codes, k, asked, relaxed=relaxed, cuts=cuts).classes, expected)


@pytest.mark.parametrize("dtype", ["uint16", "int32", ">u4", "int64"])
@pytest.mark.parametrize("relaxed", [False, True])
def test_a_larger_table_is_cut_as_the_reference_cuts_it(dtype, relaxed):
    codes, sensitive = adult_like()
    asked = [Demand(sensitive, l=3, t=0.4, ordered=True)]
    expected = reference.mondrian(codes, 10, asked, relaxed=relaxed)
    for _ in everywhere():
        found = mondrian(np.asfortranarray(codes, dtype), 10, asked, relaxed=relaxed)
        np.testing.assert_array_equal(found.classes, expected)


@given(st.data(), tables(400), st.integers(1, 12), st.booleans())
@settings(deadline=None, max_examples=60)
def test_every_class_keeps_what_was_asked(data, table, k, relaxed):
    codes, sensitive = table
    k, demand = min(k, len(codes)), data.draw(demands(sensitive))
    found = mondrian(codes, k, [demand], relaxed=relaxed)
    kept = measure(found.classes, demand)
    assert found.sizes.min() >= k
    assert kept.distinct.min() >= (demand.l or 0)
    assert kept.entropy_l.min() >= (demand.entropy_l or 0) - 1e-11
    assert kept.t.max() <= (1 if demand.t is None else demand.t + 1e-11)


@given(tables(), st.integers(1, 12))
@settings(deadline=None, max_examples=30)
def test_a_partition_is_one_of_all_rows_with_tight_ranges(table, k):
    codes, _ = table
    found = mondrian(codes, min(k, len(codes)))
    assert sorted(found.order.tolist()) == list(range(len(codes)))
    assert found.starts[0] == 0
    assert found.starts[-1] == len(codes)
    for number in range(found.count):
        rows = found.order[found.starts[number] : found.starts[number + 1]]
        assert (found.classes[rows] == number).all()
        np.testing.assert_array_equal(found.lows[number], codes[rows].min(0))
        np.testing.assert_array_equal(found.highs[number], codes[rows].max(0))


def test_strict_classes_do_not_overlap():
    codes, _ = adult_like(800)
    found = mondrian(codes[:, :3], 10)
    for one in range(found.count):
        apart = (found.lows[one] > found.highs) | (found.highs[one] < found.lows)
        assert apart.any(1).sum() == found.count - 1


def test_a_relaxed_partition_halves_what_strict_cuts_leave():
    codes = np.zeros((64, 1), int)
    codes[40:] = 1
    assert mondrian(codes, 5).sizes.tolist() == [40, 24]
    assert mondrian(codes, 5, relaxed=True).sizes.max() < 40


def test_places_decide_which_column_is_cut_first():
    codes = np.array([[0, 0], [1, 1], [0, 2], [1, 3]])
    wide, narrow = np.array([0.0, 1.0]), np.linspace(0, 0.1, 4)
    assert mondrian(codes, 2, places=[wide, narrow]).classes.tolist() == [0, 1, 0, 1]
    assert mondrian(codes, 2, places=[wide / 100, None]).classes.tolist() == [0, 0, 1, 1]


def test_where_the_median_cut_breaks_l_one_beside_it_is_tried():
    codes, sensitive = np.arange(8)[:, None], [0, 0, 0, 0, 1, 0, 1, 1]
    assert mondrian(codes, 1, [Demand(sensitive, l=2)], cuts=2).count == 1
    assert mondrian(codes, 1, [Demand(sensitive, l=2)], cuts=3).classes.tolist() == [0, 0, 0, 0, 0, 1, 1, 1]


def test_t_of_zero_leaves_classes_with_the_law_of_the_table():
    codes, sensitive = np.arange(8)[:, None], [0, 1, 0, 1, 0, 1, 0, 1]
    found = mondrian(codes, 1, [Demand(sensitive, t=0)])
    assert found.sizes.tolist() == [2, 2, 2, 2]


@pytest.mark.parametrize(
    ("codes", "options", "message"),
    [
        (np.zeros((3, 1), int), {"k": 4}, "k is 4, but there are 3 rows"),
        (np.zeros((3, 1), int), {"k": 0}, "at least 1"),
        (np.zeros((3, 1), int), {"k": True}, "whole number"),
        (np.zeros((3, 1)), {"k": 1}, "integers"),
        (np.zeros((0, 1), int), {"k": 1}, "at least one"),
        (np.zeros(3, int), {"k": 1}, "table of rows and columns"),
        (np.array([[0, 1], [2, -1]]), {"k": 1}, "code -1 of column 1, row 1"),
        (np.array([[0], [2**32]]), {"k": 1}, "32 bits"),
        (np.zeros((3, 1), int), {"k": 1, "cuts": 65}, "1 to 64"),
        (np.zeros((3, 1), int), {"k": 1, "places": []}, "0 sets of places for 1 columns"),
        (np.ones((3, 1), int), {"k": 1, "places": [np.zeros(1)]}, "codes up to 1, but 1 places"),
        (np.ones((3, 1), int), {"k": 1, "places": [np.array([1.0, 0])]}, "rise"),
        (np.zeros((3, 1), int), {"k": 1, "demands": [Demand([0, 1])]}, "sensitive column 0 has 2 rows"),
        (np.zeros((3, 1), int), {"k": 1, "demands": [Demand([0, 1, 1], l=3)]}, "2 distinct values in all"),
        (np.zeros((3, 1), int), {"k": 1, "demands": [Demand([0, 1, 1], entropy_l=2)]}, "entropy l is 2, but"),
        (np.zeros((3, 1), int), {"k": 1, "demands": [Demand([0, 1, 1])] * 17}, "more than 16"),
        (np.zeros((3, 1), int), {"k": 1, "demands": Demand([0, 1, 1])}, "sequence of Demand"),
        (np.zeros((3, 1), int), {"k": 1, "cuts": 2.5}, "cuts is 2.5"),
        (np.array([[0, 0], [1, 2**32 - 1]]), {"k": 1}, "code 4294967295 of column 1 is too large for 2 rows"),
        (np.arange(3)[:, None], {"k": 1, "places": [["a", "b", "c"]]}, "places of a column are numbers"),
    ],
)
def test_what_cannot_be_asked_is_refused(codes, options, message):
    with pytest.raises(PrivacyError, match=message):
        mondrian(codes, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"codes": [0, 1], "l": 3}, "at most the number of rows"),
        ({"codes": [0, 1], "entropy_l": 0.5}, "at least 1"),
        ({"codes": [0, 1], "t": 1.5}, "from 0 to 1"),
        ({"codes": [0, 1], "l": 1.5}, "whole numbers"),
        ({"codes": [0, 1], "l": float("nan")}, "whole numbers"),
        ({"codes": [0, 1], "t": "0.5"}, "no number"),
        ({"codes": [0.5]}, "integers"),
        ({"codes": [-1]}, "from 0"),
        ({"codes": [0, 2**32 - 1]}, "too large for 2 rows"),
        ({"codes": [0, 1], "t": np.complex64(0.5)}, "no number"),
    ],
)
def test_demands_that_mean_nothing_are_refused(options, message):
    with pytest.raises(PrivacyError, match=message):
        Demand(**options)


def test_a_demand_does_not_change_with_the_array_that_it_was_made_of():
    given = np.array([0, 1, 0, 1], np.uint32)
    demand = Demand(given, l=2)
    given[:] = 0
    assert measure(np.zeros(4, int), demand).distinct.tolist() == [2]


def test_places_may_be_any_numbers():
    codes = np.array([[0, 0], [1, 1], [0, 2], [1, 3]])
    assert mondrian(codes, 2, places=[[0, 1], [0, 0.1, 0.2, 0.3]]).classes.tolist() == [0, 1, 0, 1]


def test_the_codes_that_were_given_stay_as_they_were():
    codes, _ = adult_like(500)
    codes = codes.astype(np.uint16)
    before = codes.copy()
    mondrian(codes, 3)
    np.testing.assert_array_equal(codes, before)
