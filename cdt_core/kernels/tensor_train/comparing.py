"""A train compared with the tensor that it stands for, without forming it whole."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.kernels.crew import share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cdt_core.kernels.tensor_train.sources import Tensor

__all__ = ["relative_error"]

#: Numbers in the right part of the train, which is multiplied out, and in one piece of the comparison.
_PART = 1 << 21

#: What sums of squares are certain to, and what rounding of one product of orthonormal cores costs, as shares of the whole.
_SUMS, _ROUNDING = 2.0**-44, 2.0**-52


def relative_error(tensor: Tensor, cores: Sequence[NDArray[Any]], norm: float, workers: int) -> float:
    """``||x - train|| / norm``: one pass over x, in double precision, with memory for a few million numbers.

    What rounding may hide is added: the result is no less than the error.
    """
    double = np.result_type(cores[0].dtype, np.float64)
    split, right = len(cores), np.ones((1, 1), double)
    while split > 0 and cores[split - 1].shape[0] * cores[split - 1].shape[1] * right.shape[1] <= _PART:
        split -= 1
        right = np.tensordot(cores[split].astype(double), right, 1).reshape(cores[split].shape[0], -1)
    left = np.ones((1, 1), double)
    for core in cores[:split]:
        left = np.tensordot(left, core.astype(double), 1).reshape(-1, core.shape[2])
    step = max(1, _PART // right.shape[1])
    energy = 0.0
    for start, piece in tensor.pieces(right.shape[1]):
        edges = [*range(0, len(piece), step), len(piece)]

        def part(
            first: int, last: int, start: int = start, piece: NDArray[Any] = piece, edges: list[int] = edges
        ) -> float:
            found = 0.0
            for i in range(first, last):
                here = slice(edges[i], edges[i + 1])
                rest = piece[here] - left[start + here.start : start + here.stop] @ right
                found += float(np.vdot(rest, rest).real)
            return found

        energy += sum(share(part, len(edges) - 1, workers, most=1))
    ranks = sum(math.sqrt(core.shape[2]) for core in cores)
    return math.sqrt(energy) / norm * (1 + _SUMS) + _ROUNDING * (1 + ranks)
