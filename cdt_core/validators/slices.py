"""Slices along the leading axis that are constant, or that occur twice."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.hooks.contracts import Block, State
from cdt_core.kernels import stats
from cdt_core.model import Finding
from cdt_core.validators.sampling import lattice_of, strides_for
from cdt_core.validators.summary import OfVariable

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Slices"]

#: At most this many slices are followed, in runs of neighbours, so that the state stays under a megabyte.
_MOST, _RUN = 16384, 64
_SHOWN, _SAMPLE, _THIN = 10, 1024, 256
#: Duplicates are asked for where chance gives fewer than this share of slices.
_BY_CHANCE = 1e-3


class Slices(OfVariable):
    """Keeps, per slice, two valid values that differ if any do, the number of valid ones, and a sum of hashes over its blocks.

    Only variables of three or more dimensions are looked at: in two, a row of equal numbers (a pole, the margin of an
    image) is normal. Blocks hold parts of slices, so a slice's hash is a sum over its parts. Not asked of one slice alone,
    nor of a variable whose values are all equal; duplicates not where slices hold so little that chance repeats them.
    """

    @property
    def stride(self) -> int:
        """One in this many runs of slices is followed."""
        return -(-self.spec.shape[0] // _MOST)

    def start(self) -> State:
        """No slice seen yet."""
        empty = np.zeros(0, np.int64)
        return {"index": empty, "low": None, "high": None, "valid": None, "hash": None, "sample": np.zeros(0)}

    def update(self, state: State, block: Block) -> State:
        """Add the parts of slices that a block holds."""
        index = np.arange(block.start[0], block.start[0] + block.original.shape[0], dtype=np.int64)
        kept = (index // _RUN) % self.stride == 0
        if not kept.any() or block.original.size == 0:
            return state
        rows = np.ascontiguousarray(block.original if kept.all() else block.original[kept])
        rows = rows.reshape(len(rows), -1)
        described = block.comparison.original
        low, high = _limits(rows.dtype)
        if described.finite == described.count:
            lows, highs = _seen_extremes(rows)
            valid = np.full(len(rows), rows.shape[1], np.int64)
        else:
            good = block.valid[kept].reshape(rows.shape)
            lows = np.min(rows, axis=1, where=good, initial=high)
            highs = np.max(rows, axis=1, where=good, initial=low)
            valid = np.count_nonzero(good, axis=1).astype(np.int64)
        more = {
            "index": index[kept],
            "low": lows,
            "high": highs,
            "valid": valid,
            "hash": stats.row_hashes(rows) * np.uint64(_factor(block.start[1:])),
            "sample": lattice_of(block, strides_for(self.spec.shape, _SAMPLE)),
        }
        return self.merge(state, more)

    def merge(self, left: State, right: State) -> State:
        """Both together: the same slices add up, others join."""
        if not len(left["index"]) or not len(right["index"]):
            return left if len(left["index"]) else right
        both = [np.concatenate([left[key], right[key]]) for key in ("index", "low", "high", "valid", "hash")]
        index, where = np.unique(both[0], return_inverse=True)
        low, high = _limits(both[1].dtype)
        lows, highs = np.full(len(index), high, both[1].dtype), np.full(len(index), low, both[2].dtype)
        valid, hashes = np.zeros(len(index), np.int64), np.zeros(len(index), np.uint64)
        np.minimum.at(lows, where, both[1])
        np.maximum.at(highs, where, both[2])
        np.add.at(valid, where, both[3])
        np.add.at(hashes, where, both[4])
        sample = np.concatenate([left["sample"], right["sample"]])
        return {"index": index, "low": lows, "high": highs, "valid": valid, "hash": hashes, "sample": sample}

    def finish(self, state: State) -> Iterable[Finding]:
        """The share of constant slices, and of slices that repeat an earlier one that is not constant."""
        index = state["index"]
        if len(index) < 2 or not self.has_spread:
            return
        sampled = len(index) / self.spec.shape[0]
        constant = (state["valid"] > 1) & (state["low"] == state["high"])
        yield self._share(
            "core.constant_slices",
            [int(i) for i in index[constant]],
            sampled,
            "slices along the leading axis whose valid values are all equal; slices without any are not counted",
        )
        varied = np.flatnonzero(~constant & (state["valid"] > 0))
        if len(varied) < 2 or _chance(state["sample"], state["valid"][varied]) > _BY_CHANCE:
            return
        yield self._share(
            "core.duplicate_slices",
            _repeated(state, varied),
            sampled,
            "slices equal to an earlier, not constant slice, by a 64-bit hash and the number of valid values",
        )

    def _share(self, check: str, found: list[Any], sampled: float, method: str) -> Finding:
        followed = max(1, round(sampled * self.spec.shape[0]))
        share = len(found) / followed
        half = 1.96 * (share * (1 - share) / followed) ** 0.5 + 1 / followed
        return self.finding(
            check,
            "validity",
            share,
            method=method,
            sampled=sampled,
            interval=None if sampled == 1.0 else (max(0.0, share - half), min(1.0, share + half)),
            evidence={"count": len(found), "slices": self.spec.shape[0], "first": found[:_SHOWN]},
        )


def _repeated(state: State, kept: NDArray[np.intp]) -> list[list[int]]:
    """Pairs of the index of a slice and of the first that is equal to it."""
    first: dict[tuple[Any, ...], int] = {}
    pairs = []
    columns = zip(*(state[key][kept].tolist() for key in ("hash", "valid")), strict=True)
    for position, key in zip(state["index"][kept].tolist(), columns, strict=True):
        earlier = first.setdefault(key, position)
        if earlier != position:
            pairs.append([earlier, position])
    return pairs


def _chance(sample: NDArray[np.float64], valid: NDArray[np.int64]) -> float:
    """Share of slices that would repeat an earlier one if all values were drawn independently from the sample."""
    _, counts = np.unique(sample, return_counts=True)
    pairs = max(1, sample.size * (sample.size - 1))
    equal = max(float((counts * (counts - 1)).sum()), 1.0) / pairs
    if equal >= 1.0:
        return 1.0
    logarithm = math.log(len(valid) / 2) + float(np.median(valid)) * math.log(equal)
    return math.exp(min(0.0, logarithm))


def _limits(dtype: np.dtype[Any]) -> tuple[Any, Any]:
    if dtype.kind == "f":
        return -np.inf, np.inf
    limits = np.iinfo(dtype)
    return limits.min, limits.max


def _seen_extremes(rows: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Lowest and highest value of a thin sample of each row, and of the whole row where those are equal."""
    thin = rows[:, :: max(1, rows.shape[1] // _THIN)]
    lows, highs = thin.min(axis=1), thin.max(axis=1)
    alike = lows == highs
    if alike.any():
        lows[alike], highs[alike] = rows[alike].min(axis=1), rows[alike].max(axis=1)
    return lows, highs


def _factor(place: tuple[int, ...]) -> int:
    return int(np.random.SeedSequence(place).generate_state(1, np.uint64)[0]) | 1
