"""The fields of tensor streams: numbers of variable length, and a reader that stays within its bytes."""

from __future__ import annotations

import struct

from attrs import define

from cdt_core.errors import CorruptStreamError

__all__ = ["Reading", "packed"]

#: Numbers have at most so many bytes: 63 bits.
_LONGEST = 9


def packed(number: int) -> bytes:
    """A whole number from 0 on: seven bits a byte, the lowest first, the highest bit set in all but the last."""
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    return bytes([*made, number])


@define(slots=False)
class Reading:
    """Bytes that are read from front to back. Every method raises ``CorruptStreamError`` where they end too soon."""

    data: bytes
    at: int = 0

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        if count > len(self.data) - self.at:
            raise CorruptStreamError(f"it is cut off: {count} bytes are missing behind byte {self.at}")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self) -> int:
        """A number that :func:`packed` wrote, in its shortest form."""
        value = 0
        for k in range(_LONGEST):
            byte = self.take(1)[0]
            value |= (byte & 127) << (7 * k)
            if byte < 128:
                if not byte and k:
                    break
                return value
        raise CorruptStreamError(f"byte {self.at} ends a number that no encoder writes")

    def real(self) -> float:
        """A float64."""
        return float(struct.unpack("<d", self.take(8))[0])

    def section(self) -> bytes:
        """Bytes behind their count."""
        return self.take(self.number())

    def end(self) -> None:
        """Refuse what follows."""
        if self.at != len(self.data):
            raise CorruptStreamError(f"{len(self.data) - self.at} bytes follow what it should end with")
