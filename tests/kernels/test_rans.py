"""Tokens and range coding: what goes in comes out on every instruction set, and no bytes make the decoder fail otherwise."""

from __future__ import annotations

import ctypes
import mmap
import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cdt_core.errors import CorruptStreamError
from cdt_core.kernels import _codec as codec
from cdt_core.kernels.reference import rans as reference
from tests.kernels.instruction_sets import LEVELS, everywhere, using

STATES = (4, 8, 16, 32, 64)
seeds = st.integers(0, 2**32 - 1)
lengths = st.lists(st.sampled_from([0, 1, 2, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 300]), min_size=1, max_size=6)
kinds = st.sampled_from(["flat", "skewed", "one", "rare"])


def table(make, kind, symbols):
    if kind == "one":
        return np.eye(1, symbols, make.integers(symbols), dtype=np.uint16)[0] * np.uint16(4096)
    used = np.zeros(symbols, bool)
    used[make.choice(symbols, make.integers(1, symbols + 1), replace=False)] = True
    if kind == "rare":
        out = used.astype(np.uint16)
    else:
        shares = used * (np.ones(symbols) if kind == "flat" else make.exponential(size=symbols) ** 4)
        out = (used + np.floor(shares / shares.sum() * (4096 - symbols))).astype(np.uint16)
    out[np.flatnonzero(used)[0]] += 4096 - out.sum()
    return out


def case(seed, rows, kind, symbols=72, contexts=3):
    """Frequencies, contexts, tokens that the frequencies make likely, and row lengths."""
    make, rows = np.random.default_rng(seed), np.array(rows, np.uintp)
    frequencies = np.array([table(make, kind, symbols) for _ in range(contexts)])
    slots = np.array([np.repeat(np.arange(symbols), row) for row in frequencies])
    where = make.integers(contexts, size=int(rows.sum())).astype(np.uint8)
    return frequencies, where, slots[where, make.integers(4096, size=where.size)].astype(np.uint8), rows


@settings(max_examples=150, deadline=None)
@given(
    seeds, lengths, kinds, st.sampled_from(STATES), st.sampled_from([1, 2, 72, 136, 256]), st.sampled_from([1, 3, 24])
)
@example(0, [64, 33], "one", 32, 1, 1)
def test_rows_come_back_on_every_level(seed, rows, kind, states, symbols, contexts):
    frequencies, where, tokens, rows = case(seed, rows, kind, symbols, contexts)
    stream = everywhere(codec.rans_encode, frequencies, where, tokens, rows, states)
    back = everywhere(codec.rans_decode, frequencies, where, stream, rows, states)
    assert np.array_equal(back, tokens)
    ideal = -np.log2(frequencies[where, tokens] / 4096).sum() / 8
    assert len(stream) <= ideal * 1.005 + 4 * states + 2 * states


@settings(max_examples=40, deadline=None)
@given(seeds, lengths, kinds, st.sampled_from(STATES))
def test_the_reference_reads_the_same(seed, rows, kind, states):
    frequencies, where, tokens, rows = case(seed, rows, kind)
    decoder = reference.Decoder(codec.rans_encode(frequencies, where, tokens, rows, states), frequencies, states)
    ends = np.cumsum(rows).astype(int)
    back = []
    for end, n in zip(ends, rows, strict=True):
        back += decoder.row(where[end - int(n) : end].tolist())
    decoder.close()
    assert back == tokens.tolist()


def test_a_long_stream_is_as_small_as_its_frequencies_allow():
    frequencies, where, tokens, rows = case(5, [1000] * 100, "skewed")
    ideal = -np.log2(frequencies[where, tokens] / 4096).sum() / 8
    assert len(codec.rans_encode(frequencies, where, tokens, rows, 32)) <= ideal * 1.005 + 128


