"""Blocks made by hand, field by field: whatever the format can say of them, whether or not an encoder says it.

They are of binary32 with contexts: of 2 by 130, of which every code is 0, or of noise.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cdt_core.kernels import _codec, compress
from cdt_core.kernels.reference.reading import Bits
from cdt_core.kernels.reference.tables import read_table
from cdt_core.model import Bound
from tests.golden.make import noise, walk
from tests.kernels.mutations import joined, number, parts

SHAPE = (2, 130)
#: One symbol, which has all of a table.
ONLY = (11,)
_KINDS = 5
_LOWEST = 1 << 15
_SLOTS = 4096
_GROUP = 64
_NOISE_SYMBOLS = 24


class _Fields:
    """Bits in rising order."""

    def __init__(self) -> None:
        self.value = self.count = 0

    def put(self, value: int, count: int) -> None:
        self.value |= value << self.count
        self.count += count

    def table(self, lengths: Sequence[int], before: Sequence[int] | None) -> None:
        """A table of frequencies, as bit lengths; bits below the leading ones are 0."""
        predicted = before if before is not None else (11, *lengths)
        for length, guess in zip(lengths, predicted, strict=False):
            zeros = 2 * (length - guess) if length >= guess else 2 * (guess - length) - 1
            self.put(1 << zeros, zeros + 1)
            self.put(0, min(3, max(0, length - 1)))

    def bytes(self) -> bytes:
        return self.value.to_bytes(-(-self.count // 8), "little")


class Contexts(NamedTuple):
    """The tokens' head, and what follows it."""

    tables: Sequence[Sequence[tuple[int, Sequence[int]]]] = (((0, ONLY),),)
    """For each kind and each of its tables, the first activity and the bit lengths of frequencies."""
    silence: Sequence[int] = ()
    weights: tuple[int, int] = (4, 4)
    states: int = 0
    symbols: int = 1
    spare: int = 0
    """What follows the tables in their last byte."""
    coded: bytes = struct.pack("<4I", *[_LOWEST] * 4)

    def bytes(self) -> bytes:
        """The bytes of a block, behind the extra bits."""
        fields = _Fields()
        for value, count in (*zip(self.weights, (4, 4), strict=True), (0, 4), (self.states, 3), (self.symbols, 8)):
            fields.put(value, count)
        fields.put(len(self.silence) > 0, 1)
        for frequency in self.silence:
            fields.put(frequency, 12)
        kinds = (*self.tables, *[()] * (_KINDS - len(self.tables)))
        for tables in kinds:
            fields.put(len(tables), 5)
        before = None
        for tables in kinds:
            for i, (first, lengths) in enumerate(tables):
                fields.put(first, 8 if i else 0)
                fields.table(lengths, before)
                before = lengths
        assert fields.count % 8
        fields.put(self.spare, 1)
        return fields.bytes() + self.coded


