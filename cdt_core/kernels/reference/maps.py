"""Codes to numbers, and numbers by order-preserving keys."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cdt_core.kernels.reference.reading import need

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["INTEGER_STEPS", "KEY", "KEY_STEPS", "LINEAR", "Map", "check_map", "key_limits", "lossless_map", "unkey"]

KEY, LINEAR, KEY_STEPS, INTEGER_STEPS = range(4)


class Map(NamedTuple):
    """How codes become numbers; ``width`` is that of codes, in bytes."""

    kind: int
    width: int
    step: float = 0.0
    offset: float = 0.0
    integer_step: int = 0

    @property
    def code(self) -> np.dtype[Any]:
        """The type of codes."""
        return np.dtype(f"<i{self.width}")

    def numbers(self, codes: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
        """The numbers of codes, which are of the type ``code``."""
        if self.kind == LINEAR:
            return self._linear(codes, dtype)
        if self.kind == INTEGER_STEPS:
            return self._integers(codes, dtype)
        if dtype.itemsize == 2:
            bits = np.where(codes < 0, (~codes & 0x7FFF) | 0x8000, codes & 0xFFFF)
            return bits.astype(np.uint16).view(dtype)
        step = 1 if self.kind == KEY else self.integer_step
        products = codes.astype(np.uint64) * np.uint64(step)
        return unkey(products.astype(f"<u{dtype.itemsize}").view(f"<i{dtype.itemsize}"))

    def _integers(self, codes: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Products with the step, those beyond the type its nearest; without a step, codes modulo the type."""
        if self.integer_step == 0:
            return codes.astype(f"<u{dtype.itemsize}").view(dtype)
        limits, step = np.iinfo(dtype), 2 * self.integer_step + 1
        products: NDArray[Any] = np.clip(codes.astype(object) * step, int(limits.min), int(limits.max))
        return products.astype(dtype)

    def _linear(self, codes: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
        wide = np.dtype("<f8" if dtype.itemsize == 8 else "<f4")
        with np.errstate(over="ignore", invalid="ignore"):
            sums: NDArray[Any] = wide.type(self.offset) + codes.astype(wide) * wide.type(self.step)
            return sums.astype(dtype)


def lossless_map(dtype: np.dtype[Any]) -> Map:
    """The map of a type that loses nothing."""
    return Map(KEY if dtype.kind == "f" else INTEGER_STEPS, 8 if dtype.itemsize == 8 else 4)


def check_map(of: Map, dtype: np.dtype[Any]) -> None:
    """Refuse a map that numbers of a type do not have.

    Raises
    ------
    CorruptStreamError
        There is no such map, or its steps make no sense.
    """
    w, is_wide = 8 * dtype.itemsize, dtype == np.dtype("<f8")
    need(of.kind <= INTEGER_STEPS and (of.kind == INTEGER_STEPS) == (dtype.kind != "f"), "map of this dtype")
    if of.kind == INTEGER_STEPS:
        need(of.integer_step < 1 << (w - 1), "integer step")
    if of.kind == KEY_STEPS:
        need(w > 16 and 1 <= of.integer_step <= 1 << (w - 2), "integer step")
    if of.kind == LINEAR:
        limits = np.finfo(np.float64 if is_wide else np.float32)
        need(float(limits.tiny) <= of.step <= float(limits.max) and math.isfinite(of.offset), "step or offset")
        need(
            all(abs(x) <= float(limits.max) and float(limits.dtype.type(x)) == x for x in (of.step, of.offset)), "step"
        )
    narrow_keys = of.kind == KEY_STEPS and of.integer_step >= 1 << 33
    either = is_wide and (of.kind == LINEAR or narrow_keys)
    need(either or of.width == (8 if w == 64 else 4), "width of codes")


def unkey(keys: NDArray[Any]) -> NDArray[Any]:
    """The floats of order-preserving integers of their own width."""
    width = keys.dtype.itemsize
    mirrored = keys ^ keys.dtype.type((1 << (8 * width - 1)) - 1)
    return np.where(keys < 0, mirrored, keys).view(f"<f{width}")


def key_limits(dtype: np.dtype[Any]) -> tuple[int, int]:
    """The least and the largest key of a type; unsigned integers of 8 bytes are read as signed ones."""
    like = np.iinfo(dtype if dtype.kind in "iu" and dtype != np.dtype("<u8") else f"i{dtype.itemsize}")
    return int(like.min), int(like.max)
