"""Values that are known already, by the number of their index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Memo"]

_EMPTY = np.uint64(0xFFFFFFFFFFFFFFFF)

#: 2^64 over the golden ratio: neighbouring keys go far apart (Knuth's multiplicative hashing).
_SPREAD = np.uint64(0x9E3779B97F4A7C15)

#: Values that are remembered at most: 64 MiB of keys and as much of real values.
_MOST = 1 << 22


class Memo:
    """A table of numbers below 2^64 - 1 and their values, asked and told for many at once; forgets nothing, but may be full."""

    def __init__(self) -> None:
        self._count = 0
        self._keys = np.full(1 << 10, _EMPTY)
        self._values: NDArray[Any] = np.zeros(1 << 10)

    def get(self, keys: NDArray[np.uint64]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Values of the (m,) keys, and which of them are known; zero for the others."""
        slots = self._first(keys)
        open_ = np.arange(len(keys))
        while len(open_):
            held = self._keys[slots[open_]]
            open_ = open_[(held != keys[open_]) & (held != _EMPTY)]
            slots[open_] = (slots[open_] + 1) & (len(self._keys) - 1)
        known = self._keys[slots] == keys
        return np.where(known, self._values[slots], 0), known

    def put(self, keys: NDArray[np.uint64], values: NDArray[Any]) -> None:
        """Remember values of keys that are not known yet; none of them when there is no more room."""
        if self._count + len(keys) > _MOST:
            return
        if 2 * (self._count + len(keys)) > len(self._keys):
            self._grow(self._count + len(keys))
        if values.dtype != self._values.dtype:
            self._values = self._values.astype(np.result_type(values, self._values))
        self._insert(keys, values)

    def _insert(self, keys: NDArray[np.uint64], values: NDArray[Any]) -> None:
        """Linear probing of all at once: who meets a taken slot, or loses an empty one to another, goes on to the next."""
        slots = self._first(keys)
        while len(keys):
            free = self._keys[slots] == _EMPTY
            self._keys[slots[free]] = keys[free]
            self._count += int(np.count_nonzero(free))
            placed = self._keys[slots] == keys
            self._values[slots[placed]] = values[placed]
            keys, values, slots = keys[~placed], values[~placed], (slots[~placed] + 1) & (len(self._keys) - 1)

    def _grow(self, count: int) -> None:
        held = self._keys != _EMPTY
        keys, values = self._keys[held], self._values[held]
        size = 1 << (4 * count - 1).bit_length()
        self._count, self._keys, self._values = 0, np.full(size, _EMPTY), np.zeros(size, values.dtype)
        self._insert(keys, values)

    def _first(self, keys: NDArray[np.uint64]) -> NDArray[np.intp]:
        """Where the search for a key begins."""
        bits = np.uint64(65 - len(self._keys).bit_length())
        return ((keys * _SPREAD) >> bits).astype(np.intp)
