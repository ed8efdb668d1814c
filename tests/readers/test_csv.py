from __future__ import annotations

import gzip
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import ReaderError
from cdt_core.hooks.source import Source
from cdt_core.readers.choose import open_stored
from cdt_core.readers.csv import open_csv
from cdt_core.readers.offers import READERS


def _read(path, text: str | bytes, name: str = "a.csv"):
    file = path / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return open_stored(file, READERS)


def _column(stored, name: str):
    return stored.read(name, (slice(0, stored.dims["row"]),))


def test_columns_have_the_type_that_changes_no_cell(tmp_path):
    text = (
        "int,float,gap,big,huge,unsigned,id,flag,day,word,none\n"
        "1,1.5,1,9007199254740993,9007199254740993,18446744073709551615,007,true,2020-01-02,a,\n"
        "-2,NA,,9007199254740992,,0,010,false,2020-01-03,,\n"
    )
    stored = _read(tmp_path, text)
    assert _column(stored, "int").tolist() == [1, -2]
    assert stored.specs["int"].dtype == "int64"
    assert np.array_equal(_column(stored, "float"), [1.5, np.nan], equal_nan=True)
    assert np.array_equal(_column(stored, "gap"), [1.0, np.nan], equal_nan=True)
    assert _column(stored, "big").tolist() == [9007199254740993, 9007199254740992]
    assert _column(stored, "huge").tolist() == ["9007199254740993", ""]
    assert _column(stored, "unsigned").tolist() == [18446744073709551615, 0]
    assert _column(stored, "id").tolist() == ["007", "010"]
    assert _column(stored, "flag").tolist() == ["true", "false"]
    assert _column(stored, "day").tolist() == ["2020-01-02", "2020-01-03"]
    assert _column(stored, "word").tolist() == ["a", ""]
    assert np.isnan(_column(stored, "none")).all()
    assert {spec.dims for spec in stored.specs.values()} == {("row",)}


def test_a_number_beyond_double_precision_stays_text_and_is_not_infinite(tmp_path):
    stored = _read(tmp_path, "a,b\n1e400,inf\n2.5,-Infinity\n")
    assert _column(stored, "a").tolist() == ["1e400", "2.5"]
    assert _column(stored, "b").tolist() == [np.inf, -np.inf]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(), min_size=2, max_size=20))
def test_floats_written_by_python_read_back_bit_for_bit(tmp_path_factory, values):
    stored = _read(tmp_path_factory.mktemp("csv"), "v,w\n" + "".join(f"{value!r},x\n" for value in values))
    if all(value != value for value in values):
        return
    column = _column(stored, "v")
    if column.dtype.kind == "f":
        expected = np.array(values)
        assert (
            np.where(np.isnan(expected), 0.5, expected).tobytes() == np.where(np.isnan(column), 0.5, column).tobytes()
        )
    else:
        assert column.tolist() == [repr(value) for value in values]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path, delimiter):
    stored = _read(tmp_path, f"a{delimiter}b\n1{delimiter}x y\n2{delimiter}z\n")
    assert list(stored.specs) == ["a", "b"]
    assert _column(stored, "b").tolist() == ["x y", "z"]


def test_decimal_comma_where_the_comma_does_not_cut(tmp_path):
    assert _column(_read(tmp_path, "a;b\n1,5;x\n-2;y\n"), "a").tolist() == [1.5, -2.0]


def test_quotes_hold_delimiters_and_line_ends(tmp_path):
    stored = _read(tmp_path, 'a,"b,c"\n1,"x\ny"\n2,"say ""hi"""\n')
    assert list(stored.specs) == ["a", "b,c"]
    assert _column(stored, "b,c").tolist() == ["x\ny", 'say "hi"']


def test_windows_line_ends_and_byte_order_mark(tmp_path):
    stored = _read(tmp_path, b"\xef\xbb\xbfa,b\r\n1,2\r\n")
    assert list(stored.specs) == ["a", "b"]
    assert _column(stored, "b").tolist() == [2]


def test_repeated_empty_and_slashed_names_stay_apart(tmp_path):
    stored = _read(tmp_path, "a,a,,m/z\n1,2,3,4\n")
    assert list(stored.specs) == ["a", "a_2", "column_3", "m_z"]
    assert stored.specs["m_z"].attributes["original_name"] == "m/z"
    assert [note.check for note in stored.notes] == ["core.reader.repeated_names"]


def test_a_table_of_numbers_alone_has_no_header(tmp_path):
    stored = _read(tmp_path, "1,2\n3,4\n")
    assert _column(stored, "column_1").tolist() == [1, 3]


def test_comment_lines_above_the_table_are_kept_as_an_attribute(tmp_path):
    stored = _read(tmp_path, "# made by hand\na,b\n1,2\n")
    assert list(stored.specs) == ["a", "b"]
    assert stored.attributes[""]["comment"] == "# made by hand"


