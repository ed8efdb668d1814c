"""MTTKRP and the sequentially truncated HOSVD, with every unfolding and Khatri-Rao product formed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["hosvd", "mttkrp", "unfold"]


def unfold(x: NDArray[Any], mode: int) -> NDArray[Any]:
    """The tensor as a matrix: rows along ``mode``, columns along the other axes in their order."""
    return np.moveaxis(x, mode, 0).reshape(x.shape[mode], -1)


def mttkrp(x: NDArray[Any], factors: Sequence[NDArray[Any]], mode: int) -> NDArray[Any]:
    """``unfold(x, mode) @ conj(khatri_rao(factors but that of mode))``."""
    product = np.ones((1, factors[0].shape[1]), x.dtype)
    for k, factor in enumerate(factors):
        if k != mode:
            product = np.einsum("ar,br->abr", product, factor).reshape(-1, factor.shape[1])
    return unfold(x, mode) @ product.conj()


def hosvd(x: NDArray[Any], rtol: float) -> tuple[NDArray[Any], list[NDArray[Any]]]:
    """Core and factors with an error of at most ``rtol``: an SVD for each mode, in order, each with an equal share."""
    budget = (rtol * np.linalg.norm(x)) ** 2 / x.ndim
    core, factors = x, []
    for mode in range(x.ndim):
        u, s, _ = np.linalg.svd(unfold(core, mode), full_matrices=False)
        tails = np.append(np.cumsum(s[::-1] ** 2)[::-1], 0.0)
        basis = u[:, : max(int(np.argmax(tails <= budget)), 1)]
        core = np.moveaxis(np.tensordot(basis.conj().T, core, (1, mode)), 0, mode)
        factors.append(basis)
    return core, factors
