"""Streams that break one rule of the format each: both decoders refuse them, and say so by the one error."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from cdt_core.errors import CorruptStreamError
from cdt_core.kernels import compress
from cdt_core.kernels.reference import version2
from cdt_core.model import Bound
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


def with_grid(step: float) -> bytes:
    """A stream with a palette on a grid of that step."""
    head, block = stream_of("palette by grid")
    way = next(at for at in range(3, 13) if block[at] < 128) + 1
    assert (*block[:3], block[way]) == (5, 0, 0, 1)
    return joined(head, [block[: way + 9] + struct.pack("<d", step) + block[way + 17 :]])


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


#: Without exact numbers, a block of differences begins with the method, 0, the order of axes (1 for two) and the orders; one of
#: interpolation with the method, 0, the order, the axes and the origin or base.
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
}  # fmt: skip


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_an_error(rule):
    stream = BROKEN[rule]()
    for decode in (version2.decode, compress.decode):
        with pytest.raises(CorruptStreamError):
            decode(stream)