def test_reciprocals_divide_exactly():
    """Every frequency, and states of its whole range: random ones, the ends, and those next to a multiple."""
    make = np.random.default_rng(11)
    for frequency in range(1, 4097):
        pair = np.array([4096 - frequency, frequency], np.uint16)
        reciprocal, packed = codec.rans_entries(pair)[1].tolist()
        end = frequency << 19
        x = make.integers(min(2**15, end >> 16), end, 300)
        multiples = np.concatenate([x // frequency, [(end >> 16) // frequency, 2**19]]) * frequency
        x = np.concatenate([x, multiples, multiples - 1, multiples + 1, [end - 1, end >> 16]])
        x = x[(x >= end >> 16) & (x < end)]
        quotient = (x.astype(np.uint64) * np.uint64(reciprocal) >> np.uint64(32 + (packed >> 13 & 15))).astype(np.int64)
        after = x + (packed & 0x1FFF) + quotient * (packed >> 20)
        assert np.array_equal(after, (x // frequency << 12) + x % frequency + 4096 - frequency)


@pytest.mark.parametrize("level", LEVELS)
def test_every_frequency_divides_exactly(level):
    """Each frequency after long runs of each other: states of all sizes pass through every reciprocal."""
    make = np.random.default_rng(7)
    with using(level, codec):
        for first in range(1, 4096, 64):
            counts = np.arange(first, min(first + 64, 4096))
            frequencies = np.stack([counts, 4096 - counts], 1).astype(np.uint16)
            where = make.integers(len(counts), size=4096).astype(np.uint8)
            tokens = make.integers(2, size=4096).astype(np.uint8)
            rows = np.array([4096], np.uintp)
            stream = codec.rans_encode(frequencies, where, tokens, rows, 32)
            assert np.array_equal(codec.rans_decode(frequencies, where, stream, rows, 32), tokens)


def damaged(make, stream):
    out = bytearray(stream)
    kind = make.integers(4)
    if kind == 0:
        return bytes(out[: make.integers(len(out))])
    if kind == 1:
        return bytes(out) + make.bytes(2)
    for _ in range(make.integers(1, 4)):
        out[make.integers(len(out))] ^= 1 << make.integers(8)
    return bytes(out) if kind == 2 else make.bytes(len(out))


@settings(max_examples=200, deadline=None)
@given(seeds, lengths, kinds, st.sampled_from(STATES))
def test_damaged_streams_are_corrupt_or_other_symbols(seed, rows, kind, states):
    frequencies, where, tokens, rows = case(seed, rows, kind)
    stream = codec.rans_encode(frequencies, where, tokens, rows, states)
    wrong = damaged(np.random.default_rng(seed), stream)
    back = everywhere(codec.rans_decode, frequencies, where, wrong, rows, states)
    if len(wrong) != len(stream) and len(wrong) < 4 * states:
        assert back is None
    if back is not None and wrong != stream:
        assert not np.array_equal(back, tokens)


@pytest.mark.parametrize("states", STATES)
def test_a_missing_or_spare_word_is_corrupt(states):
    frequencies, where, tokens, rows = case(3, [64, 100, 64], "skewed")
    stream = codec.rans_encode(frequencies, where, tokens, rows, states)
    for wrong in (stream[:-2], stream + b"\0\0", stream[:-1], stream[: 4 * states], b""):
        assert everywhere(codec.rans_decode, frequencies, where, wrong, rows, states) is None


@pytest.mark.parametrize("state", [0, 2**15 - 1, 2**31, 2**32 - 1])
def test_states_out_of_range_are_corrupt(state):
    frequencies, where, _, rows = case(3, [40], "flat")
    stream = np.full(4, state, "<u4").tobytes() + bytes(100)
    assert everywhere(codec.rans_decode, frequencies, where, stream, rows, 4) is None
    with pytest.raises(CorruptStreamError):
        reference.Decoder(stream, frequencies, 4)


@pytest.mark.parametrize("frequencies", [[4095], [4096, 1], [0, 0], [60000, 9632], [16] * 257])
def test_frequencies_must_fill_the_slots(frequencies):
    tables, rows = np.array([frequencies], np.uint16), np.array([1], np.uintp)
    stream = np.full(4, 2**15, "<u4").tobytes()
    with pytest.raises((CorruptStreamError, ValueError)):
        codec.rans_decode(tables, np.zeros(1, np.uint8), stream, rows, 4)
    with pytest.raises(CorruptStreamError):
        reference.Decoder(stream, tables, 4)


@pytest.mark.parametrize("states", [0, 1, 3, 128])
def test_states_are_few_powers_of_two(states):
    frequencies, where, tokens, rows = case(1, [5], "flat")
    with pytest.raises(ValueError, match="argument"):
        codec.rans_encode(frequencies, where, tokens, rows, states)
    assert everywhere(codec.rans_decode, frequencies, where, bytes(512), rows, states) is None


def residuals_of(seed, n, width, share):
    """Small residuals, and a share of those of any size."""
    make = np.random.default_rng(seed)
    out = make.integers(-8, 8, n).astype(f"i{width}")
    wide = make.random(n) < share
    shift = make.integers(0, 8 * width, n).astype(out.dtype)
    out[wide] = np.frombuffer(make.bytes(n * width), out.dtype)[wide] >> shift[wide]
    return out


@settings(max_examples=150, deadline=None)
@given(seeds, st.integers(0, 300), st.sampled_from([4, 8]), st.sampled_from([0.0, 0.01, 0.1, 0.5, 1.0]))
def test_residuals_come_back_on_every_level(seed, n, width, share):
    residuals = residuals_of(seed, n, width, share)
    tokens, extra = everywhere(codec.tokens_split, residuals)
    assert len(extra) <= n * width
    assert tokens.max(initial=0) < (72 if width == 4 else 136)
    assert np.array_equal(everywhere(codec.tokens_join, tokens, extra, width), residuals)
    assert np.array_equal(reference.join(tokens.tolist(), extra, width), residuals)


@pytest.mark.parametrize("width", [4, 8])
def test_residuals_at_every_power_of_two(width):
    edges = [s * (2**e + d) for e in range(8 * width - 1) for d in (-1, 0, 1) for s in (1, -1)]
    limits = np.iinfo(f"i{width}")
    residuals = np.array([*(r for r in edges if limits.min <= r <= limits.max), limits.min, limits.max], f"i{width}")
    tokens, extra = everywhere(codec.tokens_split, residuals)
    assert np.array_equal(everywhere(codec.tokens_join, tokens, extra, width), residuals)
    assert np.array_equal(reference.join(tokens.tolist(), extra, width), residuals)


def test_tokens_are_those_of_the_format():
    tokens, extra = codec.tokens_split(np.array([0, -1, 1, 7, -8, 8, -12, 12, 2**31 - 1], np.int32))
    assert tokens.tolist() == [0, 1, 2, 14, 15, 16, 16, 17, 71]
    assert int.from_bytes(extra, "little") == 0b000 | 0b111 << 3 | 0 << 6 | (2**30 - 2) << 9


@settings(max_examples=150, deadline=None)
@given(seeds, st.integers(1, 200), st.sampled_from([4, 8]))
def test_any_tokens_and_bits_are_residuals_or_corrupt(seed, n, width):
    make = np.random.default_rng(seed)
    tokens = make.integers(make.choice([18, 72, 136, 256]), size=n).astype(np.uint8)
    extra = make.bytes(make.integers(0, n * width))
    found = everywhere(codec.tokens_join, tokens, extra, width)
    try:
        expected = reference.join(tokens.tolist(), extra, width)
    except CorruptStreamError:
        assert found is None
    else:
        assert np.array_equal(found, expected)


@pytest.mark.parametrize("width", [4, 8])
def test_missing_and_spare_bits_are_corrupt(width):
    tokens, extra = codec.tokens_split(residuals_of(2, 200, width, 0.5))
    wrong_end = extra[:-1] + bytes([extra[-1] | 0x80])
    assert everywhere(codec.tokens_join, tokens, extra, width) is not None
    for wrong in (extra[:-1], extra + b"\0", b"", extra[:-9]):
        assert everywhere(codec.tokens_join, tokens, wrong, width) is None
    if extra[-1] < 0x80:
        assert everywhere(codec.tokens_join, np.append(tokens, np.uint8(0)), wrong_end, width) is None


def guarded(data):
    """The bytes as the last ones before a page that must not be read: what reads beyond them ends the process."""
    size = -(-max(len(data), 1) // mmap.PAGESIZE) * mmap.PAGESIZE
    pages = np.frombuffer(mmap.mmap(-1, size + mmap.PAGESIZE), np.uint8)
    assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(pages.ctypes.data + size), ctypes.c_size_t(mmap.PAGESIZE), 0) == 0
    pages[size - len(data) : size] = np.frombuffer(data, np.uint8)
    return pages[size - len(data) : size]


@pytest.mark.skipif(sys.platform != "linux", reason="guards pages as Linux does")
@pytest.mark.parametrize("level", LEVELS)
def test_decoders_stay_within_their_bytes(level):
    with using(level, codec):
        for n in (1, 31, 64, 3000):
            frequencies, where, tokens, rows = case(n, [n], "flat")
            stream = codec.rans_encode(frequencies, where, tokens, rows, 32)
            back = codec.rans_decode(frequencies, where, guarded(stream), rows, 32)
            assert np.array_equal(back, tokens)
            for width in (4, 8):
                residuals = residuals_of(n, n, width, 0.5)
                tokens, extra = codec.tokens_split(residuals)
                back = codec.tokens_join(guarded(tokens.tobytes()), guarded(extra), width)
                assert np.array_equal(back, residuals)
