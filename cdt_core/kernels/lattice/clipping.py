"""Clipping to an L2 norm that holds for real numbers, whatever double precision made of the sum."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.errors import PrivacyError
from cdt_core.kernels import _lattice
from cdt_core.kernels.lattice.checks import must_be_number

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["clip", "must_be_clip", "must_be_values"]

#: Sums of squares outside may have lost some of them, or overflowed.
_LEAST_SQUARES, _MOST_SQUARES = 1e-280, 1e300
#: A longer clip has no meaning in a ring, and squares of the norm would leave 128 bits; one so much shorter than a step would
#: be lost to subnormal numbers.
_MOST_STEPS, _LEAST_STEPS = 2.0**63, 2.0**-64


def must_be_values(values: ArrayLike) -> NDArray[Any]:
    """A contiguous vector of float32 or float64.

    Raises
    ------
    PrivacyError
        More than one axis, or no real numbers.
    """
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise PrivacyError(f"what is encoded is a vector of real numbers; these are none: {error}") from error
    if np.ma.is_masked(values):
        raise PrivacyError("what is encoded has masked values; fill them first")
    if array.ndim != 1 or array.dtype.kind not in "iufb":
        raise PrivacyError(f"what is encoded is a vector of real numbers; this has {array.ndim} axes of {array.dtype}")
    kind = np.float32 if array.dtype.kind == "f" and array.dtype.itemsize <= 4 else np.float64
    return np.require(array, kind, ["C", "A"])


def must_be_clip(clip_norm: float, step: float) -> float:
    """The clip in double precision.

    Raises
    ------
    PrivacyError
        It is no positive number, or has no place on a lattice of that step.
    """
    norm = must_be_number("clip_norm", clip_norm)
    if not (0 < norm < math.inf and _LEAST_STEPS <= norm / step <= _MOST_STEPS):
        raise PrivacyError(
            f"values cannot be clipped to norm {clip_norm} on a lattice of step {step}; give a positive number, best of "
            "many steps (Lattice.for_sum finds the step)"
        )
    return norm


def clip(values: NDArray[Any], clip_norm: float | None, step: float) -> tuple[NDArray[Any], float]:
    """Values, and what to multiply them by, so that they count steps and have a norm of at most ``clip_norm / step``.

    That is the norm of the products as real numbers. A product is off by 2^-53 of itself at most, and so are the operations
    that make the factor: 2^-50 covers them. The values are those given, unless their squares are no numbers: then they are
    divided by a power of two.

    Raises
    ------
    PrivacyError
        The clip is no positive number, or a value is not finite.
    """
    if clip_norm is None:
        return values, 1 / step
    most = must_be_clip(clip_norm, step)
    scaled, scale = values, 1.0
    total = _lattice.squares(values)
    if not _LEAST_SQUARES <= total <= _MOST_SQUARES:
        scale = _scale_of(values)
        scaled = values.astype(np.float64) / scale
        total = _lattice.squares(scaled)
    norm = _root_above(total, values.size)
    if norm <= most / scale:
        return values, 1 / step
    return scaled, most / step / norm * (1 - 2.0**-50)


def _root_above(total: float, count: int) -> float:
    """At least the norm of which the kernel summed the squares, and by a relative ``(count / 16 + 40) 2^-53`` more at most.

    The kernel's 16 sums of ``count / 16`` rounded squares, added up, are off by ``(count / 16 + 17) 2^-53`` relatively at most;
    the root of that by half of it, and by the three roundings here.
    """
    return math.sqrt(total) * (1 + (count / 16 + 40) * 2.0**-53)


def _scale_of(values: NDArray[Any]) -> float:
    """A power of two that brings the largest value near 1."""
    largest = float(np.max(np.abs(values), initial=0.0))
    if not math.isfinite(largest):
        index = int(np.argmin(np.isfinite(values)))
        raise PrivacyError(f"value {values[index]} at index {index} is no number that can be encoded; replace it first")
    return 2.0 ** min(max(math.frexp(largest)[1], -1000), 1000)
