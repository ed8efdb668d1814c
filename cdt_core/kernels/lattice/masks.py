"""Masks: words of a stream, added by one who encodes and subtracted by another who knows the key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.errors import PrivacyError
from cdt_core.kernels import _lattice
from cdt_core.kernels.lattice.stream import Stream, must_be_stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["TILE", "add_mask", "must_be_masks", "must_be_sign"]

#: Numbers masked at once: with what is made of them they stay in the second-level cache.
TILE = 1 << 16


def add_mask(ring: NDArray[Any], stream: Stream, sign: int) -> None:
    """Add the next words of a stream to a vector of ring integers, or subtract them, in place.

    Parameters
    ----------
    ring
        (length,) uint32 or uint64, contiguous and writable.
    stream
        Gives 4 or 8 bytes for each number.
    sign
        1 adds, -1 subtracts: what one site adds and another subtracts with the same key is gone from their sum.

    Raises
    ------
    PrivacyError
        Another dtype or sign, memory with gaps, or no stream: nothing was changed.

    Examples
    --------
    >>> from cdt_core.kernels.lattice import Stream
    >>> ring = np.arange(3, dtype=np.uint32)
    >>> add_mask(ring, Stream(bytes(32)), 1)
    >>> ring
    array([2025887196, 2307473571,  346179759], dtype=uint32)
    >>> add_mask(ring, Stream(bytes(32)), -1)
    >>> ring
    array([0, 1, 2], dtype=uint32)
    """
    must_be_ring(ring)
    must_be_stream(stream)
    must_be_sign(sign)
    words = np.empty(min(ring.size, TILE), ring.dtype)
    for start in range(0, ring.size, TILE):
        add_tile(ring[start : start + TILE], stream, sign, words)


def add_tile(tile: NDArray[Any], stream: Stream, sign: int, words: NDArray[Any]) -> None:
    """The next words of the stream to a tile of a ring; ``words`` is room for as many."""
    mask = words[: tile.size]
    stream.fill(mask)
    _lattice.add(tile, mask, sign < 0)


def must_be_sign(sign: int) -> None:
    """Refuses what neither adds nor subtracts."""
    if not isinstance(sign, (int, np.integer)) or sign not in (1, -1):
        raise PrivacyError(f"a mask is added (1) or subtracted (-1), not {sign!r}")


def must_be_masks(masks: Iterable[tuple[Stream, int]]) -> tuple[tuple[Stream, int], ...]:
    """The masks, which may come from an iterator that gives them once.

    Raises
    ------
    PrivacyError
        They are no pairs of a stream and a sign.
    """
    try:
        pairs = tuple((stream, sign) for stream, sign in masks)
    except (TypeError, ValueError) as error:
        raise PrivacyError("masks are pairs of a Stream and a sign, 1 or -1; give a list of them") from error
    for stream, sign in pairs:
        must_be_stream(stream)
        must_be_sign(sign)
    return pairs


def must_be_ring(ring: NDArray[Any], bits: tuple[int, ...] = (32, 64), *, writable: bool = True) -> None:
    """Refuses what is no contiguous (and writable) vector of ring integers.

    Raises
    ------
    PrivacyError
        Says what it is instead.
    """
    is_ring = isinstance(ring, np.ndarray) and ring.ndim == 1 and ring.dtype.kind == "u" and ring.dtype.isnative
    if not is_ring or 8 * ring.dtype.itemsize not in bits or not _is_plain(ring, writable):
        kinds = " or ".join(f"uint{size}" for size in bits)
        what = f"{ring.ndim}-d {ring.dtype}" if isinstance(ring, np.ndarray) else type(ring).__name__
        raise PrivacyError(f"a vector of ring integers is one axis of {kinds}, contiguous and writable; this is {what}")


def _is_plain(ring: NDArray[Any], writable: bool) -> bool:
    return ring.flags.carray if writable else ring.flags.c_contiguous and ring.flags.aligned
