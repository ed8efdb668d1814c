"""Bases along one axis: cosines and wavelets that need no storing, and the way back from either, the same on every machine."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from cdt_core.kernels import _tensor_stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LONGEST_DENSE", "along", "cosines", "from_wavelet", "to_wavelet"]

#: Cosines of longer axes would be a larger matrix than is worth making.
LONGEST_DENSE = 1024

#: Lifting steps and scale of the 9/7 wavelet (Cohen, Daubechies & Feauveau 1992; Daubechies & Sweldens 1998, table 3).
_LIFTS = (-1.586134342059924, -0.052980118572961, 0.882911075530934, 0.443506852043971)
_SCALE = 1.149604398860241
#: Shorter bands are not split.
_SHORTEST = 4
#: 1 / (2k)! and 1 / (2k + 1)! with signs, for cos and sin up to pi / 4: the next terms are below 2**-60.
_COSINE = tuple((-1.0) ** k / math.factorial(2 * k) for k in range(9))
_SINE = tuple((-1.0) ** k / math.factorial(2 * k + 1) for k in range(9))


def along(basis: NDArray[np.float64], x: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Replace axis ``axis`` (rank,) of ``x`` by (n,): sums over k, rising, of ``basis`` (rank, n) times ``x``.

    The sums have one order and no fused operations: the same bits on every machine. About 2 * n * x.size operations.
    """
    before, after = (int(np.prod(part, dtype=np.int64)) for part in (x.shape[:axis], x.shape[axis + 1 :]))
    flat = np.ascontiguousarray(x).reshape(before, x.shape[axis], after)
    made = _tensor_stream.product(np.ascontiguousarray(basis), flat)
    return np.asarray(made.reshape(*x.shape[:axis], basis.shape[1], *x.shape[axis + 1 :]))


@lru_cache(maxsize=8)
def cosines(n: int, rank: int) -> NDArray[np.float64]:
    """The first ``rank`` rows of the orthonormal cosine transform (DCT-II) of length ``n``: (rank, n).

    From polynomials of additions and products alone, because cosines of C libraries differ in their last bits.
    """
    at = np.outer(np.arange(rank), 2 * np.arange(n) + 1)  # cos(pi at / 2n)
    basis = _cosine_of(at % (4 * n), n) * np.sqrt(2.0 / n)
    basis[0] = np.sqrt(1.0 / n)
    basis.setflags(write=False)
    return np.asarray(basis)


def _cosine_of(at: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    """``cos(pi at / 2n)`` for 0 <= at < 4n, each within an eighth of the circle of an axis."""
    at = np.minimum(at, 4 * n - at)
    sign = np.where(at > n, -1.0, 1.0)
    at = np.where(at > n, 2 * n - at, at)
    is_steep = 2 * at > n
    angle = np.where(is_steep, n - at, at) * (np.pi / (2 * n))
    square = angle * angle
    flat, steep = np.zeros(at.shape), np.zeros(at.shape)
    for a, b in zip(reversed(_COSINE), reversed(_SINE), strict=True):
        flat, steep = flat * square + a, steep * square + b
    return np.asarray(sign * np.where(is_steep, steep * angle, flat))


def _lengths(n: int) -> list[int]:
    """Lengths of what is split, the whole axis first."""
    found = [n]
    while found[-1] >= _SHORTEST:
        found.append((found[-1] + 1) // 2)
    return found[:-1]


def _beside_odd(even: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Sums of the even neighbours of each of ``count`` odd places; the axis is mirrored at its end."""
    right = even[1:] if len(even) > count else np.concatenate([even[1:], even[-1:]])
    return np.asarray(even[:count] + right)


def _beside_even(odd: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Sums of the odd neighbours of each of ``count`` even places; the axis is mirrored at both ends."""
    right = odd if len(odd) == count else np.concatenate([odd, odd[-1:]])
    return np.asarray(np.concatenate([odd[:1], odd])[:count] + right)


def to_wavelet(x: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """The 9/7 wavelet transform along an axis, as deep as it goes: bands in rising order of frequency."""
    made = np.moveaxis(x, axis, 0).copy()
    for n in _lengths(x.shape[axis]):
        even, odd = made[0:n:2].copy(), made[1:n:2].copy()
        for step in (0, 2):
            odd += _LIFTS[step] * _beside_odd(even, len(odd))
            even += _LIFTS[step + 1] * _beside_even(odd, len(even))
        made[: len(even)], made[len(even) : n] = even * _SCALE, odd / _SCALE
    return np.moveaxis(made, 0, axis)


def from_wavelet(x: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """What :func:`to_wavelet` had made ``x`` of; elementwise operations alone, the same bits on every machine."""
    made = np.moveaxis(x, axis, 0).copy()
    for n in reversed(_lengths(x.shape[axis])):
        half = (n + 1) // 2
        even, odd = made[:half] / _SCALE, made[half:n] * _SCALE
        for step in (2, 0):
            even -= _LIFTS[step + 1] * _beside_even(odd, len(even))
            odd -= _LIFTS[step] * _beside_odd(even, len(odd))
        made[0:n:2], made[1:n:2] = even, odd
    return np.moveaxis(made, 0, axis)
