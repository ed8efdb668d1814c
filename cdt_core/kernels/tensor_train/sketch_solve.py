"""From the sums of a sketch to a tensor train, and how far it is from what was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.linalg

from cdt_core.kernels.tensor_train.random_rows import row_signs
from cdt_core.kernels.tensor_train.searching import row_products
from cdt_core.kernels.tensor_train.sketch_maps import PROBES, Maps, sign_key
from cdt_core.kernels.tensor_train.triangle import right_factors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["probed", "recovered"]

#: Singular values of a sketched bond below this share of the largest are rounding of the sums.
_ROUNDING = 1e-13

#: Rows of a train's half that are made at once, divided by its largest core.
_NUMBERS_AT_ONCE = 1 << 22


def recovered(slices: Sequence[NDArray[Any]], maps: Maps, ranks: Sequence[int]) -> list[NDArray[Any]]:
    """Cores of at most the given d - 1 ranks.

    ``x ~ psi_1 pinv(omega_1) psi_2 .. pinv(omega_{d-1}) psi_d`` (arXiv 2208.02600), where ``omega_b``, both
    sides of bond b sketched, is slice b with its axis contracted with the left map; then cut to the ranks by SVD.

    Of ``omega`` the upper half of the oversampling is left out: its inverse enlarges what is noise there (2.6 instead of 3.6
    times the best error on flat noise); without all of it tensors of slowly falling singular values would suffer as much.
    """
    cores = list(slices)
    for k, core in enumerate(maps.left[:-1]):
        crossing = np.tensordot(core, slices[k], ((0, 1), (0, 1)))
        u, s, vh = scipy.linalg.svd(crossing, full_matrices=False, check_finite=False)
        if not s[0]:
            return [np.zeros((1, n, 1), slices[0].dtype) for n in maps.shape]
        kept = min(int(np.count_nonzero(s > _ROUNDING * s[0])), (ranks[k] + len(s) + 1) // 2)
        cores[k] = cores[k] @ (vh[:kept].conj().T / s[:kept])
        cores[k + 1] = np.tensordot(u[:, :kept].conj().T, cores[k + 1], 1)
    return _cut(cores, ranks)


def _cut(cores: list[NDArray[Any]], ranks: Sequence[int]) -> list[NDArray[Any]]:
    """The best ranks of a train, one bond after the other (Oseledets 2011, algorithm 2, with given ranks)."""
    factors = right_factors(cores).factors
    found, carried = [], np.ones((1, 1))
    for core, factor, rank in zip(cores[:-1], factors[1:-1], ranks, strict=True):
        rest = (carried @ core.reshape(len(core), -1)).reshape(-1, core.shape[2])
        basis = scipy.linalg.svd(rest @ factor, full_matrices=False, check_finite=False)[0][:, :rank]
        found.append(basis.reshape(-1, core.shape[1], basis.shape[1]))
        carried = basis.conj().T @ rest
    return [*found, np.tensordot(carried, cores[-1], 1)]


def probed(cores: Sequence[NDArray[Any]], maps: Maps) -> NDArray[Any]:
    """The sums of all elements of a train under the random signs: (8, 32). Costs two halves of all indices, once each."""
    m = maps.middle
    left = _half(cores[:m], maps.shape[:m], (sign_key(maps.seed, 0), PROBES[0]))
    turned = [core.transpose(2, 1, 0) for core in reversed(cores[m:])]
    right = _half(turned, maps.shape[m:], (sign_key(maps.seed, 1), PROBES[1]), turned=True)
    return np.asarray(left @ right.T)


def _half(
    cores: Sequence[NDArray[Any]], shape: tuple[int, ...], signs: tuple[int, int], *, turned: bool = False
) -> NDArray[Any]:
    """Signs (number of rows, p) of all indices of some axes, times the products of their cores (number of rows, r): (p, r)."""
    rows = int(np.prod(shape, dtype=np.int64))
    step = max(1, _NUMBERS_AT_ONCE // max((core.shape[0] * core.shape[2] for core in cores), default=1))
    total = 0
    for start in range(0, rows, step):
        numbers = np.arange(start, min(rows, start + step))
        points = np.stack(np.unravel_index(numbers, shape), axis=1) if shape else np.zeros((1, 0), np.int64)
        part = row_products(cores, points[:, ::-1] if turned else points)
        total = total + row_signs(signs[0], numbers, signs[1]).T @ part
    return np.asarray(total)
