"""Ranks of the bonds of trains in any order of the axes, from sampled blocks of the array."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["SampledRanks"]

#: A sampled block has so many times more columns than rows.
_ASPECT = 4
#: Ranks below one part in so many of a block's rows grow the less with them the smaller they are.
_FILLED = 3


class SampledRanks:
    """Singular values of an array's unfoldings, as a block of sampled rows and columns shows them; each set of axes once.

    Parameters
    ----------
    values
        The array, without gaps in memory.
    lengths
        Into which its indices are split, the coarsest first; a set of axes is the bits of an int.
    side
        Rows of a sampled block, at most. An unfolding of fewer rows is taken with all of them.
    seed
        Of the places that are sampled.
    precise
        By singular values instead of Gram matrices, which do not resolve shares below 1e-12.

    Notes
    -----
    One set costs ``side^2 * 4 side`` multiply-adds and ``4 side^2`` numbers read, wherever they are.
    """

    def __init__(self, values: NDArray[Any], lengths: Sequence[int], side: int, seed: int, *, precise: bool) -> None:
        self.values, self.lengths, self.side, self.seed = values.reshape(-1), tuple(lengths), side, seed
        self.precise = precise
        self.strides = [math.prod(self.lengths[k + 1 :]) for k in range(len(self.lengths))]
        self.tails: dict[int, list[tuple[int, int, NDArray[np.float64]]]] = {}
        self.estimates: dict[tuple[int, float], float] = {}
        self.factors: dict[int, float] = {}

    @property
    def count(self) -> int:
        """Sets whose singular values were computed."""
        return len(self.tails)

    def rank(self, subset: int, share: float) -> int:
        """How many singular values an unfolding needs so that the others have at most ``share`` of the energy.

        A block of fewer rows than the unfolding sees fewer of them: how their number grows from half the block to the block
        is taken to go on, as a power.
        """
        key = self._key(subset)
        if (key, share) not in self.estimates:
            self.estimates[key, share] = self._estimate(key, share)
        return max(1, min(self._sides(key)[0], round(self.estimates[key, share] * self.factors.get(key, 1.0))))

    def correct(self, subset: int, share: float, seen: int) -> None:
        """Take the rank that a train has for the truth: estimates of this set are scaled to it."""
        key = self._key(subset)
        self.factors.pop(key, None)
        self.factors[key] = seen / self.rank(key, share)

    def _estimate(self, key: int, share: float) -> float:
        small, large = self._sides(key)
        blocks = self._blocks(key)
        found = [_needed(tails, share, columns / large) for _, columns, tails in blocks]
        rows = blocks[0][0]
        if rows == small:
            return float(found[0])
        filled = min(1.0, _FILLED * found[0] / rows)  # a rank far below the block's is seen in whole
        growth = filled * min(1.0, max(0.0, math.log2(found[0] / found[1])))
        return float(found[0] * (small / rows) ** growth)

    def _key(self, subset: int) -> int:
        return min(subset, subset ^ ((1 << len(self.lengths)) - 1))

    def _sides(self, key: int) -> tuple[int, int]:
        """Rows and columns of an unfolding, the fewer first."""
        rows = math.prod(n for k, n in enumerate(self.lengths) if key >> k & 1)
        columns = self.values.size // rows
        return min(rows, columns), max(rows, columns)

    def _blocks(self, key: int) -> list[tuple[int, int, NDArray[np.float64]]]:
        """(rows, columns, energy left out by rank) of a block, and of half of it."""
        if key not in self.tails:
            block = self._sampled(key)
            halves = [block] if block.shape[0] == self._sides(key)[0] else [block, block[::2, ::2]]
            self.tails[key] = [(*half.shape, _tails(half, precise=self.precise)) for half in halves]
        return self.tails[key]

    def _sampled(self, key: int) -> NDArray[Any]:
        inside = [k for k in range(len(self.lengths)) if key >> k & 1]
        outside = [k for k in range(len(self.lengths)) if not key >> k & 1]
        if math.prod(self.lengths[k] for k in inside) > math.prod(self.lengths[k] for k in outside):
            inside, outside = outside, inside
        rng = np.random.Generator(np.random.Philox(key=np.array([self.seed, key], np.uint64)))
        rows = self._offsets(inside, self.side, rng)
        columns = self._offsets(outside, _ASPECT * self.side, rng)
        return np.asarray(self.values[rows[:, None] + columns])

    def _offsets(self, axes: Sequence[int], most: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Where in memory some places along these axes are: all, or one at random of each of ``most`` stretches."""
        n = math.prod(self.lengths[k] for k in axes)
        rest = np.arange(n) if n <= most else ((np.arange(most) + rng.random(most)) * (n / most)).astype(np.int64)
        found = np.zeros(len(rest), np.int64)
        for k in reversed(axes):
            rest, digit = np.divmod(rest, self.lengths[k])
            found += digit * self.strides[k]
        return found


def _tails(block: NDArray[Any], *, precise: bool) -> NDArray[np.float64]:
    """The share of a block's energy beyond its first k singular values: falling, from 1 to 0."""
    wide = block.astype(np.result_type(block.dtype, np.float64))
    wide /= max(float(np.abs(wide).max()), np.finfo(np.float64).tiny)
    if precise:
        energies = np.linalg.svd(wide, compute_uv=False)[::-1] ** 2
    else:
        energies = np.maximum(np.linalg.eigvalsh(wide @ wide.conj().T), 0.0)
    sums = np.concatenate([[0.0], np.cumsum(energies)])[::-1]
    return np.asarray(sums / max(sums[0], np.finfo(np.float64).tiny))


def _needed(tails: NDArray[np.float64], share: float, seen: float) -> int:
    """Least rank >= 1 that leaves at most ``share`` out; of columns that are a sample, some energy is fitted by chance.

    ``seen`` is the share of columns in the block: of energy beyond rank r, about ``r / columns`` is fitted.
    """
    if seen < 1.0:
        columns = _ASPECT * (len(tails) - 1)
        tails = tails / (1.0 - np.arange(len(tails)) / max(columns, len(tails)))
    return max(1, int(np.count_nonzero(tails > share)))
