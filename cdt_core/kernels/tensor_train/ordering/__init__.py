"""The order and folding of axes for the smallest tensor train."""

from __future__ import annotations

from cdt_core.kernels.tensor_train.ordering.order import Order
from cdt_core.kernels.tensor_train.ordering.ordered_train import OrderedTrain
from cdt_core.kernels.tensor_train.ordering.search import best_order

__all__ = ["Order", "OrderedTrain", "best_order"]
