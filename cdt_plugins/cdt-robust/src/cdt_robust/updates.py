"""What every rule does first: check the updates and the weights, and keep the updates that count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike, NDArray

from cdt_core.kernels.robust.rows import Rows
from cdt_core.kernels.robust.weights import checked_weights

__all__ = ["Ballot", "Updates", "Vector"]

Vector: TypeAlias = NDArray[np.floating[Any]]

#: An array of shape (sites, length), or one vector of that length per site; float16, float32 or float64.
Updates: TypeAlias = Vector | Sequence[Vector]


@frozen(eq=False)
class Ballot:
    """The updates that count, checked: one vote for each site whose weight is above zero.

    Parameters
    ----------
    kept
        What the kernels read; their errors name the row that an update had among all.
    """

    kept: Rows

    @classmethod
    def of(cls, updates: Updates, weights: ArrayLike) -> Ballot:
        """Check shapes, dtypes and weights; the values are checked when they are read.

        Raises
        ------
        AggregationError
            No updates; one that is no vector of floats or has another length than the first; weights that are not one
            finite number >= 0 per update, or that are all zero.
        """
        rows = Rows.of(updates)
        return cls(rows.only(np.flatnonzero(checked_weights(weights, len(rows.vectors)))))

    @property
    def rows(self) -> tuple[Vector, ...]:
        """One vector of shape (length,) for each such site, as it was given (no copy)."""
        return self.kept.vectors

    @property
    def sites(self) -> tuple[int, ...]:
        """The row that each had among all updates."""
        return self.kept.numbers
