"""A function of indices, asked for many values at once: counted, checked, remembered, never more than was allowed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.errors import TensorError
from cdt_core.kernels.tensor_train.memo import Memo

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BudgetSpentError", "Samples", "joined"]

#: Most indices (points times axes) in one call: what it holds stays below 32 MiB, and Ctrl-C is heard between calls.
_INDICES_A_CALL = 1 << 22


class BudgetSpentError(Exception):
    """The next values would be more than ``max_evaluations``; caught before a caller sees it."""


def joined(heads: NDArray[np.int64], tails: NDArray[np.int64]) -> NDArray[np.int64]:
    """Every row of (m, p) heads before every row of (n, q) tails: (m n, p + q), the tails running fastest."""
    return np.hstack((np.repeat(heads, len(tails), axis=0), np.tile(tails, (len(heads), 1))))


class Samples:
    """Values of a function at indices of a tensor of ``shape``; knows how many it asked for, and the largest."""

    def __init__(
        self, f: Callable[[NDArray[np.int64]], Any], shape: tuple[int, ...], max_evaluations: int | None
    ) -> None:
        self._f = f
        self.shape = shape
        self._most = max_evaluations
        self.reserve = 0
        self.evaluations = 0
        self.largest = 0.0
        self._memo = Memo() if math.prod(shape) < 1 << 62 else None
        self._strides = [math.prod(shape[k + 1 :]) for k in range(len(shape))]

    @property
    def left(self) -> float:
        """How many values may still be asked for; the reserve is not among them."""
        return np.inf if self._most is None else self._most - self.evaluations - self.reserve

    def at(self, points: NDArray[np.int64]) -> NDArray[Any]:
        """Values at (m, d) indices: (m,), float64 or complex128. Those asked for before are not asked for again.

        Raises :class:`BudgetSpentError`, and asks for nothing, where the new ones are more than what is left.
        """
        if self._memo is None:
            return self._asked(points)
        keys = (points @ np.array(self._strides, np.int64)).astype(np.uint64)
        values, known = self._memo.get(keys)
        if known.all():
            return values
        fresh = self._asked(points[~known])
        self._memo.put(keys[~known], fresh)
        values = values.astype(np.result_type(values, fresh), copy=False)
        values[~known] = fresh
        return values

    def block(self, heads: NDArray[np.int64], tails: NDArray[np.int64]) -> NDArray[Any]:
        """Values at every head with every tail: (m, n)."""
        step = max(1, _INDICES_A_CALL // max(1, len(tails) * len(self.shape)))
        parts = [self.at(joined(heads[at : at + step], tails)) for at in range(0, len(heads), step)]
        return np.concatenate(parts).reshape(len(heads), len(tails))

    def _asked(self, points: NDArray[np.int64]) -> NDArray[Any]:
        if len(points) > self.left:
            raise BudgetSpentError
        step = max(1, _INDICES_A_CALL // points.shape[1])
        parts = [self._call(points[at : at + step]) for at in range(0, len(points), step)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _call(self, points: NDArray[np.int64]) -> NDArray[Any]:
        values = np.asarray(self._f(points))
        self.evaluations += len(points)
        if values.shape != (len(points),) or values.dtype.kind not in "biufc":
            raise TensorError(
                f"the function returned {values.dtype} of shape {values.shape} for {len(points)} indices; "
                f"it has to return one number for each row of its (m, {len(self.shape)}) argument: shape ({len(points)},)"
            )
        values = values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)
        sizes = np.abs(values)
        peak = float(sizes.max())
        if not np.isfinite(peak):
            at = int(np.argmin(np.isfinite(sizes)))
            raise TensorError(
                f"the function returned {values[at]} at index {tuple(map(int, points[at]))}; "
                "cross interpolation needs finite values: give it a finite one there, or mask that part of the tensor"
            )
        self.largest = max(self.largest, peak)
        return values
