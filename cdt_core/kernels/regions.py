"""Parts of arrays as ranges: on the axes of an array, and on those that blocks cut."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from cdt_core.errors import RegionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["box_ranges", "check_level", "into", "wanted_ranges"]

#: Levels that coarse reading knows.
_MOST_LEVEL = 24


def wanted_ranges(shape: tuple[int, ...], region: tuple[slice, ...] | None) -> list[tuple[int, int]]:
    """The region as one range per axis.

    Raises
    ------
    RegionError
        It is not one slice per axis, or a slice has another step than 1.
    """
    if region is None:
        return [(0, length) for length in shape]
    if not isinstance(region, tuple | list) or not all(isinstance(part, slice) for part in region):
        raise RegionError(
            f"region is {region!r}; give one slice for each of the {len(shape)} axes: (slice(0, 10), ...)"
        )
    if len(region) != len(shape):
        raise RegionError(f"region has {len(region)} slices for {len(shape)} axes; give one for each")
    ranges = []
    for part, length in zip(region, shape, strict=True):
        try:
            start, stop, step = part.indices(length)
        except (TypeError, ValueError) as error:
            raise RegionError(f"region has {part}: {error}") from None
        if step != 1:
            raise RegionError(f"region has a step of {step}; only 1 is possible")
        ranges.append((start, max(start, stop)))
    return ranges


def check_level(level: int, region: tuple[slice, ...] | None) -> None:
    """Refuse a level that there is not, or one of a part."""
    if level and (region is not None or level not in range(_MOST_LEVEL + 1)):
        raise RegionError(f"level {level}: 0 to {_MOST_LEVEL} are possible, above 0 not together with a region")


def into(values: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any]:
    """Values, in ``out`` when that is given.

    Raises
    ------
    RegionError
        ``out`` has another shape or dtype.
    """
    if out is None:
        return values
    if out.shape != values.shape or out.dtype != values.dtype:
        raise RegionError(f"out has shape {out.shape} and dtype {out.dtype}, not {values.shape} and {values.dtype}")
    out[...] = values
    return out


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
