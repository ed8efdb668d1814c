"""Planes of an image that hold nothing: all their valid values are equal."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from cdt_core.hooks.contracts import Block, State
from cdt_core.model import Finding
from cdt_imaging.summary import OfImage, merged, per_group

__all__ = ["EmptySlices"]

_SHOWN = 10
_HOW = {"low": np.minimum, "high": np.maximum}


class EmptySlices(OfImage):
    """Keeps the extremes of each plane of rows and columns (colours together)."""

    def start(self) -> State:
        """No plane seen yet."""
        return {"index": np.zeros(0, np.int64), "low": np.zeros(0), "high": np.zeros(0)}

    def update(self, state: State, block: Block) -> State:
        """Add the parts of planes that a block holds."""
        lead = self.axes_but(("y", "x"))
        if not self.applies or not lead or block.original.size == 0:
            return state
        index, (original, _, valid), _ = per_group(self.spec, block, lead)
        values = original.astype(np.float64)
        low = np.min(values, axis=1, where=valid, initial=np.inf)
        high = np.max(values, axis=1, where=valid, initial=-np.inf)
        return merged(state, {"index": index, "low": low, "high": high}, _HOW)

    def merge(self, left: State, right: State) -> State:
        """Both together."""
        return merged(left, right, _HOW)

    def finish(self, state: State) -> Iterable[Finding]:
        """The share of planes without contrast."""
        count = len(state["index"])
        if not count:
            return
        empty = state["index"][~(state["low"] < state["high"])]
        shape = [self.spec.shape[axis] for axis in self.axes_but(("y", "x"))]
        planes = int(np.prod(shape, dtype=np.int64))
        share = len(empty) / count
        half = 1.96 * (share * (1 - share) / count) ** 0.5 + 1 / count
        yield self.finding(
            "imaging.empty_slices",
            "validity",
            share,
            method="share of planes of rows and columns whose valid values are all equal, or that have none",
            sampled=count / planes,
            interval=None if count == planes else (max(0.0, share - half), min(1.0, share + half)),
            evidence={
                "empty": len(empty),
                "planes": planes,
                "first": [[int(i) for i in np.unravel_index(number, shape)] for number in empty[:_SHOWN].tolist()],
            },
        )
