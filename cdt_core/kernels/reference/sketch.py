"""Sketches by the textbook: the random maps as full matrices, every sum in one product over the whole tensor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["left_maps", "right_maps", "slices", "train"]

Array = NDArray[Any]


def left_maps(cores: Sequence[Array]) -> list[Array]:
    """``y_0 .. y_{d-1}``, (n_1 .. n_k, l_k): row (i_1 .. i_k) is the product of the matrices that it names."""
    found: list[Array] = [np.ones((1, 1))]
    for core in cores:
        found.append(np.einsum("ia,anb->inb", found[-1], core).reshape(-1, core.shape[2]))
    return found


def right_maps(cores: Sequence[Array]) -> list[Array]:
    """``z_1 .. z_d``, (n_{k+1} .. n_d, r_k)."""
    found: list[Array] = [np.ones((1, 1))]
    for core in reversed(cores):
        found.insert(0, np.einsum("anb,jb->nja", core, found[0]).reshape(-1, core.shape[0]))
    return found


def slices(x: Array, left: Sequence[Array], right: Sequence[Array]) -> list[Array]:
    """``(y_{k-1} x identity)^H x z_k`` of each axis, (l_{k-1}, n_k, r_k)."""
    found = []
    for k, (y, z) in enumerate(zip(left, right, strict=True)):
        cube = x.reshape(math.prod(x.shape[:k]), x.shape[k], -1)
        found.append(np.einsum("ia,inj,jb->anb", y, cube, z, optimize=True))
    return found


def train(x: Array, left: Sequence[Array], right: Sequence[Array]) -> Array:
    """The full array ``psi_1 pinv(omega_1) psi_2 .. psi_d`` (arXiv 2208.02600), with ``omega_k = y_k^H x z_k``."""
    psi = slices(x, left, right)
    found = psi[0]
    for k in range(1, x.ndim):
        omega = left[k].T @ x.reshape(math.prod(x.shape[:k]), -1) @ right[k - 1]
        found = np.tensordot(np.tensordot(found, np.linalg.pinv(omega, rcond=1e-13), 1), psi[k], 1)
    return found[0, ..., 0]
