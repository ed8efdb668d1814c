"""What a selection of an array touches: one box, and the selection within it."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["box_of"]


def box_of(selection: Any, shape: tuple[int, ...]) -> tuple[tuple[slice, ...], Any]:
    """A box, one slice with a step of 1 per axis, and the ``within`` for which ``x[box][within]`` is ``x[selection]``.

    Integers, slices and arrays of integers are narrowed to what they touch; what else NumPy takes leaves the box whole.

    >>> box_of((3, slice(2, 9, 3)), (5, 10))
    ((slice(3, 4, 1), slice(2, 9, 1)), (0, slice(0, None, 3)))
    """
    parts = selection if isinstance(selection, tuple) else (selection,)
    pairs = [_narrowed(part, length) for part, length in zip(parts, shape, strict=False)]
    if len(parts) > len(shape) or any(pair is None for pair in pairs):
        return tuple(slice(0, length, 1) for length in shape), selection
    found = [pair for pair in pairs if pair is not None]
    rest = [slice(0, length, 1) for length in shape[len(parts) :]]
    return tuple([box for box, _ in found] + rest), tuple(within for _, within in found)


def _narrowed(part: Any, length: int) -> tuple[slice, Any] | None:
    """The range that a selection along one axis needs, and the selection within; None when it is of another kind."""
    if isinstance(part, slice):
        start, stop, step = part.indices(length)
        return (slice(start, max(start, stop), 1), slice(0, None, step)) if step > 0 else None
    places = np.asarray(part)
    if places.dtype.kind not in "iu" or not places.size or places.min() < 0 or places.max() >= length:
        return None
    first = int(places.min())
    return slice(first, int(places.max()) + 1, 1), int(part) - first if places.ndim == 0 else places - first
