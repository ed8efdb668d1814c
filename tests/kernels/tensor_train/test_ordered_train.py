"""An ordered train stands for its array; what is stored comes back to the bit, and what is damaged is refused."""

from __future__ import annotations

import math
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.errors import CorruptStreamError, OutputError, ReaderError, TensorError
from cdt_core.kernels.reference import ordered_train as reference
from cdt_core.kernels.tensor_train import OrderedTrain, TensorTrain, best_order
from cdt_core.kernels.tensor_train.ordering import Order
from cdt_core.kernels.tensor_train.ordering.order import prime_digits
from tests.kernels.tensor_train.trains import DTYPES, random_train


@st.composite
def ordered_trains(draw):
    shape = draw(st.lists(st.integers(1, 12), min_size=1, max_size=4).filter(lambda lengths: math.prod(lengths) < 2000))
    digits = draw(st.sampled_from([prime_digits(shape, 20), tuple((n,) for n in shape)]))
    count = sum(map(len, digits))
    if not count:
        digits, count = tuple((n,) for n in shape), len(shape)
    order = draw(st.permutations(range(count)))
    cuts = sorted(draw(st.sets(st.integers(1, count - 1), max_size=4))) if count > 1 else []
    groups = [order[a:b] for a, b in zip([0, *cuts], [*cuts, count], strict=True)]
    made = Order(shape, digits, groups)
    train = random_train(made.modes, draw(st.integers(1, 3)), draw(st.sampled_from(DTYPES)))
    error = draw(st.none() | st.floats(0, 1))
    return OrderedTrain(made, TensorTrain(train.cores, error), draw(st.integers(1, (1 << 64) - 1)))


def same(a, b):
    return a.order == b.order and a.own == b.own and a.train.to_bytes() == b.train.to_bytes()


@given(ordered_trains())
def test_bytes_come_back(train):
    stream = train.to_bytes()
    for kind in (bytes, bytearray, memoryview, lambda data: np.frombuffer(data, np.uint8)):
        assert same(OrderedTrain.from_bytes(kind(stream)), train)
    assert OrderedTrain.from_bytes(stream).to_bytes() == stream


@given(ordered_trains())
def test_a_reader_of_the_format_alone_finds_the_same_array(train):
    values, own = reference.read(train.to_bytes())
    assert own == train.own
    assert values.shape == train.shape
    expected = train.full()
    assert np.abs(values - expected).max() <= 1e-5 * np.abs(expected).max()


def closed(head, body=b""):
    return head + struct.pack("<I", zlib.crc32(head)) + body


HEAD = b"\x93CTO\x01" + bytes([2, 6, 4, 2, 3, 2, 1, 4, 2, 2, 2, 0, 1, 1, 0xAC, 2])
MADE = OrderedTrain(Order((6, 4), ((3, 2), (4,)), ((2, 0), (1,))), random_train((12, 2), 2), 300)
SAMPLE = MADE.to_bytes()


def test_the_bytes_are_those_of_the_format():
    assert closed(HEAD, MADE.train.to_bytes()) == SAMPLE


def test_what_was_found_comes_back(tmp_path):
    x = np.kron(np.random.default_rng(0).normal(size=(8, 8)), np.ones((4, 4))).astype("f4")
    found = best_order(x, 1e-4)
    found.save(tmp_path / "x.cto")
    again = OrderedTrain.load(tmp_path / "x.cto")
    assert same(found, again)
    assert again.train.error == found.train.error <= 1e-4
    assert again.gain == found.gain
    assert np.array_equal(again.full(), found.full())
    assert np.array_equal(again.entries([[3, 5]]), found.entries([[3, 5]]))
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.cto"]


