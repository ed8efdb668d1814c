"""Blocks of few distinct numbers: palettes, and ranks in them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cdt_core.kernels.reference import contexts
from cdt_core.kernels.reference.maps import key_limits, unkey
from cdt_core.kernels.reference.reading import Bytes, need

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["look_up", "read_numbers"]

_LEAST_SHARE = 6
_SERIES_LEAST = 2048
_MOST_ENTRIES = 1 << 23
_BY_KEYS, _BY_GRID = range(2)


class _Head(NamedTuple):
    entries: int
    way: int = _BY_KEYS
    first: int = 0
    step: float = 0.0


def read_numbers(source: Bytes, sides: tuple[int, ...], dtype: np.dtype[Any]) -> list[NDArray[Any]]:
    """The numbers of each palette of a block, up to the ranks.

    Raises
    ------
    CorruptStreamError
        The bytes break a rule of the format.
    """
    n, many = math.prod(sides), source.byte()
    need(many < 2, "number of palettes")
    heads = [_head(source, n, dtype) for _ in range(sides[0] if many else 1)]
    entries = sum(head.entries for head in heads)
    need(1 <= entries <= min(n, _MOST_ENTRIES), "entries of palettes")
    need(all(head.entries for head in heads), "a palette without entries")
    both = contexts.field(source.part(), (1, 1, 1, 2 * entries), 8, is_series=2 * entries >= _SERIES_LEAST).tolist()
    found, at = [], 0
    for head in heads:
        steps, corrections = (both[start + at : start + at + head.entries] for start in (0, entries))
        found.append(_numbers(head, steps, corrections, dtype))
        at += head.entries
    return found


def look_up(palettes: Sequence[NDArray[Any]], ranks: NDArray[Any]) -> NDArray[Any]:
    """Each number by its rank.

    Raises
    ------
    CorruptStreamError
        A palette has no entry of some rank.
    """
    found = []
    for numbers, part in zip(palettes, ranks.reshape(len(palettes), -1), strict=True):
        need(bool((part < numbers.size).all()), "ranks of a palette")
        found.append(numbers[part])
    return np.concatenate(found)


def _head(source: Bytes, n: int, dtype: np.dtype[Any]) -> _Head:
    entries = source.number()
    need(entries <= n // _LEAST_SHARE + 1, "entries of a palette")
    if not entries:
        return _Head(0)
    way, first = source.byte(), int.from_bytes(source.take(8), "little", signed=True)
    low, high = key_limits(dtype)
    need(way <= _BY_GRID and low <= first <= high, "way of a palette, or its first key")
    step = source.double() if way == _BY_GRID else 1.0
    need(0 < step < math.inf, "step of a palette")
    need(way == _BY_KEYS or math.isfinite(_number_of(first, dtype)), "first key of a palette by a grid")
    return _Head(entries, way, first, step)


def _numbers(head: _Head, steps: Sequence[int], corrections: Sequence[int], dtype: np.dtype[Any]) -> NDArray[Any]:
    low, high = key_limits(dtype)
    start, key, place, keys = _number_of(head.first, dtype), head.first, 0, []
    for i, (step, correction) in enumerate(zip(steps, corrections, strict=True)):
        further = step + 1 if i else 0
        if head.way == _BY_KEYS:
            key = _signed(key + further)
        else:
            place = _signed(place + further)
            key = _signed(_nearest_key(start + float(place) * head.step, dtype) + correction)
        need(low <= key <= high, "key of a palette")
        keys.append(key)
    return _of_keys(keys, dtype)


def _number_of(key: int, dtype: np.dtype[Any]) -> float:
    return float(_of_keys([key], dtype)[0]) if dtype.kind == "f" else float(key)


def _signed(number: int) -> int:
    """Modulo 2^64, as two's complement."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


def _of_keys(keys: Sequence[int], dtype: np.dtype[Any]) -> NDArray[Any]:
    signed = np.array(keys, f"<i{dtype.itemsize}" if dtype.kind in "fi" or dtype.itemsize == 8 else dtype)
    return unkey(signed) if dtype.kind == "f" else signed.view(dtype)


def _nearest_key(number: float, dtype: np.dtype[Any]) -> int:
    """The key of the number of a type that is nearest."""
    if dtype.kind != "f":
        low, high = key_limits(dtype)
        return low if not number > low else high if not number < float(high) else round(number)
    with np.errstate(over="ignore"):
        narrow = np.array([number], np.float32 if dtype.itemsize < 8 else np.float64).astype(dtype)
    bits = int(narrow.view(f"<i{dtype.itemsize}")[0])
    return bits if bits >= 0 else -(bits & ((1 << (8 * dtype.itemsize - 1)) - 1)) - 1
