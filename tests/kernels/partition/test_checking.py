"""Classes, and what they keep, are those of pandas and of the reference."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import PrivacyError
from cdt_core.kernels.partition import Demand, classes_of, measure
from cdt_core.kernels.reference import partition as reference
from tests.kernels.partition.tables import adult_like, tables


@given(tables())
@settings(deadline=None, max_examples=60)
def test_rows_are_in_one_class_when_they_are_equal(table):
    codes, _ = table
    np.testing.assert_array_equal(classes_of(codes), reference.classes_of(codes))


@given(tables(), st.booleans())
@settings(deadline=None, max_examples=60)
def test_measures_are_those_of_the_reference(table, ordered):
    codes, sensitive = table
    demand = Demand(sensitive, ordered=ordered)
    classes = classes_of(codes[:, :1] % 7)
    found = measure(classes, demand)
    for number in range(len(found.sizes)):
        values = demand.codes[classes == number]
        assert found.sizes[number] == len(values)
        assert found.distinct[number] == len(np.unique(values))
        assert found.entropy_l[number] == pytest.approx(np.exp(reference.entropy(values)), rel=1e-11)
        assert found.t[number] == pytest.approx(reference.distance(values, demand), abs=1e-11)


def test_classes_of_a_larger_table_are_the_groups_of_pandas():
    codes, sensitive = adult_like(20_000)
    found = classes_of(codes)
    groups = pd.DataFrame(codes).assign(s=sensitive).groupby(list(range(7)), sort=False)["s"]
    np.testing.assert_array_equal(found, groups.ngroup())
    measured = measure(found, Demand(sensitive))
    np.testing.assert_array_equal(measured.sizes, groups.size())
    np.testing.assert_array_equal(measured.distinct, groups.nunique())


def test_distances_of_the_paper():
    """Li et al. 2007, section 4.1: salaries 3k..11k, classes {3k, 4k, 5k} and {6k, 8k, 11k}."""
    salary = np.arange(9)
    classes = np.array([0, 0, 0, 1, 2, 1, 2, 2, 1])
    found = measure(classes, Demand(salary, ordered=True))
    assert found.t[:2] == pytest.approx([0.375, 0.167], abs=5e-4)
    assert measure(classes, Demand(salary)).t[0] == pytest.approx(2 / 3)


def test_an_even_class_has_the_entropy_of_its_number_of_values():
    found = measure([0] * 6, Demand([0, 1, 2, 0, 1, 2]))
    assert found.entropy_l.tolist() == [3]
    assert found.t.tolist() == [0]


def test_one_class_has_no_distance_from_the_table():
    _, sensitive = adult_like(1000)
    for ordered in (False, True):
        assert measure(np.zeros(1000, int), Demand(sensitive, ordered=ordered)).t.tolist() == [0]


@pytest.mark.parametrize(
    ("classes", "count", "message"),
    [
        ([0, 2, 2], None, "class 1 has no row"),
        ([0], None, "one of each per row"),
        ([0, 0, -1], None, "class -1 is not from 0"),
        ([0, 1, 4_000_000_000], None, "below the number of rows, 3"),
        ([0.2, 0.7, 1.0], None, "classes are integers"),
        ([0, 1, 1], 1, "the last class is 1, but count is 1"),
    ],
    ids=["gap", "rows", "negative", "huge", "floats", "count"],
)
def test_classes_that_are_none_are_refused(classes, count, message):
    with pytest.raises(PrivacyError, match=message):
        measure(np.array(classes), Demand([0, 1, 0]), count)
