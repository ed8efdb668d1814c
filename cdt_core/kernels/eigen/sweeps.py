"""Two-site sweeps: a train optimised two cores at a time, with all that stays the same contracted beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.kernels.eigen.local import Local, lowest
from cdt_core.kernels.spectrum import rank_of_singular

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Sweeper", "largest_part"]

Cores = list["NDArray[Any]"]


def _past(bond: NDArray[Any], bra: NDArray[Any], w: NDArray[Any], ket: NDArray[Any]) -> NDArray[Any]:
    """An environment (bra, operator, ket) carried over one site, from the left."""
    y = np.tensordot(bond, ket, (2, 0))  # a' w i b
    y = np.tensordot(y, w, ([1, 2], [0, 2]))  # a' b i' w'
    return np.tensordot(bra.conj(), y, ([0, 1], [0, 2])).transpose(0, 2, 1)


def _flipped(core: NDArray[Any]) -> NDArray[Any]:
    """The same core read from right to left."""
    return core.transpose(core.ndim - 1, *range(1, core.ndim - 1), 0)


def largest_part(operator: Sequence[NDArray[Any]], train: Sequence[NDArray[Any]]) -> float:
    """Of what an expectation is summed of: the largest product of the norms of what two sides of a bond give.

    Large parts of an operator may cancel in its expectation; their rounding errors do not.
    """
    one = np.ones((1, 1, 1))
    left, right = [one], [one]
    for w, core in zip(operator, train, strict=True):
        left.append(_past(left[-1], core, w, core))
    for w, core in zip(reversed(operator), reversed(train), strict=True):
        right.append(_past(right[-1], _flipped(core), _flipped(w), _flipped(core)))
    return max(float(np.linalg.norm(a) * np.linalg.norm(b)) for a, b in zip(left, reversed(right), strict=True))


class Sweeper:
    """The lowest state of an operator, orthogonal to others, as a train in the mixed canonical form.

    Cores left of the pair in hand have orthonormal columns, those right of it orthonormal rows, so that the problem of the
    pair is an ordinary eigenvalue problem. ``left[i]`` and ``right[i]`` are the environments before core i and after core
    i - 1; ``beside`` the same overlaps with each train that is to be avoided, seen as an operator of rank 1.
    """

    def __init__(
        self, operator: Sequence[NDArray[Any]], avoid: Sequence[Sequence[NDArray[Any]]], max_rank: int, seed: int
    ) -> None:
        self.operator, self.avoid, self.max_rank = list(operator), avoid, max_rank
        self.d = len(operator)
        dtype = np.result_type(*operator, *(core for train in avoid for core in train))
        self.cores = self._start(dtype, np.random.default_rng(seed), min(max_rank, 4 + 2 * (len(avoid) + 1)))
        one = np.ones((1, 1, 1), dtype)
        self.left = [one] * self.d
        self.right = [one] * (self.d + 1)
        self.beside_left = [[np.ones((1, 1), dtype)] * self.d for _ in avoid]
        self.beside_right = [[np.ones((1, 1), dtype)] * (self.d + 1) for _ in avoid]
        self.value, self.scale, self.discarded = np.inf, 0.0, 0.0
        for i in range(self.d - 1, 1, -1):
            self._carry_left(i)

    def _start(self, dtype: np.dtype[Any], random: np.random.Generator, rank: int) -> Cores:
        """Random cores with orthonormal rows, the first of unit norm."""
        sizes = [core.shape[2] for core in self.operator]
        ranks = [1]
        for n in sizes:
            ranks.append(min(rank, ranks[-1] * n))
        ranks[-1] = 1
        for i in range(self.d - 1, 0, -1):
            ranks[i] = min(ranks[i], ranks[i + 1] * sizes[i])
        cores: Cores = []
        for n, a, b in zip(sizes, ranks[:-1], ranks[1:], strict=True):
            numbers = random.standard_normal((n * b, a))
            if dtype.kind == "c":
                numbers = numbers + 1j * random.standard_normal((n * b, a))
            cores.append(np.ascontiguousarray(np.linalg.qr(numbers)[0].T.reshape(a, n, b)).astype(dtype))
        return cores

    def _carry_left(self, i: int) -> None:
        """Environments right of core i - 1 from those right of core i."""
        core = self.cores[i]
        self.right[i] = _past(self.right[i + 1], _flipped(core), _flipped(self.operator[i]), _flipped(core))
        for beside, train in zip(self.beside_right, self.avoid, strict=True):
            y = np.tensordot(train[i], beside[i + 1], (2, 1))  # ket a, i, bra b'
            beside[i] = np.tensordot(core.conj(), y, ([1, 2], [1, 2]))

    def _carry_right(self, i: int) -> None:
        """Environments left of core i + 1 from those left of core i."""
        core = self.cores[i]
        self.left[i + 1] = _past(self.left[i], core, self.operator[i], core)
        for beside, train in zip(self.beside_left, self.avoid, strict=True):
            y = np.tensordot(beside[i], train[i], (1, 0))
            beside[i + 1] = np.tensordot(core.conj(), y, ([0, 1], [0, 1]))

    def _avoided(self, i: int) -> NDArray[Any]:
        """What cores i and i + 1 can have of the trains to be avoided, as orthonormal columns."""
        size = self.cores[i].shape[0] * self.cores[i].shape[1] * self.cores[i + 1].shape[1] * self.cores[i + 1].shape[2]
        columns = np.zeros((size, len(self.avoid)), self.cores[i].dtype)
        for j, train in enumerate(self.avoid):
            y = np.tensordot(np.tensordot(self.beside_left[j][i], train[i], 1), train[i + 1], 1)
            columns[:, j] = np.tensordot(y, self.beside_right[j][i + 2], (3, 1)).ravel()
        basis, sizes, _ = np.linalg.svd(columns, full_matrices=False)
        return np.ascontiguousarray(basis[:, sizes > 1e-10])

    def _improve(self, i: int, tol: float, rightwards: bool) -> None:
        """Solve the problem of cores i and i + 1 and split the result, cutting what the tolerance allows."""
        local = Local(self.left[i], (self.operator[i], self.operator[i + 1]), self.right[i + 2], self._avoided(i))
        both = np.tensordot(self.cores[i], self.cores[i + 1], 1)
        self.value, best, scale = lowest(local, both.ravel(), tol)
        self.scale = max(self.scale, scale)
        a, s, t, b = both.shape
        u, values, v = np.linalg.svd(best.reshape(a * s, t * b), full_matrices=False)
        rank, lost = rank_of_singular(values, tol**2 / (self.d - 1), self.max_rank)
        self.discarded = max(self.discarded, lost)
        kept = values[:rank] / np.linalg.norm(values[:rank])
        u, v = u[:, :rank], v[:rank]
        self.cores[i] = np.ascontiguousarray((u if rightwards else u * kept).reshape(a, s, rank))
        self.cores[i + 1] = np.ascontiguousarray((kept[:, None] * v if rightwards else v).reshape(rank, t, b))

    def sweep(self, tol: float) -> float:
        """To the right end and back; returns the value.

        ``tol`` is the relative residual of each pair's problem, and the norm that all bonds together may lose.
        """
        self.discarded = 0.0
        for i in range(self.d - 2):
            self._improve(i, tol, rightwards=True)
            self._carry_right(i)
        for i in range(self.d - 2, 0, -1):
            self._improve(i, tol, rightwards=False)
            self._carry_left(i + 1)
        self._improve(0, tol, rightwards=False)
        if self.d > 2:
            self._carry_left(1)
        return self.value
