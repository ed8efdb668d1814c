"""Fields from others are read whole or refused; nothing is allocated because they say so."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.errors import ProtocolError
from cdt_core.model.fields import FieldReader, FieldWriter


def test_what_was_written_is_read() -> None:
    values = np.arange(5, dtype=np.float32)
    writer = FieldWriter().number(3, 2).fixed(b"abc").counted(b"").text("Zürich").texts(["a", ""])
    reader = FieldReader(writer.array(values, np.float64).end(), "message")
    assert (reader.number(2), reader.fixed(3), reader.counted(9), reader.text(9)) == (3, b"abc", b"", "Zürich")
    assert reader.texts(2, 1) == ("a", "")
    np.testing.assert_array_equal(reader.array(np.float64, 5), values)
    reader.end()


@given(st.binary(max_size=40), st.integers(0, 2**32 - 1))
def test_lengths_of_others_allocate_nothing(data: bytes, claimed: int) -> None:
    sent = FieldWriter().number(claimed, 4).fixed(data).end()
    if claimed == len(data):
        assert _only_field(FieldReader(sent, "message")) == data
        return
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError, match="message: "):
            _only_field(FieldReader(sent, "message"))
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def _only_field(reader: FieldReader) -> bytes:
    data = reader.counted(limit=2**32)
    reader.end()
    return data


@pytest.mark.parametrize(
    ("data", "read", "said"),
    [
        (b"\x01", lambda reader: reader.number(4), "cut off: 4 bytes wanted at offset 0, 1 left"),
        (b"\x05\0\0\0hello", lambda reader: reader.counted(4), "a field of 5 bytes, where 4 are allowed"),
        (b"\x01\0\0\0\xff", lambda reader: reader.text(4), "not UTF-8"),
        (b"\x09\0\0\0", lambda reader: reader.texts(8, 4), "9 texts, where 8 are allowed"),
        (b"\0" * 9, lambda reader: reader.array(np.float64, 2), "cut off"),
        (b"\0", lambda reader: reader.end(), "1 bytes after its end"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, read, said: str) -> None:
    with pytest.raises(ProtocolError, match=said):
        read(FieldReader(data, "answer of site-a"))


@pytest.mark.parametrize("received", [None, "text", 7, np.arange(6, dtype=np.uint8)[::2]])
def test_what_are_no_bytes_is_refused(received: object) -> None:
    with pytest.raises(ProtocolError, match=f"answer of site-a: {type(received).__name__}, where bytes are expected"):
        FieldReader(received, "answer of site-a")  # type: ignore[arg-type]


def test_more_bytes_than_a_length_counts_are_not_written() -> None:
    several = memoryview(np.broadcast_to(np.uint8(0), 2**32))  # one byte of memory
    with pytest.raises(ProtocolError, match="a field of 4294967296 bytes is more than 4294967295"):
        FieldWriter().counted(several)  # type: ignore[arg-type]


def test_a_writer_changes_no_value() -> None:
    with pytest.raises(TypeError):
        FieldWriter().array(np.array([0.1]), np.float32)
    with pytest.raises(OverflowError):
        FieldWriter().number(256, 1)
