"""Basic indexing of tensor trains, and checks of indices."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import TensorError

__all__ = ["positions", "selectors", "take"]

Array = NDArray[Any]


def selectors(key: Any, shape: Sequence[int]) -> list[int | slice]:
    """One integer (not negative) or slice for each axis, from what stands between the brackets.

    Raises
    ------
    IndexError
        Too many of them, one out of range, or one that is neither an integer nor a slice.
    """
    parts = list(key) if isinstance(key, tuple) else [key]
    dots = [i for i, part in enumerate(parts) if part is Ellipsis]
    if len(dots) > 1 or len(parts) - len(dots) > len(shape):
        raise IndexError(
            f"a tensor train of {len(shape)} axes cannot be indexed with {len(parts)} indices; give at most one for each axis"
        )
    missing = [slice(None)] * (len(shape) - len(parts) + len(dots))
    at = dots[0] if dots else len(parts)
    parts[at : at + len(dots)] = missing
    return [_selector(part, axis, n) for axis, (part, n) in enumerate(zip(parts, shape, strict=True))]


def _selector(part: Any, axis: int, n: int) -> int | slice:
    if isinstance(part, slice):
        if not len(range(n)[part]):
            raise TensorError(
                f"the slice {part} takes nothing of axis {axis}, which has {n} elements; a tensor train has no empty axes"
            )
        return part
    try:
        value = operator.index(part)
    except TypeError:
        value = None
    if value is None or isinstance(part, bool | np.bool_):
        raise IndexError(
            f"{part!r} for axis {axis}: a tensor train takes integers, slices and '...'; for lists of points use entries()"
        )
    if not -n <= value < n:
        raise IndexError(f"index {value} is out of range for axis {axis}, which has {n} elements")
    return value % n


def take(cores: Sequence[Array], chosen: Sequence[int | slice]) -> list[Array] | Any:
    """Cores of what is left; the element itself where all are integers.

    A core that loses its axis is multiplied into a neighbour.
    """
    kept: list[Array] = []
    bond: Array | None = None
    for core, part in zip(cores, chosen, strict=True):
        if isinstance(part, slice):
            piece = core[:, part, :]
            kept.append(piece if bond is None else np.tensordot(bond, piece, 1))
            bond = None
        else:
            bond = core[:, part, :] if bond is None else bond @ core[:, part, :]
    if not kept:
        return None if bond is None else bond[0, 0]
    if bond is not None:
        kept[-1] = np.tensordot(kept[-1], bond, 1)
    return kept


def positions(indices: Any, shape: Sequence[int]) -> NDArray[np.int64]:
    """``(m, d)`` integers as ``int64``, none negative.

    Raises
    ------
    IndexError
        Another shape or type, or an index out of range; names the first.
    """
    try:
        found = np.asarray(indices)
    except ValueError as error:
        raise IndexError(f"indices that are no array: {error}; give (m, {len(shape)}) integers") from error
    if found.size == 0 and found.ndim == 2 and found.shape[1] == len(shape):
        return found.astype(np.int64)
    if found.ndim != 2 or found.shape[1] != len(shape) or found.dtype.kind not in "iu":
        raise IndexError(
            f"indices of dtype {found.dtype} and shape {found.shape}: give (m, {len(shape)}) integers, one row for each element"
        )
    lengths = np.array(shape)
    wrong = np.argwhere((found < -lengths) | (found >= lengths))
    if len(wrong):
        row, axis = wrong[0]
        raise IndexError(
            f"row {row}: index {found[row, axis]} is out of range for axis {axis}, which has {shape[axis]} elements"
        )
    found = found.astype(np.int64)
    return np.where(found < 0, found + lengths, found)
