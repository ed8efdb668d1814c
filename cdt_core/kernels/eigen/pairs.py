"""What :func:`~cdt_core.kernels.eigen.leading` found, and how sure it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Eigenpairs"]


@attrs.frozen(eq=False, repr=False)
class Eigenpairs:
    """The largest eigenvalues of ``x^H x`` with their vectors, and a certificate for each pair.

    Attributes
    ----------
    values
        (k,) float64, falling, none below zero. Divided by ``m - 1`` they are variances along the principal components.
    vectors
        (n, k) float64 or complex128, orthonormal columns; the largest number of each is positive.
    residuals
        (k,) ``||A v - value v||`` in the unit of the values, rounding included. Some eigenvalue is this near to each value,
        whatever else is unknown.
    error_bounds
        (k,) bound of ``|value - eigenvalue|``: quadratic in the residuals where a gap separates the pairs from the rest of the
        spectrum, the residual itself where none does.
    proven
        (k,) whether the gap of that bound is a theorem, made from the sum of all eigenvalues, which is known. Where it is
        False the gap is the one to the next eigenvalue *found*, and the pair could be wrong only if a random block of
        vectors missed a whole direction of the spectrum.
    total
        Sum of all n eigenvalues, the squared Frobenius norm of (centred) ``x``: ``values / total`` is the explained share.
    mean
        (n,) column means that were subtracted; None without ``centre``.
    passes
        How often the data was read.
    """

    values: NDArray[np.float64]
    vectors: NDArray[Any]
    residuals: NDArray[np.float64]
    error_bounds: NDArray[np.float64]
    proven: NDArray[np.bool_]
    total: float
    mean: NDArray[Any] | None
    passes: int

    @property
    def explained(self) -> NDArray[np.float64]:
        """(k,) share of the sum of all eigenvalues that each pair stands for; zeros of a zero matrix."""
        return self.values / self.total if self.total else self.values

    def __repr__(self) -> str:
        largest = f"{self.values[0]:.6g}" if len(self.values) else "none"
        share = f"{self.explained.sum():.4g}"
        worst = f"{self.error_bounds.max(initial=0.0):.1e}"
        return f"<Eigenpairs k={len(self.values)} n={len(self.vectors)} largest={largest} explained={share} error<={worst}>"
