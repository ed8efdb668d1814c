"""The random numbers of annealing: xoroshiro128++ (Blackman and Vigna 2021), eight streams, seeded by splitmix64."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Draws", "reach_of"]

WORD = (1 << 64) - 1


class Draws:
    """The stream of a sweep: of (seed, group, sweep), whatever was drawn before."""

    def __init__(self, seed: int, group: int, sweep: int) -> None:
        for number in (group, sweep):
            seed, word = _splitmix(seed)
            seed = word ^ number
        words = []
        for _ in range(16):
            seed, word = _splitmix(seed)
            words.append(word)
        self._first, self._second = np.array(words, np.uint64).reshape(2, 8)

    def words(self) -> NDArray[np.uint64]:
        """(8,) uniform words, one of each stream."""
        first, second = self._first, self._second ^ self._first
        out = _rotated(first + self._second, 17) + first
        self._first = _rotated(first, 49) ^ second ^ (second << np.uint64(21))
        self._second = _rotated(second, 28)
        return out

    def exponential(self) -> NDArray[np.float32]:
        """(64,) exponential draws: -ln u, u of 24 bits."""
        words = np.concatenate([self.words() for _ in range(4)]).astype("<u8").view("<u4")
        u = ((words >> 8).astype(np.float32) + np.float32(0.5)) * np.float32(2.0**-24)
        exponent = (u.view(np.int32) - 0x3F3504F3) >> 23
        f = (u.view(np.int32) - (exponent << 23)).view(np.float32) - np.float32(1)
        ln = np.float32(0.11895957) * f - np.float32(0.18667799)
        for coefficient in (0.20496349, -0.24909751, 0.33314508, -0.50001115, 1.00000095):
            ln = ln * f + np.float32(coefficient)
        return np.asarray(-(ln * f + exponent.astype(np.float32) * np.float32(0.69314718)))


def _splitmix(state: int) -> tuple[int, int]:
    """The next state, and its word."""
    state = (state + 0x9E3779B97F4A7C15) & WORD
    word = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & WORD
    return state, word ^ (word >> 31)


def _rotated(words: NDArray[np.uint64], by: int) -> NDArray[np.uint64]:
    return (words << np.uint64(by)) | (words >> np.uint64(64 - by))


def reach_of(beta: float) -> np.float32:
    """What an exponential draw is multiplied with to be the limit of a half cost."""
    return np.float32(0.5 / beta) if beta > 0.5e-30 else np.float32(1e30)
