"""Counts of few are held back: who is one of two in a cell is soon known by name."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import FederatedError

__all__ = ["checked_count", "few", "refuse_few"]


def checked_count(instance: Any, attribute: Any, value: Any) -> None:
    """An attrs validator: a whole number of at least one."""
    del instance
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise FederatedError(f"{attribute.name} is {value!r}; it must be a whole number of at least 1")


def few(counts: NDArray[np.float64], least: int) -> NDArray[np.float64]:
    """The counts, NaN in place of those below ``least`` but above 0.

    Only these cells are hidden: where a total is known as well, one hidden cell alone can be computed from it.
    """
    return np.where((counts > 0) & (counts < least), np.nan, counts)


def refuse_few(counts: NDArray[np.float64], least: int, what: str) -> None:
    """Refuse a result that would rest on cells of few.

    Raises
    ------
    FederatedError
        A cell has fewer than ``least``, but more than none.
    """
    if np.isnan(few(counts, least)).any():
        raise FederatedError(f"{what} has cells of fewer than {least}; join levels, or agree on a smaller min_count")
