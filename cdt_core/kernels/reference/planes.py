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

    def skip_filling(self) -> None:
        """Go to the next byte over zeros."""
        if self.take(-self.at % 8).any():
            raise CorruptStreamError("residuals have bits where zeros should be")


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


def _levels(reader: _Reader, above: _Bits, k: int, width: int) -> list[_Bits]:
    """Planes from ``k`` on; ``above`` marks the magnitudes of 2^k or more."""
    planes: list[_Bits] = []
    while above.any():
        if k + len(planes) == width:
            raise CorruptStreamError("a residual is too large")
        following = reader.among(above)
        if above.sum() + following.sum() > 64:
            raise CorruptStreamError("a group of residuals has too few words")
        planes.append((above & ~following) | reader.among(following))
        above = following
    return planes


def _group(reader: _Reader, symbol: int, words: _Bits, width: int) -> list[int]:
    """The 64 residuals of a group; ``words`` are the rows of its words."""
    if symbol >= _WORDS:
        planes = [*words[:-1], *_levels(reader, words[-1], len(words) - 1, width)]
    else:
        mask = reader.sparse(symbol)
        planes = _levels(reader, mask, 0, width) if reader.number(1) else [mask]
    magnitudes = [sum(int(plane[i]) << b for b, plane in enumerate(planes)) for i in range(64)]
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
    reader = _Reader(data)
    symbols = _symbols(reader, groups, _WORDS + width - 1)
    counts = [max(symbol - _WORDS + 1, 0) for symbol in symbols]
    reader.skip_filling()
    words = reader.take(64 * sum(counts)).reshape(-1, 64)
    values: list[int] = []
    for symbol, count in zip(symbols, counts, strict=True):
        rows, words = words[:count], words[count:]
        values += _group(reader, symbol, rows, width) if symbol != _EMPTY else [0] * 64
    reader.skip_filling()
    if reader.at != reader.bits.size or any(values[n:]):
        raise CorruptStreamError("residuals go on after their end")
    return np.array(values[:n], dtype)
