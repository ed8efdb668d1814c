"""How rough a field is and how much of it is noise, from small samples in the middle of blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Texture", "texture_of"]

_SIDE = 64
#: MAD of a normal law over its standard deviation; sqrt(6) is the gain of the second difference (1, -2, 1) on white noise.
_MAD_TO_STD = 0.6745
_SECOND_DIFFERENCE_GAIN = 6.0**0.5


@frozen
class Texture:
    """Mean absolute first difference and noise estimate along each axis (``None`` where fewer than 3 values lie)."""

    steps: tuple[float | None, ...]
    noise: tuple[float | None, ...]

    @staticmethod
    def combine(
        textures: Sequence[Texture], std: float | None, ndim: int
    ) -> tuple[tuple[float | None, ...], float | None]:
        """Median over the samples: roughness per axis (steps over ``std``), and the noise of the quietest axis."""
        if not textures or not std:
            return (None,) * ndim, None
        steps = [_median([t.steps[axis] for t in textures if axis < len(t.steps)]) for axis in range(ndim)]
        noise = [_median([t.noise[axis] for t in textures if axis < len(t.noise)]) for axis in range(ndim)]
        known = [value for value in noise if value is not None]
        return tuple(None if step is None else step / std for step in steps), min(known) if known else None


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None


def texture_of(values: NDArray[Any], missing: NDArray[np.bool_] | None) -> Texture:
    """The texture of at most 64 neighbours per axis (the last three axes) in the middle of a block.

    ``values`` is any numeric array; missing and non-finite values take no part.
    """
    middle = tuple(
        slice(max(0, (n - _SIDE) // 2), max(0, (n - _SIDE) // 2) + _SIDE)
        if axis >= values.ndim - 3
        else slice(n // 2, n // 2 + 1)
        for axis, n in enumerate(values.shape)
    )
    sample = np.array(values[middle], np.float64)
    if missing is not None:
        sample[missing[middle]] = np.nan
    sample[~np.isfinite(sample)] = np.nan
    pairs = [_along(sample, axis) for axis in range(sample.ndim)]
    return Texture(tuple(step for step, _ in pairs), tuple(noise for _, noise in pairs))


def _along(sample: NDArray[np.float64], axis: int) -> tuple[float | None, float | None]:
    if sample.shape[axis] < 3:
        return None, None
    with np.errstate(over="ignore", invalid="ignore"):
        first = np.abs(np.diff(sample, axis=axis))
        second = np.abs(np.diff(sample, n=2, axis=axis))
    first, second = first[np.isfinite(first)], second[np.isfinite(second)]
    if first.size == 0 or second.size == 0:
        return None, None
    return float(first.mean()), float(np.median(second)) / _MAD_TO_STD / _SECOND_DIFFERENCE_GAIN
