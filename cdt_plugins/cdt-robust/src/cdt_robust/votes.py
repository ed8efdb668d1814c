"""One vote for each site of a weight above zero, for the rules that go by distance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from cdt_core.errors import AggregationError
from cdt_robust.updates import Ballot, Updates, Vector

__all__ = ["vote"]


def vote(rule: Callable[[tuple[Vector, ...]], Vector], updates: Updates, weights: ArrayLike) -> Vector:
    """Apply a rule to the updates that count; an error names the row that an update had among all.

    Raises
    ------
    AggregationError
        Shapes, dtypes, weights or values with which the rule has no meaning.
    """
    ballot = Ballot.of(updates, weights)
    try:
        return rule(ballot.rows)
    except AggregationError:
        for site, row in zip(ballot.sites, ballot.rows, strict=True):
            wrong = np.flatnonzero(~np.isfinite(row))
            if wrong.size:
                raise AggregationError(
                    f"update {site} is {row[wrong[0]]} at coordinate {wrong[0]}; "
                    "have the site send finite values, or give it the weight 0"
                ) from None
        raise
