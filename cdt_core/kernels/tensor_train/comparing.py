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
_PART = 1 << 20

#: What sums of squares are certain to, and what rounding of one product of orthonormal cores costs, as shares of the whole.
_SUMS, _ROUNDING = 2.0**-44, 2.0**-52


def relative_error(tensor: Tensor, cores: Sequence[NDArray[Any]], norm: float, workers: int) -> float:
    """``||x - train|| / norm``: one pass over x, in double precision, with memory for a few million numbers a worker.

    What rounding may hide is added: the result is no less than the error.
    """
    left, right = _in_two(cores)
    columns = right.shape[1]
    wide = min(columns, max(1, _PART // len(right)))
    high = max(1, _PART // wide)
    energy = 0.0
    for start, piece in tensor.pieces(columns):
        corners = [(i, j) for i in range(0, len(piece), high) for j in range(0, columns, wide)]

        def part(
            first: int, last: int, start: int = start, piece: NDArray[Any] = piece, corners: list[Any] = corners
        ) -> float:
            found = 0.0
            for i, j in corners[first:last]:
                here = piece[i : i + high, j : j + wide]
                rest = _rows(left, start + i, start + i + len(here)) @ right[:, j : j + wide]
                np.subtract(here, rest, out=rest)
                found += float(np.vdot(rest, rest).real)
            return found

        energy += sum(share(part, len(corners), workers, most=1))
    ranks = sum(math.sqrt(core.shape[2]) for core in cores)
    return math.sqrt(energy) / norm * (1 + _SUMS) + _ROUNDING * (1 + ranks)


def _in_two(cores: Sequence[NDArray[Any]]) -> tuple[Sequence[NDArray[Any]], NDArray[Any]]:
    """Some first cores, and all others multiplied out, as (rank, places): as many as keep that small, but the last at least."""
    double = np.result_type(cores[0].dtype, np.float64)
    split = len(cores) - 1
    right = cores[split].reshape(len(cores[split]), -1)
    while split > 1 and cores[split - 1].shape[0] * cores[split - 1].shape[1] * right.shape[1] <= _PART:
        split -= 1
        right = np.tensordot(cores[split].astype(double, copy=False), right, 1).reshape(len(cores[split]), -1)
    return cores[:split], right.astype(double, copy=False) if right.size <= _PART else right


def _rows(cores: Sequence[NDArray[Any]], start: int, stop: int) -> NDArray[Any]:
    """Rows [start, stop) of the first cores multiplied out, in double precision: (stop - start, rank)."""
    if not cores:
        return np.ones((1, 1))
    core = cores[-1]
    length = core.shape[1]
    first, last = start // length, (stop - 1) // length
    if last - first == 1:  # of two long ones little may be asked
        middle = last * length
        return np.concatenate([_rows(cores, start, middle), _rows(cores, middle, stop)])
    skipped = start - first * length
    if first == last:
        core, skipped = core[:, skipped : skipped + stop - start], 0
    wide = core.astype(np.result_type(core.dtype, np.float64), copy=False)
    made = np.tensordot(_rows(cores[:-1], first, last + 1), wide, 1).reshape(-1, core.shape[2])
    return made[skipped : skipped + stop - start]
