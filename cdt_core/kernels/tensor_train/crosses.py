"""The crosses of a tensor: at each bond the heads and tails of indices whose values stand for all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.kernels.tensor_train.pivoting import Crossing, prrlu, rook
from cdt_core.kernels.tensor_train.sampling import Samples, joined

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Crosses"]

#: A bond's matrix of at most this many values is always read whole.
_ALWAYS_WHOLE = 4096


class Crosses:
    """Index sets of all bonds, what was sampled at them, and the tensor train that they make.

    ``heads[b]`` is (r_b, b), ``tails[b]`` is (r_b, d - b), for bonds b = 0..d. ``slices[k]``, (r_k, n_k, r_{k+1}), holds
    the values at ``heads[k]``, all of axis k, ``tails[k + 1]``; ``pivots[b]`` factorises those at ``heads[b], tails[b]``.
    They fit each other after every single update of a bond, so that sampling may end between any two.
    """

    def __init__(self, samples: Samples, first: NDArray[np.int64]) -> None:
        shape = samples.shape
        d = len(shape)
        self.samples = samples
        self.heads = [first[None, :b].copy() for b in range(d + 1)]
        self.tails = [first[None, b:].copy() for b in range(d + 1)]
        self.slices = [self._line(first, k) for k in range(d)]
        self.pivots = [prrlu(self.slices[b][:, first[b]], 0.0, 1) for b in range(1, d)]
        self.residuals = [np.inf] * (d - 1)
        self._rightward = True

    @property
    def ranks(self) -> tuple[int, ...]:
        """r_1 .. r_{d-1}."""
        return tuple(len(heads) for heads in self.heads[1:-1])

    def sweep(
        self, rightward: bool, goal: tuple[float, int], extra: NDArray[np.int64], rng: np.random.Generator
    ) -> None:
        """Choose the pivots of every bond anew, each from its neighbours' and the (p, d) ``extra`` points; ``goal``
        is the tolerance and the largest rank.

        Y. Nunez Fernandez et al., arXiv 2407.02454: a sweep of the 2-site algorithm.
        """
        self._rightward = rightward
        bonds = range(1, len(self.samples.shape))
        for bond in bonds if rightward else reversed(bonds):
            self._update(bond, goal, extra, rng)

    def cores(self) -> list[NDArray[Any]]:
        """The tensor train: slices with the inverse crossings multiplied in from the side that was swept first."""
        found = list(self.slices)
        for bond, pivots in enumerate(self.pivots, start=1):
            k = bond - 1 if self._rightward else bond
            core = found[k]
            if self._rightward:
                found[k] = pivots.right_solve(core.reshape(-1, core.shape[2])).reshape(core.shape)
            else:
                found[k] = pivots.left_solve(core.reshape(len(core), -1)).reshape(core.shape)
        dtype = np.result_type(*found)
        return [np.ascontiguousarray(core, dtype=dtype) for core in found]

    def _line(self, first: NDArray[np.int64], k: int) -> NDArray[Any]:
        """Values along axis k through one index: (1, n_k, 1)."""
        points = np.repeat(first[None], self.samples.shape[k], axis=0)
        points[:, k] = np.arange(self.samples.shape[k])
        return self.samples.at(points).reshape(1, -1, 1)

    def _update(self, bond: int, goal: tuple[float, int], extra: NDArray[np.int64], rng: np.random.Generator) -> None:
        """New pivots between axes ``bond - 1`` and ``bond``; nothing changes when sampling ends on the way."""
        n, n_next = self.samples.shape[bond - 1 : bond + 1]
        heads, tails = self.heads[bond - 1], self.tails[bond + 1]
        if self._rightward:
            tails = _with(tails, extra[:, bond + 1 :])
        else:
            heads = _with(heads, extra[:, : bond - 1])
        rows = joined(heads, np.arange(n)[:, None])
        cols = joined(np.arange(n_next)[:, None], tails)
        found = self._search(bond, (rows, cols), goal, rng)
        kept_heads, kept_tails = len(self.heads[bond - 1]), len(self.tails[bond + 1])
        r = len(found.pivots.rows)
        self.heads[bond], self.tails[bond] = rows[found.pivots.rows], cols[found.pivots.cols]
        self.pivots[bond - 1], self.residuals[bond - 1] = found.pivots, found.pivots.residual
        self.slices[bond - 1] = found.columns.reshape(-1, n, r)[:kept_heads]
        self.slices[bond] = found.lines.reshape(r, n_next, -1)[:, :, :kept_tails]

    def _search(
        self,
        bond: int,
        sides: tuple[NDArray[np.int64], NDArray[np.int64]],
        goal: tuple[float, int],
        rng: np.random.Generator,
    ) -> Crossing:
        """Pivots of the values at rows x columns: of all of them where they are few, else by turns between both."""
        rows, cols = sides
        most = 2 * len(self.heads[bond]) + 2
        if len(rows) * len(cols) <= max(_ALWAYS_WHOLE, 2 * (len(rows) + len(cols)) * most):
            values = self.samples.block(rows, cols)
            pivots = prrlu(values, *goal)
            return Crossing(pivots, values[pivots.rows], values[:, pivots.cols])
        if self._rightward:
            first = _candidates(_places(self.tails[bond], cols), len(cols), most, rng)
            return rook(lambda i, j: self.samples.block(rows[i], cols[j]), (len(rows), len(cols)), first, goal)
        first = _candidates(_places(self.heads[bond], rows), len(rows), most, rng)
        turned = rook(lambda j, i: self.samples.block(rows[i], cols[j]).T, (len(cols), len(rows)), first, goal)
        return turned.transposed()


def _with(indices: NDArray[np.int64], extra: NDArray[np.int64]) -> NDArray[np.int64]:
    """The indices, and behind them those of the extra ones that are not among them."""
    known = {row.tobytes() for row in indices}
    fresh = []
    for row in extra:
        if row.tobytes() not in known:
            known.add(row.tobytes())
            fresh.append(row)
    return np.concatenate((indices, np.array(fresh, np.int64).reshape(len(fresh), indices.shape[1])))


def _places(wanted: NDArray[np.int64], among: NDArray[np.int64]) -> NDArray[np.intp]:
    """Where the wanted rows stand among others, without those that do not."""
    asked = {row.tobytes() for row in wanted}
    return np.array([at for at, row in enumerate(among) if row.tobytes() in asked], np.intp)


def _candidates(known: NDArray[np.intp], n: int, most: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """The known places of 0..n-1 and random others, ``most`` in all."""
    others = np.setdiff1d(np.arange(n), known)
    fresh = rng.choice(others, size=min(len(others), max(0, most - len(known))), replace=False)
    return np.concatenate((known, fresh)).astype(np.intp)
