"""Streams that break one rule of the format each: both decoders refuse them, and say so by the one error."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from cdt_core.errors import CorruptStreamError
from cdt_core.kernels import compress
from cdt_core.kernels.reference import version2
from cdt_core.model import Bound
from tests.kernels import made_blocks as made
from tests.kernels.arrays import same_bits
from tests.kernels.instruction_sets import everywhere
from tests.kernels.made_blocks import ONLY, Contexts, block_of, exact_set, marked, runs
from tests.kernels.mutations import joined, number, parts
from tests.kernels.path_cases import PATHS


def stream_of(path: str) -> tuple[bytes, bytes]:
    """The head, up to the lengths of blocks, and the first block, of the stream of a path."""
    head, blocks = parts(PATHS[path].stream())
    return head, blocks[0]


def of_block(path: str, change: Callable[[bytearray], object]) -> bytes:
    """A path's stream with its block changed in place, and right checksums."""
    head, block = stream_of(path)
    changed = bytearray(block)
    change(changed)
    return joined(head, [bytes(changed)])


def put(at: int, *values: int) -> Callable[[bytearray], object]:
    """A change: bytes from ``at`` on become others."""

    def change(block: bytearray) -> None:
        assert block[at : at + len(values)] != bytes(values)
        block[at : at + len(values)] = bytes(values)

    return change


def with_unit(unit: bytes) -> bytes:
    """A stream of one time with that unit."""
    stream = compress.encode(np.array([1, 2, 9], "M8[s]"), Bound("lossless")).stream
    head, blocks = parts(stream)
    return joined(head[:6] + bytes([len(unit)]) + unit + head[8:], blocks)


def with_axes(sent: bytes) -> bytes:
    """A stream of one number, with those bytes from the number of exact numbers to the shape."""
    head, blocks = parts(compress.encode(np.zeros(1, "f4"), Bound("lossless")).stream)
    assert head[-4:] == bytes([0, 1, 1, 0])
    return joined(head[:-4] + sent + b"\0", blocks)


def with_grid(step: float | None = None, first_key: int | None = None) -> bytes:
    """A stream with a palette of binary64 on a grid of that step, or from the number of that key on."""
    head, block = stream_of("palette by grid")
    way = next(at for at in range(3, 13) if block[at] < 128) + 1
    assert (*block[:3], block[way]) == (5, 0, 0, 1)
    key = block[way + 1 : way + 9] if first_key is None else struct.pack("<q", first_key)
    distance = block[way + 9 : way + 17] if step is None else struct.pack("<d", step)
    return joined(head, [block[: way + 1] + key + distance + block[way + 17 :]])


def with_an_empty_palette() -> bytes:
    """A stream whose palette has no entries."""
    return of_block("one palette", put(3, 0))


def with_origin(origin: float) -> bytes:
    """A stream of binary32 that are interpolated from ``origin`` on."""
    return of_block("interpolated", put(4, *struct.pack("<d", origin)))


def with_bitmap(change: Callable[[bytearray], object]) -> bytes:
    """A stream of 651 numbers whose exact ones are a bitmap of 82 bytes, behind maps of 2 and 11 bytes."""
    head, block = stream_of("bitmap, lag 0")
    length = block[2]
    assert (block[1], block[3], *block[4:6]) == (1, 8, 255, 7)
    assert length < 127
    places = bytearray(block[3 : 3 + length])
    change(places)
    return joined(head, [block[:2] + number(len(places)) + bytes(places) + block[3 + length :]])


def set_bit(at: int, bit: int) -> Callable[[bytearray], object]:
    """A change: one bit becomes 1."""

    def change(data: bytearray) -> None:
        assert not data[at] >> bit & 1
        data[at] |= 1 << bit

    return change


def of_contexts(extra: bytes = b"", **fields: Any) -> bytes:
    """A stream of one symbol in one table, but for these fields of its contexts."""
    return made.stream_of(block_of(Contexts(**fields), extra))


def of_sets(*sets: bytes) -> bytes:
    """A stream with these sets of exact numbers."""
    return made.stream_of(block_of(Contexts(), exact=b"".join(sets)))


def of_runs(*lengths: int) -> bytes:
    """A stream whose places are those runs, without a lag."""
    return of_sets(exact_set(b"\0" + runs(*lengths), 7.0))


