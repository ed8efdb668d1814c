"""Higher-order orthogonal iteration: a Tucker decomposition made better at the same ranks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.errors import TensorError
from cdt_core.kernels.blas import on_one_blas_thread
from cdt_core.kernels.tucker.bases import top
from cdt_core.kernels.tucker.certificate import certified, compared, energy, rounding
from cdt_core.kernels.tucker.checks import checked_change, checked_count, checked_factor, checked_tensor, must_be_finite
from cdt_core.kernels.tucker.decomposition import Tucker
from cdt_core.kernels.tucker.hosvd import hosvd
from cdt_core.kernels.tucker.modes import gram, project, three_way

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

__all__ = ["hooi"]


@on_one_blas_thread
def hooi(
    x: Any,
    start: Tucker | int | Sequence[int],
    *,
    sweeps: int = 10,
    tol: float = 1e-6,
    progress: Callable[[float], None] | None = None,
) -> Tucker:
    """Refine a Tucker decomposition of ``x`` by alternating over its factors; ranks stay, the error does not grow.

    Parameters
    ----------
    x
        The tensor, as for ``hosvd``.
    start
        A decomposition of ``x``, or of a tensor like it (its factors' columns are made orthonormal), or the ranks of one that
        ``hosvd`` makes first.
    sweeps
        Alternations over all axes, at most.
    tol
        Stop when a sweep lowers the relative error by less than this.
    progress
        Called with the share of the sweeps that is done, 0 to 1.

    Returns
    -------
    Tucker
        With the ranks of ``start`` and a certified error.

    Raises
    ------
    TensorError
        ``start`` has another shape, is complex where ``x`` is not, or has NaN or infinite factors; ``sweeps`` or ``tol`` are
        negative or no numbers; or what ``hosvd`` raises.

    Notes
    -----
    De Lathauwer, De Moor and Vandewalle 2000, "On the best rank-1 and rank-(R1, ..., RN) approximation of higher-order
    tensors", algorithm 4.2. Each factor becomes the leading eigenvectors of the tensor projected on all the others; a binary
    tree shares those projections, so that a sweep reads ``x`` twice: about ``2 (r_0 + r_last) x.size`` operations. Extra
    memory: the projected tensors, less than ``x`` together unless the ranks are nearly full; and a whole tensor in double
    precision where errors have to be compared (below 1e-6, float32: 1e-4; or where the start is as good as what is found).

    Examples
    --------
    >>> import numpy as np
    >>> x = np.sin(np.add.outer(np.arange(5.0), np.add.outer(np.arange(6.0), np.arange(7.0) ** 2)))
    >>> hooi(x, 1).error <= hosvd(x, ranks=1).error
    True
    """
    array = checked_tensor(x)
    total = energy(array)
    must_be_finite(array, total)
    sweeps = checked_count(sweeps, "a number of sweeps of", 0)
    tol = checked_change(tol)
    begun = start if isinstance(start, Tucker) else hosvd(array, ranks=start)
    if begun.shape != array.shape:
        raise TensorError(f"a decomposition of shape {begun.shape} is no start for a tensor of shape {array.shape}")
    wide = np.result_type(array.dtype, np.float64)
    factors = [np.linalg.qr(checked_factor(f, k, wide))[0] for k, f in enumerate(begun.factors)]
    if not all(np.isfinite(f).all() for f in factors):
        raise TensorError("the factors of the start have NaN or infinite values; start from ranks instead")
    if not total:
        return certified(array, np.zeros([f.shape[1] for f in factors], wide), factors, total, math.inf)
    before = -math.inf
    core = array
    for done in range(sweeps):
        core = _sweep(array, factors, range(array.ndim))
        kept = energy(core) / total
        if progress is not None:
            progress((done + 1) / sweeps)
        if math.sqrt(max(1 - before, 0.0)) - math.sqrt(max(1 - kept, 0.0)) < tol:
            break
        before = kept
    if core is array:
        core = _projected(array, factors, range(array.ndim))
    found = certified(array, core, factors, total, math.inf)
    return _better(array, total, begun, found)


def _better(x: Array, total: float, begun: Tucker, found: Tucker) -> Tucker:
    """The start, where what was found is not nearer to ``x``, of energy ``total``; its error may be that of another tensor."""
    error = found.error or 0.0
    if begun.error is None or begun.error > error or begun.dtype != x.dtype:
        return found
    measured = compared(x, begun, total)
    if (measured.error or 0.0) - rounding(x, total) <= begun.error:
        return begun
    return measured if (measured.error or 0.0) <= error else found


def _sweep(x: Array, factors: list[Array], axes: range) -> Array:
    """Renew the factors of ``axes`` of ``x``, whose other axes are projected already, and give the core."""
    if len(axes) == 1:
        three = three_way(x, axes)
        whole = gram(three, np.result_type(x.dtype, np.float64))
        factors[axes[0]] = np.ascontiguousarray(top(whole, factors[axes[0]].shape[1]))
        return _projected(x, factors, axes)
    middle = (axes.start + axes.stop) // 2
    left, right = range(axes.start, middle), range(middle, axes.stop)
    _sweep(_projected(x, factors, right), factors, left)
    return _sweep(_projected(x, factors, left), factors, right)


def _projected(x: Array, factors: list[Array], axes: range) -> Array:
    """``x`` projected on the factors of some axes, those that shrink it most first."""
    for axis in sorted(axes, key=lambda k: factors[k].shape[1] / factors[k].shape[0]):
        shape = (*x.shape[:axis], factors[axis].shape[1], *x.shape[axis + 1 :])
        x = project(factors[axis], three_way(x, range(axis, axis + 1))).reshape(shape)
    return x
