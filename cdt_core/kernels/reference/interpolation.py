"""Blocks that are predicted by level-wise interpolation from values that are decoded already."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cdt_core.kernels.reference import contexts
from cdt_core.kernels.reference.layout import read_layout
from cdt_core.kernels.reference.maps import INTEGER_STEPS, LINEAR, Map, key_limits
from cdt_core.kernels.reference.pyramid import Pyramid, Segment, odd_bits
from cdt_core.kernels.reference.reading import Bytes, need

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["floats", "whole_numbers"]

_MOST_LEVELS = 4
_UNIT = 1024
#: Adding and subtracting it rounds a binary32 to a whole number.
_ROUNDER = np.float32(12582912)
_MOST_WHOLE = 2.0**23
_SPLIT = {1: 1, 2: 3, 3: 7}
#: Beside the number of axes: points outside go on in a straight line.
_STRAIGHT = 128


class _Cells(NamedTuple):
    """Values lie at a whole number of steps from their predictions; ``snapped`` predictions are rounded first."""

    step: np.floating[Any]
    origin: np.floating[Any]
    snapped: bool

    def values(self, predicted: NDArray[Any], residuals: NDArray[Any]) -> NDArray[Any]:
        if self.snapped:
            predicted = (predicted + _ROUNDER) - _ROUNDER
        values: NDArray[Any] = predicted + residuals.astype(self.step.dtype) * self.step
        return values


def floats(source: Bytes, sides: tuple[int, ...], dtype: np.dtype[Any], of: Map) -> NDArray[Any]:
    """The numbers of a block, flat: floats from floats.

    Raises
    ------
    CorruptStreamError
        The bytes break a rule of the format.
    """
    need(dtype in (np.dtype("<f4"), np.dtype("<f8")) and of.kind == LINEAR, "interpolation of this dtype")
    layout = read_layout(source, sides)
    axes, origin = source.byte(), source.double()
    largest = float(np.finfo(dtype).max)
    need(abs(origin) <= largest and float(dtype.type(origin)) == origin, "origin")
    cells = _Cells(dtype.type(of.step), dtype.type(origin), False)
    values = _interpolated(source, layout.lengths(_counted(axes)), axes, cells)
    return layout.back(values)


def whole_numbers(
    source: Bytes, sides: tuple[int, ...], dtype: np.dtype[Any], of: Map, *, are_numbers: bool
) -> NDArray[Any]:
    """The numbers of a block, flat: from whole numbers that are codes of a map, or that are numbers themselves.

    Raises
    ------
    CorruptStreamError
        The bytes break a rule of the format.
    """
    need(of.width == 4 and (not are_numbers or of.kind == INTEGER_STEPS), "interpolation of this dtype")
    layout = read_layout(source, sides)
    axes = source.byte()
    base = int.from_bytes(source.take(4), "little", signed=dtype != np.dtype("<u4"))
    step = np.float32(2.0 * of.integer_step + 1.0 if are_numbers else 1.0)
    values = _interpolated(source, layout.lengths(_counted(axes)), axes, _Cells(step, np.float32(0), True))
    need(bool((np.abs(values) <= _MOST_WHOLE).all()), "a whole number is too large")
    whole = layout.back(values).astype(np.int64) + base
    if are_numbers:
        return np.clip(whole, *key_limits(dtype)).astype(dtype)
    return of.numbers(whole.astype(np.int32), dtype)


def _counted(axes: int) -> int:
    """How many axes are interpolated."""
    need(axes & ~_STRAIGHT in _SPLIT, "axes of an interpolation")
    return axes & ~_STRAIGHT


def _interpolated(source: Bytes, lengths: tuple[int, ...], axes: int, cells: _Cells) -> NDArray[Any]:
    straight, axes = bool(axes & _STRAIGHT), axes & ~_STRAIGHT
    pyramid = Pyramid(lengths, _SPLIT[axes])
    need(pyramid.levels > 0, "an interpolation without levels")
    weights = _weights(source, pyramid)
    residuals = contexts.residuals(source.rest(), pyramid, 4)
    block = np.zeros(lengths, cells.step.dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        for segment in pyramid.segments():
            points, steps = pyramid.points(block, segment), pyramid.points(residuals, segment)
            if segment.c == 0:
                points[...] = _chain(steps.reshape(-1), cells).reshape(points.shape)
                continue
            level = min(segment.level, max(weights)[0])
            units = weights[level, segment.c].astype(block.dtype) / block.dtype.type(_UNIT)
            points[...] = cells.values(_predicted(block, pyramid, segment, units, straight=straight), steps)
    return block


def _weights(source: Bytes, pyramid: Pyramid) -> Mapping[tuple[int, int], NDArray[np.int16]]:
    """Weights by level and class."""
    levels = source.byte()
    need(1 <= levels <= min(_MOST_LEVELS, pyramid.levels), "levels with weights")
    found = {}
    for level, c in itertools.product(range(levels), range(1, 8)):
        if not c & ~pyramid.splits[level]:
            found[level, c] = np.frombuffer(source.take(2 * len(odd_bits(c)) ** 2), "<i2")
    return found


def _chain(residuals: NDArray[Any], cells: _Cells) -> NDArray[Any]:
    """Each value from the one before it."""
    values = []
    before = np.array([cells.origin])
    for i in range(residuals.size):
        before = cells.values(before, residuals[i : i + 1])
        values.append(before)
    return np.concatenate(values)


def _predicted(
    block: NDArray[Any], pyramid: Pyramid, segment: Segment, weights: NDArray[Any], *, straight: bool
) -> NDArray[Any]:
    half, quarter, eighth = (block.dtype.type(1 / n) for n in (2, 4, 8))
    odd = odd_bits(segment.c)

    def at(by: Mapping[int, int]) -> NDArray[Any]:
        return pyramid.around(block, segment, by, straight=straight)

    def four(first: int, second: int, further: Mapping[int, int]) -> NDArray[Any]:
        corner = {(i, j): at({first: i, second: j, **further}) for i in (0, 1) for j in (0, 1)}
        total: NDArray[Any] = (corner[0, 0] + corner[1, 0]) + (corner[0, 1] + corner[1, 1])
        return total

    near = {bit: (at({bit: 0}) + at({bit: 1})) * half for bit in odd}
    far = {bit: (at({bit: -1}) + at({bit: 2})) * half for bit in odd}
    features = [far[odd[0]], *(mean for bit in odd[1:] for mean in (near[bit], far[bit]))]
    features += [four(i, j, {}) * quarter for i, j in itertools.combinations(odd, 2)]
    if len(odd) == 3:
        features.append((four(1, 2, {4: 0}) + four(1, 2, {4: 1})) * eighth)
    base = near[odd[0]]
    f = [weight * (feature - base) for weight, feature in zip(weights, features, strict=True)]
    further: NDArray[Any] = f[0]
    if len(odd) > 1:
        further = (f[0] + f[1]) + (f[2] + f[3])
    if len(odd) > 2:
        further = (further + ((f[4] + f[5]) + (f[6] + f[7]))) + f[8]
    predicted: NDArray[Any] = base + further
    return predicted
