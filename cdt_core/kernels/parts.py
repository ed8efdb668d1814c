"""Complex numbers as pairs of real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["parts_of", "parts_of_mask"]


def parts_of(values: NDArray[Any]) -> NDArray[Any]:
    """Complex ``values`` as real and imaginary parts along a last axis of 2; a view where they are contiguous."""
    whole = np.ascontiguousarray(values).reshape(values.shape)  # a scalar had got an axis
    parts: NDArray[Any] = whole[..., None].view(values.real.dtype)
    return parts


def parts_of_mask(mask: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    """A mask of complex values for their parts: both of a number are missing, or none."""
    return None if mask is None else np.repeat(mask[..., None], 2, axis=-1)
