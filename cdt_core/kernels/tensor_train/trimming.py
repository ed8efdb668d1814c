"""Ranks of a train brought down to what each bond's own budget allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.linalg

from cdt_core.kernels.spectrum import rank_of_singular
from cdt_core.kernels.tensor_train.bases import Limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["trimmed"]


def trimmed(
    cores: Sequence[NDArray[Any]], center: int, budgets: Sequence[float], most: int | None
) -> tuple[list[NDArray[Any]], list[float]]:
    """Cores of the smallest ranks, and the energy that each bond lost.

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
    made, lost = list(cores), [0.0] * len(budgets)
    for k in range(center, 0, -1):  # to the left end: all that is right of each bond is orthonormal then
        vectors, values, rows = _cut(made[k].reshape(made[k].shape[0], -1), Limits(max(0.0, budgets[k - 1]), most))
        lost[k - 1] = vectors[1]
        made[k] = rows.reshape(-1, *made[k].shape[1:])
        made[k - 1] = np.tensordot(made[k - 1], vectors[0] * values, 1)
    for k in range(len(cores) - 1):  # and to the right end, cutting the bonds that were not cut yet
        core = made[k]
        limits = Limits(max(0.0, budgets[k]) if k >= center else 0.0, most if k >= center else None)
        columns, values, rows = _cut(core.reshape(-1, core.shape[2]), limits)
        lost[k] += columns[1] if k >= center else 0.0
        made[k] = columns[0].reshape(*core.shape[:2], -1)
        made[k + 1] = np.tensordot(values[:, None] * rows, made[k + 1], 1)
    return made, lost


def _cut(matrix: NDArray[Any], limits: Limits) -> tuple[tuple[NDArray[Any], float], NDArray[np.float64], NDArray[Any]]:
    """The leading singular triplets of a matrix, with the energy of the others."""
    left, values, right = scipy.linalg.svd(matrix, full_matrices=False, check_finite=False)
    rank, lost = rank_of_singular(values, limits.budget, limits.rank)
    return (left[:, :rank], lost), values[:rank], right[:rank]
