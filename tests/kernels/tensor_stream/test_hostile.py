"""A tensor stream is data from strangers: damage gives an error or an array of the declared shape, and nothing else."""

from __future__ import annotations

import random
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import CorruptStreamError
from cdt_core.kernels import tensor_stream
from cdt_core.kernels.tensor_stream.fields import packed
from tests.kernels.tensor_stream.fields import encode, rough, sealed, smooth

LIMIT = 1 << 16


def _streams():
    holes = smooth(20, 30, dtype="f4")
    holes[2:4, 5:9] = np.nan
    line = rough(3, 24)
    cube = line[0][:, None, None] * line[1][None, :, None] * line[2]
    return {
        "core": encode(rough(20, 30), "rmse:0.5").stream,
        "smooth": encode(smooth(4, 10, 12), "rmse:2").stream,
        "train": encode(cube, f"rmse:{1e-3 * float(np.ptp(cube))!r}").stream,
        "holes": encode(holes, "rmse:1").stream,
        "residual": encode(smooth(20, 30), "abs:2").stream,
        "integers": encode(smooth(20, 30, dtype="i2"), "abs:3").stream,
        "plain": encode(np.arange(50.0), "lossless").stream,
    }


STREAMS = _streams()


def mutated(stream, seed):
    """A few bytes changed, removed, doubled or cut off, under a right checksum."""
    rng = random.Random(seed)
    body = bytearray(stream[:-4])
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(4, len(body)) if rng.random() < 0.5 else rng.randrange(4, min(len(body), 90))
        how = rng.random()
        if how < 0.6:
            body[at] = rng.choice((0, 1, 2, 3, 127, 128, 255, rng.randrange(256)))
        elif how < 0.75:
            del body[at : at + rng.choice((1, 1, 4))]
        elif how < 0.9:
            body[at:at] = bytes(rng.randrange(256) for _ in range(rng.choice((1, 4))))
        else:
            del body[at:]
        if len(body) < 12:
            break
    return sealed(bytes(body))


@settings(max_examples=1200, deadline=None)
@given(st.sampled_from(sorted(STREAMS)), st.integers(0, 2**63))
def test_damage_is_an_error_or_an_array_of_the_declared_shape(name, seed):
    stream = mutated(STREAMS[name], seed)
    try:
        found = tensor_stream.decode(stream, max_bytes=LIMIT)
    except CorruptStreamError:
        return
    header = tensor_stream.read_header(stream)
    assert (found.shape, found.dtype) == (header.shape, header.dtype.newbyteorder("="))
    assert found.nbytes <= LIMIT


@pytest.mark.parametrize("name", STREAMS)
def test_any_cut_and_any_flipped_bit_is_noticed(name):
    stream = STREAMS[name]
    for end in range(0, len(stream), 1 + len(stream) // 200):
        with pytest.raises(CorruptStreamError):
            tensor_stream.decode(stream[:end])
    for at in range(0, len(stream), 1 + len(stream) // 100):
        damaged = bytearray(stream)
        damaged[at] ^= 1 << at % 8
        with pytest.raises(CorruptStreamError):
            tensor_stream.decode(bytes(damaged))


def claiming(method, shape, body, step=1.0):
    """A stream of float64 that claims any shape."""
    head = b"\x93CDC" + bytes([1, method, 2, len(shape)]) + b"".join(map(packed, shape)) + b"\x01"
    head += struct.pack("<5d", 1.0, 0.0, 0.0, 0.0, step)
    return sealed(head + packed(len(body)) + body + bytes(3))


def box(*lengths, code=b"\x80"):
    return b"".join(map(packed, lengths)) + bytes(3) + packed(len(code)) + code


def test_a_claimed_shape_is_that_of_the_format():
    found = tensor_stream.decode(claiming(1, (3, 5), bytes(2) + box(1, 1)))
    assert found.shape == (3, 5)
    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("method", "shape", "body"),
    [
        (1, (2**40, 2**20), bytes(2) + box(1, 1)),
        (1, (2**62,), bytes(1) + box(1)),
        (1, (2**27,), bytes(1) + box(2**27)),
        (1, (2**13, 2**13), b"\x02\x02" + box(2**13, 2**13)),
        (2, (2**13, 2**13), packed(2**13) + b"\0" + box(2**13, 2**13)),
        (2, (2**20, 2), packed(2) + b"\1" + box(1, 1)),
        (2, (4, 4), packed(2**40) + b"\0" + box(1, 1)),
        (1, (0, 4), bytes(2) + box(1, 1)),
        (1, (4, 4), b"\x09\x00" + box(1, 1)),
        (1, (4, 4), bytes(2) + box(5, 1)),
        (1, (4, 4), bytes(2) + packed(0) + packed(1)),
    ],
)
def test_what_a_head_claims_is_not_allocated(method, shape, body):
    stream = claiming(method, shape, body)
    tracemalloc.start()
    try:
        with pytest.raises(CorruptStreamError):
            tensor_stream.decode(stream, max_bytes=1 << 29)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("step", [0.0, -1.0, np.inf, np.nan])
def test_steps_that_no_encoder_writes_are_corrupt(step):
    with pytest.raises(CorruptStreamError, match="step"):
        tensor_stream.decode(claiming(1, (3, 5), bytes(2) + box(1, 1), step))


def test_a_stream_of_another_version_is_named():
    with pytest.raises(CorruptStreamError, match="version 7"):
        tensor_stream.decode(sealed(b"\x93CDC\x07" + bytes(40)))


def test_what_follows_the_last_part_is_corrupt():
    with pytest.raises(CorruptStreamError, match="follow"):
        tensor_stream.decode(sealed(STREAMS["core"][:-4] + b"\0"))


def test_a_smaller_limit_is_kept():
    with pytest.raises(CorruptStreamError, match="allowed"):
        tensor_stream.decode(STREAMS["core"], max_bytes=100)
