"""A slow decoder of streams, written from ``FORMAT.md`` and nothing else: what the fast one is held to."""

from __future__ import annotations

import itertools
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cdt_core.kernels.reference.blocks import read_block
from cdt_core.kernels.reference.maps import INTEGER_STEPS, KEY_STEPS, LINEAR, Map, check_map
from cdt_core.kernels.reference.reading import Bytes, crc32c, need

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Stream", "decode", "open_stream"]

_SIGNATURE = b"\x93CDT\x02"
_NAMES = (
    "|i1",
    "|u1",
    "<i2",
    "<u2",
    "<i4",
    "<u4",
    "<i8",
    "<u8",
    "<f2",
    "<f4",
    "<f8",
    "|b1",
    "<M8",
    "<m8",
    "<c8",
    "<c16",
)
#: The numbers in blocks of types that are not numbers themselves.
_NUMBERS = {"|b1": "|u1", "<M8": "<i8", "<m8": "<i8", "<c8": "<f4", "<c16": "<f8"}
_UNIT = re.compile(rb"(?:([1-9][0-9]*)?(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as))?")
_LOSSLESS, _PW_REL, _PSNR = 0, 2, 4
_MOST_AXES, _MOST_BOX_AXES, _MOST_IN_BLOCK = 33, 5, 1 << 24


class Stream(NamedTuple):
    """A stream's head, and its blocks without their checksums."""

    dtype: np.dtype[Any]
    numbers: np.dtype[Any]
    shape: tuple[int, ...]
    box: tuple[int, ...]
    sides: tuple[int, ...]
    map: Map
    blocks: list[bytes]


def decode(stream: bytes, *, max_bytes: int = 1 << 31) -> NDArray[Any]:
    """The array of a stream.

    Raises
    ------
    CorruptStreamError
        The bytes break a rule of the format, or stand for more than ``max_bytes``.
    """
    head = open_stream(stream)
    need(math.prod(head.shape) * head.numbers.itemsize <= max_bytes, "it is larger than the limit")
    numbers = np.empty(head.box, head.numbers)
    starts = [range(0, n, side) for n, side in zip(head.box, head.sides, strict=True)]
    for corner, block in zip(itertools.product(*starts), head.blocks, strict=True):
        where = tuple(slice(at, min(at + b, n)) for at, b, n in zip(corner, head.sides, head.box, strict=True))
        sides = numbers[where].shape
        numbers[where] = read_block(block, sides, head.numbers, head.map).reshape(sides)
    if head.dtype.kind == "b":
        numbers = np.minimum(numbers, 1)
    values: NDArray[Any] = numbers.reshape(head.shape).view(head.dtype)
    return values.reshape(head.shape[:-1]) if head.dtype.kind == "c" else values


def open_stream(stream: bytes) -> Stream:
    """A stream's head and blocks, all checksums compared.

    Raises
    ------
    CorruptStreamError
        The bytes break a rule of the format.
    """
    source = Bytes(stream)
    need(source.take(len(_SIGNATURE)) == _SIGNATURE, "its signature or version is another")
    dtype, numbers = _dtype(source)
    of = _promises(source, numbers)
    exact = source.number()
    shape = _shape(source, dtype, numbers)
    box = _box(shape)
    sides = tuple(_side(source.number(), n) for n in box)
    count = math.prod(-(-n // side) for n, side in zip(box, sides, strict=True))
    need(not math.prod(box) or math.prod(sides) <= _MOST_IN_BLOCK, "sides of blocks")
    need(exact <= math.prod(box), "number of exact numbers")
    need(count <= len(stream), "number of blocks")
    lengths = [source.number() for _ in range(count)]
    need(crc32c(stream[: source.at]) == source.take(4), "checksum of the head")
    blocks = []
    for length in lengths:
        need(length >= 5, "length of a block")
        blocks.append(source.take(length - 4))
        need(crc32c(blocks[-1]) == source.take(4), "checksum of a block")
    need(not source.rest(), "bytes behind the last block")
    return Stream(dtype, numbers, shape, box, sides, of, blocks)


def _dtype(source: Bytes) -> tuple[np.dtype[Any], np.dtype[Any]]:
    """That of the array, and that of the numbers in blocks."""
    code = source.byte()
    need(code < len(_NAMES), "dtype")
    name = _NAMES[code]
    if name in ("<M8", "<m8"):
        text = source.take(source.byte())
        unit = _UNIT.fullmatch(text)
        need(unit is not None and len(text) < 32, "unit of time")
        assert unit is not None
        need(unit[1] is None or 1 < int(unit[1]) < 1 << 31, "multiple of a unit of time")
        return np.dtype(f"{name}[{text.decode()}]" if text else name), np.dtype("<i8")
    return np.dtype(name), np.dtype(_NUMBERS.get(name, name))


def _promises(source: Bytes, numbers: np.dtype[Any]) -> Map:
    """Bounds, which decoding does not need, and the map."""
    flags, kinds = source.byte(), source.byte()
    asked, applied, kind = kinds & 15, kinds >> 4, flags >> 4
    need(asked <= _PSNR and applied <= _PW_REL and not flags & 8, "kinds of bounds, or flags")
    asked_number = source.double() if asked else 0.0
    applied_number = source.double() if applied and flags & 1 else asked_number
    for bound, number in ((asked, asked_number), (applied, applied_number)):
        need(bound == _LOSSLESS or 0 < number < math.inf, "number of a bound")
    need(not applied or 0 <= source.double() <= applied_number, "largest error")
    step = source.double() if kind == LINEAR else 0.0
    offset = source.double() if kind == LINEAR and flags & 2 else 0.0
    integer_step = source.number() if kind in (KEY_STEPS, INTEGER_STEPS) else 0
    found = Map(kind, 8 if flags & 4 else 4, step, offset, integer_step)
    check_map(found, numbers)
    return found


def _shape(source: Bytes, dtype: np.dtype[Any], numbers: np.dtype[Any]) -> tuple[int, ...]:
    axes = source.byte()
    need(axes <= _MOST_AXES, "number of axes")
    shape = tuple(source.number() for _ in range(axes))
    need(math.prod(n for n in shape if n > 1) * numbers.itemsize <= 1 << 62, "shape")
    need(dtype.kind != "c" or shape[-1:] == (2,), "parts of complex numbers")
    return shape


def _box(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The axes that blocks cut."""
    box = [n for n in shape if n != 1] or [1]
    while len(box) > _MOST_BOX_AXES:
        box[:2] = [box[0] * box[1]]
    return tuple(box)


def _side(sent: int, length: int) -> int:
    need(sent <= max(1, length), "sides of blocks")
    return sent or max(1, length)
