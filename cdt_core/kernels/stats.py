"""Statistics of arrays: described alone, compared in pairs, and where declared missing codes are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.kernels.reference import stats as reference
from cdt_core.kernels.statistics import Comparison, Description
from cdt_core.model import Bound

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Comparison", "Description", "compare", "describe", "mask"]


def describe(values: NDArray[Any], *, missing: NDArray[np.bool_] | None = None) -> Description:
    """Counts and moments of a numeric array of any shape; ``missing`` masks declared missing values."""
    return reference.describe(np.asarray(values), missing)


def compare(
    original: NDArray[Any],
    treated: NDArray[Any],
    *,
    missing: NDArray[np.bool_] | None = None,
    edges: tuple[float, float] | None = None,
    bound: Bound | None = None,
    bins: int = 1024,
    error_bins: int = 64,
) -> Comparison:
    """Compare two arrays of one shape and dtype; see :class:`Comparison`."""
    return reference.compare(np.asarray(original), np.asarray(treated), missing, edges, bound, (bins, error_bins))


def mask(values: NDArray[Any], codes: Sequence[float | int]) -> NDArray[np.bool_] | None:
    """Where ``values`` equal one of the declared ``codes`` (a NaN code means NaN); ``None`` when nowhere."""
    found: NDArray[np.bool_] | None = None
    for code in codes:
        hit = np.isnan(values) if code != code else values == values.dtype.type(code)
        found = hit if found is None else found | hit
    return found if found is not None and bool(found.any()) else None
