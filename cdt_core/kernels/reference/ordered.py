"""Products and sums of squares in one order of additions, by whole slices: what the compiled ones equal, bit for bit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["energies", "product"]


def product(basis: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """(before, n, after): sums over k, rising, of basis (k, n) times x (before, k, after)."""
    out = np.zeros((x.shape[0], basis.shape[1], x.shape[2]))
    for k in range(len(basis)):
        out = out + basis[k][None, :, None] * x[:, k, None, :]
    return out


def energies(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of squares along the middle axis of (before, n, after): each slice by itself, then slice after slice."""
    out = np.zeros(x.shape[1])
    for slab in x:
        inner = np.zeros(x.shape[1])
        for j in range(x.shape[2]):
            inner = inner + slab[:, j] * slab[:, j]
        out = out + inner
    return out
