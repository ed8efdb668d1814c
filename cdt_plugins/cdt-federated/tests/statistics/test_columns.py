"""Columns as people have them: what is a number counts, what is missing is said, and nothing else passes."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from cdt_core.errors import FederatedError
from cdt_federated.statistics import Contingency, Histogram, KaplanMeier, Moments, Quantiles, TopK, ask_all, run


def mean(column, **how):
    found = run(Moments(["x"], **how), {"a": {"x": column}, "b": {"x": []}})
    return float(found.mean[0]), found.left_out


@pytest.mark.parametrize(
    "column",
    [
        np.array([1, 2, 3], np.longdouble),
        np.array([1, 2, 3], np.uint8),
        np.array([1, 2, 3], np.float16),
        np.array([1, Decimal(2), np.int8(3)], object),
        pd.Series([1, 2, 3], index=[7, 8, 9]),
        pd.Series([1, 2, 3], dtype="Int64"),
        pd.Series([1, 2, 3], dtype="Float32"),
    ],
    ids=lambda column: str(column.dtype),
)
def test_numbers_of_any_kind_are_numbers(column):
    assert mean(column) == (2.0, 0)


@pytest.mark.parametrize(
    "column",
    [
        [1, 1, None],
        [1.0, 1.0, np.nan],
        np.array([1, 1, np.nan], np.longdouble),
        np.array([True, 1.0, pd.NA], object),
        np.array([True, 1, Decimal("NaN")], object),
        pd.Series([1, 1, None], dtype="Int64"),
        pd.Series([True, True, None], dtype="boolean"),
    ],
)
def test_what_is_missing_may_be_left_out_of_any_kind_of_column(column):
    assert mean(column, missing="drop") == (1.0, 1)
    with pytest.raises(FederatedError, match="no value in 1 rows, the first is 2"):
        mean(column)


@pytest.mark.parametrize("column", [pd.Series(["p", "q", None], dtype="string"), pd.Categorical(["p", "q", None])])
def test_levels_may_be_missing_too(column):
    found = run(
        Contingency("x", ("p", "q"), "ill", (0, 1), missing="drop"), {"a": {"x": column, "ill": [True, False, True]}}
    )
    np.testing.assert_array_equal(found.counts, [[0, 1], [1, 0]])
    assert found.left_out == 1


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (np.ones((3, 2)), "'x' has 2 values in each row"),
        (pd.DataFrame(np.ones((2, 2)), columns=["x", "x"])["x"], "'x' has 2 values in each row"),
        ([[1.0], [1.0, 2.0]], "'x' cannot be read as an array"),
        (np.array([1, np.longdouble("1e4000")]), "'x' is infinite in row 1"),
        (np.array([1, 10**400], object), "'x' has a number beyond float64"),
        (np.array([1, "2"], object), "'x' holds object"),
        (np.array(["2020-01-01"], "M8[D]"), "'x' holds datetime64"),
        ([1j], "'x' holds complex128"),
        ([1e200, -1e200], "sums of x are beyond float64"),
    ],
)
def test_what_is_no_column_of_numbers_is_refused(column, said):
    with pytest.raises(FederatedError, match=said):
        mean(column)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (np.ones((2, 2)), "2 values in each row"),
        (np.array(["2020-01-01"], "M8[ns]"), "datetime64.* has no levels"),
        (np.array([{}, "q"], object), "can be no levels: unhashable"),
        ([b"p"], "b'p' in row 0, which is none of the agreed levels"),
    ],
)
def test_what_is_no_column_of_levels_is_refused(column, said):
    with pytest.raises(FederatedError, match=said):
        run(Contingency("x", ("p", "q"), "y", (0, 1)), {"a": {"x": column, "y": [0] * len(column)}})


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: mean([1.0], missing="skip"), "missing is 'skip'"),
        (lambda: Moments([0]), "by text"),
        (lambda: run(Moments("x"), {"a": [1.0, 2.0]}), "give columns by name"),
        (lambda: ask_all(pd.DataFrame({"x": [1.0]})), "by the name of its site"),
        (lambda: Contingency("x", None, "y", (0, 1)), "levels None"),
        (lambda: Contingency("x", [["p"], ["q"]], "y", (0, 1)), "unhashable"),
        (lambda: Histogram("x", ["a", "b"]), "edges are .* give numbers"),
        (lambda: Histogram("x", 3), "edges are 3; give numbers"),
        (lambda: KaplanMeier("d", "e", times="soon"), "agreed times are 'soon'; give numbers"),
        (lambda: Quantiles("x", "half"), "shares are 'half'; give numbers"),
        (lambda: run(TopK("x"), {"a": {"x": ["\ud800"]}}), "no Unicode text"),
    ],
)
def test_what_makes_no_sense_is_refused(make, said):
    with pytest.raises(FederatedError, match=said):
        make()