def test_a_file_that_cannot_be_written_or_read(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        MADE.save(tmp_path / "missing" / "x")
    with pytest.raises(ReaderError, match="cannot be read"):
        OrderedTrain.load(tmp_path / "x")


def test_any_truncation_and_any_changed_bit_is_found():
    for at in range(len(SAMPLE)):
        for damaged in (
            SAMPLE[:at],
            *(SAMPLE[:at] + bytes([SAMPLE[at] ^ 1 << k]) + SAMPLE[at + 1 :] for k in range(8)),
        ):
            with pytest.raises(CorruptStreamError):
                OrderedTrain.from_bytes(damaged)
    with pytest.raises(CorruptStreamError, match="something was added"):
        OrderedTrain.from_bytes(SAMPLE + b"\0")


@given(st.data())
def test_heads_with_right_checksums_are_refused_by_what_they_say(data):
    """Whoever mends the checksum reaches the rules: the answer is a train or CorruptStreamError, for both readers."""
    head = bytearray(HEAD)
    for at, value in data.draw(st.lists(st.tuples(st.integers(5, len(head) - 1), st.integers(0, 255)), max_size=4)):
        head[at] = value
    head += data.draw(st.binary(max_size=4))
    stream = closed(bytes(head), MADE.train.to_bytes())
    try:
        expected, own = reference.read(stream)
    except CorruptStreamError:
        with pytest.raises(CorruptStreamError):
            OrderedTrain.from_bytes(stream)
    else:
        found = OrderedTrain.from_bytes(stream)
        assert found.own == own
        assert np.allclose(found.full(), expected, rtol=0, atol=1e-12)


@given(st.binary(max_size=64), st.booleans())
def test_noise_is_refused(noise, signed):
    with pytest.raises(CorruptStreamError):
        OrderedTrain.from_bytes((b"\x93CTO\x01" if signed else b"") + noise)


@pytest.mark.parametrize(
    ("numbers", "named"),
    [
        ([0], "0 axes"),
        ([65], "65 axes"),
        ([1, 6, 65], "65 digits"),
        ([1, 6, 1, 6, 0], "0 modes"),
        ([1, 6, 1, 6, 65], "65 modes"),
        ([1, 6, 1, 6, 1, 0], "0 places"),
        ([1, 0, 1, 0, 1, 1, 0, 1], "shape"),
        ([1, 6, 2, 3, 0, 1, 1, 0, 1], "digits"),
        ([1, 6, 1, 5, 1, 1, 0, 1], "do not make"),
        ([1, 6, 0, 1, 1, 0, 1], "do not make"),
        ([1, 6, 1, 6, 1, 1, 1, 1], "each of 1 digits once"),
        ([1, 6, 1, 6, 1, 2, 0, 0, 1], "each of 1 digits once"),
        ([2, 1, 1, 40, *[1] * 40, 40, *[1] * 40, 1, 1, 0, 1], "at most 64"),
        ([2, 12, 2, 1, 12, 1, 2, 2, 1, 1, 1, 0, 1], "shape"),
        ([2, 12, 2, 1, 12, 1, 2, 2, 1, 0, 1, 1, 0], "of 0 parameters"),
    ],
)
def test_heads_that_nothing_can_have_are_refused(numbers, named):
    stream = closed(b"\x93CTO\x01" + bytes(numbers), MADE.train.to_bytes())
    with pytest.raises(CorruptStreamError, match=named):
        OrderedTrain.from_bytes(stream)
    with pytest.raises(CorruptStreamError):
        reference.read(stream)


def test_streams_of_another_kind_or_version_are_refused_by_name():
    with pytest.raises(CorruptStreamError, match="no stream of a tensor train with an order"):
        OrderedTrain.from_bytes(MADE.train.to_bytes())
    with pytest.raises(CorruptStreamError, match="no stream of a tensor train;"):
        TensorTrain.from_bytes(SAMPLE)
    with pytest.raises(CorruptStreamError, match="version 2"):
        OrderedTrain.from_bytes(SAMPLE[:4] + b"\x02" + SAMPLE[5:])
    with pytest.raises(CorruptStreamError, match=r"train, which begins at offset 25: offset 5: type 10 or flags 99"):
        OrderedTrain.from_bytes(SAMPLE[:31] + b"\x63" + SAMPLE[32:])
    with pytest.raises(CorruptStreamError, match="is no stream"):
        OrderedTrain.from_bytes("bytes")


def test_trains_of_other_modes_than_the_orders_are_refused():
    for shape in ((2, 12), (24,), (12, 2, 1)):
        with pytest.raises(TensorError, match="modes"):
            OrderedTrain(MADE.order, random_train(shape, 1), 300)
    for own in (0, -1, 1.5, 1 << 64):
        with pytest.raises(TensorError, match="own"):
            OrderedTrain(MADE.order, MADE.train, own)
