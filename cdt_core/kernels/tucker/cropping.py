"""Slices of a tensor that are all zero, such as the border of a padded image: they need no numbers, and no time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.kernels.tucker.decomposition import Tucker
from cdt_core.kernels.tucker.modes import three_way

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

__all__ = ["cropped", "occupied", "spread"]

#: A tensor is cropped if no more than this share of it is left: a copy has to pay.
_WORTH = 0.9
#: Places before and after each axis that are looked at first, about; in most tensors they say that no slice is zero.
_LOOKS = 16
#: Numbers of slices that are looked at together.
_TOGETHER = 1 << 16


def occupied(x: Array) -> list[Array] | None:
    """For each axis the places whose slices are not all zero; ``None`` where leaving out the others does not pay."""
    places = [np.flatnonzero(_is_occupied(x, axis)) for axis in range(x.ndim)]
    left = math.prod(len(p) for p in places)
    return places if 0 < left <= _WORTH * x.size else None


def cropped(x: Array, places: list[Array]) -> Array:
    """A copy of ``x`` at those places of each axis."""
    for axis, kept in enumerate(places):
        x = _at(x, kept, axis)
    return np.ascontiguousarray(x)


def spread(small: Tucker, places: list[Array], shape: tuple[int, ...]) -> Tucker:
    """The decomposition of a whole tensor from that of what was cropped from it: rows of zeros are put into the factors."""
    factors = []
    for factor, kept, n in zip(small.factors, places, shape, strict=True):
        whole = np.zeros((n, factor.shape[1]), factor.dtype)
        whole[kept] = factor
        factors.append(whole)
    return Tucker(small.core, factors, small.error)


def _is_occupied(x: Array, axis: int) -> Array:
    """Which slices along an axis hold a number that is not zero: NaN is one."""
    three = three_way(x, range(axis, axis + 1))
    before, after = (slice(n // _LOOKS // 2, None, n // _LOOKS | 1) for n in three.shape[::2])
    found = np.asarray(three[before, :, after].any(axis=(0, 2)))
    open_ = np.flatnonzero(~found)
    step = max(_TOGETHER * len(found) // x.size, 1)
    for start in range(0, len(open_), step):
        part = open_[start : start + step]
        found[part] = _at(three, part, 1).any(axis=(0, 2))
    return found


def _at(x: Array, places: Array, axis: int) -> Array:
    """``np.take`` of ascending places, without a copy of neighbours."""
    if places[-1] - places[0] + 1 == len(places):
        return x[(slice(None),) * axis + (slice(places[0], places[-1] + 1),)]
    return np.asarray(np.take(x, places, axis))
