"""Random numbers that every machine makes alike, of any stretch of rows alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["random_rows", "row_signs"]

#: Philox 4x64 makes four words at each step of its counter.
_WORDS_A_STEP = 4

#: One over the standard deviation of twice the sum of four uniform integers below 2^16.
_UNIT = (4 * 4 * (2.0**32 - 1) / 12) ** -0.5


def random_rows(key: tuple[int, int], start: int, stop: int, count: int) -> NDArray[np.float64]:
    """Rows ``start`` to ``stop`` of a matrix of nearly normal numbers of mean 0 and variance 1: (stop - start, count).

    Each is the scaled sum of the four 16-bit parts of one word of the counter-based generator Philox 4x64 (Salmon et al.,
    Parallel random numbers: as easy as 1, 2, 3, SC 2011), in integers until one last product: the same bits on every
    machine, and for every way to cut the rows. ``key`` is a seed and the number of the matrix.
    """
    steps = -(-count // _WORDS_A_STEP)
    words_of = np.random.Philox(key=np.array(key, np.uint64), counter=start * steps)
    words = words_of.random_raw((stop - start) * steps * _WORDS_A_STEP).reshape(stop - start, steps * _WORDS_A_STEP)[
        :, :count
    ]
    total = sum((words >> np.uint64(shift)) & np.uint64(0xFFFF) for shift in (0, 16, 32, 48))
    centred = 2 * np.asarray(total, np.int64) - 4 * 0xFFFF
    return np.asarray(centred * _UNIT, np.float64)


def row_signs(seed: int, rows: NDArray[Any], count: int) -> NDArray[np.float64]:
    """Random signs of numbered rows: (len(rows), count), count at most 64, each row's from its number alone.

    The bits of SplitMix64 (Steele, Lea, Flood, Fast splittable pseudorandom number generators, OOPSLA 2014).
    """
    word = (rows.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    word ^= word >> np.uint64(31)
    bits = (word[:, None] >> np.arange(count, dtype=np.uint64)) & np.uint64(1)
    return np.asarray(1.0 - 2.0 * bits, np.float64)
