"""Ranks of a train brought down to what each bond's own budget allows, and what that changes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.linalg

from cdt_core.kernels.spectrum import rank_of_singular

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["moved", "trimmed"]


def trimmed(
    cores: Sequence[NDArray[Any]], center: int, budgets: Sequence[float], most: int | None
) -> list[NDArray[Any]]:
    """Cores of the smallest ranks; all but the last are orthonormal from the left.

    Parameters
    ----------
    cores
        (r, n, r') each; orthonormal from the left before ``center``, from the right behind it.
    center
        The core that is not orthonormal.
    budgets
        The energy that each of the d - 1 bonds may lose.
    most
        The largest rank.
    """
    made = list(cores)
    for k in range(center, 0, -1):  # to the left end: all that is right of each bond is orthonormal then
        left, values, right = _cut(made[k].reshape(made[k].shape[0], -1), budgets[k - 1], most)
        made[k] = right.reshape(-1, *made[k].shape[1:])
        made[k - 1] = np.tensordot(made[k - 1], left * values, 1)
    for k in range(len(cores) - 1):  # and to the right end, cutting the bonds that were not cut yet
        left, values, right = _cut(
            made[k].reshape(-1, made[k].shape[2]), budgets[k] if k >= center else 0.0, most if k >= center else None
        )
        made[k] = left.reshape(*made[k].shape[:2], -1)
        made[k + 1] = np.tensordot(values[:, None] * right, made[k + 1], 1)
    return made


def _cut(
    matrix: NDArray[Any], budget: float, most: int | None
) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[Any]]:
    """The leading singular triplets of a matrix."""
    left, values, right = scipy.linalg.svd(matrix, full_matrices=False, check_finite=False)
    rank = rank_of_singular(values, budget, most)[0]
    return left[:, :rank], values[:rank], right[:rank]


def moved(cores: Sequence[NDArray[Any]], center: int, trimmed_cores: Sequence[NDArray[Any]]) -> tuple[float, float]:
    """How far a train was moved by trimming: within the space of the bases at both ends, and out of it.

    The distances (Frobenius norms) are orthogonal. ``cores`` and ``center`` are what :func:`trimmed` was given: a projection
    on those bases, so that what it left out is orthogonal to the first distance, and not to the second.
    """
    left = _overlap(cores[:center], trimmed_cores[:center])
    right = _overlap(_turned(cores[center + 1 :]), _turned(trimmed_cores[center + 1 :]))
    seen = np.tensordot(np.tensordot(left, trimmed_cores[center], 1), right, (2, 1))
    within = float(np.linalg.norm(cores[center] - seen))
    # The others are orthonormal: the last core's energy is that of the whole.
    beyond = float(np.linalg.norm(trimmed_cores[-1])) ** 2 - float(np.linalg.norm(seen)) ** 2
    return within, math.sqrt(max(0.0, beyond))


def _turned(cores: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """From the right end to the left."""
    return [core.transpose(2, 1, 0) for core in reversed(cores)]


def _overlap(basis: Sequence[NDArray[Any]], cores: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """``basis^H cores`` of the first cores of two trains, multiplied out."""
    found = np.ones((1, 1))
    for one, other in zip(basis, cores, strict=True):
        found = np.tensordot(one.conj(), np.tensordot(found, other, 1), ((0, 1), (0, 1)))
    return found
