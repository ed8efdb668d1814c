"""Numbers that are kept bit by bit: sets of places as runs or as a bitmap."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.kernels.reference import rans
from cdt_core.kernels.reference.reading import Bits, Bytes, need
from cdt_core.kernels.reference.tables import read_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Exact", "read_exact"]

_SYMBOLS = 72
#: Beside the lag: places are a bitmap.
_BITMAP = 8


class Exact:
    """Which numbers of a block are exact, and what they are; both flat."""

    def __init__(self, n: int, dtype: np.dtype[Any]) -> None:
        self.is_exact = np.zeros(n, bool)
        self.numbers = np.zeros(n, dtype)

    def over(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """``numbers`` with the exact ones in their places."""
        result = np.ascontiguousarray(numbers).reshape(-1)
        bits = f"<u{result.dtype.itemsize}"
        return np.where(self.is_exact, self.numbers.view(bits), result.view(bits)).view(result.dtype)


def read_exact(source: Bytes, sides: tuple[int, ...], dtype: np.dtype[Any]) -> Exact:
    """The exact numbers of a block.

    Raises
    ------
    CorruptStreamError
        They break a rule of the format.
    """
    found = Exact(math.prod(sides), dtype)
    for sets in range(3):
        kind = source.byte()
        if kind == 0:
            break
        need(kind <= 2 and sets < 2, "kind or number of sets of exact numbers")
        places = _places(source.part(), sides)
        count = int(places.sum())
        need(count > 0, "a set of exact numbers is empty")
        need(kind == 1 or source.number() == count, "number of exact numbers")
        numbers = source.take(dtype.itemsize * (1 if kind == 1 else count))
        found.is_exact |= places
        found.numbers.view(f"<u{dtype.itemsize}")[places] = np.frombuffer(numbers, f"<u{dtype.itemsize}")
    return found


def _places(data: bytes, sides: tuple[int, ...]) -> NDArray[np.bool_]:
    source = Bytes(data)
    n = math.prod(sides)
    first = source.byte()
    lag = first & ~_BITMAP
    need(lag < len(sides), "lag of places")
    distance = math.prod(sides[len(sides) - lag :]) if lag else 0
    need(lag == 0 or 64 <= distance < n, "lag of places")
    places = _bitmap(source, n) if first & _BITMAP else _between(source, n)
    need(source.at == len(data), "length of places")
    for start in range(distance, n, distance or n):
        part = places[start : start + distance]
        part ^= places[start - distance : start - distance + part.size]
    return places


def _between(source: Bytes, n: int) -> NDArray[np.bool_]:
    """Places that runs end at and begin at, in turn."""
    count = source.number()
    need(count <= n, "number of runs")
    places = np.zeros(n, bool)
    at = 0
    for i, run in enumerate(_runs(source, count) if count else []):
        need(at + run < n, "a run goes beyond the block")
        places[at : at + run] = i % 2 == 1
        at += run
    places[at:] = count % 2 == 1
    return places


def _bitmap(source: Bytes, n: int) -> NDArray[np.bool_]:
    """Places as bits, in three maps: all bytes of the last, and of each other one the bytes that the one after it has."""
    lengths = [n]
    for _ in range(2):
        lengths.append(-(-lengths[-1] // 8))
    stored = np.ones(-(-lengths[-1] // 8), bool)
    for length in reversed(lengths):
        data = np.zeros(stored.size, np.uint8)
        data[stored] = np.frombuffer(source.take(int(stored.sum())), np.uint8)
        bits = np.unpackbits(data, bitorder="little").astype(bool)
        need(not bits[length:].any(), "bits beyond a map of places")
        stored = bits[:length]
    return stored


def _runs(source: Bytes, count: int) -> list[int]:
    bits = Bits(source.data[source.at :])
    lengths, even = read_table(bits, _SYMBOLS, None)
    _, odd = read_table(bits, _SYMBOLS, lengths)
    source.take(bits.finish())
    extra, coded = source.part(), source.part()
    states = 32 if count >= 1 << 16 else 16 if count >= 1 << 13 else 4
    decoder = rans.Decoder(coded, np.array([even, odd], np.uint16), states)
    tokens = decoder.row([i % 2 for i in range(count)])
    decoder.close()
    found = rans.join(tokens, extra, 4).astype(np.int64)
    return [int(2 * r if r >= 0 else -2 * r - 1) for r in found]
