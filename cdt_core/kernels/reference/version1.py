"""A slow decoder of streams, written from ``FORMAT.md`` and nothing else: what the fast one is held to."""

from __future__ import annotations

import itertools
import math
import re
import struct
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import zstandard

from cdt_core.errors import CorruptStreamError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["decode", "header_fields"]

_FIXED = struct.Struct("<8s H B B B B 16s d d d d Q Q Q")
_NAMES = re.compile(
    r"\|b1|\|[iu]1|<[iu][248]|<f[248]|<c8|<c16|<[mM]8(\[([1-9][0-9]*)?(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\])?"
)
_KEY, _LINEAR, _KEY_STEPS, _INTEGER_STEPS = range(4)
_LOSSLESS, _ABS, _PW_REL, _REL = range(4)


class _Stream(NamedTuple):
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    block_shape: tuple[int, ...]
    lattice: int
    step: float
    integer_step: int

    @property
    def numbers(self) -> np.dtype[Any]:
        """The type of the numbers in blocks."""
        kind, size = self.dtype.kind, self.dtype.itemsize
        names = {"b": "<u1", "m": "<i8", "M": "<i8", "c": f"<f{size // 2}", "f": "<u2" if size == 2 else f"<f{size}"}
        return np.dtype(names.get(kind, self.dtype.str))


def decode(stream: bytes, *, max_bytes: int = 1 << 31) -> NDArray[Any]:
    """The array of a stream.

    Raises
    ------
    CorruptStreamError
        The bytes break a rule of the format, or stand for more than ``max_bytes``.
    """
    head, blocks = _container(stream)
    _need(math.prod(head.shape) * head.numbers.itemsize <= max_bytes, "it is larger than the limit")
    numbers = np.empty(head.shape, head.numbers)
    starts = [range(0, n, b) for n, b in zip(head.shape, head.block_shape, strict=True)] if blocks else [()]
    for corner, block in zip(itertools.product(*starts), blocks, strict=True):
        where = tuple(slice(at, min(at + b, n)) for at, b, n in zip(corner, head.block_shape, head.shape, strict=True))
        numbers[where] = _block(block, head, numbers[where].shape)
    if head.dtype.kind == "b":
        numbers = np.minimum(numbers, 1)
    values: NDArray[Any] = numbers.view(head.dtype)
    return values.reshape(head.shape[:-1]) if head.dtype.kind == "c" else values


def header_fields(stream: bytes) -> tuple[np.dtype[Any], tuple[int, ...], tuple[int, ...], tuple[Any, ...]]:
    """Dtype, shape and block shape (of complex numbers with a last axis of two parts), and the fixed fields of the header.

    Raises
    ------
    CorruptStreamError
        The bytes break a rule of the format.
    """
    head, _ = _container(stream)
    return head.dtype, head.shape, head.block_shape, _FIXED.unpack_from(stream)


def _need(condition: bool, what: str) -> None:
    if not condition:
        raise CorruptStreamError(f"not a stream of version 1: {what}")


