"""How much is missing, and how much is neither missing nor a number."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from cdt_core.hooks.contracts import Block, State
from cdt_core.model import Finding
from cdt_core.validators.summary import OfVariable, description_of, state_of

__all__ = ["Missing"]


class Missing(OfVariable):
    """Shares of declared missing values, and of NaN and infinities that nothing declares."""

    def start(self) -> State:
        """Nothing seen yet."""
        return {"original": None, "first": None}

    def update(self, state: State, block: Block) -> State:
        """Add the counts of a block; look for the first position only where there is one."""
        described = block.comparison.original
        first = None
        if described.nan + described.positive_infinite + described.negative_infinite:
            wrong = ~np.isfinite(block.original)
            if block.missing is not None:
                wrong &= ~block.missing
            inside = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
            first = [int(s + i) for s, i in zip(block.start, inside, strict=True)]
        return self.merge(state, {"original": state_of(described), "first": first})

    def merge(self, left: State, right: State) -> State:
        """Both together; the first position is the first in array order."""
        if right["original"] is not None:
            known = left["original"]
            more = right["original"]
            left["original"] = more if known is None else state_of(description_of(known).merge(description_of(more)))
        positions = [state["first"] for state in (left, right) if state["first"] is not None]
        left["first"] = min(positions, default=None)
        return left

    def finish(self, state: State) -> Iterable[Finding]:
        """Two shares of all values; nothing without a value."""
        described = None if state["original"] is None else description_of(state["original"])
        if described is None or not described.count:
            return
        yield self.finding(
            "core.missing_share",
            "completeness",
            described.missing / described.count,
            method="values equal to a declared fill code (_FillValue, missing_value, NaN) over all values",
            evidence={"missing": described.missing, "count": described.count},
        )
        infinite = described.positive_infinite + described.negative_infinite
        yield self.finding(
            "core.nonfinite_share",
            "validity",
            (described.nan + infinite) / described.count,
            method="NaN and infinities that are not declared missing, over all values",
            evidence={
                "nan": described.nan,
                "positive_infinite": described.positive_infinite,
                "negative_infinite": described.negative_infinite,
                "first": state["first"],
            },
        )
