"""Slices along the leading axis that are constant, or that occur twice."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.hooks.contracts import Block, State
from cdt_core.model import Finding
from cdt_core.validators.summary import OfVariable

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Slices"]

#: At most this many slices are followed, in runs of neighbours, so that the state stays under a megabyte.
_MOST, _RUN = 16384, 64
_SHOWN = 10


class Slices(OfVariable):
    """Keeps, per slice, the extremes of its valid values, their number, and a sum of hashes over its blocks.

    Only variables of three or more dimensions are looked at: in two, a row of equal numbers (a pole, the margin of an
    image) is normal. Blocks hold parts of slices, so a slice's hash is a sum over its parts.
    """

    @property
    def stride(self) -> int:
        """One in this many runs of slices is followed."""
        return -(-self.spec.shape[0] // _MOST)

    def start(self) -> State:
        """No slice seen yet."""
        return {"index": np.zeros(0, np.int64), "low": None, "high": None, "valid": None, "hash": None}

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
            lows, highs, valid = rows.min(axis=1), rows.max(axis=1), np.full(len(rows), rows.shape[1], np.int64)
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
            "hash": _hashes(rows, block.start[1:]),
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
        return {"index": index, "low": lows, "high": highs, "valid": valid, "hash": hashes}

    def finish(self, state: State) -> Iterable[Finding]:
        """The share of constant slices, and of slices that repeat an earlier one that is not constant."""
        index = state["index"]
        if not len(index):
            return
        constant = (state["valid"] > 1) & (state["low"] == state["high"])
        first: dict[tuple[Any, ...], int] = {}
        pairs = []
        columns = zip(*(state[key].tolist() for key in ("hash", "low", "high", "valid")), strict=True)
        for position, key, skip in zip(
            index.tolist(), columns, (constant | (state["valid"] == 0)).tolist(), strict=True
        ):
            if skip:
                continue
            earlier = first.setdefault(key, position)
            if earlier != position:
                pairs.append([earlier, position])
        sampled = len(index) / self.spec.shape[0]
        yield self._share(
            "core.constant_slices",
            [int(i) for i in index[constant]],
            sampled,
            "slices along the leading axis whose valid values are all equal; slices without any are not counted",
        )
        yield self._share(
            "core.duplicate_slices",
            pairs,
            sampled,
            "slices equal to an earlier, not constant slice, by a 64-bit multilinear hash and both extremes",
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


def _limits(dtype: np.dtype[Any]) -> tuple[Any, Any]:
    if dtype.kind == "f":
        return -np.inf, np.inf
    limits = np.iinfo(dtype)
    return limits.min, limits.max


@lru_cache(maxsize=4)
def _weights(count: int) -> NDArray[np.uint64]:
    weights: NDArray[np.uint64] = np.random.Philox(0x636474).random_raw(count)
    return weights


def _hashes(rows: NDArray[Any], place: tuple[int, ...]) -> NDArray[np.uint64]:
    """Multilinear hash of each row modulo 2**64 (Carter & Wegman 1979), times an odd number fixed by the block's place.

    High bits are folded onto low ones first: a difference in high bits alone would move few bits of the product.
    """
    wide = rows.view(np.uint64) if rows.shape[1] * rows.itemsize % 8 == 0 else rows.view(f"u{rows.itemsize}")
    words = wide.astype(np.uint64, copy=False)
    words = words ^ (words >> np.uint64(32))
    summed: NDArray[np.uint64] = (words @ _weights(words.shape[1])) * np.uint64(_factor(place))
    return summed


def _factor(place: tuple[int, ...]) -> int:
    return int(np.random.SeedSequence(place).generate_state(1, np.uint64)[0]) | 1