@pytest.mark.parametrize("name", ["a.tsv.gz", "a.tabular", "a.txt"])
def test_tab_separated_names(tmp_path, name):
    text = b"# Gene\tvalue\nx\t1\n"
    stored = _read(tmp_path, gzip.compress(text) if name.endswith("gz") else text, name)
    assert list(stored.specs) == ["# Gene", "value"]


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"a,b\n1,2\n1,\xe9\n", r"line 3, byte 10"),
        ("a,b\n1,2\n".encode("utf-16"), r"line 1, byte 0: the text is UTF-16"),
        (b"a,b\n1,\x002\n", r"line 2, byte 6: a NUL byte"),
        (b"a,b\n1,2\n1,2,3\n", r"line 3: 3 cells, but the first line has 2"),
        (b"a,b\n1,2\n3\n", r"line 3: 1 cells"),
        (b"a,b\n1,\xe2\x82", r"ends inside a character"),
    ],
)
def test_bad_text_is_refused_with_its_place(tmp_path, data, where):
    with pytest.raises(ReaderError, match=rf"a\.csv: .*{where}"):
        _read(tmp_path, data)


def test_ragged_rows_are_left_out_only_on_request(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n3\n5,6\n7,8,9\n")
    stored = open_stored(tmp_path / "a.csv", READERS, allow_partial=True)
    assert _column(stored, "a").tolist() == [1, 5]
    assert [(note.check, note.evidence["rows"]) for note in stored.notes] == [("core.reader.rows_left_out", 2)]
    assert "line 3: 1 cells" in stored.notes[0].message


def test_bad_bytes_are_placed_across_pieces(tmp_path):
    line = b"1,abcdefg\n"
    data = b"a,b\n" + line * 200_000
    at = len(data) - 3
    with pytest.raises(ReaderError, match=rf"line 200001, byte {at}"):
        _read(tmp_path, data[:at] + b"\xff" + data[at + 1 :])


def test_a_bomb_is_refused_in_little_memory(tmp_path):
    path = tmp_path / "bomb.csv.gz"
    with gzip.open(path, "wb") as file:
        file.write(b"a,b\n")
        for _ in range(64):
            file.write(b"1,2\n" * (1 << 18))
    tracemalloc.start()
    with pytest.raises(ReaderError, match="max_expanded_bytes"):
        open_csv(Source(str(path), max_expanded_bytes=8 << 20), False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 16 << 20


def test_a_truncated_gzip_is_refused(tmp_path):
    data = gzip.compress(b"a,b\n" + b"1,2\n" * 1000)
    with pytest.raises(ReaderError, match="truncated"):
        _read(tmp_path, data[:-6], "a.csv.gz")


def test_an_open_last_line_is_noted(tmp_path):
    assert [note.check for note in _read(tmp_path, "a,b\n1,2").notes] == ["core.reader.last_line_open"]
    assert _read(tmp_path, "a,b\n1,2\n").notes == ()


def test_plain_text_is_no_table(tmp_path):
    with pytest.raises(ReaderError, match="without tabs"):
        _read(tmp_path, "once upon a time\n", "story.txt")


def test_a_row_longer_than_a_block_is_read(tmp_path):
    cell = "word " * 1_000_000
    stored = _read(tmp_path, f"a,b\n1,{cell}\n2,x\n")
    assert _column(stored, "b").tolist() == [cell, "x"]


def test_a_ragged_row_below_comments_is_found_by_its_line(tmp_path):
    with pytest.raises(ReaderError, match="line 4: 1 cells"):
        _read(tmp_path, "# one\na,b\n1,2\n3\n")


def test_a_table_of_ten_thousand_columns(tmp_path):
    names = [f"column {i}" for i in range(10_000)]
    stored = _read(tmp_path, ",".join(names) + "\n" + ",".join(map(str, range(10_000))) + "\n")
    assert list(stored.specs) == names
    assert _column(stored, "column 9999").tolist() == [9999]


def test_blocks_of_text_are_read_by_rows(tmp_path):
    stored = _read(tmp_path, "a,b\n" + "".join(f"{i},w{i}\n" for i in range(1000)))
    assert stored.read("b", (slice(997, 1000),)).tolist() == ["w997", "w998", "w999"]


def test_a_table_of_many_blocks_equals_pandas(tmp_path):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x": rng.standard_normal(120_000), "n": rng.integers(-5, 5, 120_000), "s": "word, quoted"})
    frame.loc[5, "x"] = np.nan
    frame.to_csv(tmp_path / "a.csv", index=False)
    stored = open_stored(tmp_path / "a.csv", READERS)
    assert np.array_equal(_column(stored, "x"), frame["x"].to_numpy(), equal_nan=True)
    assert np.array_equal(_column(stored, "n"), frame["n"].to_numpy())
    assert set(_column(stored, "s")) == {"word, quoted"}
