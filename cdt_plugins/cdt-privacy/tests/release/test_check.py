"""Checks of tables are those of pandas, and name the worst class."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cdt_core.errors import PrivacyError
from cdt_privacy.release import check

from .people import census


@pytest.mark.parametrize("quasi", [["town"], ["town", "school", "smokes"], ["age", "town"]])
def test_measures_are_those_of_pandas(quasi):
    frame = census()
    found = check(frame, quasi, "illness")
    groups = frame.groupby(quasi, dropna=False, observed=True)["illness"]
    shares = groups.value_counts(normalize=True).rename("share").reset_index()
    whole = frame["illness"].value_counts(normalize=True)
    wide = shares.pivot_table(index=quasi, columns="illness", values="share", fill_value=0, dropna=False, observed=True)
    assert found.k == groups.size().min()
    assert found.classes == groups.ngroups
    assert found.l == groups.nunique().min()
    entropies = [-(row[row > 0] * np.log(row[row > 0])).sum() for row in wide.to_numpy()]
    assert found.entropy_l == pytest.approx(np.exp(min(entropies)))
    assert found.t == pytest.approx((wide - whole[wide.columns]).abs().sum(axis=1).max() / 2)


def test_numbers_have_the_ordered_distance():
    frame = pd.DataFrame({"town": list("aaabbb"), "cost": [1, 2, 3, 4, 5, 60]})
    assert check(frame, ["town"], "cost").t == pytest.approx((1 / 6 + 2 / 6 + 3 / 6 + 2 / 6 + 1 / 6) / 5)
    assert check(frame.astype({"cost": str}), ["town"], "cost").t == pytest.approx(0.5)


def test_categories_that_no_row_has_make_no_steps():
    frame = pd.DataFrame({"town": list("aabb"), "stage": pd.Categorical(list("xyyz"), list("xyz"), ordered=True)})
    wide = frame.assign(stage=frame["stage"].cat.set_categories(list("uvxwyz_"), ordered=True))
    assert check(wide, ["town"], "stage").t == check(frame, ["town"], "stage").t


def test_the_worst_class_is_named():
    frame = pd.DataFrame({"town": ["a", "a", "b", None, None, None], "illness": list("xyyxxx")})
    found = check(frame, "town", "illness")
    assert str(found.worst["k"]) == "1 rows with town=b"
    assert found.worst["entropy_l"].sensitive == "illness"
    assert found.worst["t"].where == {"town": "b"}
    assert str(found).startswith("k=1, l=1, entropy l=1, t=0.6667 (6 rows in 3 classes)")


def test_without_a_sensitive_column_k_is_all():
    found = check(pd.DataFrame({"town": ["a", "a"]}), ["town"])
    assert (found.k, found.l, found.entropy_l, found.t) == (2, None, None, None)
    assert str(found) == "k=2 (2 rows in 1 classes)"


def test_a_table_without_rows_is_refused():
    with pytest.raises(PrivacyError, match="no row"):
        check(pd.DataFrame({"a": []}), ["a"])


def test_columns_of_one_name_are_refused():
    with pytest.raises(PrivacyError, match="2 columns 'a'"):
        check(pd.DataFrame([[1, 2]], columns=["a", "a"]), ["a"])
