"""Fields of streams of version 2, byte by byte and bit by bit."""

from __future__ import annotations

import struct

from cdt_core.errors import CorruptStreamError

__all__ = ["Bits", "Bytes", "crc32c", "need"]

_TOO_LONG = 1 << 64


def need(condition: bool, what: str) -> None:
    """Refuse a stream unless a rule is kept; ``what`` names the part that breaks it.

    Raises
    ------
    CorruptStreamError
        The rule is broken.
    """
    if not condition:
        raise CorruptStreamError(f"not a stream of version 2: {what}")


class Bytes:
    """Reads bytes from the first to the last, and refuses to read beyond."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        need(count <= len(self.data) - self.at, "it ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self.data) - self.at)

    def byte(self) -> int:
        """A whole number of one byte."""
        return self.take(1)[0]

    def number(self) -> int:
        """A whole number of any length."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            need(value < _TOO_LONG and shift <= 70, "a number has more than 64 bits")
            if byte < 128:
                return value

    def part(self) -> bytes:
        """Bytes with their number in front."""
        return self.take(self.number())

    def double(self) -> float:
        """A binary64."""
        value: float = struct.unpack("<d", self.take(8))[0]
        return value


class Bits:
    """Reads bits, the lowest of each byte first."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> int:
        """The whole number of the next ``count`` bits, the lowest first."""
        need(self.at + count <= 8 * len(self.data), "its bits end too early")
        value = 0
        for i in range(count):
            place = self.at + i
            value |= (self.data[place // 8] >> place % 8 & 1) << i
        self.at += count
        return value

    def finish(self) -> int:
        """Skip the zero bits of the last byte; returns how many bytes were read."""
        need(self.take(-self.at % 8) == 0, "bits are set where zeros should be")
        return self.at // 8


def _table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_CRC = _table()


def crc32c(data: bytes) -> bytes:
    """CRC-32C (Castagnoli; RFC 3720), as its four bytes."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 255]
    return struct.pack("<I", crc ^ 0xFFFFFFFF)
