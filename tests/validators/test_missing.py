from __future__ import annotations

import numpy as np
import pytest

from cdt_core.model import Packing
from cdt_core.validators.missing import Missing


@pytest.mark.parametrize("chunk", [(10, 10), (3, 4), (1, 10)])
def test_declared_and_undeclared_are_told_apart(case, chunk):
    x = np.ones((10, 10), np.float32)
    x[0, :5] = 1e20
    x[4, 4] = np.nan
    x[2, 7] = np.inf
    x[9, 9] = -np.inf
    found = case(x, x, packing=Packing(missing=(1e20,))).run(Missing, chunk)
    assert found["core.missing_share"].value == 0.05
    share = found["core.nonfinite_share"]
    assert share.value == 0.03
    assert share.evidence == {"nan": 1, "positive_infinite": 1, "negative_infinite": 1, "first": [2, 7]}


def test_nan_is_missing_where_it_is_declared(case):
    x = np.array([1.0, np.nan, 3.0, np.nan])
    found = case(x, x, packing=Packing(missing=(float("nan"),))).run(Missing)
    assert found["core.missing_share"].value == 0.5
    assert found["core.nonfinite_share"].value == 0


def test_nothing_is_said_of_the_empty_variable(case):
    x = np.zeros((0, 3))
    assert case(x, x).run(Missing) == {}


def test_integers_have_missing_codes_only(case):
    x = np.array([[1, -99], [3, 4]], np.int16)
    found = case(x, x, packing=Packing(missing=(-99,))).run(Missing, (1, 2))
    assert found["core.missing_share"].value == 0.25
    assert found["core.nonfinite_share"].value == 0


def test_a_scalar_is_missing_or_not(case):
    x = np.array(1e20)
    assert case(x, x, packing=Packing(missing=(1e20,))).run(Missing)["core.missing_share"].value == 1
    assert case(x, x).run(Missing)["core.missing_share"].value == 0
