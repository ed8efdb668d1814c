"""What one tile of a tensor adds to the sums of a sketch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.kernels.tensor_train.sketch_maps import PROBES, Maps, column_maps, row_maps

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["absorb"]


def absorb(
    slices: Sequence[NDArray[Any]], probes: NDArray[Any], maps: Maps, tile: tuple[NDArray[Any], tuple[int, ...]]
) -> float:
    """Add a tile (its values and its first index) to the slices and probes, in place; gives its energy.

    Two products read the tile: the rows of its middle unfolding with the left maps, its columns with the right maps. All
    slices follow from these two, which are small. An energy that is not finite says that nothing was added.
    """
    values, low = tile
    m, lengths = maps.middle, values.shape
    rows, columns = row_maps(maps, low[:m], lengths[:m]), column_maps(maps, low[m:], lengths[m:])
    parts = _real_parts(values)
    with np.errstate(over="ignore", invalid="ignore"):
        energy = sum(float(np.vdot(part, part)) for part, _ in parts)
    if not np.isfinite(energy):
        return energy
    for part, unit in parts:
        middle = part.reshape(len(rows[-1]), -1)
        left, right = rows[-1].T @ middle, middle @ columns[0]
        probes += unit * (left[-PROBES[0] :] @ columns[-1])
        places = [slice(at, at + n) for at, n in zip(low, lengths, strict=True)]
        for k, found in _from_columns(right, maps, rows, places):
            slices[k][:, places[k]] += unit * found
        for k, found in _from_rows(left[: -PROBES[0]], maps, columns, places):
            slices[k][:, places[k]] += unit * found
    return energy


def _real_parts(values: NDArray[Any]) -> list[tuple[NDArray[np.float64], complex]]:
    with np.errstate(over="ignore"):  # of what is longer than double precision
        if values.dtype.kind != "c":
            return [(np.ascontiguousarray(values, np.float64), 1)]
        return [(np.ascontiguousarray(values.real, np.float64), 1), (np.ascontiguousarray(values.imag, np.float64), 1j)]


def _from_columns(
    right: NDArray[np.float64], maps: Maps, rows: list[NDArray[np.float64]], places: list[slice]
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Slices of the axes before the middle, from the tile with its other axes contracted: (rows, r_m)."""
    for k in range(maps.middle - 1, -1, -1):
        n, rank = places[k].stop - places[k].start, right.shape[-1]
        lines = right.reshape(-1, n * rank)
        yield k, (rows[k].T @ lines).reshape(-1, n, rank)
        if k:
            core = maps.right[k][:, places[k]]
            right = lines @ core.reshape(len(core), -1).T


def _from_rows(
    left: NDArray[np.float64], maps: Maps, columns: list[NDArray[np.float64]], places: list[slice]
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Slices of the axes from the middle on, from the tile with its other axes contracted: (l_m, columns)."""
    last = len(maps.shape) - 1
    for k in range(maps.middle, last + 1):
        n, rank = places[k].stop - places[k].start, len(left)
        lines = left.reshape(rank * n, -1)
        yield k, (lines @ columns[k - maps.middle + 1]).reshape(rank, n, -1)
        if k < last:
            core = maps.left[k][:, places[k]]
            left = core.reshape(rank * n, -1).T @ lines