def _container(stream: bytes) -> tuple[_Stream, list[bytes]]:
    _need(len(stream) >= _FIXED.size + 8, "it is too short")
    magic, version, _, ndim, *_, count = _FIXED.unpack_from(stream)
    _need(magic == b"\x93CDT\r\n\x1a\n" and version == 1, "its signature or version is another")
    head_end = _FIXED.size + 16 * ndim + 4 * count
    _need(ndim <= 33 and head_end + 8 <= len(stream), "it ends in its header")
    _need(stream[head_end : head_end + 4] == struct.pack("<I", zlib.crc32(stream[:head_end])), "header checksum")
    _need(stream[-4:] == struct.pack("<I", zlib.crc32(stream[:-4])), "checksum")
    sides = struct.unpack_from(f"<{2 * ndim}Q", stream, _FIXED.size)
    head = _header(_FIXED.unpack_from(stream), sides[:ndim], sides[ndim:])
    grid = math.prod(-(-n // b) for n, b in zip(head.shape, head.block_shape, strict=True))
    _need(grid == count, "number of blocks")
    sizes = struct.unpack_from(f"<{count}I", stream, _FIXED.size + 16 * ndim)
    ends = list(itertools.accumulate(sizes, initial=head_end + 4))
    _need(ends[-1] + 4 == len(stream), "lengths of blocks")
    return head, [stream[start:end] for start, end in itertools.pairwise(ends)]


def _header(fields: tuple[Any, ...], shape: tuple[int, ...], block_shape: tuple[int, ...]) -> _Stream:
    lattice, _, asked, applied, text, asked_value, value, step, max_error, integer_step, exact, _ = fields[2:]
    name = text.rstrip(b"\0").decode("ascii", "replace")
    matched = _NAMES.fullmatch(name)
    _need(matched is not None, "dtype")
    assert matched is not None
    _need(matched[2] is None or 1 < int(matched[2]) < 1 << 31, "multiple of a unit of time")
    dtype = np.dtype(name)
    _need(lattice < 4 and asked <= _REL and applied <= _PW_REL, "lattice or bound")
    for kind, number in ((asked, asked_value), (applied, value)):
        _need(kind == _LOSSLESS or 0 < number < math.inf, "number of a bound")
    _need(0 <= max_error <= (0 if applied == _LOSSLESS else value), "largest error")
    _need(exact <= math.prod(shape), "number of exact values")
    _need(all(b >= 1 for b in block_shape) and math.prod(block_shape) <= 1 << 24, "block shape")
    _need(math.prod(n or 1 for n in shape) * dtype.itemsize < 1 << 63, "shape")
    _need(dtype.kind != "c" or shape[-1:] == (2,), "parts of complex numbers")
    head = _Stream(dtype, shape, block_shape, lattice, step, integer_step)
    _steps(head)
    return head


def _steps(head: _Stream) -> None:
    numbers = head.numbers
    _need((numbers.kind in "iu") == (head.lattice == _INTEGER_STEPS), "lattice of this dtype")
    _need(head.integer_step < 1 << (8 * numbers.itemsize - 1), "integer step")
    _need(head.lattice not in (_KEY, _KEY_STEPS) or head.integer_step >= 1, "step of keys")
    if head.lattice == _LINEAR:
        limits = np.finfo(numbers)
        _need(float(limits.tiny) <= head.step <= float(limits.max), "step")
        _need(float(numbers.type(head.step)) == head.step, "step")


def _block(block: bytes, head: _Stream, shape: tuple[int, ...]) -> NDArray[Any]:
    numbers, count = head.numbers, math.prod(shape)
    _need(len(block) > 0 and block[0] <= 2, "method of a block")
    if block[0] == 0:
        _need(len(block) == 1 + count * numbers.itemsize, "length of a block")
        return np.frombuffer(block, numbers, offset=1).reshape(shape)
    if block[0] == 1:
        _need(len(block) == 1 + numbers.itemsize, "length of a block")
        return np.full(shape, np.frombuffer(block, numbers, offset=1))
    return _planes(block, head, shape)


def _planes(block: bytes, head: _Stream, shape: tuple[int, ...]) -> NDArray[Any]:
    width, count = head.numbers.itemsize, math.prod(shape)
    sides = [n for n in shape if n > 1] or [1]
    while len(sides) > 8:
        sides = [sides[0] * sides[1], *sides[2:]]
    _need(len(block) >= 16 + len(sides), "length of a block")
    _, by_bit, axes, planes, kept, base = struct.unpack_from("<B B B B I Q", block)
    orders = block[16 : 16 + len(sides)]
    _need(by_bit <= 1 and axes == len(sides) and kept <= count and max(orders) <= 2, "head of a block")
    _need(planes <= (8 * width if by_bit else width), "number of planes")
    plane_bytes = -(-count // 8) if by_bit else count
    raw = _inflated(block[16 + len(sides) :], planes * plane_bytes + kept * (4 + width))
    codes = _codes(raw, count, planes, bool(by_bit))
    codes = [(code >> 1) ^ -(code & 1) for code in codes]
    unsigned = np.array([code % 2**64 for code in codes], np.uint64).reshape(sides)
    for axis, order in enumerate(orders):
        for _ in range(order):
            unsigned = np.cumsum(unsigned, axis=axis, dtype=np.uint64)
    unsigned = (unsigned + np.uint64(base)).astype(f"<u{width}")
    values = _values(unsigned.reshape(-1), head)
    if kept:
        _exact(values, raw[planes * plane_bytes :], kept)
    return values.reshape(shape)


def _inflated(frame: bytes, size: int) -> bytes:
    try:
        _need(zstandard.frame_content_size(frame) == size, "length of a frame")
        raw = zstandard.ZstdDecompressor().decompress(frame, max_output_size=max(1, size), allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise CorruptStreamError(f"not a stream of version 1: {error}") from error
    _need(len(raw) == size, "length of a frame")
    return bytes(raw)


def _codes(raw: bytes, count: int, planes: int, by_bit: bool) -> list[int]:
    codes = [0] * count
    for plane in range(planes):
        for i in range(count):
            if by_bit:
                byte = raw[plane * -(-count // 8) + i // 8]
                codes[i] |= (byte >> (i % 8) & 1) << plane
            else:
                codes[i] |= raw[plane * count + i] << (8 * plane)
    return codes


def _values(codes: NDArray[Any], head: _Stream) -> NDArray[Any]:
    numbers = head.numbers
    width = numbers.itemsize
    signed = codes.view(f"<i{width}")
    if head.lattice == _LINEAR:
        with np.errstate(over="ignore"):
            scaled: NDArray[Any] = signed.astype(numbers) * numbers.type(head.step)
        return scaled
    if head.lattice == _INTEGER_STEPS:
        above = codes * codes.dtype.type(2 * head.integer_step + 1)
        lowest = codes.dtype.type(1 << (8 * width - 1) if numbers.kind == "i" else 0)
        result: NDArray[Any] = (above + lowest).view(numbers)
        return result
    keys = (codes * codes.dtype.type(head.integer_step)).view(signed.dtype)
    mirrored = keys ^ signed.dtype.type((1 << (8 * width - 1)) - 1)
    bits: NDArray[Any] = np.where(keys < 0, mirrored, keys)
    return bits.view(numbers)


def _exact(values: NDArray[Any], tail: bytes, kept: int) -> None:
    width, at = values.dtype.itemsize, -1
    for j in range(kept):
        gap = int.from_bytes(tail[j : 4 * kept : kept], "little")
        _need(gap > 0 or j == 0, "places of exact values")
        at = gap if j == 0 else at + gap
        _need(at < values.size, "places of exact values")
        values[at : at + 1] = np.frombuffer(tail[4 * kept + j :: kept][:width], values.dtype)
