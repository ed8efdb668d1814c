"""A stream is data from strangers: damage gives an error or an array of the declared shape, and nothing else."""

from __future__ import annotations

import struct
import tracemalloc
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import CdtError, CorruptStreamError
from cdt_core.kernels import compress
from cdt_core.kernels.reference import version2
from cdt_core.model import Bound
from tests.kernels.arrays import same_bits
from tests.kernels.hard_streams import hard_streams
from tests.kernels.instruction_sets import everywhere
from tests.kernels.mutations import joined, mutated, number, parts, sealed

LIMIT = 1 << 16

names = st.sampled_from(sorted(hard_streams()))
seeds = st.integers(0, 2**63)


def read(stream):
    try:
        return compress.decode(stream, max_bytes=LIMIT)
    except CorruptStreamError:
        return None


@settings(max_examples=1500, deadline=None)
@given(names, seeds)
def test_damage_is_an_error_or_an_array_and_all_kernels_agree_which(name, seed):
    stream = mutated(hard_streams()[name], seed)
    found = everywhere(compress.decode, stream, max_bytes=LIMIT)
    if found is None:
        return
    header = compress.read_header(stream)
    assert (found.shape, found.dtype) == (header.shape, header.dtype.newbyteorder("="))
    assert found.nbytes <= 2 * LIMIT


@settings(max_examples=500, deadline=None)
@given(names, seeds)
def test_damage_that_the_slow_decoder_reads_is_read_the_same(name, seed):
    stream = mutated(hard_streams()[name], seed)
    try:
        slow = version2.decode(stream, max_bytes=LIMIT)
    except CorruptStreamError:
        return
    fast = read(stream)
    assert fast is not None
    assert same_bits(fast, slow)


@settings(max_examples=300, deadline=None)
@given(names, seeds)
def test_damage_met_by_a_region_or_a_header_is_an_error_or_an_answer(name, seed):
    stream = mutated(hard_streams()[name], seed)
    try:
        header = compress.read_header(stream)
        region = tuple(slice(side // 3, side // 2 + 1) for side in header.shape)
        part = compress.decode(stream, region=region, max_bytes=LIMIT)
    except CdtError:
        return
    assert part.shape == tuple(len(range(side)[where]) for side, where in zip(header.shape, region, strict=True))


@pytest.mark.parametrize("name", ["blocks-of-4-axes", "constant fast None", "empty dense 5", "pw-rel-f8 balanced 5"])
def test_every_length_but_the_whole_is_refused(name):
    stream = hard_streams()[name.replace("blocks-of-4-axes", "four-axes dense 5")]
    for cut in range(len(stream)):
        with pytest.raises(CorruptStreamError):
            compress.decode(stream[:cut])
    with pytest.raises(CorruptStreamError):
        compress.decode(stream + b"\0")


@pytest.mark.parametrize("name", ["walk-f4 fast None", "walk-f4 dense 5", "abs-f8-holes balanced None"])
def test_every_changed_bit_is_noticed(name):
    stream = hard_streams()[name]
    for at in range(len(stream)):
        for bit in range(8):
            damaged = bytearray(stream)
            damaged[at] ^= 1 << bit
            with pytest.raises(CorruptStreamError):
                compress.decode(bytes(damaged))


def of_shape(shape, block_shape, blocks):
    """A lossless stream of float32 blocks that claims any shape."""
    head = parts(hard_streams()["bits-f4 fast None"])[0][:9]
    lengths = b"".join(number(n) for n in (*shape, *block_shape))
    return joined(head + bytes([len(shape)]) + lengths, blocks)


CONSTANT = parts(hard_streams()["constant fast None"])[1][0]


def test_a_claimed_shape_is_that_of_the_format():
    x = compress.decode(of_shape((3, 5), (2, 5), [CONSTANT] * 2))
    assert (x == 2.5).all()
    assert x.shape == (3, 5)


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
        ((2**24, 2**24), (2**12, 2**12), 2**10),
        ((2**25,), (2**25,), 1),
    ],
)
def test_a_small_stream_never_takes_much_memory(shape, block_shape, count):
    stream = of_shape(shape, block_shape, [CONSTANT] * count)
    tracemalloc.start()
    try:
        with suppress(CorruptStreamError):
            assert compress.decode(stream).size == 0
        assert tracemalloc.get_traced_memory()[1] < 16e6 + 64 * len(stream)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("at", "kind", "value"),
    [
        (0, "B", 0),
        (4, "B", 3),
        (5, "B", 16),
        (6, "B", 8),
        (6, "B", 0x41),
        (6, "B", 0x30),
        (7, "B", 0x15),
        (7, "B", 0x31),
        (8, "d", float("nan")),
        (8, "d", -0.1),
        (8, "d", float("inf")),
        (16, "d", 0.3),
        (16, "d", float("nan")),
        (24, "d", 0.1),
        (24, "d", 1e300),
        (24, "d", float("nan")),
        (24, "d", 0.0),
    ],
)
def test_each_field_of_the_header_is_checked(at, kind, value):
    stream = compress.encode(np.cumsum(np.ones((9, 9), "f4"), 0), Bound("abs", 0.25)).stream
    assert struct.unpack_from("<d", stream, 8) == (0.25,)
    changed = bytearray(stream)
    struct.pack_into(f"<{kind}", changed, at, value)
    with pytest.raises(CorruptStreamError):
        compress.decode(sealed(bytes(changed)) if at > 4 else bytes(changed))


def test_a_newer_version_is_refused_by_its_number():
    stream = bytearray(compress.encode(np.zeros(9), Bound("lossless")).stream)
    stream[4] = 3
    with pytest.raises(CorruptStreamError, match=r"version 3.*newer"):
        compress.decode(bytes(stream))


def test_a_unit_of_time_that_does_not_exist_is_refused():
    stream = compress.encode(np.zeros(9, "M8[us]"), Bound("lossless")).stream
    assert stream[7:9] == b"us"
    for unit in (b"uz", b"\xff\xff", b"0s", b"1s", b"s/2", b"2147483648s", b"s],f4,M8[s", b"99999999999999999999s"):
        with pytest.raises(CorruptStreamError, match="does not exist"):
            compress.decode(sealed(stream[:6] + bytes([len(unit)]) + unit + stream[9:]))


def test_the_repaired_checksums_are_the_real_ones():
    for stream in hard_streams().values():
        assert sealed(stream) == stream
