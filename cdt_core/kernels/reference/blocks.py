"""One block: numbers of any method, and those of differences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.kernels.reference import contexts, interpolation, palette, planes
from cdt_core.kernels.reference.exact import read_exact
from cdt_core.kernels.reference.layout import read_layout
from cdt_core.kernels.reference.maps import LINEAR, Map, check_map, lossless_map
from cdt_core.kernels.reference.reading import Bytes, need

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["read_block"]

_RAW, _CONSTANT, _PLANES, _CONTEXTS, _INTERPOLATED, _PALETTE, _BASE = range(7)
_LOSSLESS, _SERIES, _SNAPPED, _NUMBERS = 16, 32, 64, 128
#: Flags that each method has.
_FLAGS = {
    _RAW: 0,
    _CONSTANT: 0,
    _PLANES: _LOSSLESS,
    _CONTEXTS: _LOSSLESS | _SERIES,
    _INTERPOLATED: _LOSSLESS | _SNAPPED | _NUMBERS,
    _PALETTE: 0,
    _BASE: 0,
}


def read_block(data: bytes, sides: tuple[int, ...], dtype: np.dtype[Any], of: Map) -> NDArray[Any]:
    """The numbers of a block, flat; ``of`` is the stream's map.

    Raises
    ------
    CorruptStreamError
        The bytes are no such block.
    """
    source = Bytes(data)
    head = source.byte()
    method, n = head & 15, math.prod(sides)
    need(method in _FLAGS and not head & 0xF0 & ~_FLAGS[method], "method or flags of a block")
    if method in (_RAW, _CONSTANT):
        numbers = np.frombuffer(source.rest(), np.uint8)
        need(numbers.size == dtype.itemsize * (n if method == _RAW else 1), "length of a block")
        return np.resize(numbers, n * dtype.itemsize).view(dtype)
    if method == _BASE:
        return _over_base(source, sides, dtype, of)
    exact = read_exact(source, sides, dtype)
    if method == _PALETTE:
        found = palette.read_numbers(source, sides, dtype)
        return exact.over(palette.look_up(found, _ranks(source, sides)))
    of = lossless_map(dtype) if head & _LOSSLESS else of
    if method != _INTERPOLATED:
        return exact.over(_differences(source, sides, dtype, of, head))
    if head & _SNAPPED:
        need(not (head & _NUMBERS and head & _LOSSLESS), "flags of a block")
        return exact.over(interpolation.whole_numbers(source, sides, dtype, of, are_numbers=bool(head & _NUMBERS)))
    need(not head & (_NUMBERS | _LOSSLESS), "flags of a block")
    return exact.over(interpolation.floats(source, sides, dtype, of))


def _ranks(source: Bytes, sides: tuple[int, ...]) -> NDArray[Any]:
    block = source.rest()
    need(len(block) > 0 and block[0] & 15 != _PALETTE, "ranks of a palette")
    ranks = np.dtype("<u4")
    return read_block(block, sides, ranks, lossless_map(ranks))


def _over_base(source: Bytes, sides: tuple[int, ...], dtype: np.dtype[Any], of: Map) -> NDArray[Any]:
    """A base slice, and what each slice along the first axis differs from it."""
    need(len(sides) > 1 and of.kind == LINEAR and dtype.kind == "f" and dtype.itemsize > 2, "a base slice")
    parts = []
    for block, shape, part in (
        (source.part(), sides[1:], 1 / 8),
        (source.rest(), sides, 255 / 256),
    ):
        inner = of._replace(step=float(dtype.type(of.step * part)), offset=0.0)
        check_map(inner, dtype)
        need(len(block) > 0 and block[0] & 15 not in (_PALETTE, _BASE), "a block within a block")
        parts.append(read_block(block, shape, dtype, inner).reshape(shape))
    with np.errstate(over="ignore", invalid="ignore"):
        sums: NDArray[Any] = parts[0] + parts[1]
    return sums.reshape(-1)


def _differences(source: Bytes, sides: tuple[int, ...], dtype: np.dtype[Any], of: Map, head: int) -> NDArray[Any]:
    layout = read_layout(source, sides)
    packed, base = source.byte(), source.take(of.width)
    orders = [packed >> 2 * axis & 3 for axis in range(4)]
    need(max(orders) <= 2, "orders of differences")
    lengths, n = layout.lengths(3), math.prod(sides)
    if head & 15 == _PLANES:
        residuals = planes.decode(source.rest(), n, of.code)
    else:
        residuals = contexts.field(source.rest(), lengths, of.width, is_series=bool(head & _SERIES))
    codes = residuals.view(f"<u{of.width}").reshape(lengths)
    for axis, order in enumerate(orders):
        for _ in range(order):
            codes = np.cumsum(codes, axis=axis, dtype=codes.dtype)
    codes = codes + np.frombuffer(base, codes.dtype)
    return of.numbers(layout.back(codes.view(of.code)), dtype)
