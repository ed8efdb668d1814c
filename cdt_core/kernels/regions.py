"""Parts of arrays as ranges: on the axes of an array, and on those that blocks cut."""

from __future__ import annotations

import math

__all__ = ["box_ranges", "wanted_ranges"]


def wanted_ranges(shape: tuple[int, ...], region: tuple[slice, ...] | None) -> list[tuple[int, int]]:
    """The region as one range per axis."""
    if region is None:
        return [(0, length) for length in shape]
    if len(region) != len(shape):
        raise ValueError(f"region has {len(region)} slices for {len(shape)} axes")
    ranges = []
    for part, length in zip(region, shape, strict=True):
        start, stop, step = part.indices(length)
        if step != 1:
            raise ValueError(f"region has a step of {step}; only 1 is possible")
        ranges.append((start, max(start, stop)))
    return ranges


def box_ranges(shape: tuple[int, ...], wanted: list[tuple[int, int]], axes: int) -> list[tuple[int, int]] | None:
    """The ranges on the axes of the box that blocks cut; None where axes were joined and only a part of one is wanted."""
    kept = [(part, length) for part, length in zip(wanted, shape, strict=True) if length != 1]
    if not kept:
        return [(0, 1) if all(stop > start for start, stop in wanted) else (0, 0)]
    joined, rest = kept[: len(kept) - axes + 1], kept[len(kept) - axes + 1 :]
    if len(joined) == 1:
        ranges = [part for part, _ in kept]
    elif all(part == (0, length) for part, length in joined):
        ranges = [(0, math.prod(length for _, length in joined)), *(part for part, _ in rest)]
    else:
        return None
    empty = any(stop <= start for start, stop in wanted)
    return [(0, 0) for _ in ranges] if empty else ranges
