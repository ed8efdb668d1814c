"""Another order of a train's axes, by exchanging neighbours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from cdt_core.errors import TensorError
from cdt_core.kernels.tensor_train.arguments import whole_numbers
from cdt_core.kernels.tensor_train.rounding import STEP, Rounded, finest, rounded, svd
from cdt_core.kernels.tensor_train.triangle import exponent, times_power

__all__ = ["checked_axes", "permuted"]

Array = NDArray[Any]


def checked_axes(axes: Sequence[int], ndim: int) -> list[int]:
    """Axes as NumPy's ``transpose`` takes them, none negative."""
    given = whole_numbers(axes, "axes", -ndim)
    found = [axis + ndim if axis < 0 else axis for axis in given]
    if sorted(found) != list(range(ndim)):
        raise TensorError(f"axes {given} of a train of {ndim} axes: give each from 0 to {ndim - 1} once")
    return found


def inversions(order: Sequence[int]) -> int:
    """Exchanges of neighbours that sorting takes."""
    return sum(a > b for a, b in combinations(order, 2))


def permuted(
    cores: Sequence[Array], axes: Sequence[int], rtol: float, progress: Callable[[float], None] | None = None
) -> tuple[list[Array], float]:
    """Cores with axis ``axes[k]`` at place k, and the relative error made.

    Neighbours are exchanged one pair after the other, each through an SVD of the two cores at the centre of
    orthogonality, so that what it cuts is what the train loses. Half of the tolerance goes to the exchanges in equal
    parts, what is left of the whole to a rounding at the end. The order reversed is free: cores are turned round.
    ``progress`` is told the share of exchanges done before each.
    """
    dtype, d = cores[0].dtype, len(cores)
    rtol = max(rtol, 16 * finest(dtype, d))
    work = list(cores)
    order = list(axes)
    if 2 * inversions(order) > d * (d - 1) // 2:
        work = [core.transpose(2, 1, 0) for core in reversed(work)]
        order = [d - 1 - axis for axis in order]
    exchanges = inversions(order)
    if not exchanges:
        return [np.ascontiguousarray(core) for core in work], 0.0
    before = rounded([core.astype(np.result_type(dtype, np.float64)) for core in work], rtol / 8, None)
    chain = _Chain(before, rtol / 4 / exchanges)
    # Insertion sort: what belongs at place k comes there from the right, one exchange after the other.
    places, done = list(range(d)), 0
    for k, axis in enumerate(order):
        for j in range(places.index(axis), k, -1):
            if progress is not None:
                progress(done / exchanges)
            chain.exchange(j - 1)
            done += 1
            places[j - 1], places[j] = places[j], places[j - 1]
    chain.cores[chain.centre] = times_power(chain.cores[chain.centre], chain.power)
    spent = before.error + chain.spent * (1.0 + before.error)
    # Where a train cancels itself, arithmetic alone may have spent more than all.
    left = max((rtol - spent) / (1.0 + spent) if spent < rtol else 0.0, finest(dtype, d))
    after = rounded(chain.cores, left, None, dtype=dtype)
    return after.cores, spent + after.error * (1.0 + spent)


class _Chain:
    """Cores of which those left of ``centre`` have orthonormal columns, those right of it orthonormal rows.

    That at the centre is divided by 2 to ``power``.
    """

    def __init__(self, start: Rounded, share: float) -> None:
        self.cores, self.centre = list(start.cores), len(start.cores) - 1
        self.power = exponent(self.cores[-1])
        self.cores[-1] = times_power(self.cores[-1], -self.power)  # no square of it overflows or vanishes
        self.norm = float(np.linalg.norm(self.cores[-1]))
        self.share, self.spent = share, 0.0

    def exchange(self, k: int) -> None:
        """Exchange the axes k and k + 1; cuts at most ``share`` of the norm."""
        while self.centre > k + 1:
            self._to_left()
        while self.centre < k:
            self._to_right()
        left, right = self.cores[k], self.cores[k + 1]
        r, m, n, s = left.shape[0], left.shape[1], right.shape[1], right.shape[2]
        merged = np.tensordot(left, right, 1).transpose(0, 2, 1, 3).reshape(r * n, m * s)
        u, values, vh = svd(merged)
        tails = np.sqrt(np.cumsum(values[::-1] ** 2))[::-1]
        rank = max(1, int(np.count_nonzero(tails > self.share * self.norm)))
        self.spent += STEP + (float(tails[rank]) / self.norm if rank < len(tails) and self.norm else 0.0)
        self.cores[k] = u[:, :rank].reshape(r, n, rank)
        self.cores[k + 1] = (values[:rank, None] * vh[:rank]).reshape(rank, m, s)
        self.centre = k + 1

    def _to_left(self) -> None:
        k = self.centre
        core = self.cores[k]
        q, r = scipy.linalg.qr(core.reshape(core.shape[0], -1).T, mode="economic", check_finite=False)
        self.cores[k] = q.T.reshape(-1, core.shape[1], core.shape[2])
        self.cores[k - 1] = np.tensordot(self.cores[k - 1], r.T, 1)
        self.centre = k - 1

    def _to_right(self) -> None:
        k = self.centre
        core = self.cores[k]
        q, r = scipy.linalg.qr(core.reshape(-1, core.shape[2]), mode="economic", check_finite=False)
        self.cores[k] = q.reshape(core.shape[0], core.shape[1], -1)
        self.cores[k + 1] = np.tensordot(r, self.cores[k + 1], 1)
        self.centre = k + 1
