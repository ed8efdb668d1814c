"""A slow decoder of residuals in bit planes, written from ``FORMAT.md``: what the compiled one is held to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.errors import CorruptStreamError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["decode"]

_EMPTY, _BYTES, _NIBBLES, _WORDS = range(4)
_Bits = np.ndarray[Any, np.dtype[np.bool_]]


class _Reader:
    """Bits of some bytes, the lowest of each byte first."""

    def __init__(self, part: bytes) -> None:
        self.bits: _Bits = np.unpackbits(np.frombuffer(part, np.uint8), bitorder="little").astype(bool)
        self.at = 0

    def take(self, count: int) -> _Bits:
        if self.at + count > self.bits.size:
            raise CorruptStreamError("residuals end too early")
        self.at += count
        return self.bits[self.at - count : self.at]

    def number(self, count: int) -> int:
        return int(sum(1 << i for i in np.flatnonzero(self.take(count))))

    def among(self, mask: _Bits) -> _Bits:
        """A bit for each one that is set in ``mask``, the others zero."""
        found = np.zeros(mask.size, bool)
        found[mask] = self.take(int(mask.sum()))
        return found

    def sparse(self, kind: int) -> _Bits:
        """A mask of 64 bits, stored as the bytes and nibbles that are not zero."""
        nibbles = self.among(np.repeat(self.take(8), 2)) if kind == _BYTES else self.take(16)
        return self.among(np.repeat(nibbles, 4))

    def close(self) -> None:
        if self.bits.size - self.at >= 8 or self.bits[self.at :].any():
            raise CorruptStreamError("residuals go on after their end")


def _symbols(reader: _Reader, groups: int, most: int) -> list[int]:
    symbols: list[int] = []
    before = 0
    for first in range(0, groups, 64):
        count = min(64, groups - first)
        kind = reader.number(2)
        changed = np.zeros(64, bool)
        if kind != _EMPTY:
            changed = reader.take(64) if kind == _WORDS else reader.sparse(kind)
        if changed[count:].any():
            raise CorruptStreamError("residuals have more groups than they should")
        far = reader.among(changed)
        down = reader.among(changed & ~far)
        for i in range(count):
            if changed[i]:
                before = reader.number(7) if far[i] else before - 1 if down[i] else before + 1
            if not 0 <= before <= most:
                raise CorruptStreamError("a group of residuals has no known kind")
            symbols.append(before)
    return symbols


def _length(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at == len(data) or shift > 56:
            raise CorruptStreamError("residuals end too early")
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def _group(reader: _Reader, symbol: int, words: _Bits, width: int) -> list[int]:
    """The 64 residuals of a group; ``words`` are the rows of its words."""
    magnitudes = [0] * 64
    above = words[-1] if symbol >= _WORDS else reader.sparse(symbol)
    for b, plane in enumerate(words[:-1]):
        for i in np.flatnonzero(plane):
            magnitudes[i] |= 1 << int(b)
    b = max(len(words) - 1, 0)
    while above.any():
        if b == width:
            raise CorruptStreamError("a residual is too large")
        following = reader.among(above)
        if above.sum() + following.sum() > 64:
            raise CorruptStreamError("a group of residuals has too few words")
        plane = (above & ~following) | reader.among(following)
        for i in np.flatnonzero(plane):
            magnitudes[i] |= 1 << b
        above = following
        b += 1
    negative = reader.among(np.array([m != 0 for m in magnitudes]))
    residuals = [-m if s else m for m, s in zip(magnitudes, negative, strict=True)]
    if max(residuals) >= 1 << (width - 1) or min(residuals) < -1 << (width - 1):
        raise CorruptStreamError("a residual is too large")
    return residuals


def decode(data: bytes, n: int, dtype: Any) -> NDArray[Any]:
    """The ``n`` >= 1 residuals, int32 or int64, that the bytes hold.

    Raises
    ------
    CorruptStreamError
        When the bytes are not exactly ``n`` residuals.
    """
    width = 8 * np.dtype(dtype).itemsize
    groups = -(-n // 64)
    heads = _Reader(data)
    symbols = _symbols(heads, groups, _WORDS + width - 1)
    at = -(-heads.at // 8)
    _close_part(data, 0, at, heads.at)
    busy = sum(symbol != _EMPTY for symbol in symbols)
    lanes = 0 if not busy else 1 if busy < 128 else 4
    lengths = []
    for _ in range(lanes - 1):
        length, at = _length(data, at)
        lengths.append(length)
    counts = [max(symbol - _WORDS + 1, 0) for symbol in symbols]
    end = at + 8 * sum(counts)
    if end + sum(lengths) > len(data) or (not lanes and end != len(data)):
        raise CorruptStreamError("residuals have another length than they should")
    words = _Reader(data[at:end]).bits.reshape(-1, 64)
    starts = np.cumsum([end, *lengths]).tolist()
    readers = [_Reader(data[a:b]) for a, b in zip(starts, [*starts[1:], len(data)], strict=True)] if lanes else []
    values: list[int] = []
    for g, (symbol, count) in enumerate(zip(symbols, counts, strict=True)):
        rows, words = words[:count], words[count:]
        values += _group(readers[g % lanes], symbol, rows, width) if symbol != _EMPTY else [0] * 64
    for reader in readers:
        reader.close()
    if any(values[n:]):
        raise CorruptStreamError("residuals go on after their end")
    return np.array(values[:n], dtype)


def _close_part(data: bytes, begin: int, end: int, bits: int) -> None:
    part = _Reader(data[begin:end])
    part.at = bits
    part.close()
