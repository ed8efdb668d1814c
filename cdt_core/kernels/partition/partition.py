"""A partition of rows into classes, and the range of codes that each class covers."""

from __future__ import annotations

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

__all__ = ["Partition"]


@frozen(eq=False)
class Partition:
    """Classes of rows.

    Parameters
    ----------
    classes
        Class of each row (rows,), from 0 on.
    order, starts
        Rows of class g are ``order[starts[g]:starts[g + 1]]``.
    lows, highs
        Least and greatest code of each class in each column (classes, columns).
    """

    classes: NDArray[np.uint32]
    order: NDArray[np.uint32]
    starts: NDArray[np.uint64]
    lows: NDArray[np.uint32]
    highs: NDArray[np.uint32]

    @property
    def count(self) -> int:
        """Number of classes."""
        return len(self.lows)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Rows of each class."""
        return np.diff(self.starts).astype(np.int64)
