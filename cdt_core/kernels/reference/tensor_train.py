"""Tensor trains by the textbook: full arrays, full SVDs (Oseledets, SIAM J. Sci. Comput. 33, 2011, algorithms 1 and 2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["decompose", "full", "unfolding_ranks"]

Array = NDArray[Any]


def full(cores: Sequence[Array]) -> Array:
    """The array that cores (r_k, n_k, r_{k+1}) stand for, from the first to the last."""
    found = cores[0]
    for core in cores[1:]:
        found = np.tensordot(found, core, 1)
    return found[0, ..., 0]


def unfolding_ranks(x: Array, rtol: float) -> list[int]:
    """Smallest rank of each of the d - 1 unfoldings within ``rtol / sqrt(d - 1)`` of the norm: no train has less."""
    budget = rtol * float(np.linalg.norm(x)) / math.sqrt(max(1, x.ndim - 1))
    sides = [math.prod(x.shape[:k]) for k in range(1, x.ndim)]
    return [_rank(np.linalg.svd(x.reshape(side, -1), compute_uv=False), budget) for side in sides]


def _rank(values: NDArray[np.floating[Any]], budget: float) -> int:
    for rank in range(1, len(values)):
        if math.sqrt(math.fsum(float(value) ** 2 for value in values[rank:])) <= budget:
            return rank
    return len(values)


def decompose(x: Array, rtol: float) -> list[Array]:
    """Cores of an array by truncated SVDs from the first axis to the last; relative Frobenius error at most ``rtol``."""
    budget = rtol * float(np.linalg.norm(x)) / math.sqrt(max(1, x.ndim - 1))
    cores, rest = [], x.reshape(1, *x.shape)
    for n in x.shape[:-1]:
        u, s, vh = np.linalg.svd(rest.reshape(rest.shape[0] * n, -1), full_matrices=False)
        rank = _rank(s, budget)
        cores.append(u[:, :rank].reshape(rest.shape[0], n, rank))
        rest = s[:rank, None] * vh[:rank]
    return [*cores, rest.reshape(rest.shape[0], x.shape[-1], 1)]