def marked(flags: Sequence[int], silent: int, states: int = 4) -> bytes:
    """Flags of groups, three in a row, where 1 is a loud one of which tokens take no bits."""
    tables = np.array([[silent, _SLOTS - silent]], np.uint16)
    rows = np.full(len(flags) // 3, 3, np.uintp)
    return _codec.rans_encode(tables, np.zeros(len(flags), np.uint8), np.array(flags, np.uint8), rows, states)


def coded(tokens: Sequence[int], tables: Sequence[Sequence[int]], rows: int, states: int = 4) -> bytes:
    """Tokens in rows of equal lengths, with tables that take turns."""
    frequencies = np.array(tables, np.uint16)
    turns = np.arange(len(tokens), dtype=np.uint8) % len(tables)
    lengths = np.full(rows, len(tokens) // rows, np.uintp)
    return _codec.rans_encode(frequencies, turns.astype(np.uint8), np.array(tokens, np.uint8), lengths, states)


def noise_of(shape: tuple[int, int], states: int, silence: int = 0) -> bytes:
    """A stream of noise in ``4 << states`` states; every third group is silent where that has a frequency."""
    rows, columns = shape
    residuals = (noise(rows * columns, 6) >> np.uint64(58)).astype(np.int32).reshape(shape) - 32
    spans = [range(at, min(columns, at + _GROUP)) for at in range(0, columns, _GROUP)]
    loud = np.arange(rows * len(spans)).reshape(rows, -1) % 3 > 0 if silence else np.ones((rows, len(spans)), bool)
    for y, x in np.argwhere(~loud):
        residuals[y, spans[x]] = 0
    tokens, extra = _codec.tokens_split(residuals.reshape(-1))
    lengths = [10] * _NOISE_SYMBOLS
    _, tables = frequencies_of(lengths)
    flags = [silence, _SLOTS - silence] + [0] * (_NOISE_SYMBOLS - 2)
    parts_of_rows: list[tuple[NDArray[Any], int]] = []
    for y, row in enumerate(tokens.reshape(shape)):
        parts_of_rows += [(loud[y].astype(np.uint8), 1)] * (silence > 0)
        parts_of_rows += [
            (row[span.start : span.stop], 0) for span, is_loud in zip(spans, loud[y], strict=True) if is_loud
        ]
    words = _codec.rans_encode(
        np.array([*tables, flags] if silence else tables, np.uint16),
        np.concatenate([np.full(part.size, table, np.uint8) for part, table in parts_of_rows]),
        np.concatenate([part for part, _ in parts_of_rows]),
        np.array([part.size for part, _ in parts_of_rows], np.uintp),
        4 << states,
    )
    head = Contexts(
        (((0, lengths),),), [silence] * 4 * (silence > 0), states=states, symbols=_NOISE_SYMBOLS, coded=words
    )
    return stream_of(block_of(head, extra), shape=shape)


def frequencies_of(*tables: Sequence[int]) -> tuple[bytes, list[list[int]]]:
    """Tables of bit lengths one after another, and what a decoder finds in them."""
    fields = _Fields()
    for before, lengths in pairwise((None, *tables)):
        assert lengths is not None
        fields.table(lengths, before)
    bits, before, found = Bits(fields.bytes()), None, []
    for lengths in tables:
        before, frequencies = read_table(bits, len(lengths), before)
        found.append(frequencies)
    return fields.bytes(), found


def runs(*lengths: int) -> bytes:
    """Places as runs, behind the lag."""
    signed = np.array([length >> 1 if length % 2 == 0 else ~(length >> 1) for length in lengths], np.int32)
    tokens, extra = _codec.tokens_split(signed)
    sent, tables = frequencies_of(*[[11 * (symbol in tokens) for symbol in range(72)]] * 2)
    words = coded(tokens.tolist(), tables, 1)
    return b"".join([number(len(lengths)), sent, number(len(extra)), extra, number(len(words)), words])


def exact_set(places: bytes, *values: float, count: int | None = None) -> bytes:
    """A set of exact numbers: one that all have, or ``count`` that follow."""
    numbers = struct.pack(f"<{len(values)}f", *values)
    kind, many = (1, b"") if count is None else (2, number(count))
    return bytes([kind]) + number(len(places)) + places + many + numbers


def block_of(contexts: Contexts, extra: bytes = b"", exact: bytes = b"", flags: int = 0) -> bytes:
    """A block of codes 0: exact numbers, plain differences from a base of 0, tokens."""
    return bytes([3 + flags]) + exact + bytes([0, 1, 0, *bytes(4)]) + number(len(extra)) + extra + contexts.bytes()


def stream_of(*blocks: bytes, shape: tuple[int, ...] = SHAPE, first_side: int = 0) -> bytes:
    """A stream of blocks, each with so many of the first axis (0: all)."""
    head, _ = parts(compress.encode(walk("f4", *shape), Bound("abs", 0.01)).stream)
    assert head.endswith(bytes(len(shape)))
    return joined(head[: -len(shape)] + number(first_side) + bytes(len(shape) - 1), list(blocks))
