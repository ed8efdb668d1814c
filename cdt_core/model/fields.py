"""Bytes that cross a trust boundary: fields of known sizes, one after another, read without trusting any of them.

A number is little-endian and unsigned; bytes and text are preceded by their length as four bytes; an array by nothing: its
dtype and length are what the reader expects, never what the sender says. Nothing is allocated before its size is checked
against the bytes that are there.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cdt_core.errors import ProtocolError

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

__all__ = ["FieldReader", "FieldWriter"]

_LENGTH = struct.Struct("<I")
_MOST_COUNTED = 2**32 - 1


class FieldWriter:
    r"""Puts fields one after another; :meth:`end` gives the bytes.

    Examples
    --------
    >>> FieldWriter().number(7, 4).text("site-a").end()
    b'\x07\x00\x00\x00\x06\x00\x00\x00site-a'
    """

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def number(self, value: int, size: int) -> FieldWriter:
        """An unsigned number of ``size`` bytes; ``OverflowError`` when it needs more."""
        self._parts.append(value.to_bytes(size, "little"))
        return self

    def fixed(self, data: bytes) -> FieldWriter:
        """Bytes whose number the reader knows."""
        self._parts.append(bytes(data))
        return self

    def counted(self, data: bytes) -> FieldWriter:
        """Bytes after their number; ``ProtocolError`` from 4 GiB on, which four bytes do not count."""
        if len(data) > _MOST_COUNTED:
            raise ProtocolError(
                f"a field of {len(data)} bytes is more than {_MOST_COUNTED}, the most that a length of four bytes counts; "
                "send several, or an array of agreed length"
            )
        self._parts += [_LENGTH.pack(len(data)), bytes(data)]
        return self

    def text(self, value: str) -> FieldWriter:
        """UTF-8 after its number of bytes."""
        return self.counted(value.encode())

    def texts(self, values: Iterable[str]) -> FieldWriter:
        """Texts after their number."""
        several = list(values)
        self.number(len(several), 4)
        for value in several:
            self.text(value)
        return self

    def array(self, values: NDArray[Any], dtype: DTypeLike) -> FieldWriter:
        """Values of one vector in the dtype that the reader expects; ``TypeError`` when that could change them."""
        import numpy as np

        little = np.dtype(dtype).newbyteorder("<")
        self._parts.append(np.ascontiguousarray(values).astype(little, casting="safe", copy=False).tobytes())
        return self

    def end(self) -> bytes:
        """All fields as one byte string."""
        return b"".join(self._parts)


class FieldReader:
    r"""Takes fields off bytes that somebody else sent.

    Parameters
    ----------
    data
        What was received.
    what
        What it should be and from whom; every error begins with it.

    Raises
    ------
    ProtocolError
        What was received are no bytes.

    Examples
    --------
    >>> reader = FieldReader(b"\x07\x00\x00\x00\x06\x00\x00\x00site-a", "answer of site-a")
    >>> reader.number(4), reader.text(limit=64)
    (7, 'site-a')
    >>> reader.end()
    """

    def __init__(self, data: bytes, what: str) -> None:
        self._what = what
        self._at = 0
        try:
            self._data = memoryview(data).cast("B")
        except TypeError as error:
            raise self.error(f"{type(data).__name__}, where bytes are expected") from error

    def number(self, size: int) -> int:
        """An unsigned number of ``size`` bytes."""
        return int.from_bytes(self.fixed(size), "little")

    def fixed(self, count: int) -> bytes:
        """So many bytes.

        Raises
        ------
        ProtocolError
            Fewer are left. All methods raise it, for what is wrong with their field.
        """
        return bytes(self._take(count))

    def counted(self, limit: int) -> bytes:
        """Bytes after their number, which may be ``limit`` at most."""
        count = self.number(_LENGTH.size)
        if count > limit:
            raise self.error(f"a field of {count} bytes, where {limit} are allowed")
        return self.fixed(count)

    def text(self, limit: int) -> str:
        """UTF-8 of at most ``limit`` bytes."""
        try:
            return self.counted(limit).decode()
        except UnicodeDecodeError as error:
            raise self.error("a text is not UTF-8") from error

    def texts(self, most: int, limit: int) -> tuple[str, ...]:
        """At most ``most`` texts of at most ``limit`` bytes each."""
        count = self.number(_LENGTH.size)
        if count > most:
            raise self.error(f"{count} texts, where {most} are allowed")
        return tuple(self.text(limit) for _ in range(count))

    def array(self, dtype: DTypeLike, length: int) -> NDArray[Any]:
        """A vector of that dtype and length, a copy in the machine's byte order."""
        import numpy as np

        little = np.dtype(dtype).newbyteorder("<")
        return np.frombuffer(self._take(little.itemsize * length), little).astype(np.dtype(dtype))

    def end(self) -> None:
        """Nothing may be left."""
        left = len(self._data) - self._at
        if left:
            raise self.error(f"{left} bytes after its end")

    def error(self, wrong: str) -> ProtocolError:
        """An error that says where: ``raise reader.error("...")``."""
        return ProtocolError(f"{self._what}: {wrong}; refuse it, or ask for it again")

    def _take(self, count: int) -> memoryview:
        if count > len(self._data) - self._at:
            raise self.error(f"cut off: {count} bytes wanted at offset {self._at}, {len(self._data) - self._at} left")
        self._at += count
        return self._data[self._at - count : self._at]
