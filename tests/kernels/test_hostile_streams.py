"""A stream is data from strangers: damage gives an error or an array of the declared shape, and nothing else."""

from __future__ import annotations

import struct
import tracemalloc
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import CdtError, CorruptStreamError
from cdt_core.kernels import compress
from cdt_core.kernels.reference import decoder
from cdt_core.model import Bound
from tests.kernels.arrays import same_bits
from tests.kernels.mutations import head_end, joined, mutated, parts, sealed

STREAMS = {p.stem: p.read_bytes() for p in sorted((Path(__file__).parents[1] / "golden" / "v1").glob("*.bin"))}
LIMIT = 1 << 16

seeds = st.integers(0, 2**63)


def read(decode, stream):
    try:
        return decode(stream, max_bytes=LIMIT)
    except CorruptStreamError:
        return None


@settings(max_examples=1500, deadline=None)
@given(st.sampled_from(sorted(STREAMS)), seeds)
def test_damage_is_an_error_or_an_array_and_both_decoders_agree_which(name, seed):
    stream = mutated(STREAMS[name], seed)
    fast, slow = read(compress.decode, stream), read(decoder.decode, stream)
    assert (fast is None) == (slow is None)
    if fast is not None:
        header = compress.read_header(stream)
        assert (fast.shape, fast.dtype) == (header.shape, header.dtype)
        assert fast.nbytes <= 2 * LIMIT
        assert same_bits(fast, slow)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(STREAMS)), seeds)
def test_damage_met_by_a_region_or_a_header_is_an_error_or_an_answer(name, seed):
    stream = mutated(STREAMS[name], seed)
    try:
        header = compress.read_header(stream)
        region = tuple(slice(side // 3, side // 2 + 1) for side in header.shape)
        part = compress.decode(stream, region=region, max_bytes=LIMIT)
    except CdtError:
        return
    assert part.shape == tuple(len(range(side)[where]) for side, where in zip(header.shape, region, strict=True))


@pytest.mark.parametrize("name", ["blocks", "constant", "empty", "pw-rel-f8"])
def test_every_length_but_the_whole_is_refused(name):
    stream = STREAMS[name]
    for cut in [*range(len(stream)), *(-n for n in range(1, 9))]:
        for piece in (stream[:cut], sealed(stream[:cut])):
            if piece != stream:
                with pytest.raises(CorruptStreamError):
                    compress.decode(piece)
    with pytest.raises(CorruptStreamError):
        compress.decode(stream + b"\0")


@pytest.mark.parametrize("name", ["blocks", "walk-f4"])
def test_every_changed_bit_is_noticed(name):
    stream = STREAMS[name]
    for at in range(len(stream)):
        for bit in range(8):
            damaged = bytearray(stream)
            damaged[at] ^= 1 << bit
            with pytest.raises(CorruptStreamError):
                compress.decode(bytes(damaged))


def with_shape(shape, block_shape, blocks):
    """A stream of constant float32 blocks that claims any shape."""
    head = bytearray(parts(STREAMS["empty"])[0][:86])
    head[11] = len(shape)
    struct.pack_into("<Q", head, 78, len(blocks))
    return joined(bytes(head) + struct.pack(f"<{2 * len(shape)}Q", *shape, *block_shape), blocks)


CONSTANT = b"\x01" + bytes(4)


@pytest.mark.parametrize(
    ("shape", "block_shape", "count"),
    [
        ((2**60,), (2**24,), 1),
        ((2**40,), (2**24,), 2**16),
        ((2**63, 2**63), (2**23, 2), 1),
        ((0, 2**62), (1, 1), 0),
        ((0, 2**50), (1, 1), 0),
        ((2**32, 2**32, 0), (1, 1, 1), 0),
        ((5,), (2**40,), 1),
        ((5,), (0,), 1),
        ((2**24, 2**24), (2**12, 2**12), 2**10),
    ],
)
def test_a_small_stream_never_takes_much_memory(shape, block_shape, count):
    stream = with_shape(shape, block_shape, [CONSTANT] * count)
    tracemalloc.start()
    try:
        with suppress(CorruptStreamError):
            assert compress.decode(stream).size == 0
        assert tracemalloc.get_traced_memory()[1] < 16e6 + 64 * len(stream)
    finally:
        tracemalloc.stop()


def test_a_frame_that_claims_more_than_its_block_is_refused():
    x = np.arange(1000, dtype="i4") ** 2
    head, (block,) = parts(compress.encode(x, Bound("lossless")).stream)
    start = 16 + block[2]
    bomb = zstandard.compress(bytes(1 << 26))
    tracemalloc.start()
    try:
        with pytest.raises(CorruptStreamError, match="compressed size"):
            compress.decode(joined(head, [block[:start] + bomb]))
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()


def test_a_frame_with_something_behind_it_is_refused():
    head, blocks = parts(STREAMS["walk-f4"])
    with pytest.raises(CorruptStreamError):
        compress.decode(joined(head, [blocks[0] + b"\0"]))


@pytest.mark.parametrize(
    ("at", "kind", "value", "message"),
    [
        (0, "B", 0, "signature"),
        (8, "H", 2, "newer"),
        (10, "B", 4, "lattice"),
        (11, "B", 34, "axes"),
        (13, "B", 3, "contradict"),
        (14, "16s", b"<f16", "dtype"),
        (14, "16s", b"<M8[1s]", "spells"),
        (14, "16s", b"|O", "dtype"),
        (38, "d", float("nan"), "senseless"),
        (46, "d", 0.1, "no number of its type"),
        (46, "d", 1e300, "no number of its type"),
        (46, "d", float("nan"), "no number of its type"),
        (54, "d", 0.3, "contradict"),
        (62, "Q", 1 << 31, "lattice"),
        (70, "Q", 1 << 40, "contradict"),
    ],
)
def test_each_field_of_the_header_is_checked(at, kind, value, message):
    stream = bytearray(STREAMS["blocks"])
    assert stream[14:17] == b"<f4"
    struct.pack_into(f"<{kind}", stream, at, value)
    with pytest.raises(CorruptStreamError, match=message):
        compress.decode(sealed(stream) if at else bytes(stream))


def test_the_repaired_checksum_is_the_real_one():
    for stream in STREAMS.values():
        assert sealed(stream) == stream
        assert joined(*parts(stream)) == stream
        assert head_end(stream) < len(stream)
