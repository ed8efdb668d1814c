"""Clipping to an L2 norm that holds for real numbers, whatever double precision made of the sum."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.errors import PrivacyError
from cdt_core.kernels import _lattice

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["clip_factor", "must_be_clip", "must_be_values"]

#: Sums of squares outside may have lost some of them, or overflowed.
_LEAST_SQUARES, _MOST_SQUARES = 1e-280, 1e300
#: A clip so many steps long has no meaning in a ring; one so much shorter than a step would be lost to subnormal numbers.
_MOST_STEPS, _LEAST_STEPS = 2.0**64, 2.0**-64


def must_be_values(values: ArrayLike) -> NDArray[Any]:
    """A contiguous vector of float32 or float64.

    Raises
    ------
    PrivacyError
        More than one axis, or no real numbers.
    """
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "iufb":
        raise PrivacyError(f"what is encoded is a vector of real numbers; this has {array.ndim} axes of {array.dtype}")
    kind = np.float32 if array.dtype.kind == "f" and array.dtype.itemsize <= 4 else np.float64
    return np.require(array, kind, ["C", "A"])


def must_be_clip(clip_norm: float, step: float) -> None:
    """Refuses a clip that is no positive number, or has no place on a lattice of that step."""
    if not (0 < clip_norm < math.inf and _LEAST_STEPS <= clip_norm / step <= _MOST_STEPS):
        raise PrivacyError(
            f"values cannot be clipped to norm {clip_norm} on a lattice of step {step}; give a positive number, best of "
            "many steps (Lattice.for_sum finds the step)"
        )


def clip_factor(values: NDArray[Any], clip_norm: float | None, step: float) -> float:
    """What to multiply values by, so that they count steps and their norm, as real numbers, is at most ``clip_norm / step``.

    A product is off by 2^-53 of itself at most, and so are the four operations that make the factor: 2^-50 covers them.

    Raises
    ------
    PrivacyError
        The clip is no positive number, or a value is not finite.
    """
    if clip_norm is None:
        return 1 / step
    must_be_clip(clip_norm, step)
    norm = _norm_above(values)
    if norm <= clip_norm:
        return 1 / step
    return clip_norm / step / norm * (1 - 2.0**-50)


def _norm_above(values: NDArray[Any]) -> float:
    """At least the norm, and by a relative ``(length + 16) 2^-51`` more at most.

    A sum of n squares, each rounded, is off by n 2^-53 relatively, in whatever order; the root and two products by less
    than 16 2^-52.
    """
    total, scale = _lattice.squares(values), 1.0
    if not _LEAST_SQUARES <= total <= _MOST_SQUARES:
        largest = float(np.max(np.abs(values), initial=0.0))
        if not math.isfinite(largest):
            index = int(np.argmin(np.isfinite(values)))
            raise PrivacyError(
                f"value {values[index]} at index {index} is no number that can be encoded; replace it first"
            )
        if largest == 0:
            return 0.0
        # By a power of two, so that nothing is rounded but what does not count beside the largest.
        scale = 2.0 ** max(math.frexp(largest)[1], -1000)
        total = _lattice.squares(values.astype(np.float64) / scale)
    return math.sqrt(total) * (1 + (values.size + 16) * 2.0**-52) * scale
