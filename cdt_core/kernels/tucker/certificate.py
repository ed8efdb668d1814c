"""How far a Tucker decomposition is from its tensor, never understated."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.errors import TensorError
from cdt_core.kernels.tucker.decomposition import Tucker

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

__all__ = ["IDENTITY_SLACK", "certified", "compared", "energy", "identity", "rounding"]

#: What the energies of a tensor and of its core may be off by, relative to the tensor's.
IDENTITY_SLACK = 1e-14
#: Below these the difference of two energies says little; where no tolerance is asked for, the tensor itself is compared.
_RESOLVED = {4: 1e-4, 8: 1e-6}


def energy(x: Array) -> float:
    """Sum of squares, in double precision."""
    flat = x.reshape(-1)
    if flat.dtype.itemsize // (2 if flat.dtype.kind == "c" else 1) == 8:
        return float(np.vdot(flat, flat).real)
    step = 1 << 16
    parts = (flat[i : i + step].astype(np.result_type(x.dtype, np.float64)) for i in range(0, flat.size, step))
    return math.fsum(float(np.vdot(p, p).real) for p in parts)


def _difference(wide: Array, narrow: Array) -> float:
    """Energy of what rounding has changed."""
    a, b, step = wide.reshape(-1), narrow.reshape(-1), 1 << 16
    return math.fsum(energy(a[i : i + step] - b[i : i + step]) for i in range(0, a.size, step))


def rounding(x: Array, total: float) -> float:
    """What evaluating a decomposition of ``x``, of energy ``total``, in its own arithmetic may add to its relative error."""
    limits = np.finfo(x.dtype)
    steps = float(limits.smallest_subnormal) * sum(x.shape) * math.sqrt(x.size / total) if total else 0.0
    return 4 * (x.ndim + 1) * float(limits.eps) + steps


def certified(x: Array, core: Array, factors: list[Array], total: float, wanted: float) -> Tucker:
    """The decomposition in ``x``'s dtype with an error that is at least the true one.

    ``core`` and ``factors`` are of double precision, the factors orthonormal and the core their projection of ``x``, whose
    energy is ``total``. The error is the root of what the core's energy misses, as the projection is orthogonal
    (``||x||^2 = ||projected||^2 + ||x - projected||^2``), plus what rounding to ``x``'s dtype changes. Where that is more
    than ``wanted``, or nothing is wanted (infinity) and it is too little to be resolved, ``x`` is compared with the whole.
    """
    with np.errstate(over="ignore"):
        small = core.astype(x.dtype, copy=False), tuple(f.astype(x.dtype, copy=False) for f in factors)
    if not total:
        return Tucker(*small, 0.0)
    kept = energy(core)
    rounded = 0.0
    if core.dtype != x.dtype:
        if not math.isfinite(energy(small[0])):
            raise TensorError(f"projections of the tensor are too large for {x.dtype}; scale it down first")
        rounded = math.sqrt(_difference(core, small[0]) / total)
        rounded += sum(math.sqrt(_difference(f, g)) for f, g in zip(factors, small[1], strict=True)) * math.sqrt(
            kept / total
        )
    error = math.sqrt(max(total - kept, 0.0) / total + IDENTITY_SLACK) + rounded
    if error > wanted or (math.isinf(wanted) and error <= _RESOLVED[np.finfo(x.dtype).dtype.itemsize]):
        return compared(x, Tucker(*small), total)
    return Tucker(*small, error + rounding(x, total))


def identity(x: Array) -> Tucker:
    """The tensor as its own core, which is exact."""
    return Tucker(x.copy(), tuple(np.eye(n, dtype=x.dtype) for n in x.shape), 0.0)


def compared(x: Array, small: Tucker, total: float) -> Tucker:
    """A decomposition with its error against ``x``, of energy ``total``, that the whole tensor shows."""
    wide = np.result_type(x.dtype, np.float64)
    whole = Tucker(small.core.astype(wide, copy=False), tuple(f.astype(wide, copy=False) for f in small.factors)).full()
    whole -= x
    return Tucker(small.core, small.factors, math.sqrt(energy(whole) / total) + rounding(x, total))
