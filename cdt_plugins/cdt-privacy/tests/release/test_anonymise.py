"""Every released table keeps k, l and t, tells no falsehood, and says what it cost."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import PrivacyError
from cdt_privacy.release import anonymise, check

from .people import QUASI, TOWNS, census, tables

METHODS = ("mondrian", "full_domain")


def covers(text, value):
    """Whether a released text may stand for a value."""
    if pd.isna(value):
        return pd.isna(text) or text in ("missing", "*") or str(text).endswith(" or missing")
    if text == "*" or (not pd.isna(text) and str(text) == str(value)):
        return True
    body = str(text).removesuffix(" or missing")
    if body[0] == "{":
        return str(value) in body[1:-1].split(", ")
    if body[0] == "[":
        low, high = body[1:-1].split(", ")
        if isinstance(value, pd.Timestamp):
            return pd.Timestamp(low) <= value <= pd.Timestamp(high)
        return float(low) <= value and (value < float(high) if body[-1] == ")" else value <= float(high))
    if isinstance(value, pd.Timestamp):
        return str(value).startswith(body)
    return float(body) == float(value) if not isinstance(value, str) else body == value


def in_node(text, value):
    return text in (value, *TOWNS.get(value, ()), "*") or (pd.isna(value) and covers(text, value))


@given(st.data(), tables(), st.integers(1, 8), st.sampled_from(METHODS), st.booleans())
@settings(deadline=None, max_examples=60)
def test_every_release_keeps_what_was_asked_and_tells_no_falsehood(data, table, k, method, relaxed):
    frame, quasi = table
    k = min(k, len(frame))
    l_most = frame["illness"].nunique()
    l = data.draw(st.none() | st.integers(1, l_most))  # noqa: E741
    t = data.draw(st.none() | st.sampled_from([0.1, 0.3, 0.8]))
    suppress = data.draw(st.sampled_from([0.0, 0.2])) if method == "full_domain" else 0.0
    hierarchies = {"town": TOWNS} if "town" in quasi and data.draw(st.booleans()) else None
    relaxed = relaxed and method == "mondrian"
    options = {"hierarchies": hierarchies, "suppress": suppress, "relaxed": relaxed, "identifiers": ["name"]}
    found = anonymise(frame, quasi, "illness", k=k, l=l, t=t, method=method, **options)
    kept = check(found.table, quasi, "illness")
    assert kept.k >= k
    assert kept.l >= (l or 0)
    assert kept.t <= (1 if t is None else t + 1e-11)
    assert kept.k >= found.anonymity.k
    assert len(found.table) >= (1 - suppress) * len(frame)
    assert "name" not in found.table
    test = in_node if hierarchies else covers
    for name in quasi:
        for text, value in zip(found.table[name], frame[name].iloc[found.rows], strict=True):
            assert (test if name == "town" else covers)(text, value), (name, text, value)
    measures = found.measures
    assert 0 <= measures.ncp <= 1
    assert all(0 <= loss <= 1 for loss in measures.columns.values())
    assert measures.discernibility >= len(found.table) * found.anonymity.k
    assert measures.c_avg >= 1 - 1e-12


def test_the_same_table_gives_the_same_release():
    frame = census()
    one, two = (anonymise(frame, QUASI, "illness", k=5, l=2, identifiers="name") for _ in range(2))
    pd.testing.assert_frame_equal(one.table, two.table)
    assert one.report() == two.report()


def test_measures_are_their_definitions():
    frame = pd.DataFrame({"age": [20, 22, 24, 40, 45, 60], "town": list("aabbbc")})
    found = anonymise(frame, ["age", "town"], k=3)
    assert found.groups.tolist() == [0, 0, 0, 1, 1, 1]
    assert found.table["age"].tolist() == ["[20, 24]"] * 3 + ["[40, 60]"] * 3
    assert found.table["town"].tolist() == ["{a, b}"] * 3 + ["{b, c}"] * 3
    assert found.measures.columns == pytest.approx({"age": (4 / 40 + 20 / 40) / 2, "town": 2 / 3})
    assert found.measures.ncp == pytest.approx((0.3 + 2 / 3) / 2)
    assert found.measures.c_avg == 1
    assert found.measures.discernibility == 18
    assert found.measures.suppressed == 0


def test_what_is_not_generalised_keeps_its_values_and_type():
    frame = pd.DataFrame({"age": np.repeat([20, 30, 40], 4), "day": np.repeat(pd.date_range("2020", periods=3), 4)})
    found = anonymise(frame, ["age", "day"], k=4)
    pd.testing.assert_frame_equal(found.table, frame)
    assert found.measures.ncp == 0


def test_missing_values_stay_missing_or_are_said_to_be_there():
    apart = anonymise(pd.DataFrame({"age": [20.0, 21, np.nan, np.nan]}), ["age"], k=2)
    assert apart.table["age"].tolist()[:2] == ["[20, 21]"] * 2
    assert apart.table["age"].isna().tolist() == [False, False, True, True]
    mixed = anonymise(pd.DataFrame({"age": [20.0, 22, 50, np.nan]}), ["age"], k=2)
    assert mixed.table["age"].tolist() == ["[20, 22]"] * 2 + ["50 or missing"] * 2
    assert mixed.measures.ncp == pytest.approx((2 * (2 / 30) + 2) / 4)


def test_a_wide_table_of_many_values_is_cut():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({f"x{i}": rng.normal(size=3000) for i in range(20)})
    assert check(anonymise(frame, list(frame), k=7).table, list(frame)).k >= 7


def test_columns_in_no_role_are_kept_and_said():
    found = anonymise(census(100), ["age"], "illness", k=5, identifiers=["name"])
    assert set(found.kept) == {"weight", "born", "town", "school", "smokes", "cost"}
    assert "dropped  name" in found.report()
    assert "in no role: weight" in found.report()


def test_several_sensitive_columns_are_all_kept_diverse():
    frame = census()
    found = anonymise(frame, ["age", "town"], ["illness", "cost"], k=5, l=3, t=0.35)
    for name in ("illness", "cost"):
        kept = check(found.table, ["age", "town"], name)
        assert kept.l >= 3
        assert kept.t <= 0.35 + 1e-11


def test_relaxed_cuts_make_smaller_classes():
    frame = census()
    strict, relaxed = (anonymise(frame, ["smokes", "school"], k=10, relaxed=relaxed) for relaxed in (False, True))
    assert relaxed.measures.c_avg < strict.measures.c_avg


@pytest.mark.parametrize("method", METHODS)
def test_odd_columns_have_codes(method):
    frame = pd.DataFrame(
        {
            "mixed": [1, "a", 2.5, None] * 3,
            "whole": pd.array([1, None, 3] * 4, dtype="Int64"),
            "long": pd.to_timedelta(range(12), unit="h"),
            "zoned": pd.date_range("2020", periods=12, freq="D", tz="Europe/Oslo"),
            "empty": [None] * 12,
            "flat": [7] * 12,
            "half": np.arange(12, dtype="f2"),
            "huge": np.array([-1.7e308, 0, 1.7e308] * 4),
            "long_int": np.array([2**63 - 1, -(2**63)] * 6),
            "objects": pd.Series([pd.Timestamp("2020").date()] * 12),
        }
    )
    found = anonymise(frame, list(frame), k=3, method=method)
    assert check(found.table, list(frame)).k >= 3
    assert 0 <= found.measures.ncp <= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 101}, "k is 101, but the table has 100 rows"),
        ({"k": 0}, "at least 1"),
        ({"l": 9}, "sensitive column 'illness' has 4 distinct values"),
        ({"entropy_l": 4.0}, "entropy l is 4"),
        ({"t": -0.1}, "t is -0.1"),
        ({"quasi_identifiers": ["agee"]}, "no column 'agee'; its columns are name, age"),
        ({"quasi_identifiers": []}, "there is no quasi-identifier"),
        ({"quasi_identifiers": ["age", "illness"]}, "'illness' is both a quasi-identifier and sensitive"),
        ({"quasi_identifiers": ["age", "age"]}, "'age' is named twice"),
        ({"identifiers": ["age"]}, "'age' is an identifier"),
        ({"identifiers": ["nam"]}, "no column 'nam'"),
        ({"sensitive": None, "l": 2}, "l says what classes keep of sensitive columns"),
        ({"method": "magic"}, "none of mondrian, full_domain"),
        ({"suppress": 1}, "suppress is 1"),
        ({"suppress": "1 %"}, "suppress is '1 %'"),
        ({"l": "3"}, "l is '3', which is no number"),
        ({"quasi_identifiers": [0]}, "name 0 of a column is no text"),
        ({"hierarchies": {"age": ["wide"]}}, "width 'wide' is no number"),
        ({"refine": "anneal", "seed": "x"}, "seed is 'x'"),
        ({"refine": "hope"}, "neither None nor 'anneal'"),
        ({"refine": "anneal", "method": "full_domain"}, "leave no row to move"),
        ({"hierarchies": {"cost": [5]}}, "hierarchy for 'cost', which is no quasi-identifier"),
        ({"hierarchies": [5, 10]}, "dict of column to hierarchy, not a list"),
        ({"hierarchies": pd.DataFrame({"town": ["Aa"]})}, "dict of column to hierarchy, not a DataFrame"),
        ({"suppress": 0.1}, "Mondrian cuts keep all of them"),
        ({"relaxed": True, "method": "full_domain"}, "full-domain levels make none"),
        ({"refine": ["anneal"]}, "neither None nor 'anneal'"),
        ({"method": np.array(["mondrian", "x"])}, "none of mondrian, full_domain"),
        ({"quasi_identifiers": None}, "there is no quasi-identifier"),
        ({"identifiers": 3}, "3 names no column"),
    ],
)
def test_what_cannot_be_kept_is_refused(options, message):
    asked = {"quasi_identifiers": ["age", "town"], "sensitive": "illness", "k": 5, **options}
    with pytest.raises(PrivacyError, match=message):
        anonymise(census(100), **asked)


def test_names_may_be_an_index_or_none():
    frame = census(100)
    found = anonymise(frame, frame.columns[1:3], frame.columns[7:8], k=5, identifiers=None)
    assert (found.quasi_identifiers, found.sensitive, found.dropped) == (("age", "weight"), ("illness",), ())


def test_a_table_with_two_columns_of_one_name_is_refused():
    frame = pd.DataFrame([[1, 2, 3], [1, 2, 3]], columns=["age", "x", "x"])
    with pytest.raises(PrivacyError, match="more than one column 'x'"):
        anonymise(frame, ["age"], k=2)


@pytest.mark.parametrize(
    "values",
    [[1, True, 1.0], [0.0, -0.0, -0.0], [Decimal("1.0"), Decimal("1.00"), Decimal(1)], [None, np.nan, pd.NaT]],
    ids=["types", "zeros", "decimals", "missing"],
)
@pytest.mark.parametrize("method", METHODS)
def test_equal_values_that_are_written_differently_are_released_as_one(values, method):
    for column in (values, pd.Series(values, dtype=object)):
        found = anonymise(pd.DataFrame({"x": column}), ["x"], k=3, method=method)
        assert found.measures.ncp == 0
        assert len(set(found.table.to_csv(index=False).splitlines()[1:])) == 1


def test_categories_of_rows_that_were_left_out_are_gone():
    frame = pd.DataFrame({"town": ["a"] * 50 + ["b"] * 49 + ["c"]})
    frame["from"] = frame["town"].replace("c", "d")
    frame["illness"] = pd.Categorical(frame["town"], list("abc"), ordered=True)
    frame = frame.astype({"town": "category", "from": "category"})
    found = anonymise(frame, ["town"], "illness", k=5, suppress=0.02, method="full_domain")
    assert found.table["town"].cat.categories.tolist() == ["a", "b"]
    assert found.table["from"].cat.categories.tolist() == ["a", "b"]
    # Of an order they are the scale, which says nothing of the row.
    assert found.table["illness"].cat.categories.tolist() == ["a", "b", "c"]


def test_what_is_no_table_is_refused():
    with pytest.raises(PrivacyError, match="give a pandas DataFrame"):
        anonymise({"age": [1, 2]}, ["age"])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, np.inf], "infinities"),
        ([1j, 2j], "complex"),
        ([[1], [2]], "cannot be told apart"),
        (pd.Series([10**400, 1], dtype=object), "int too large"),
        ([pd.Timestamp("2020", tz="UTC"), pd.Timestamp("2020")], "do not lie on one line"),
        (pd.array([[1], [2]], pd.ArrowDtype(pa.list_(pa.int64()))), "cannot be told apart"),
    ],
    ids=["infinite", "complex", "lists", "huge", "zones", "arrow lists"],
)
def test_values_that_have_no_code_are_refused(values, message):
    with pytest.raises(PrivacyError, match=f"column 'x' holds .*{message}|column 'x' holds {message}"):
        anonymise(pd.DataFrame({"x": values}), ["x"], k=1)


def test_annealing_lowers_the_loss_and_breaks_nothing():
    frame = census(800)
    options = {"k": 6, "l": 2, "t": 0.45}
    plain, refined = (anonymise(frame, QUASI, "illness", refine=refine, **options) for refine in (None, "anneal"))
    kept = check(refined.table, QUASI, "illness")
    assert refined.measures.ncp < 0.97 * plain.measures.ncp
    assert refined.evidence["ncp_before"] == pytest.approx(plain.measures.ncp)
    assert kept.k >= 6
    assert kept.l >= 2
    assert kept.t <= 0.45 + 1e-11
    assert "lower now" in refined.report()


def test_annealing_with_a_hierarchy_never_raises_the_loss():
    frame = census(300).dropna()
    for seed in range(3):
        options = {"k": 5, "hierarchies": {"town": TOWNS}, "seed": seed}
        plain, refined = (anonymise(frame, ["town", "age"], refine=refine, **options) for refine in (None, "anneal"))
        assert refined.measures.ncp <= plain.measures.ncp
