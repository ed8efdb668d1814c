"""Rounding of tensor trains: the smallest ranks for a tolerance, with the error that it made.

The method is that of Oseledets (SIAM J. Sci. Comput. 33, 2011, algorithm 2) without the orthogonal factors of the first
sweep: only the triangles ``l_k`` of the parts right of each bond are made. The second sweep goes from left to right; at
bond k the part left of it is orthonormal and the rest is ``m @ x_{>k}``, so the singular values of ``m @ l_k`` are
those of the bond, and with the leading left singular vectors ``u`` the core is ``u`` and ``u^H m`` goes on to the next
one. No core is divided by a singular value, and no Gram matrix decides a rank: both hold down to rounding. Ranks that
are larger than they need to be, as after sums and products, are seen in the triangles already and cost less.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from numbers import Integral, Real
from typing import Any

import attrs
import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from cdt_core.errors import TensorError
from cdt_core.kernels.spectrum import rank_of_singular
from cdt_core.kernels.tall import triangle
from cdt_core.kernels.tensor_train.triangle import NOISE, RightFactors, right_factors, times_power

__all__ = ["STEP", "Rounded", "as_limits", "finest", "round_cores", "rounded", "second_sweep", "svd"]

Array = NDArray[Any]

#: How far the Gram matrix of a basis may be from the identity, in the Frobenius norm, for Cholesky QR to mend it:
#: condition below 2.
_NEARLY = 0.3
#: What arithmetic may add to the relative error at each bond: 8 units of rounding of double precision.
STEP = 8.0 * float(np.finfo(np.float64).eps)
#: Share of the tolerance that the first sweep may leave out to be quick, over all bonds.
_NARROW = 1e-4
#: Share of the tolerance that arithmetic and what the first sweep left out may take without a second try.
_SMALL = 1e-2


@attrs.frozen(eq=False)
class Rounded:
    """Cores of fewer ranks, and the relative error that this made."""

    cores: list[Array]
    #: Energy of what was cut away at all bonds / energy of the whole: their sum, since the parts are orthogonal.
    discarded: float
    #: Relative error of arithmetic, and that of putting the cores into their dtype.
    rounding: float
    stored: float

    @property
    def error(self) -> float:
        """Relative Frobenius error against what was rounded; infinite where arithmetic left nothing of it.

        The norm is only known to what arithmetic left.
        """
        if self.rounding >= 1.0:
            return math.inf
        return (math.sqrt(self.discarded) + self.rounding + self.stored) / (1.0 - self.rounding)


def finest(dtype: np.dtype[Any], ndim: int) -> float:
    """The smallest relative tolerance that a train may be rounded to: twice what arithmetic and storage need at best."""
    single = np.finfo(dtype).bits == 32
    return 2 * ndim * (STEP + (float(np.finfo(dtype).eps) if single else 0.0))


def round_cores(cores: Sequence[Array], rtol: float | None, max_rank: int | None) -> tuple[list[Array], float]:
    """Cores of fewer ranks, and the energy cut away as a share of the whole energy.

    Each of the d - 1 bonds may lose ``rtol * norm / sqrt(d - 1)``, so that the relative error is at most ``rtol``.

    Parameters
    ----------
    cores
        Arrays (r_k, n_k, r_{k+1}) of one dtype: float32, float64, complex64, complex128.
    rtol
        Relative Frobenius tolerance; ``None`` cuts only what rounding itself made.
    max_rank
        No rank is larger, whatever the tolerance asks.

    Returns
    -------
    tuple
        The new cores, all but the last with orthonormal columns as (r_k * n_k, r_{k+1}), and ``error^2 / norm^2`` of
        the cut.
    """
    found = rounded(cores, rtol, max_rank)
    return found.cores, found.discarded


@np.errstate(all="ignore")
def rounded(
    cores: Sequence[Array],
    rtol: float | None,
    max_rank: int | None,
    dtype: np.dtype[Any] | None = None,
    progress: Callable[[float], None] | None = None,
) -> Rounded:
    """As :func:`round_cores`, with all that the error consists of; the new cores have the dtype that is given.

    ``progress`` is told the share done before each core of either sweep.
    """
    dtype, d = cores[0].dtype if dtype is None else dtype, len(cores)
    rtol, max_rank = as_limits(rtol, max_rank)
    _check(rtol, dtype, d)
    allowed, bonds = finest(dtype, d) if rtol is None else rtol, math.sqrt(max(1, d - 1))
    told = progress or _nobody
    noise = max(NOISE, _NARROW * allowed / d)
    right = right_factors(cores, noise, lambda share: told(share / 2))
    if not math.isfinite(right.norm):
        raise TensorError(
            "the cores hold NaN or infinity, or overflow when multiplied; nothing can be decomposed before that is gone"
        )
    if right.norm == 0.0:  # certainly so, or cores that cancel each other to the last digit
        rounding = 0.0 if any(not core.any() for core in cores) else 1.0
        return Rounded([np.zeros((1, core.shape[1], 1), dtype=dtype) for core in cores], 0.0, rounding, 0.0)
    sweep = partial(second_sweep, cores, max_ranks=[max_rank] * (d - 1), dtype=dtype, progress=told)
    found = sweep(right, allowed / bonds)
    if noise > NOISE and found.rounding > _SMALL * allowed:
        # The parts cancel each other: what was small in one of them is not in the whole.
        right = right_factors(cores)
        found = sweep(right, allowed / bonds)
    left = allowed * (1.0 - found.rounding) - found.rounding - found.stored
    if max_rank is None and left > 0.0 and found.error > allowed:
        # So near the tolerance that arithmetic matters: cut that much less.
        found = sweep(right, left / bonds)
    told(1.0)
    return found


def _nobody(_: float) -> None:
    """Whom progress is told to where nobody asked."""


def second_sweep(
    cores: Sequence[Array],
    right: RightFactors,
    share: float,
    max_ranks: Sequence[int | None],
    dtype: np.dtype[Any],
    progress: Callable[[float], None] = _nobody,
) -> Rounded:
    """Left to right: cut each bond to its own largest rank; ``share`` is the part of the norm that one bond may lose."""
    double = right.factors[0].dtype
    norm = right.norm
    found: list[Array] = []
    carried = np.ones((1, 1), dtype=double)
    discarded, rounding, stored = 0.0, STEP, 0.0
    bonds = zip(cores[:-1], right.factors[1:-1], right.cut[1:-1], max_ranks, strict=True)
    for k, (core, factor, cut, max_rank) in enumerate(bonds):
        progress(0.5 + k / len(cores) / 2)
        carried = times_power(carried, -right.powers[k])
        rest = (carried @ core.reshape(core.shape[0], -1)).reshape(-1, core.shape[2])
        basis, values, lost = _leading(rest @ (factor / norm), share, max_rank)
        carried = basis.conj().T @ rest
        discarded += lost
        # What a product of these two can be wrong by: much more than the norm of the product, where they cancel. What was
        # left out of a factor is missing in those before it, too: each bond so far may have lost it.
        largest = math.sqrt(float(np.linalg.norm(factor.conj().T @ factor)))
        rounding += float(np.linalg.norm(rest)) * (STEP * largest + (k + 1) * cut) / norm
        kept = basis.astype(dtype)
        stored += float(np.linalg.norm((basis - kept) * values)) if dtype != double else 0.0
        found.append(kept.reshape(-1, core.shape[1], basis.shape[1]))
    carried, power = times_power(carried, -right.powers[-1]), sum(right.powers)
    last = (carried @ cores[-1].reshape(cores[-1].shape[0], -1)).reshape(-1, cores[-1].shape[1], 1)
    found.append(times_power(last, power).astype(dtype))
    if not np.isfinite(found[-1]).all():
        raise TensorError(f"{dtype} cannot hold the values of the train, which are too large: scale it first")
    stored += float(np.linalg.norm(last - times_power(found[-1].astype(double), -power))) / norm
    return Rounded(found, discarded, rounding, stored)


def _leading(product: Array, budget: float, max_rank: int | None) -> tuple[Array, NDArray[np.float64], float]:
    """The left singular vectors to keep (orthonormal to rounding), their singular values, and the energy of the others."""
    rows, columns = product.shape
    if rows <= 2 * columns:
        vectors, values, _ = svd(product)
        rank, lost = rank_of_singular(values, budget**2, max_rank)
        return np.ascontiguousarray(vectors[:, :rank]), values[:rank], lost
    _, values, right = svd(triangle(product))
    rank, lost = rank_of_singular(values, budget**2, max_rank)
    basis = _orthonormal(product @ (right[:rank].conj().T / values[:rank]))
    if basis is None:
        q, r = scipy.linalg.qr(product, mode="economic", check_finite=False)
        basis = q @ svd(r)[0][:, :rank]
    return basis, values[:rank], lost


def svd(a: Array) -> tuple[Array, NDArray[np.float64], Array]:
    """Thin SVD of finite numbers; by LAPACK's slower driver where the quick one, as rarely happens, does not converge."""
    try:
        u, values, vh = np.linalg.svd(a, full_matrices=False)
    except np.linalg.LinAlgError:
        u, values, vh = scipy.linalg.svd(a, full_matrices=False, check_finite=False, lapack_driver="gesvd")
    return u, values, vh


