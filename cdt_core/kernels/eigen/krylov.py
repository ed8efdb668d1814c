"""Block Krylov iteration with full reorthogonalisation and thick restarts, for the largest eigenvalues of ``x^H x``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import scipy.linalg

from cdt_core.kernels.eigen.certificate import error_bounds

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Ritz", "Space", "block_width"]


def block_width(k: int, in_memory: bool) -> int:
    """How many vectors are multiplied at once.

    Twice as many save a quarter of the passes: worth it where a pass means reading a file. In memory, where arithmetic is what
    a pass costs, it is so only for many pairs.
    """
    return 8 if k <= (24 if in_memory else 4) else 16 if k <= 40 else 32


@attrs.frozen(eq=False)
class Ritz:
    """What the space knows: its Ritz values (falling), their residuals and error bounds, and the first k of its vectors."""

    values: NDArray[np.float64]
    coordinates: NDArray[Any]
    residuals: NDArray[np.float64]
    bounds: NDArray[np.float64]
    proven: NDArray[np.bool_]


class Space:
    """An orthonormal basis ``q`` that grows by one block for each product, and the matrix ``t = q^H A q`` in it.

    Paige's analysis asks for reorthogonalisation; twice is enough (Giraud, Langou and Rozloznik 2005). A block that runs out
    of directions is filled with random ones, so an invariant subspace is left, not mistaken for the whole. At ``limit``
    vectors the space is restarted with its best Ritz vectors (Wu and Simon, SIAM J. Matrix Anal. Appl. 22, 2000, 602-616).
    ``exhausted`` counts how often that filling was needed.
    """

    def __init__(self, n: int, width: int, limit: int, dtype: np.dtype[Any], seed: int) -> None:
        self.n, self.width, self.limit, self.dtype = n, min(width, n), min(limit, n), dtype
        self.random = np.random.default_rng(seed)
        self.basis: NDArray[Any] = np.zeros((n, self.limit + self.width), dtype, order="F")
        self.t: NDArray[Any] = np.zeros((0, 0), dtype)
        self.size, self.largest, self.exhausted = 0, 0.0, 0
        self.coupling: NDArray[Any] = np.zeros((self.width, 0), dtype)
        self.basis[:, : self.width] = np.linalg.qr(self._random(self.width))[0]

    def _random(self, width: int) -> NDArray[Any]:
        real = self.random.standard_normal((self.n, width))
        return real + 1j * self.random.standard_normal((self.n, width)) if self.dtype.kind == "c" else real

    @property
    def rounding(self) -> float:
        """What of a residual cannot be told from zero: rounding of sums of n products."""
        return 4 * float(np.sqrt(self.n)) * float(np.finfo(np.float64).eps) * self.largest

    def grow(self, product: Callable[[NDArray[Any]], NDArray[Any]]) -> None:
        """One product with the newest block, which becomes part of the space; what is new of it is the next block."""
        old, size = self.size, self.size + self.width
        image = product(np.ascontiguousarray(self.basis[:, old:size]))
        known = self.basis[:, :size]
        t = np.zeros((size, size), self.dtype)
        t[:old, :old] = self.t
        for _ in range(2):
            part = known.conj().T @ image
            image -= known @ part
            t[:, old:] += part
        t[old:, :old] = t[:old, old:].conj().T
        t[old:, old:] = (t[old:, old:] + t[old:, old:].conj().T) / 2
        self.t, self.size = t, size
        self.largest = max(self.largest, float(np.linalg.norm(t, 2)) if old == 0 else float(np.abs(t).max()))
        self._append(image)

    def _append(self, image: NDArray[Any]) -> None:
        """Make the next block of what a product left over; ``coupling`` is what it was made of."""
        width = min(self.width, self.n - self.size)
        self.coupling = np.zeros((width, self.size), self.dtype)
        if not width:
            self.width = 0
            return
        block, upper, order = scipy.linalg.qr(image, mode="economic", pivoting=True, check_finite=False)
        block, factor = block[:, :width], np.empty_like(upper[:width])
        factor[:, order] = upper[:width]
        lost = np.abs(np.diagonal(upper)[:width]) <= self.rounding / 4
        factor[lost] = 0
        if lost.any():
            self.exhausted += 1
            block[:, lost] = self._fresh(block[:, ~lost], int(lost.sum()))
        # What is small in the image was divided by little, and what it still had of the space grew as much: once more.
        known = self.basis[:, : self.size]
        block, again = np.linalg.qr(block - known @ (known.conj().T @ block))
        self.coupling[:, self.size - factor.shape[1] :] = again @ factor
        self.width = width
        self.basis[:, self.size : self.size + width] = block

    def _fresh(self, kept: NDArray[Any], count: int) -> NDArray[Any]:
        """Random orthonormal vectors orthogonal to the space and to ``kept``."""
        fresh = self._random(count)
        for _ in range(3):
            for other in (self.basis[:, : self.size], kept):
                fresh -= other @ (other.conj().T @ fresh)
            fresh = np.linalg.qr(fresh)[0]
        return fresh

    def ritz(self, k: int, trace: float) -> Ritz:
        """The Ritz pairs with the certificate of the first k."""
        values, coordinates = scipy.linalg.eigh(self.t, check_finite=False)
        values, coordinates = values[::-1], coordinates[:, ::-1]
        self.largest = float(values[0])
        residuals = np.linalg.norm(self.coupling @ coordinates, axis=0)
        bounds, proven = error_bounds(values, residuals, trace - float(values.sum()), self.rounding)
        residuals = residuals + self.rounding
        return Ritz(values, coordinates, residuals[:k], bounds[:k], proven[:k])

    def restart(self, ritz: Ritz, keep: int) -> None:
        """Keep the best Ritz vectors and the newest block, forget the rest."""
        newest = self.basis[:, self.size : self.size + self.width].copy()
        kept = ritz.coordinates[:, :keep]
        self.basis[:, :keep] = self.basis[:, : self.size] @ kept
        self.basis[:, keep : keep + self.width] = newest
        self.coupling = self.coupling @ kept
        self.t, self.size = np.diag(ritz.values[:keep]).astype(self.dtype), keep

    def vectors(self, ritz: Ritz, k: int) -> NDArray[Any]:
        """(n, k) Ritz vectors."""
        return np.asarray(self.basis[:, : self.size] @ ritz.coordinates[:, :k])
