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
from cdt_core.select import select_features
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
    ],
)
def test_what_is_no_table_is_refused(X: object, y: object, options: dict, match: str) -> None:
    with pytest.raises(SelectError, match=match):
        select_features(X, y, 2, **options)


def test_breast_cancer_is_told_by_few(test_data: Path) -> None:
    """Features of real data: the selected ones explain more than the most relevant ones do."""
    frame = pd.read_csv(test_data / "biobank" / "breast_cancer.csv")
    y = frame.pop("target")
    found = select_features(frame, y, 5)
    from cdt_core.select import measure_features

    dependence = measure_features(frame, y)
    assert found.explained >= dependence.explained(np.argsort(-dependence.relevance)[:5])
    assert found.explained >= 0.7