def _orthonormal(nearly: Array) -> Array | None:
    """An orthonormal basis of columns that are nearly so, by Cholesky QR; ``None`` where they are too far from it.

    Each column came from a division by its singular value, which spoils its direction by (largest / own singular value)
    units of rounding. As little as the columns overlap then, the Gram matrix is well conditioned, and its Cholesky
    factor makes them orthonormal to rounding; what the spoilt directions no longer hold is a few units of rounding of
    the largest value.
    """
    gram = nearly.conj().T @ nearly
    if not np.linalg.norm(gram - np.eye(len(gram))) <= _NEARLY:
        return None
    factor = scipy.linalg.cholesky(gram, check_finite=False)
    (solve,) = scipy.linalg.blas.get_blas_funcs(("trsm",), (nearly,))
    return np.asarray(solve(1.0, factor.T, nearly.T, lower=1).T)


def as_limits(rtol: Any, max_rank: Any) -> tuple[float | None, int | None]:
    """A tolerance and a largest rank as Python's own numbers: those of NumPy may be too short to be squared, or added to.

    Raises
    ------
    TensorError
        They are no numbers of their kind, or the rank is below 1.
    """
    if rtol is not None and not isinstance(rtol, Real):
        raise TensorError(f"rtol={rtol!r}: a tolerance is a real number")
    if max_rank is not None and (not isinstance(max_rank, Integral) or max_rank < 1):
        raise TensorError(f"max_rank={max_rank!r}: ranks are whole numbers from 1 on")
    return None if rtol is None else float(rtol), None if max_rank is None else int(max_rank)


def _check(rtol: float | None, dtype: np.dtype[Any], ndim: int) -> None:
    if rtol is None:
        return
    if not 0.0 <= rtol < math.inf:
        raise TensorError(f"rtol is {rtol}; give a number from 0 to 1, the relative Frobenius error that is allowed")
    if rtol < finest(dtype, ndim):
        raise TensorError(
            f"rtol is {rtol}, below {finest(dtype, ndim):.1e}, the best that {dtype} can promise for {ndim} axes; "
            "raise it, give rtol=None for that, or use double precision"
        )
