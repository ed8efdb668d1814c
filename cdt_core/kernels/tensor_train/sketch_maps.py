"""The random maps of a sketch: tensor trains from the left and from the right, and the signs that judge the result."""

from __future__ import annotations

import math
import operator
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from cdt_core.kernels.tensor_train.random_rows import random_rows, row_signs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["PROBES", "Maps", "column_maps", "maps_of", "row_maps", "sign_key", "slice_shapes"]

#: Signs on the rows and on the columns of the middle unfolding that judge the error: their products, 256, are the probes.
PROBES = (8, 32)


@attrs.frozen(eq=False)
class Maps:
    """Random maps for a shape; ``left[k]`` is (l_k, n_k, l_{k+1}) for k < d - 1, ``right[k]`` (r_k, n_k, r_{k+1}) for k > 0;
    the others are zero.

    The matrix ``y_k`` of the first k axes is the product of the left cores before axis k, (n_1 .. n_k, l_k), and ``z_k`` that
    of the right cores from axis k on, (n_{k+1} .. n_d, r_k). Where l_k is as large as all
    indices, ``y_k`` is the identity.
    """

    shape: tuple[int, ...]
    left_ranks: tuple[int, ...]
    right_ranks: tuple[int, ...]
    left: tuple[NDArray[np.float64], ...]
    right: tuple[NDArray[np.float64], ...]
    middle: int
    seed: int


@lru_cache(maxsize=2)
def row_maps(maps: Maps, offset: tuple[int, ...], lengths: tuple[int, ...]) -> list[NDArray[np.float64]]:
    """``y_0 .. y_m`` of a tile's indices on the axes before the middle m; the last with the signs of its rows beside it."""
    found = [np.ones((1, 1))]
    for k, (start, length) in enumerate(zip(offset, lengths, strict=True)):
        core = maps.left[k][:, start : start + length]
        found.append((found[-1] @ core.reshape(len(core), -1)).reshape(-1, core.shape[2]))
    rows = _numbers(maps.shape[: maps.middle], offset, lengths)
    return [*found, np.hstack((found[-1], row_signs(sign_key(maps.seed, 0), rows, PROBES[0])))]


@lru_cache(maxsize=2)
def column_maps(maps: Maps, offset: tuple[int, ...], lengths: tuple[int, ...]) -> list[NDArray[np.float64]]:
    """``z_m .. z_d`` of a tile's indices on the axes from the middle m on, and the signs of its columns."""
    m, found = maps.middle, [np.ones((1, 1))]
    for k in range(len(maps.shape) - 1, m - 1, -1):
        core = maps.right[k][:, offset[k - m] : offset[k - m] + lengths[k - m]]
        turned = core.transpose(1, 0, 2).reshape(-1, core.shape[2]) @ found[0].T
        found.insert(0, turned.reshape(core.shape[1], len(core), -1).transpose(0, 2, 1).reshape(-1, len(core)))
    columns = _numbers(maps.shape[m:], offset, lengths)
    return [*found, row_signs(sign_key(maps.seed, 1), columns, PROBES[1])]


def map_ranks(shape: Sequence[int], ranks: Sequence[int], oversampling: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """``l_0 .. l_d`` of the maps from the left and ``r_0 .. r_d`` of those from the right, for ranks of the d - 1 bonds."""
    d, before = len(shape), list(accumulate(shape, operator.mul))
    left, right = [1] * (d + 1), [1] * (d + 1)
    for b in range(d - 1, 0, -1):
        right[b] = min(ranks[b - 1] + oversampling, right[b + 1] * shape[b], before[b - 1])
    for b in range(1, d):
        left[b] = min(2 * right[b] + 1, left[b - 1] * shape[b - 1])
    return tuple(left), tuple(right)


def slice_shapes(shape: Sequence[int], ranks: Sequence[int], oversampling: int) -> list[tuple[int, int, int]]:
    """Shapes of the sketched slices of the axes, (l_k, n_k, r_{k+1})."""
    left, right = map_ranks(shape, ranks, oversampling)
    return list(zip(left[:-1], shape, right[1:], strict=True))


@lru_cache(maxsize=4)
def maps_of(shape: tuple[int, ...], ranks: tuple[int, ...], oversampling: int, seed: int) -> Maps:
    """The maps of a sketch; ranks are those of the d - 1 bonds."""
    d = len(shape)
    before = [math.prod(shape[:k]) for k in range(d + 1)]
    after = [math.prod(shape[k:]) for k in range(d + 1)]
    bonds = range(1, d)
    left_ranks, right_ranks = map_ranks(shape, ranks, oversampling)
    left = [*(_left_core(before, shape[k], left_ranks, k, seed) for k in range(d - 1)), np.zeros((1, shape[-1], 1))]
    right = [np.zeros((1, shape[0], 1)), *(_right_core(after, shape[k], right_ranks, k, seed) for k in bonds)]
    middle = min(range(1, d), key=lambda b: max(before[b], after[b]), default=0)
    return Maps(shape, left_ranks, right_ranks, tuple(left), tuple(right), middle, seed)


def _left_core(before: list[int], n: int, ranks: Sequence[int], k: int, seed: int) -> NDArray[np.float64]:
    size = ranks[k], n, ranks[k + 1]
    if ranks[k] == before[k] and ranks[k + 1] == before[k + 1]:
        return np.eye(size[2]).reshape(size)
    rows = random_rows((seed, 2 * k), 0, n, size[0] * size[2]).reshape(n, size[0], size[2])
    return rows.transpose(1, 0, 2) * _scale(size[0], before[k])


def _right_core(after: list[int], n: int, ranks: Sequence[int], k: int, seed: int) -> NDArray[np.float64]:
    size = ranks[k], n, ranks[k + 1]
    if ranks[k] == after[k] and ranks[k + 1] == after[k + 1]:
        return np.eye(size[0]).reshape(size)
    rows = random_rows((seed, 2 * k + 1), 0, n, size[0] * size[2]).reshape(n, size[0], size[2])
    return rows.transpose(1, 0, 2) * _scale(size[2], after[k + 1])


def _scale(rank: int, full: int) -> float:
    """What keeps the entries of products of cores at variance 1; the rows of an identity have one entry alone."""
    return 1.0 if rank == full else rank**-0.5


def sign_key(seed: int, side: int) -> int:
    """Keys of the signs: words that no seed of a map shares."""
    return (seed * 2 + side + 0x5851F42D4C957F2D) % (1 << 64)


def _numbers(shape: tuple[int, ...], offset: tuple[int, ...], lengths: tuple[int, ...]) -> NDArray[Any]:
    """Row-major numbers (modulo 2^64) of the tile's indices."""
    found = np.zeros(1, np.uint64)
    for n, start, length in zip(shape, offset, lengths, strict=True):
        places = np.arange(start, start + length, dtype=np.uint64)
        found = (found[:, None] * np.uint64(n % (1 << 64)) + places).reshape(-1)
    return found
