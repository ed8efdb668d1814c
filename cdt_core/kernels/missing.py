"""Declared missing codes, as the values of a type can equal them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["held_codes"]


def held_codes(codes: Sequence[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The ``codes`` that integers or floats of ``dtype`` can hold, as an array of it; others mean nothing there.

    A code between two floats is the nearest one, as it is when a file stores it: -999.9 declared in text, or as float64, is
    found in float32 values.
    """
    plain = [code.item() if isinstance(code, np.generic) else code for code in codes]
    numbers: list[Any] = [code for code in plain if isinstance(code, Real)]
    if dtype.kind == "f":
        wide = np.array([float(c) for c in numbers if not sys.float_info.max < abs(c) < float("inf")], np.float64)
        with np.errstate(over="ignore"):
            held = wide.astype(dtype)
        kept: NDArray[Any] = held[np.isfinite(held) | ~np.isfinite(wide)]
        return kept
    limits = np.iinfo(dtype)
    return np.array([int(c) for c in numbers if limits.min <= c <= limits.max and int(c) == c], dtype)
