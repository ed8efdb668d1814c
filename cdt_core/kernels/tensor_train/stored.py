"""Tensor trains as streams of bytes and files; FORMAT.md, "Tensor trains", is the specification."""

from __future__ import annotations

import math
import os
import secrets
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import CorruptStreamError, OutputError, ReaderError

__all__ = ["pack", "read", "unpack", "write"]

Array = NDArray[Any]

_SIGNATURE = b"\x93CTT"
_VERSION = 1
#: Codes of the array streams' table of types.
_DTYPES: dict[int, np.dtype[Any]] = {9: np.dtype("<f4"), 10: np.dtype("<f8"), 14: np.dtype("<c8"), 15: np.dtype("<c16")}
_CODES = {dtype: code for code, dtype in _DTYPES.items()}
_ERROR_KNOWN = 1


def pack(cores: Sequence[Array], error: float | None) -> bytes:
    """The stream of a train."""
    head = bytearray(_SIGNATURE)
    head += bytes([_VERSION, _CODES[cores[0].dtype.newbyteorder("<")], 0 if error is None else _ERROR_KNOWN])
    if error is not None:
        head += struct.pack("<d", error)
    head += _number(len(cores))
    for value in (*(core.shape[1] for core in cores), *(core.shape[2] for core in cores[:-1])):
        head += _number(value)
    head += _checksum(head)
    body = b"".join(core.astype(core.dtype.newbyteorder("<"), copy=False).tobytes() for core in cores)
    return bytes(head) + body + _checksum(body)


def unpack(stream: bytes | bytearray | memoryview) -> tuple[list[Array], float | None]:
    """Cores and error of a stream. Nothing is allocated that the stream itself is not as large as.

    Raises
    ------
    CorruptStreamError
        Truncated, mutated, or no stream of a tensor train; says where.
    """
    source = _Source(bytes(stream))
    if source.take(len(_SIGNATURE), "signature") != _SIGNATURE:
        raise CorruptStreamError("this is no stream of a tensor train; it does not begin with its signature")
    version, code, flags = source.take(3, "version, type and flags")
    if version != _VERSION:
        raise CorruptStreamError(
            f"a stream of a tensor train of version {version}; this reader knows version {_VERSION}"
        )
    if code not in _DTYPES or flags not in (0, _ERROR_KNOWN):
        raise CorruptStreamError(
            f"offset 5: type {code} or flags {flags} that no tensor train has; the stream is damaged"
        )
    error: float | None = struct.unpack("<d", source.take(8, "error"))[0] if flags else None
    if error is not None and not 0.0 <= error < math.inf:
        raise CorruptStreamError(f"offset 7: the error is {error}, which no train has; the stream is damaged")
    shape, ranks = _sides(source)
    source.check(0, "head")
    return _cores(source, shape, ranks, _DTYPES[code]), error


def _sides(source: _Source) -> tuple[list[int], list[int]]:
    """Lengths of the axes and the ranks from 1 to 1."""
    axes = source.number("number of axes")
    if not 1 <= axes <= source.left:
        raise CorruptStreamError(
            f"offset {source.at}: {axes} axes in a stream of {source.left} more bytes; it is damaged"
        )
    shape = [source.number("shape") for _ in range(axes)]
    ranks = [1, *(source.number("ranks") for _ in range(axes - 1)), 1]
    if 0 in shape or 0 in ranks:
        raise CorruptStreamError(f"offset {source.at}: an axis or a rank of length 0; the stream is damaged")
    return shape, ranks


def _cores(source: _Source, shape: list[int], ranks: list[int], dtype: np.dtype[Any]) -> list[Array]:
    sides = [(ranks[k], n, ranks[k + 1]) for k, n in enumerate(shape)]
    needed = sum(math.prod(side) for side in sides) * dtype.itemsize
    if source.left != needed + 4:
        raise CorruptStreamError(
            f"offset {source.at}: {source.left} more bytes where cores of these ranks take {needed + 4}; the stream is "
            "truncated, or something was added to it"
        )
    start, cores = source.at, []
    for side in sides:
        count = math.prod(side)
        numbers = np.frombuffer(source.take(count * dtype.itemsize, "cores"), dtype=dtype)
        cores.append(numbers.reshape(side).astype(dtype.newbyteorder("=")))
    source.check(start, "cores")
    return cores


def write(path: str | os.PathLike[str], stream: bytes) -> None:
    """Put a stream into a file that has its name only once it is complete.

    Raises
    ------
    OutputError
        The folder is missing, or the disk refuses.
    """
    target = Path(path)
    part = target.with_name(f".{target.name}.{secrets.token_hex(8)}.cdt-partial")
    try:
        with part.open("xb") as file:
            file.write(stream)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, target)
    except OSError as error:
        raise OutputError(
            f"{target}: the train cannot be written: {error.strerror}; choose a folder that can be"
        ) from error
    finally:
        part.unlink(missing_ok=True)


def read(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a file.

    Raises
    ------
    ReaderError
        There is none, or it cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ReaderError(f"{path}: cannot be read: {error.strerror}") from error


def _number(value: int) -> bytes:
    """7 bits in a byte, lowest first."""
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _checksum(data: bytes | bytearray) -> bytes:
    return struct.pack("<I", zlib.crc32(data))


class _Source:
    """Reads a stream from its start; every shortage is said with its offset."""

    def __init__(self, stream: bytes) -> None:
        self.stream, self.at = stream, 0

    @property
    def left(self) -> int:
        """Bytes that are not read yet."""
        return len(self.stream) - self.at

    def take(self, count: int, what: str) -> bytes:
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

    def check(self, start: int, what: str) -> None:
        """Compare the checksum that comes next with that of the bytes since ``start``."""
        computed = _checksum(self.stream[start : self.at])
        if self.take(4, f"checksum of the {what}") != computed:
            raise CorruptStreamError(
                f"offset {self.at - 4}: the checksum of the {what} does not match; the stream is damaged"
            )