def with_lag(rows: int, columns: int, first_side: int) -> bytes:
    """A stream of blocks of so many rows, the last of which has a set of places with a lag of a row."""
    lagged = block_of(Contexts(), exact=exact_set(b"\1" + runs(0, 1), 7.0))
    blocks = [block_of(Contexts())] * ((rows - 1) // first_side)
    return made.stream_of(*blocks, lagged, shape=(rows, columns), first_side=first_side % rows)


def left_over() -> bytes:
    """A series of 260 numbers in 5 rows of 64; tokens that are left over would have extra bits, which are not there."""
    tokens = np.zeros(320, np.uint8)
    tokens[260:] = 19
    lengths = [11] + 18 * [0] + [11]
    _, tables = made.frequencies_of(lengths)
    words = made.coded(tokens.reshape(64, 5).T.reshape(-1).tolist(), tables, 5)
    return made.stream_of(block_of(Contexts((((0, lengths),),), symbols=20, coded=words), flags=32))


SILENCE = (2048, 1, 2, 3)
LOUD, QUIET = marked([0, 1, 1, 1, 0, 1], 2048), marked([0] * 6, 2048)
LOWEST = struct.pack("<I", 1 << 15)
#: The key of infinity in binary64; that of minus infinity is as far below -1.
INFINITE = 0x7FF << 52


#: Without exact numbers, a block of differences begins with the method, 0, the order of axes (1 for two) and the orders; one of
#: interpolation with the method, 0, the order, the axes and the origin or base.
def inner_head(block, head):
    """Another first byte of the base."""
    at = next(i for i in range(1, len(block)) if block[i] < 128) + 1
    block[at] = head


BROKEN: Mapping[str, Callable[[], bytes]] = {
    "a method beyond the last": lambda: of_block("contexts", put(0, 6)),
    "a constant with a flag": lambda: of_block("constant", put(0, 17)),
    "a block without bytes": lambda: of_block("contexts", lambda block: block.clear()),
    "a kind of exact numbers": lambda: of_block("contexts", put(1, 3)),
    "axes twice": lambda: of_block("contexts", put(2, 0)),
    "axes beyond the last": lambda: of_block("contexts", put(2, 0o21)),
    "differences of order 3": lambda: of_block("contexts", put(3, 3)),
    "a byte too many": lambda: of_block("contexts", lambda block: block.append(0)),
    "a byte too few": lambda: of_block("contexts", lambda block: block.pop()),
    "a byte too many in planes": lambda: of_block("planes", lambda block: block.append(0)),
    "no axis interpolated": lambda: of_block("interpolated", put(3, 0)),
    "four axes interpolated": lambda: of_block("interpolated", put(3, 4)),
    "no level with weights": lambda: of_block("interpolated", put(12, 0)),
    "five levels with weights": lambda: of_block("interpolated", put(12, 5)),
    "interpolation of keys": lambda: joined(stream_of("map key <f4 in 4 bytes")[0], [stream_of("interpolated")[1]]),
    "palettes of another number": lambda: of_block("one palette", put(2, 2)),
    "a flag that planes do not have": lambda: of_block("planes", put(0, 2 + 32)),
    "a flag that contexts do not have": lambda: of_block("contexts", put(0, 3 + 64)),
    "a flag that interpolation does not have": lambda: of_block("interpolated", put(0, 4 + 32)),
    "a flag that palettes do not have": lambda: of_block("one palette", put(0, 5 + 16)),
    "numbers that are not snapped": lambda: of_block("interpolated", put(0, 4 + 128)),
    "numbers of the lossless map": lambda: of_block("interpolated, snapped, numbers", put(0, 4 + 16 + 64 + 128)),
    "an origin beyond the type": lambda: with_origin(1e300),
    "an origin between numbers of the type": lambda: with_origin(0.1),
    "an origin that is no number": lambda: with_origin(math.nan),
    "two units": lambda: with_unit(b"sms"),
    "no such unit": lambda: with_unit(b"y"),
    "one of a unit": lambda: with_unit(b"1s"),
    "leading zeros before a unit": lambda: with_unit(b"02s"),
    "too many of a unit": lambda: with_unit(b"%ds" % 2**31),
    "34 axes": lambda: with_axes(bytes([0, 34, *[1] * 34])),
    "more exact numbers than numbers": lambda: with_axes(bytes([2, 1, 1])),
    "too large a shape": lambda: with_axes(bytes([0, 2]) + number(1 << 33) + number(1 << 33) + b"\1"),
    "floats of the lossless map": lambda: of_block("interpolated", put(0, 4 + 16)),
    "a zero in a unit": lambda: with_unit(b"s\0zz"),
    "a number of 65 bits": lambda: with_axes(bytes([*[128] * 9, 2, 1, 1])),
    "a grid without steps": lambda: with_grid(math.nan),
    "a grid that goes down": lambda: with_grid(-1.0),
    "a grid from infinity": lambda: with_grid(first_key=INFINITE),
    "a grid from minus infinity": lambda: with_grid(first_key=-INFINITE - 1),
    "a grid from no number": lambda: with_grid(first_key=INFINITE + 1),
    "a base with a flag": lambda: of_block("base", put(0, 6 + 16)),
    "a base within a base": lambda: of_block("base", lambda block: inner_head(block, 6)),
    "a palette as a base": lambda: of_block("base", lambda block: inner_head(block, 5)),
    "a base that ends too early": lambda: of_block("base", put(1, 0)),
    "a base of keys": lambda: joined(stream_of("map key <f4 in 4 bytes")[0], [stream_of("base")[1]]),
    "a palette without entries": with_an_empty_palette,
    "a lag beyond the last": lambda: with_bitmap(put(0, 8 + 2)),
    "a way to store places beyond the last": lambda: with_bitmap(put(0, 16)),
    "a third map beyond its bits": lambda: with_bitmap(set_bit(2, 3)),
    "a second map beyond its bits": lambda: with_bitmap(set_bit(13, 2)),
    "a bitmap beyond its bits": lambda: with_bitmap(set_bit(-1, 3)),
    "a bitmap with a byte too many": lambda: with_bitmap(lambda places: places.append(0)),
    "a bitmap with a byte too few": lambda: with_bitmap(lambda places: places.pop()),
    "a bitmap without places": lambda: with_bitmap(lambda places: places.__setitem__(slice(None), bytes([8, 0, 0]))),
    "a number that does not end": lambda: with_axes(b"\xff" * 11),
    "weights above 8": lambda: of_contexts(weights=(5, 4)),
    "128 states": lambda: of_contexts(states=5, coded=LOWEST * 128),
    "more symbols than tokens": lambda: of_contexts(symbols=73, tables=(((0, ONLY + (0,) * 72),),)),
    "a frequency of silence of 0": lambda: of_contexts(silence=(2048, 1, 2, 0), coded=QUIET),
    "25 tables of a kind": lambda: of_contexts(tables=([(0, ONLY)], (), (), (), [(i, ONLY) for i in range(25)])),
    "two tables of an activity": lambda: of_contexts(tables=([(0, ONLY)], [(0, ONLY), (3, ONLY), (3, ONLY)])),
    "no tables and no silence": lambda: of_contexts(tables=()),
    "a kind without tables": lambda: of_contexts(tables=((), [(0, ONLY)])),
    "a loud group of a kind without tables": lambda: of_contexts(tables=((), [(0, ONLY)]), silence=SILENCE, coded=LOUD),
    "a loud group without any tables": lambda: of_contexts(tables=(), silence=SILENCE, coded=LOUD),
    "a table without frequencies": lambda: of_contexts(tables=([(0, ONLY)], [(0, (0,))])),
    "a frequency of 14 bits": lambda: of_contexts(tables=([(0, ONLY)], [(0, (14,))])),
    "ones behind the tables": lambda: of_contexts(spare=1),
    "extra bits that no token has": lambda: of_contexts(extra=b"\0"),
    "a word too many": lambda: of_contexts(coded=LOWEST * 4 + b"\0\0"),
    "half a word too many": lambda: of_contexts(coded=LOWEST * 4 + b"\0"),
    "a state that is too small": lambda: of_contexts(coded=LOWEST * 3 + struct.pack("<I", (1 << 15) - 1)),
    "a state that does not end as it began": lambda: of_contexts(coded=LOWEST * 3 + struct.pack("<I", (1 << 15) + 1)),
    "a state that is missing": lambda: of_contexts(coded=LOWEST * 3),
    "three sets of exact numbers": lambda: of_sets(*[exact_set(b"\0" + runs(3, 1), 7.0)] * 3),
    "two numbers of one place": lambda: of_sets(exact_set(b"\0" + runs(3, 1), 7.0, 8.0, count=2)),
    "one number of two places": lambda: of_sets(exact_set(b"\0" + runs(3, 2), 7.0, count=1)),
    "no places": lambda: of_sets(exact_set(b"\0\0", 7.0)),
    "a set without bytes": lambda: of_sets(exact_set(b"", 7.0)),
    "a set with a byte too many": lambda: of_sets(exact_set(b"\0" + runs(3, 1) + b"\0", 7.0)),
    "a run to the end": lambda: of_runs(3, 257),
    "a run beyond the end": lambda: of_runs(3, 1 << 31),
    "more runs than places": lambda: of_runs(*[0] * 261),
    "a lag below 64": lambda: with_lag(130, 63, 130),
    "a lag as long as the block": lambda: with_lag(3, 130, 2),
}  # fmt: skip


STORED_ZEROS = bytes([8, 31]) + b"\xff" * 4 + b"\x01" + bytes(32) + b"\x08"

#: What no rule forbids, and the numbers that are not 0 of 2 by 130.
KEPT: Mapping[str, tuple[Callable[[], bytes], Mapping[int, float]]] = {
    "one symbol": (of_contexts, {}),
    "silence alone": (lambda: of_contexts(tables=(), silence=SILENCE, coded=QUIET), {}),
    "silence and one symbol": (lambda: of_contexts(silence=SILENCE, coded=LOUD), {}),
    "silence in 64 states": (
        lambda: of_contexts(silence=SILENCE, states=4, coded=marked([0, 1, 1, 1, 0, 1], 2048, 64)), {}
    ),
    "24 tables of a kind": (lambda: of_contexts(tables=([(0, ONLY)], (), (), (), [(i, ONLY) for i in range(24)])), {}),
    "no symbols where there are no tables": (lambda: of_contexts(tables=(), symbols=0, silence=SILENCE, coded=QUIET), {}),
    "tokens of a series that are left over": (left_over, {}),
    "places in both sets": (
        lambda: of_sets(exact_set(b"\0" + runs(3, 2), 7.0), exact_set(b"\0" + runs(4, 1), 8.0)), {3: 7.0, 4: 8.0}
    ),
    "places to the end": (lambda: of_runs(259), {259: 7.0}),
    "bytes of a bitmap that need not be there": (lambda: of_sets(exact_set(STORED_ZEROS, 7.0)), {259: 7.0}),
    "a lag of a row": (lambda: of_sets(exact_set(b"\1" + runs(3, 1), 7.0)), {3: 7.0, 133: 7.0}),
}  # fmt: skip


@pytest.mark.parametrize("case", KEPT)
def test_what_no_rule_forbids_is_read(case):
    make, exact = KEPT[case]
    expected = np.full(made.SHAPE, compress.decode(of_contexts())[0, 0])
    for place, value in exact.items():
        expected.flat[place] = value
    for decode in (version2.decode, compress.decode):
        assert same_bits(decode(make()), expected)


@pytest.mark.parametrize("silence", [0, 1400])
@pytest.mark.parametrize("states", range(5))
@pytest.mark.parametrize("columns", [2, 31, 32, 33, 63, 64, 65, 97, 129, 200])
def test_rows_of_any_length_are_read_in_any_number_of_states(columns, states, silence):
    stream = made.noise_of((5, columns), states, silence)
    assert same_bits(everywhere(compress.decode, stream), version2.decode(stream))


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_an_error(rule):
    stream = BROKEN[rule]()
    for decode in (version2.decode, compress.decode):
        with pytest.raises(CorruptStreamError):
            decode(stream)


@pytest.mark.parametrize("head", [4 + 32, 4 + 128, 4 + 16])
def test_flags_that_interpolation_does_not_have_are_met_at_each_level(head):
    stream = of_block("interpolated", put(0, head))
    for level in (1, 2, 24):
        with pytest.raises(CorruptStreamError):
            compress.decode(stream, level=level)
