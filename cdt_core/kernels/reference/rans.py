"""Tokens, extra bits and interleaved rANS, read as the format's text says: a decoder that is small and slow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cdt_core.errors import CorruptStreamError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Decoder", "join"]

SLOTS = 4096
LOW = 1 << 15


def _table(frequencies: NDArray[np.uint16]) -> list[tuple[int, int, int]]:
    """Symbol, frequency and start of each slot of one context."""
    counts = [int(f) for f in frequencies]
    if len(counts) > 256 or sum(counts) != SLOTS:
        raise CorruptStreamError("frequencies of a context do not sum to 4096")
    starts = np.cumsum([0, *counts]).tolist()
    return [(s, counts[s], starts[s]) for s in range(len(counts)) for _ in range(counts[s])]


class Decoder:
    """Rows of symbols from one stream (Duda 2013, arXiv 1311.2540), each symbol with the table of its context.

    Parameters
    ----------
    stream : bytes
        Four bytes for each of the ``states``, then words of two bytes; little-endian.
    frequencies : ndarray of uint16, shape (contexts, symbols)
    states : int
        4, 8, 16, 32 or 64.

    Raises
    ------
    CorruptStreamError
        No encoder wrote these bytes or frequencies.
    """

    def __init__(self, stream: bytes, frequencies: NDArray[np.uint16], states: int) -> None:
        if states not in (4, 8, 16, 32, 64) or len(stream) < 4 * states or len(stream) % 2:
            raise CorruptStreamError("a range-coded stream has no such length or number of states")
        self._tables = [_table(row) for row in frequencies]
        self._states: list[int] = np.frombuffer(stream, "<u4", states).tolist()
        self._words = iter(np.frombuffer(stream, "<u2", offset=4 * states).tolist())
        if any(not LOW <= x < 1 << 31 for x in self._states):
            raise CorruptStreamError("a state of a range-coded stream is out of range")

    def row(self, contexts: Sequence[int]) -> list[int]:
        """The symbols of the next row, which has these contexts."""
        return [self._symbol(i % len(self._states), context) for i, context in enumerate(contexts)]

    def _symbol(self, which: int, context: int) -> int:
        x = self._states[which]
        symbol, frequency, start = self._tables[context][x % SLOTS]
        x = frequency * (x // SLOTS) + x % SLOTS - start
        if x < LOW:
            word = next(self._words, None)
            if word is None:
                raise CorruptStreamError("a range-coded stream ends too early")
            x = (x << 16) | word
        self._states[which] = x
        return symbol

    def close(self) -> None:
        """Check that the stream ends as an encoder begins."""
        if next(self._words, None) is not None or any(x != LOW for x in self._states):
            raise CorruptStreamError("a range-coded stream does not end with its last row")


def join(tokens: Sequence[int], extra: bytes, width: int) -> NDArray[np.signedinteger]:
    """Residuals of ``width`` (4 or 8) bytes from their tokens and extra bits.

    Raises
    ------
    CorruptStreamError
        There is no such token, or the bits are not exactly those that the tokens have.
    """
    bits, left = int.from_bytes(extra, "little"), 8 * len(extra)
    residuals = []
    for token in tokens:
        u = token
        if token >= 16:
            count = (token - 16) // 2 + 3
            if token >= (72 if width == 4 else 136) or count > left:
                raise CorruptStreamError("a token is unknown, or its extra bits are missing")
            u = ((2 + token % 2) << count) + bits % (1 << count)
            bits >>= count
            left -= count
        residuals.append(u >> 1 if u % 2 == 0 else ~(u >> 1))
    if bits or left >= 8:
        raise CorruptStreamError("more extra bits than the tokens have")
    return np.array(residuals, f"i{width}")
