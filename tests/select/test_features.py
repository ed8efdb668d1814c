"""The same features are selected whatever the table is and however it comes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import xarray as xr
import zarr

from cdt_core.errors import SelectError
from cdt_core.select import measure_features, select_features
from tests.select.tables import table

NAMES = list("abcdefgh")
VALUES, NUMBERS, CLASSES = table()
FRAME = pd.DataFrame(VALUES, columns=NAMES)


def _dask_array():
    import dask.array

    return dask.array.from_array(VALUES, chunks=(50, 3))


def _dask_frame():
    import dask.dataframe

    return dask.dataframe.from_pandas(FRAME, npartitions=3)


TABLES = {
    "array": (lambda: VALUES, False),
    "lists": (lambda: VALUES.tolist(), False),
    "frame": (lambda: FRAME, True),
    "dask array": (_dask_array, False),
    "dask frame": (_dask_frame, True),
    "zarr": (lambda: zarr.array(VALUES, chunks=(50, 3)), False),
    "sparse": (lambda: scipy.sparse.coo_array(VALUES), False),
    "xarray": (lambda: xr.DataArray(VALUES, dims=("cell", "gene"), coords={"gene": NAMES}), True),
    "dataset": (lambda: xr.Dataset({name: ("row", FRAME[name]) for name in NAMES}), True),
    "blocks": (lambda: [VALUES[:30], VALUES[30:31], VALUES[31:]], False),
    "stream": (lambda: iter([FRAME[:30], FRAME[30:]]), True),
}


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("y", [NUMBERS, CLASSES, None], ids=["numbers", "classes", "nothing"])
def test_every_kind_of_table_gives_the_same(kind: str, y: object) -> None:
    make, named = TABLES[kind]
    found, expected = select_features(make(), y, 3), select_features(VALUES, y, 3)
    assert found.indices.tolist() == expected.indices.tolist()
    assert list(found.names) == [NAMES[i] if named else i for i in expected.indices]


@pytest.mark.parametrize("kind", [kind for kind in TABLES if kind != "stream"])
def test_information_is_measured_in_two_passes(kind: str) -> None:
    found = select_features(TABLES[kind][0](), CLASSES, 3, measure="information")
    assert found.indices.tolist() == select_features(VALUES, CLASSES, 3, measure="information").indices.tolist()


def test_blocks_may_bring_their_rows_of_y() -> None:
    stream = ((VALUES[i : i + 25], CLASSES[i : i + 25]) for i in range(0, 120, 25))
    assert select_features(stream, None, 3).indices.tolist() == select_features(VALUES, CLASSES, 3).indices.tolist()


def test_a_list_of_pairs_can_be_read_twice() -> None:
    pairs = [(VALUES[:50], CLASSES[:50]), (VALUES[50:], CLASSES[50:])]
    expected = select_features(VALUES, CLASSES, 3, measure="information")
    assert select_features(pairs, None, 3, measure="information").indices.tolist() == expected.indices.tolist()


def test_squares_that_overflow_leave_a_feature_out() -> None:
    large = VALUES.copy()
    large[:, 0] *= 1e200
    found = select_features(large, CLASSES, 3)
    assert list(found.excluded) == [0]
    assert np.isfinite(found.energy)


def test_more_features_than_have_pairs_in_memory_are_refused() -> None:
    with pytest.raises(SelectError, match="30000 features"):
        select_features(np.zeros((2, 30_000)), None, 3)


def test_text_and_categories_are_classes() -> None:
    names = np.array(["low", "mid", "high"])[CLASSES]
    expected = select_features(VALUES, CLASSES, 3).indices.tolist()
    for y in (names, pd.Series(names), pd.Categorical(names), names.astype(object)):
        assert select_features(VALUES, y, 3).indices.tolist() == expected


def test_gaps_of_every_kind_are_missing() -> None:
    rows = np.arange(120) != 7
    expected = select_features(VALUES[rows], CLASSES[rows], 3).indices.tolist()
    masked = np.ma.masked_array(np.where(rows[:, None], VALUES, 1e9), np.zeros(VALUES.shape, bool))
    masked[7, 2] = np.ma.masked
    nullable = FRAME.astype("Float64")
    nullable.loc[7, "c"] = pd.NA
    objects = FRAME.astype(object)
    objects.loc[7, "c"] = None
    lists = [
        [None if (i, j) == (7, 2) else value for j, value in enumerate(row)] for i, row in enumerate(VALUES.tolist())
    ]
    for X in (masked, nullable, objects, lists):
        assert select_features(X, CLASSES, 3, missing="rows").indices.tolist() == expected
        assert 2 not in select_features(X, CLASSES, 7, missing="columns").indices
        with pytest.raises(SelectError, match="is nan in row 7"):
            select_features(X, CLASSES, 3)


@pytest.mark.parametrize("dtype", ["Int64", "string", "category"])
def test_classes_that_are_missing_stay_classes(dtype: str) -> None:
    rows = np.arange(120) != 7
    y = pd.Series(CLASSES).astype(dtype).where(rows)
    found = measure_features(VALUES, y, missing="rows")
    assert (found.target, found.rows) == ("classes", 119)
    np.testing.assert_array_equal(found.relevance, measure_features(VALUES[rows], CLASSES[rows]).relevance)


def test_categories_of_numbers_are_classes() -> None:
    found = measure_features(VALUES, pd.Categorical(CLASSES * 0.5))
    np.testing.assert_array_equal(found.relevance, measure_features(VALUES, CLASSES).relevance)


def test_masked_numbers_of_y_are_missing() -> None:
    y = np.ma.masked_array(NUMBERS, np.arange(120) == 7)
    assert measure_features(VALUES, y, missing="rows").rows == 119


def test_features_beyond_float64_are_left_out_by_either_measure() -> None:
    far = np.column_stack([VALUES, np.where(np.arange(120) % 2, 1e308, -1e308), VALUES[:, 0] * 1e200])
    for measure in ("correlation", "information"):
        found = select_features([far[:50], far[50:]], CLASSES, 3, measure=measure)
        assert list(found.excluded) == [8, 9]
        assert found.indices.tolist() == select_features(VALUES, CLASSES, 3, measure=measure).indices.tolist()


@pytest.mark.parametrize("measure", ["correlation", "information"])
def test_features_that_tell_nothing_at_all_are_selected_without_a_warning(measure: str) -> None:
    signs = np.array([[1 - 2 * (bin(i & j).count("1") % 2) for j in range(8)] for i in range(8)], float)
    found = select_features(signs[:, 1:6], signs[:, 7] > 0, 2, measure=measure, weight=1.0)
    assert found.energy == 0


def test_integers_are_numbers_when_asked() -> None:
    found = select_features(VALUES, CLASSES, 3, target="numbers")
    assert found.relevance.tolist() == select_features(VALUES, CLASSES.astype(float), 3).relevance.tolist()


@pytest.mark.parametrize(
    ("X", "y", "options", "match"),
    [
        ("text", None, {}, "X is str"),
        (VALUES[0], None, {}, r"shape \(8,\)"),
        (VALUES[:, :0], None, {}, r"shape \(120, 0\)"),
        (VALUES, NUMBERS[:5], {}, r"shape \(5,\) for 120 rows"),
        (VALUES + 1j, NUMBERS, {}, "feature 0 has no real numbers"),
        (FRAME.assign(e="text"), NUMBERS, {}, "feature 'e' has no real numbers"),
        (FRAME, pd.Series(NUMBERS, index=range(1, 121)), {}, "different indexes"),
        (FRAME.rename(columns={"a": "b"}), NUMBERS, {}, "7 names"),
        ([], None, {}, "no blocks"),
        ([VALUES[:50], VALUES[50:, 1:]], NUMBERS, {}, r"shape \(70, 7\)"),
        ([VALUES[:50]], NUMBERS, {}, r"120 rows, and the blocks of X 50|shape"),
        (iter([VALUES]), NUMBERS, {"measure": "information"}, "two passes"),
        (VALUES, NUMBERS, {"measure": "distance"}, "measure is 'distance'"),
        (VALUES, NUMBERS, {"missing": "ignore"}, "missing is 'ignore'"),
        (VALUES, None, {"target": "classes"}, "target is 'classes'"),
        (VALUES, NUMBERS, {"target": "nothing"}, "target is 'nothing'"),
        (VALUES[:1], None, {}, "1 rows"),
        (VALUES, np.arange(120), {}, "120 classes in 120 rows"),
        (VALUES, [f"row {i // 2}" if i % 9 else f"{i}" for i in range(120)], {}, "target='numbers'"),
        (VALUES, pd.date_range("2020", periods=120), {}, "type datetime64"),
        (FRAME.assign(e=pd.date_range("2020", periods=120)), CLASSES, {}, r"feature 'e' has no real numbers \(dates"),
        (pd.DataFrame({"a": pd.to_timedelta(np.arange(9), "D")}), None, {}, r"feature 'a' has no real numbers \(dates"),
        (FRAME.assign(e=[10**400] + [1] * 119), CLASSES, {}, "feature 'e' has no real numbers"),
        ([[1.0, 2.0], [3.0]], None, {}, "rows of 1 to 2 values"),
        (_dask_frame().values, NUMBERS, {}, "chunks of unknown sizes"),
        (VALUES, NUMBERS, {"weight": "1"}, "weight is '1'"),
        (VALUES, pd.Series(["a"] * 119 + [None], dtype="string"), {}, "y has no value in row 119"),
    ],
)
def test_what_is_no_table_is_refused(X: object, y: object, options: dict, match: str) -> None:
    with pytest.raises(SelectError, match=match):
        select_features(X, y, 2, **options)


def test_masks_are_of_all_features() -> None:
    found = select_features(VALUES, CLASSES, 3)
    assert found.mask(8).sum() == 3
    with pytest.raises(SelectError, match="is selected, and there are 1"):
        found.mask(1)


def test_breast_cancer_is_told_by_few(test_data: Path) -> None:
    """Features of real data: the selected ones explain more than the most relevant ones do."""
    frame = pd.read_csv(test_data / "biobank" / "breast_cancer.csv")
    y = frame.pop("target")
    found = select_features(frame, y, 5)
    dependence = measure_features(frame, y)
    assert found.explained >= dependence.explained(np.argsort(-dependence.relevance)[:5])
    assert found.explained >= 0.7
