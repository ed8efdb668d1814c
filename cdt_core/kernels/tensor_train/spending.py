"""Trains that use all of a tolerance, each bond as much of it as makes the whole train smallest.

``tt_svd`` gives each bond an equal share, and a bond between short axes, of full rank, uses none of it. The singular values
of all bonds of its train say what each cut would save and what it would cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.kernels.tensor_train import rounding
from cdt_core.kernels.tensor_train.comparing import relative_error
from cdt_core.kernels.tensor_train.train import TensorTrain
from cdt_core.kernels.tensor_train.triangle import right_factors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cdt_core.kernels.tensor_train.sources import Tensor
    from cdt_core.kernels.tensor_train.triangle import RightFactors

__all__ = ["ranks_within", "spent"]

#: Trains that are made and compared with the tensor, unless so much of the tolerance is used.
_TRIES, _USED = 3, 0.99
#: Of what is left of the tolerance, the part that is spent at once.
_PART = 0.9999
#: Cuts that cost less than this share of the energy cost nothing.
_NOTHING = 1e-300


def spent(tensor: Tensor, norm: float, train: TensorTrain, rtol: float, workers: int = 1) -> TensorTrain:
    """A train that is no larger than a given one, with more of the tolerance used, but not exceeded.

    Parameters
    ----------
    tensor
        What the train stands for.
    norm
        Of the tensor.
    train
        With a certified error.
    rtol
        Relative Frobenius tolerance.
    workers
        Threads that share the comparisons.

    Returns
    -------
    TensorTrain
        The one given where nothing can be cut. Else one whose error was measured.

    Notes
    -----
    Up to three times: two factorisations without their orthogonal factors, a cut of the train, about ``10 * d * n * r^3``
    flops, and one pass over the tensor to compare, ``2 * r`` flops a number.
    """
    part = _PART
    for _ in range(_TRIES):
        used = train.error
        if train.ndim < 3 or not used or used >= _USED * rtol or norm >= float(np.finfo(train.dtype).max):
            break
        cores = _cut(train, part * (rtol**2 - used**2))
        if cores is None:
            break
        error = relative_error(tensor, cores, norm, workers)
        if error <= rtol:
            train = TensorTrain(cores, error)
        else:
            part /= 2
    return train


@np.errstate(all="ignore")
def _cut(train: TensorTrain, budget: float) -> Sequence[NDArray[Any]] | None:
    """Cores of fewer ranks, at a distance of about so much of the tensor's energy; None where nothing is cut."""
    right = right_factors(train.cores)
    kept = 1.0 - min(1.0, train.error or 0.0) ** 2
    energies = [kept * found for found in _energies(train.cores, right)]
    ranks = ranks_within(energies, train.shape, budget)
    if tuple(ranks) == train.ranks[1:-1]:
        return None
    return rounding.second_sweep(train.cores, right, 0.0, ranks, train.dtype).cores


def _energies(cores: Sequence[NDArray[Any]], right: RightFactors) -> list[NDArray[np.float64]]:
    """For each bond the squares of its singular values, falling, as shares of their sum."""
    left = right_factors([core.transpose(2, 1, 0) for core in reversed(cores)]).factors[::-1]
    found = []
    for one, other in zip(left[1:-1], right.factors[1:-1], strict=True):
        energies = rounding.svd(one.T @ other)[1] ** 2
        found.append(energies / energies.sum())
    return found


def ranks_within(energies: Sequence[NDArray[np.float64]], lengths: Sequence[int], budget: float) -> list[int]:
    """Ranks of the d - 1 bonds of a small train, so that the energies beyond them add up to no more than the budget.

    From full ranks the cut is made again and again that saves most parameters for its energy.
    """
    ranks, left = [1, *map(len, energies), 1], budget
    while True:
        gains = [(0.0, 0)]
        for k, values in enumerate(energies, 1):
            cost = float(values[ranks[k] - 1])
            if ranks[k] > 1 and cost <= left:
                saved = lengths[k - 1] * ranks[k - 1] + lengths[k] * ranks[k + 1]
                gains.append((saved / max(cost, _NOTHING), k))
        best = max(gains)[1]
        if not best:
            return ranks[1:-1]
        ranks[best] -= 1
        left -= float(energies[best - 1][ranks[best]])
