"""What is stored comes back to the bit, and what is damaged is refused."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cdt_core.errors import CorruptStreamError, OutputError, ReaderError
from cdt_core.kernels.tensor_train import TensorTrain
from tests.kernels.tensor_train.trains import random_train, trains

errors = st.none() | st.floats(0, 1)


def same(a, b):
    return (
        a.dtype == b.dtype
        and a.error == b.error
        and a.ranks == b.ranks
        and all(x.tobytes() == y.tobytes() for x, y in zip(a.cores, b.cores, strict=True))
    )


@given(trains(), errors)
def test_bytes_come_back(train, error):
    train = TensorTrain(train.cores, error)
    stream = train.to_bytes()
    assert same(TensorTrain.from_bytes(stream), train)
    assert same(TensorTrain.from_bytes(memoryview(bytearray(stream))), train)
    assert TensorTrain.from_bytes(stream).to_bytes() == stream


def test_cores_of_a_stream_can_be_written_to():
    assert TensorTrain.from_bytes(random_train((3, 4), 2).to_bytes()).cores[0].flags.writeable


def test_the_bytes_are_those_of_the_format():
    train = TensorTrain([np.array([[[1.0, 2.0]]]), np.array([[[3.0]], [[4.0]]])], 0.5)
    head = b"\x93CTT" + bytes([1, 10, 1]) + struct.pack("<d", 0.5) + bytes([2, 1, 1, 2])
    body = struct.pack("<4d", 1, 2, 3, 4)
    stream = head + struct.pack("<I", zlib.crc32(head)) + body + struct.pack("<I", zlib.crc32(body))
    assert train.to_bytes() == stream


SAMPLE = TensorTrain(random_train((3, 200, 2), 2, "float32").cores, 1e-3).to_bytes()


def repaired(stream, head_length):
    """The stream with the checksum of its head made right, so that what lies behind it is reached."""
    head = stream[:head_length]
    return head + struct.pack("<I", zlib.crc32(head)) + stream[head_length + 4 :]


HEAD = len(SAMPLE) - 4 * TensorTrain.from_bytes(SAMPLE).parameters - 8


@given(st.data())
def test_any_change_is_found(data):
    stream = bytearray(SAMPLE)
    for _ in range(data.draw(st.integers(1, 4))):
        stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    if bytes(stream) != SAMPLE:
        with pytest.raises(CorruptStreamError):
            TensorTrain.from_bytes(bytes(stream))


def test_any_truncation_is_found():
    for length in range(len(SAMPLE)):
        with pytest.raises(CorruptStreamError):
            TensorTrain.from_bytes(SAMPLE[:length])


@given(st.data())
@example(data=None)
def test_heads_with_right_checksums_are_refused_by_what_they_say(data):
    """Whoever mends the checksum reaches the rules: the answer is a train or CorruptStreamError, nothing else."""
    stream = bytearray(SAMPLE)
    changes = (
        [(7, 255)]
        if data is None
        else data.draw(st.lists(st.tuples(st.integers(0, HEAD - 1), st.integers(0, 255)), max_size=5))
    )
    for at, value in changes:
        stream[at] = value
    try:
        found = TensorTrain.from_bytes(repaired(bytes(stream), HEAD))
    except CorruptStreamError:
        return
    assert found.nbytes == TensorTrain.from_bytes(SAMPLE).nbytes


@given(st.binary(max_size=64), st.booleans())
def test_noise_is_refused(noise, signed):
    with pytest.raises(CorruptStreamError):
        TensorTrain.from_bytes((b"\x93CTT\x01" if signed else b"") + noise)


def head(*numbers, flags=0, error=b""):
    found = b"\x93CTT" + bytes([1, 10, flags]) + error + b"".join(numbers)
    return found + struct.pack("<I", zlib.crc32(found))


@pytest.mark.parametrize(
    "stream",
    [
        head(b"\x00"),
        head(b"\x01", b"\x00"),
        head(b"\x02", b"\x01", b"\x01", b"\x00"),
        head(b"\xff" * 9 + b"\x01"),
        head(b"\xff" * 10 + b"\x01"),
        head(b"\x01", b"\xff" * 9 + b"\x01"),
        head(b"\x01", b"\x01", flags=1, error=struct.pack("<d", np.nan)) + bytes(12),
        head(b"\x01", b"\x01", flags=1, error=struct.pack("<d", -1.0)) + bytes(12),
        head(b"\x01", b"\x01", flags=2) + bytes(12),
        head(b"\x01", b"\x01") + bytes(13),
    ],
)
def test_heads_that_nothing_can_have_are_refused(stream):
    with pytest.raises(CorruptStreamError, match=r"offset \d+"):
        TensorTrain.from_bytes(stream)


def test_other_versions_are_refused_by_number():
    with pytest.raises(CorruptStreamError, match="version 2"):
        TensorTrain.from_bytes(SAMPLE[:4] + b"\x02" + SAMPLE[5:])


def test_files(tmp_path):
    train = random_train((3, 4, 5), 2, "complex64")
    path = tmp_path / "field.ctt"
    path.write_bytes(b"old")
    train.save(path)
    assert same(TensorTrain.load(str(path)), train)
    assert [entry.name for entry in tmp_path.iterdir()] == ["field.ctt"]


def test_a_file_that_cannot_be_written_or_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match="cannot be written"):
        random_train((3, 4), 2).save(tmp_path / "missing" / "x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        random_train((3, 4), 2).save(tmp_path / "folder")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]
    for wrong in ("", ".", "a\0b", "x" * 300):
        with pytest.raises(OutputError, match="cannot be written"):
            random_train((3, 4), 2).save(wrong)
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]
    for wrong in (tmp_path / "missing", tmp_path / "folder", "a\0b"):
        with pytest.raises(ReaderError, match="cannot be read"):
            TensorTrain.load(wrong)


def test_a_name_as_long_as_names_may_be(tmp_path):
    train = random_train((3, 4), 2)
    train.save(tmp_path / ("x" * 255))
    assert same(TensorTrain.load(tmp_path / ("x" * 255)), train)
