"""Trains that use all of a tolerance, where bonds that cut little leave much of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from cdt_core.kernels.tensor_train.svd import tt_svd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdt_core.kernels.tensor_train.train import TensorTrain

__all__ = ["spent"]

#: Trains that are made with larger shares for each bond, unless so much of the tolerance is used.
_TRIES, _USED = 3, 0.97


def spent(values: NDArray[Any], train: TensorTrain, rtol: float) -> TensorTrain:
    """A train that is no larger than one of ``tt_svd(values, rtol)``, with more of the tolerance used, but not exceeded.

    ``tt_svd`` gives an equal share of the tolerance to each bond, and a bond between short axes, of full rank, uses none
    of it. Up to three more decompositions, at larger tolerances: the certified error says which of them hold.
    """
    low, high = rtol, rtol * math.sqrt(max(1, train.ndim - 1))
    for _ in range(_TRIES):
        if not train.error or train.error >= _USED * rtol:
            break
        aim = low * rtol / train.error
        aim = aim if low < aim < high else math.sqrt(low * high)
        tried = tt_svd(values, aim)
        if tried.error is None or tried.error > rtol:
            high = aim
            continue
        low = aim
        train = tried if tried.parameters <= train.parameters else train
    return train
