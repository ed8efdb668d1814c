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

__all__ = ["SMALLEST", "BudgetSpentError", "Samples", "joined"]

#: Most indices (points times axes) in one call: what it holds stays below 32 MiB, and Ctrl-C is heard between calls.
_INDICES_A_CALL = 1 << 22


#: Values above it overflow when they are eliminated; pivots well below a tolerance of ``SMALLEST`` are denormal.
_LARGEST, SMALLEST = 2.0**1000, 2.0**-1000


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
        keys, first, places = np.unique(self._keys(points), return_index=True, return_inverse=True)
        return self._remembered(self._memo, keys, points[first])[places]

    def block(self, heads: NDArray[np.int64], tails: NDArray[np.int64]) -> NDArray[Any]:
        """Values at every head with every tail: (m, n)."""
        step = max(1, _INDICES_A_CALL // max(1, len(tails) * len(self.shape)))
        parts = [self._distinct(joined(heads[at : at + step], tails)) for at in range(0, len(heads), step)]
        return np.concatenate(parts).reshape(len(heads), len(tails))

    def _distinct(self, points: NDArray[np.int64]) -> NDArray[Any]:
        """As :meth:`at`, of points none of which comes twice."""
        return self._asked(points) if self._memo is None else self._remembered(self._memo, self._keys(points), points)

    def _keys(self, points: NDArray[np.int64]) -> NDArray[np.uint64]:
        return (points @ np.array(self._strides, np.int64)).astype(np.uint64)

    def _remembered(self, memo: Memo, keys: NDArray[np.uint64], points: NDArray[np.int64]) -> NDArray[Any]:
        values, known = memo.get(keys)
        if known.all():
            return values
        fresh = self._asked(points[~known])
        memo.put(keys[~known], fresh)
        values = values.astype(np.result_type(values, fresh), copy=False)
        values[~known] = fresh
        return values

    def _asked(self, points: NDArray[np.int64]) -> NDArray[Any]:
        if len(points) > self.left:
            raise BudgetSpentError
        step = max(1, _INDICES_A_CALL // points.shape[1])
        parts = [self._call(points[at : at + step]) for at in range(0, len(points), step)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _call(self, points: NDArray[np.int64]) -> NDArray[Any]:
        returned = self._f(points.copy())  # what the function does to its argument is its own
        self.evaluations += len(points)
        values = self._numbers(returned, len(points))
        sizes = np.abs(values)
        peak = float(sizes.max())
        if not peak <= _LARGEST or np.ma.is_masked(returned):
            at = int((~(sizes <= _LARGEST) | np.ma.getmaskarray(returned)).argmax())
            raise TensorError(
                f"the function returned {returned[at]} at index {tuple(map(int, points[at]))}; cross interpolation needs "
                f"finite values up to {_LARGEST:.0e}: give it one there, or mask that part of the tensor"
            )
        self.largest = max(self.largest, peak)
        return values

    def _numbers(self, returned: Any, count: int) -> NDArray[Any]:
        try:
            values = np.asarray(returned)
        except (TypeError, ValueError) as error:
            raise TensorError(f"the function returned a {type(returned).__name__} that is no array: {error}") from error
        if values.shape != (count,) or values.dtype.kind not in "biufc":
            raise TensorError(
                f"the function returned {values.dtype} of shape {values.shape} for {count} indices; "
                f"it has to return one number for each row of its (m, {len(self.shape)}) argument: shape ({count},)"
            )
        with np.errstate(over="ignore"):  # of what is longer than double precision
            return values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)
