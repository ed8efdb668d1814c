"""Tensor trains of dense arrays, with a certified error."""

from __future__ import annotations

import math
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cdt_core.errors import TensorError
from cdt_core.kernels.blas import on_one_blas_thread
from cdt_core.kernels.tensor_train.rounding import as_limits, finest
from cdt_core.kernels.tensor_train.sources import Tensor, array_of, tensor_of
from cdt_core.kernels.tensor_train.spending import spent
from cdt_core.kernels.tensor_train.sweep import Sweep

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdt_core.kernels.tensor_train.train import TensorTrain

__all__ = ["tt_svd"]

#: The part of the work that is a train with equal shares, where more is cut afterwards.
_SWEEPING = 0.5


@on_one_blas_thread
def tt_svd(  # noqa: PLR0913
    x: Any,
    rtol: float | None = None,
    max_rank: int | None = None,
    *,
    exact: bool = False,
    quantics: bool = False,
    spend: Literal["even", "smallest"] = "even",
    workers: int = 1,
    progress: Callable[[float], None] | None = None,
) -> TensorTrain:
    """Decompose a dense tensor into a tensor train with a certified error.

    Parameters
    ----------
    x
        Array of one axis or more: ndarray, memmap, or anything with ``shape``, ``dtype`` and slices (zarr, dask, h5py), which
        is read piece by piece (it is loaded only where a last axis is longer than all the others together, or where the
        last axes keep nearly every direction). float32, float64, complex64,
        complex128; other numbers become float64.
    rtol
        Relative Frobenius tolerance: ``||x - train|| <= rtol * ||x||`` holds, and ``train.error`` says by how much.
    max_rank
        No rank is larger; the tolerance may be missed then, and ``train.error`` says so.
    exact
        Every basis is made of the whole tensor: ranks are those of its singular values, bond by bond. Else bases of large
        tensors in memory are made of a sample; ranks are the same but for singular values within a thousandth of the
        threshold, where one may be larger by one.
    quantics
        Split every axis into binary digits first; see :func:`cdt_core.kernels.tensor_train.quantics`.
    spend
        How bonds share the tolerance. "even": each has an equal part, and what a bond of full rank does not use is left;
        ``train.error`` is often half of ``rtol``. "smallest": that train is cut further, where it saves most parameters,
        until the tolerance is used up: up to half as many, never more.
    workers
        Threads that share the work; the result does not depend on them.
    progress
        Called with the share of the work that is done, 0 to 1.

    Returns
    -------
    TensorTrain
        Cores left of one are orthonormal from the left, those right of it from the right. ``error`` is certified: by the energy
        identity, or for tolerances, or errors of ranks that were given, below 1e-6 (2e-5 in single precision) by comparing
        with ``x`` once more, as with ``spend="smallest"`` wherever something more was cut.

    Raises
    ------
    TensorError
        NaN or infinite values, an axis of length 0, neither ``rtol`` nor ``max_rank``, a tolerance that the dtype cannot hold,
        ``spend`` that is neither of both, or ``"smallest"`` without a tolerance.

    Notes
    -----
    Of n^d numbers with ranks r: by samples, one pass of r * n^d multiply-adds and memory for about n^(d-2) * r numbers; exact,
    two passes of n * n^d for Gram matrices, one of r * n^d, and memory for r^2 * n^(d-2). Tolerances below 1e-7 use Q-less QR
    instead of Gram matrices. ``spend="smallest"`` adds, up to three times, about 10 * d * n * r^3 flops for a cut and a pass of
    2 * r * n^d to measure its error: fields of ERA-Interim take 1.5 times as long at 1e-1, seven times at 1e-3.

    References
    ----------
    Oseledets, "Tensor-Train Decomposition", SIAM J. Sci. Comput. 33(5), 2011, algorithm 1 and theorem 2.2.
    Roehrig-Zoellner, Thies, Basermann, "Performance of the low-rank TT-SVD for large dense tensors on modern multicore CPUs",
    SIAM J. Sci. Comput. 44(4), 2022.

    Examples
    --------
    >>> import numpy as np
    >>> i, j, k = np.ogrid[:20, :30, :40]
    >>> train = tt_svd(np.sin(0.1 * (i + j + k)), rtol=1e-6)
    >>> train.ranks, bool(train.error <= 1e-6)
    ((1, 2, 2, 1), True)
    """
    rtol, max_rank = as_limits(rtol, max_rank)
    threads = _threads(workers)
    if spend not in ("even", "smallest") or (rtol is None and spend == "smallest"):
        raise TensorError(f'spend={spend!r}: give "even", or "smallest" together with a tolerance to spend')
    told = progress or (lambda share: None)
    if quantics:
        from cdt_core.kernels.tensor_train.quantics import split_digits

        x = split_digits(array_of(x), 2)[0]
    tensor = tensor_of(x)
    _check(tensor, rtol, max_rank)
    aim, sweeping = rtol, 1.0 if spend == "even" else _SWEEPING
    for _ in range(4):
        swept = Sweep(
            tensor, aim, max_rank, exact=exact, workers=threads, progress=lambda share: told(sweeping * share)
        )
        with np.errstate(all="ignore"):  # sums that are not finite are refused
            train = swept.train()
        if rtol is None or train.error is None or train.error <= rtol or _is_capped(train, max_rank):
            if rtol is not None and spend == "smallest":
                train = spent(tensor, math.sqrt(swept.energy), train, rtol, threads)
                told(1.0)
            return train
        aim = rtol * rtol / train.error * 0.9 if aim == rtol else (aim or 0) / 2
    raise TensorError(
        f"rtol={rtol}: rounding of {tensor.dtype} leaves an error of {train.error}; ask for more, or convert to float64"
    )


def _threads(workers: Any) -> int:
    if not isinstance(workers, Integral):
        raise TensorError(f"workers={workers!r}: threads are counted in whole numbers")
    return int(workers)


def _check(tensor: Tensor, rtol: float | None, max_rank: int | None) -> None:
    if rtol is None and max_rank is None:
        raise TensorError("give rtol, the relative error that is allowed, or max_rank, or both")
    if rtol is not None:
        least = finest(tensor.dtype, len(tensor.shape))
        if not least <= rtol < math.inf:
            raise TensorError(
                f"rtol={rtol}: {tensor.dtype} holds tolerances from {least:.1e} on; allow more, or convert to float64"
            )


def _is_capped(train: TensorTrain, max_rank: int | None) -> bool:
    return max_rank is not None and max(train.ranks) >= max_rank
