"""Triangles of QR factorisations of the right parts of a train, without the orthogonal factors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from cdt_core.kernels.tall import triangle

__all__ = ["NOISE", "RightFactors", "exponent", "right_factors", "times_power"]

Array = NDArray[Any]

#: What is below this share of a factor's norm is what rounding itself made.
NOISE = 16.0 * float(np.finfo(np.float64).eps)
#: The largest power of two that numbers are multiplied by at once: it and its inverse are normal numbers.
_MOST_POWER = 1000


@attrs.frozen(eq=False)
class RightFactors:
    """For each bond k, ``factors[k]`` (r_k, s_k) with ``x_{>=k} = factors[k] @ q_k`` and orthonormal rows in ``q_k``.

    Core k counts as divided by 2 to ``powers[k]``, so that the largest number of each factor is near 1. ``factors[0]`` is
    1 x 1: the norm, up to a phase; ``factors[d]`` is 1. ``cut[k]`` is the norm of what was left out of ``factors[k]`` to
    make it narrow.
    """

    factors: list[Array]
    cut: list[float]
    powers: list[int]

    @property
    def norm(self) -> float:
        """Of the whole, of cores divided as said."""
        return float(np.linalg.norm(self.factors[0]))


@np.errstate(invalid="ignore", over="ignore")
def right_factors(
    cores: Sequence[Array], noise: float = NOISE, progress: Callable[[float], None] | None = None
) -> RightFactors:
    """Factors of the parts right of each bond, in double precision, from the last core to the first.

    Householder QR of each core times the factor after it (Q-less). A singular value of the train comes out within a few
    units of rounding of the largest, times how much the cores cancel each other. Cost: ``4 * d * n * r^3`` flops; less
    where ranks are larger than they need to be: what is below ``noise`` of a factor's norm is left out. NaN and
    infinities go through to the norm; no square overflows or vanishes. ``progress`` is told the share done before each core.
    """
    double = np.result_type(cores[0], np.float64)
    factors, cut, powers = [np.ones((1, 1), dtype=double)], [0.0], []
    for done, core in enumerate(reversed(cores)):
        if progress is not None:
            progress(done / len(cores))
        product = core.reshape(-1, core.shape[2]).astype(double, copy=False) @ factors[-1]
        turned = product.reshape(core.shape[0], -1).T
        upper = triangle(turned) if turned.shape[0] > turned.shape[1] else turned
        powers.append(exponent(upper))
        factor, lost = _narrowed(times_power(upper, -powers[-1]), noise)
        factors.append(factor)
        cut.append(lost)
    return RightFactors(factors[::-1], cut[::-1], powers[::-1])


def exponent(a: Array) -> int:
    """The power of two next to the largest number; 0 of zeros, and where a number is not finite."""
    largest = float(np.abs(a).max())
    return max(-_MOST_POWER, min(_MOST_POWER, math.frexp(largest)[1])) if math.isfinite(largest) else 0


def times_power(a: Array, power: int) -> Array:
    """``a * 2**power``, for powers of any size: exact but for overflow, and for what falls below normal numbers."""
    while power:
        step = max(-_MOST_POWER, min(_MOST_POWER, power))
        a, power = a * 2.0**step, power - step
    return a


def _narrowed(upper: Array, noise: float) -> tuple[Array, float]:
    """``l`` (n, s) with ``upper^T = l @ q`` up to rounding, q with orthonormal rows; and the norm of what that left out.

    By QR with column pivoting: s is the numerical rank.
    """
    if upper.shape[1] == 1 or not np.isfinite(upper).all():
        return upper.T, 0.0
    (pivoted,) = lapack.get_lapack_funcs(("geqp3",), dtype=upper.dtype)
    packed, order = pivoted(upper)[:2]
    rows = np.triu(packed)
    tails = np.sqrt(np.cumsum((np.abs(rows[::-1]) ** 2).sum(axis=1)))[::-1]
    kept = max(1, int(np.count_nonzero(tails > noise * tails[0])))
    factor = np.empty((upper.shape[1], kept), dtype=upper.dtype)
    factor[order - 1] = rows[:kept].T
    return factor, float(tails[kept]) if kept < len(tails) else 0.0
