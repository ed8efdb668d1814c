"""What the streams of trains and of sketches have in common: signature, version, a head and numbers with a checksum each."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import CorruptStreamError

__all__ = ["CODES", "DTYPES", "Envelope", "Reading", "number"]

Array = NDArray[Any]
Stream = bytes | bytearray | memoryview

#: Codes of the array streams' table of types.
DTYPES: dict[int, np.dtype[Any]] = {9: np.dtype("<f4"), 10: np.dtype("<f8"), 14: np.dtype("<c8"), 15: np.dtype("<c16")}
CODES = {dtype: code for code, dtype in DTYPES.items()}

_CRC = struct.Struct("<I")


def number(value: int) -> bytes:
    """A whole number below 2^64: 7 bits in a byte, lowest first."""
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


@attrs.frozen
class Envelope:
    """A kind of stream: the four bytes that it begins with, its version, and what it is of, as messages call it."""

    signature: bytes
    version: int
    content: str

    def headed(self, fields: bytes) -> bytes:
        """A head of these fields, with its checksum."""
        head = self.signature + bytes([self.version]) + fields
        return head + _CRC.pack(zlib.crc32(head))

    def closed(self, fields: bytes, arrays: Iterable[Array]) -> bytes:
        """The stream of a head's fields and of arrays, one after another, little-endian."""
        body = b"".join(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes() for array in arrays)
        return b"".join([self.headed(fields), body, _CRC.pack(zlib.crc32(body))])

    def opened(self, stream: Stream) -> Reading:
        """A reading behind signature and version.

        Raises
        ------
        CorruptStreamError
            It begins with another signature, or is of another version.
        """
        source = Reading(stream)
        if bytes(source.take(len(self.signature), "signature")) != self.signature:
            raise CorruptStreamError(f"this is no stream of a {self.content}; it does not begin with its signature")
        (version,) = source.take(1, "version")
        if version != self.version:
            raise CorruptStreamError(
                f"a stream of a {self.content} of version {version}; this reader knows version {self.version}"
            )
        return source


class Reading:
    """Reads a stream from its start, without a copy; every shortage is said with its offset."""

    def __init__(self, stream: Stream) -> None:
        try:
            view = memoryview(stream)
        except TypeError as error:
            raise CorruptStreamError(f"a {type(stream).__name__} is no stream; give its bytes") from error
        self.stream = view.cast("B") if view.c_contiguous else memoryview(view.tobytes())
        self.at = 0

    @property
    def left(self) -> int:
        """Bytes that are not read yet."""
        return len(self.stream) - self.at

    def take(self, count: int, what: str) -> memoryview:
        """The next bytes."""
        if count > self.left:
            raise CorruptStreamError(f"offset {self.at}: the stream ends within its {what}; it is truncated")
        self.at += count
        return self.stream[self.at - count : self.at]

    def number(self, what: str) -> int:
        """The next whole number."""
        value = 0
        for shift in range(0, 70, 7):
            byte = self.take(1, what)[0]
            value |= (byte & 127) << shift
            if byte < 128:
                break
        else:
            value = 1 << 64
        if value >= 1 << 64:
            raise CorruptStreamError(
                f"offset {self.at}: a number that is too long in its {what}; the stream is damaged"
            )
        return value

    def sides(self) -> tuple[list[int], list[int]]:
        """Lengths of the d axes, and the d - 1 ranks between them; d stands before them."""
        axes = self.number("number of axes")
        if not 1 <= axes <= self.left:
            raise CorruptStreamError(
                f"offset {self.at}: {axes} axes in a stream of {self.left} more bytes; it is damaged"
            )
        shape = [self.number("shape") for _ in range(axes)]
        ranks = [self.number("ranks") for _ in range(axes - 1)]
        if 0 in shape or 0 in ranks:
            raise CorruptStreamError(f"offset {self.at}: an axis or a rank of length 0; the stream is damaged")
        return shape, ranks

    def check(self, start: int, what: str) -> None:
        """Compare the checksum that comes next with that of the bytes since ``start``."""
        computed = _CRC.pack(zlib.crc32(self.stream[start : self.at]))
        if self.take(_CRC.size, f"checksum of the {what}") != computed:
            raise CorruptStreamError(
                f"offset {self.at - _CRC.size}: the checksum of the {what} does not match; the stream is damaged"
            )

    def arrays(self, shapes: Sequence[Sequence[int]], dtype: np.dtype[Any], what: str) -> list[Array]:
        """What is left: arrays of these shapes and their checksum, nothing else. They are copies, to be written to.

        The lengths are compared before anything is allocated.
        """
        counts = [math.prod(shape) for shape in shapes]
        needed = sum(counts) * dtype.itemsize + _CRC.size
        if self.left != needed:
            raise CorruptStreamError(
                f"offset {self.at}: {self.left} more bytes where {what} of these ranks take {needed}; the stream is "
                "truncated, or something was added to it"
            )
        start = self.at
        parts = [self.take(count * dtype.itemsize, what) for count in counts]
        self.check(start, what)
        native = dtype.newbyteorder("=")
        return [
            np.frombuffer(part, dtype).reshape(shape).astype(native) for part, shape in zip(parts, shapes, strict=True)
        ]
