"""Streams of sketches are those of FORMAT.md, and what is damaged or of another sketch is refused."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.errors import CorruptStreamError
from cdt_core.kernels.reference import sketch_stream as reference
from cdt_core.kernels.tensor_train import TensorTrain, TTSketch
from tests.kernels.tensor_train.trains import numbers

SHAPE = (3, 4, 5)


def state_of(sketch, seed=0):
    return sketch.update(sketch.start(), numbers(np.random.default_rng(seed), sketch.shape, sketch.dtype))


def closed(head, body):
    return head + struct.pack("<I", zlib.crc32(head)) + body + struct.pack("<I", zlib.crc32(body))


def test_the_bytes_are_those_of_the_format():
    sketch = TTSketch(SHAPE, (2, 3), oversampling=300, seed=1 << 40, dtype="complex64")
    state = state_of(sketch)
    head = b"\x93CTK\x01" + bytes([14, 3, 3, 4, 5, 2, 3, 0xAC, 2]) + b"\x80\x80\x80\x80\x80\x20"
    assert sketch.to_bytes(state) == closed(head, state.astype("<c16").tobytes())


@pytest.mark.parametrize(
    ("shape", "ranks", "oversampling", "dtype"),
    [
        ((5,), 1, 0, "float32"),
        ((3, 4), 1, 1, "float64"),
        ((3, 4, 5), (2, 1), 1, "complex64"),
        ((6, 1, 5, 3), 2, 0, "complex128"),
        ((2, 2, 2, 2, 2, 2), 1, 1, "float64"),
    ],
)
def test_a_reader_of_the_format_alone_makes_the_same_sums(shape, ranks, oversampling, dtype):
    sketch = TTSketch(shape, ranks, oversampling, seed=(1 << 63) - 2, dtype=dtype)
    x = numbers(np.random.default_rng(1), shape, dtype)
    fields, found = reference.read(sketch.to_bytes(sketch.update(sketch.start(), x)))
    assert fields == reference.Fields(sketch.dtype.str, shape, sketch.bonds, oversampling, (1 << 63) - 2)
    expected = reference.sums(x.astype(found.dtype), fields)
    assert np.abs(found - expected).max() <= 1e-13 * np.abs(expected).max()


def test_bytes_of_any_kind_come_back():
    sketch = TTSketch(SHAPE, 2, np.int64(3), np.int64(5))
    state = state_of(sketch)
    stream = sketch.to_bytes(state)
    for kind in (bytes, bytearray, memoryview, lambda data: np.frombuffer(data, np.uint8)):
        found = sketch.from_bytes(kind(stream))
        assert np.array_equal(found, state)
        assert found.flags.writeable
    assert sketch.to_bytes(sketch.from_bytes(stream)) == stream


def test_a_tensor_of_many_axes():
    sketch = TTSketch((1,) * 70_000, 1)
    assert np.array_equal(sketch.from_bytes(sketch.to_bytes(sketch.start())), sketch.start())


@pytest.mark.parametrize("wrong", ["bytes", 5, None, [1, 2]])
def test_what_is_no_bytes_is_refused(wrong):
    for read in (TTSketch(SHAPE, 2).from_bytes, TensorTrain.from_bytes):
        with pytest.raises(CorruptStreamError, match="is no stream"):
            read(wrong)


def test_any_change_and_any_truncation_is_found():
    sketch = TTSketch((4, 5), 2)
    stream = sketch.to_bytes(state_of(sketch))
    for at in range(len(stream)):
        for damaged in (stream[:at], stream[:at] + bytes([stream[at] ^ 1]) + stream[at + 1 :]):
            with pytest.raises(CorruptStreamError):
                sketch.from_bytes(damaged)


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"shape": (3, 4, 6)}, "shape"),
        ({"shape": (2,) * 500}, "shape"),
        ({"ranks": 1}, "ranks"),
        ({"oversampling": 9}, "oversampling"),
        ({"seed": 1}, "seed"),
        ({"dtype": "float32"}, "dtype"),
    ],
)
def test_states_of_another_sketch_are_refused_by_what_differs(other, named):
    sketch = TTSketch(SHAPE, 2)
    theirs = TTSketch(**{"shape": SHAPE, "ranks": 2, **other})
    with pytest.raises(CorruptStreamError, match=f"of a sketch with the {named} .* not "):
        sketch.from_bytes(theirs.to_bytes(theirs.start()))


def test_other_versions_and_kinds_are_refused_by_name():
    sketch = TTSketch(SHAPE, 2)
    stream = sketch.to_bytes(sketch.start())
    with pytest.raises(CorruptStreamError, match="version 2"):
        sketch.from_bytes(stream[:4] + b"\x02" + stream[5:])
    with pytest.raises(CorruptStreamError, match="no stream of a tensor train;"):
        TensorTrain.from_bytes(stream)
    with pytest.raises(CorruptStreamError, match="type 7"):
        sketch.from_bytes(closed(stream[:5] + b"\x07" + stream[6:18], b""))


@given(st.data())
def test_heads_with_right_checksums_are_refused_by_what_they_say(data):
    """Whoever mends the checksums reaches the rules: the answer is the state or CorruptStreamError, nothing else."""
    sketch = TTSketch(SHAPE, 2)
    stream = sketch.to_bytes(sketch.start())
    head, body = bytearray(stream[:14]), stream[18:-4]
    assert closed(bytes(head), body) == stream
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, 13), st.integers(0, 255)), max_size=4)):
        head[at] = value
    head += data.draw(st.binary(max_size=8))
    body = body[: data.draw(st.sampled_from([0, 8, len(body)]))] + data.draw(st.binary(max_size=8))
    try:
        found = sketch.from_bytes(closed(bytes(head), body))
    except CorruptStreamError:
        assert closed(bytes(head), body) != stream
    else:
        assert np.array_equal(found, sketch.start())
