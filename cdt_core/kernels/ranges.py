"""Ranges of finite values, which relative bounds and the steps of lattices follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.kernels import _codec
from cdt_core.kernels.crew import share

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["finite_range", "largest_size"]

#: How many values decide the step of a lattice where fill values hide the extremes.
_SAMPLE = 1 << 14
#: Values that one thread reads sooner than another wakes up.
_ENOUGH_TO_SHARE = 1 << 18
#: Distance of 1 and the next float, by bytes of a float.
_EPSILON = {2: 2.0**-10, 4: 2.0**-23, 8: 2.0**-52}


def finite_range(values: NDArray[Any], workers: int = 1) -> tuple[float, float] | None:
    """Least and largest finite value of contiguous integers or floats; None without one."""
    flat = values.reshape(-1)
    if flat.size < _ENOUGH_TO_SHARE:
        return _range_of(flat)
    found = share(lambda start, stop: _range_of(flat[start:stop]), flat.size, workers)
    ranges = [pair for pair in found if pair is not None]
    return (min(low for low, _ in ranges), max(high for _, high in ranges)) if ranges else None


def _range_of(flat: NDArray[Any]) -> tuple[float, float] | None:
    if flat.dtype.kind == "f":
        wide = np.require(flat, requirements="A") if flat.dtype.itemsize > 2 else flat.astype(np.float32)
        found: tuple[float, float] | None = _codec.value_range(wide)
        return found
    return (float(flat.min()), float(flat.max())) if flat.size else None


def largest_size(
    work: NDArray[Any], codes: NDArray[Any] | None, bound: float, extremes: tuple[float, float] | None
) -> float:
    """The largest finite size that matters for the step of a lattice. Fill values are no measure of that: when the extremes
    are so large that rounding would eat the bound, a sample without ``codes`` decides.
    """
    largest = max(abs(extremes[0]), abs(extremes[1])) if extremes else 0.0
    if largest * _EPSILON[work.dtype.itemsize] < bound / 20:
        return largest
    sample = work.reshape(-1)[:: max(1, work.size // _SAMPLE)]
    sample = sample[np.isfinite(sample)]
    if codes is not None:
        sample = sample[~np.isin(sample, codes)]
    return float(np.quantile(np.abs(sample), 0.75)) if sample.size else 0.0
