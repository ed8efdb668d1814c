from __future__ import annotations

import datetime
import decimal
import pickle

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cdt_core.errors import ReaderError
from cdt_core.readers.stored import as_xarray

UTC = datetime.UTC


def _table() -> pa.Table:
    return pa.table(
        {
            "whole": pa.array(range(6), pa.int16()),
            "gap": pa.array([1, None, 3] * 2),
            "big_gap": pa.array([2**60 + 1, None, 3] * 2),
            "real": pa.array([1.5, None, -0.0] * 2, pa.float32()),
            "flag": pa.array([True, False, True] * 2),
            "flag_gap": pa.array([True, None, False] * 2),
            "text": pa.array(["a", None, "bé"] * 2),
            "kind": pa.array(["x", "y", "x"] * 2).dictionary_encode(),
            "when": pa.array([datetime.datetime(2020, 1, 1, tzinfo=UTC), None] * 3),
            "day": pa.array([datetime.date(2020, 1, 2)] * 6),
            "clock": pa.array([datetime.time(1, 2, 3)] * 6, pa.time32("s")),
            "short": pa.array([decimal.Decimal("1.25")] * 6),
            "long": pa.array([decimal.Decimal("1.25000000000000000001")] * 6),
        }
    )


@pytest.mark.parametrize("statistics", [True, False])
def test_every_column_keeps_its_values(tmp_path, opened, whole, statistics):
    pq.write_table(_table(), tmp_path / "a.parquet", row_group_size=4, write_statistics=statistics)
    stored = pickle.loads(pickle.dumps(opened(tmp_path / "a.parquet")))
    assert {spec.dims for spec in stored.specs.values()} == {("row",)}
    assert stored.specs["whole"].dtype == "int16"
    assert whole(stored, "whole").tolist() == list(range(6))
    assert np.array_equal(whole(stored, "gap"), [1, np.nan, 3] * 2, equal_nan=True)
    assert whole(stored, "big_gap").tolist() == [str(2**60 + 1), None, "3"] * 2
    assert stored.specs["real"].dtype == "float32"
    assert np.signbit(whole(stored, "real")[2])
    assert whole(stored, "flag").dtype == bool
    assert whole(stored, "flag_gap").tolist() == [1, -1, 0] * 2
    assert whole(stored, "text").tolist() == ["a", None, "bé"] * 2
    assert whole(stored, "kind").tolist() == ["x", "y", "x"] * 2
    assert whole(stored, "short").tolist() == [1.25] * 6
    assert whole(stored, "long").tolist() == ["1.25000000000000000001"] * 6
    view = as_xarray(stored)
    assert view["when"].values[0] == np.datetime64("2020-01-01")
    assert np.isnat(view["when"].values[1])
    assert view["day"].values[0] == np.datetime64("2020-01-02")
    assert view["clock"].values[0] == np.timedelta64(3723, "s")
    assert sorted(note.variable for note in stored.notes) == ["big_gap", "text"]


def test_rows_are_read_by_row_groups(tmp_path, opened, monkeypatch):
    pq.write_table(pa.table({"v": np.arange(100)}), tmp_path / "a.parquet", row_group_size=10)
    stored = opened(tmp_path / "a.parquet")
    assert stored.variables["v"].encoding["chunksizes"] == (10,)
    asked = []
    original = pq.ParquetFile.read_row_groups
    monkeypatch.setattr(
        pq.ParquetFile, "read_row_groups", lambda self, groups, **o: asked.extend(groups) or original(self, groups, **o)
    )
    assert stored.read("v", (slice(25, 32),)).tolist() == list(range(25, 32))
    assert asked == [2, 3]


def test_nested_columns_are_refused_by_name_or_left_out(tmp_path, opened):
    pq.write_table(pa.table({"v": [1, 2], "nested": [[1], [2]]}), tmp_path / "a.parquet")
    with pytest.raises(ReaderError, match="'nested'"):
        opened(tmp_path / "a.parquet")
    assert list(opened(tmp_path / "a.parquet", allow_partial=True).specs) == ["v"]


def test_an_empty_table_reads(tmp_path, opened, whole):
    pq.write_table(pa.table({"v": pa.array([], pa.int32())}), tmp_path / "a.parquet")
    assert whole(opened(tmp_path / "a.parquet"), "v").tolist() == []


def test_bytes_that_are_no_text_are_refused_when_read(tmp_path, opened, whole):
    pq.write_table(pa.table({"v": [b"\xff\xfe"]}), tmp_path / "a.parquet")
    with pytest.raises(ReaderError, match="'v'"):
        whole(opened(tmp_path / "a.parquet"), "v")
