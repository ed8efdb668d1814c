"""A column is read as what it is, however it is written, and what is missing is missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cdt_core.select.column import read_column

GAP = [False, True, False]
COLUMNS = {
    "floats": ([1.5, np.nan, 2.0], "floats", GAP),
    "integers": ([1, 2, 3], "integers", [False] * 3),
    "objects that are integers": (np.array([1, None, 3], object), "integers", GAP),
    "objects that are floats": ([1.5, None, 3], "floats", GAP),
    "masked floats": (np.ma.masked_array([1.5, 9e9, 2], GAP), "floats", GAP),
    "masked integers": (np.ma.masked_array([1, 99, 2], GAP), "integers", GAP),
    "nullable integers": (pd.Series([1, None, 3], dtype="Int64"), "integers", GAP),
    "nullable floats": (pd.Series([1.5, None, 3], dtype="Float64"), "floats", GAP),
    "nullable booleans": (pd.Series([True, None, False], dtype="boolean"), "names", GAP),
    "nullable text": (pd.Series(["a", None, "b"], dtype="string"), "names", GAP),
    "objects with NA": (np.array(["a", pd.NA, "b"], object), "names", GAP),
    "categories of floats": (pd.Categorical([1.5, None, 2.5]), "names", GAP),
    "booleans": ([True, False, True], "names", [False] * 3),
    "dates": (np.array(["2020-01-01", "NaT", "2020-01-03"], "datetime64[D]"), "dates", GAP),
    "dates of a zone": (pd.Series(pd.to_datetime(["2020-01-01", None, "2020-01-03"], utc=True)), "dates", GAP),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_kinds_and_gaps(name: str) -> None:
    given, kind, missing = COLUMNS[name]
    column = read_column(given)
    assert column.kind == kind
    assert column.missing.tolist() == missing
    again = read_column(column.values)
    assert again.missing.tolist() == missing


@pytest.mark.parametrize("name", [name for name, (_, kind, _) in COLUMNS.items() if kind in ("floats", "integers")])
def test_numbers_are_nan_where_missing(name: str) -> None:
    given, _, missing = COLUMNS[name]
    numbers = read_column(given).numbers()
    assert numbers.dtype == np.float64
    assert np.isnan(numbers).tolist() == missing
    assert numbers[0] in (1.0, 1.5)


def test_dates_are_days() -> None:
    for name in ("dates", "dates of a zone"):
        days = read_column(COLUMNS[name][0]).numbers()
        assert days[2] - days[0] == 2
        assert np.isnan(days[1])
