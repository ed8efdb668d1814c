"""Tensor trains: decomposition, arithmetic, rounding, sampling and streams."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from cdt_core.kernels.tensor_train.operator import TensorTrainOperator
from cdt_core.kernels.tensor_train.quantics import QuanticsTrain, quantics
from cdt_core.kernels.tensor_train.train import TensorTrain

__all__ = [
    "CrossResult",
    "OrderedTrain",
    "QuanticsTrain",
    "TTSketch",
    "TensorTrain",
    "TensorTrainOperator",
    "best_order",
    "quantics",
    "tt_cross",
    "tt_svd",
]

#: What is imported at first use, and from where: who rounds a train needs no sampling.
_LATER = {
    "TTSketch": "sketch",
    "CrossResult": "cross",
    "OrderedTrain": "ordering",
    "best_order": "ordering",
    "tt_cross": "cross",
    "tt_svd": "svd",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
