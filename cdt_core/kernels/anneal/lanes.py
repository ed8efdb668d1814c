"""A problem as the compiled kernels want it, and groups of 64 replicas of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from cdt_core.kernels import _anneal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdt_core.kernels.anneal.problem import Problem

__all__ = ["GROUP", "Group", "Lanes"]

#: Replicas of a group.
GROUP: int = _anneal.GROUP

_ROW_BYTES = 64


@attrs.frozen(eq=False)
class Lanes:
    """Couplings and fields of a problem in units that the kernels' numbers hold.

    Spins are put in order of the number of their neighbours, so that the kernels' loops are alike for many spins in a
    row.
    """

    spins: _anneal.Spins
    order: NDArray[np.int64]  #: spin i of the kernels is spin order[i] of the problem
    unit: float  #: energies of the kernels times this are the problem's

    @classmethod
    def of(cls, problem: Problem) -> Lanes:
        """Pack ``problem``; integer fields of at most 127 units become bytes, all others float32."""
        degrees = np.diff(problem.start)
        order = np.argsort(degrees, kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(order.size)
        start = np.concatenate([[0], np.cumsum(degrees[order])])
        places = np.repeat(problem.start[:-1][order] - start[:-1], degrees[order]) + np.arange(start[-1])
        couplings, fields = problem.weights[places], problem.fields[order]
        unit = _unit(problem)
        if problem.is_integer:
            couplings, fields = couplings // unit, fields // unit
        else:
            couplings, fields = couplings / unit, fields / unit
        owners = np.repeat(np.arange(order.size), degrees[order])
        sums = np.zeros(order.size, couplings.dtype)
        np.add.at(sums, owners, couplings)
        reach = np.abs(fields)
        np.add.at(reach, owners, np.abs(couplings))
        small = problem.is_integer and reach.max() <= _anneal.MOST_FIELD
        dtype: Any = np.int8 if small else np.float32
        spins = _anneal.Spins(
            start.astype(np.uint64),
            rank[problem.neighbours[places]].astype(np.uint32),
            couplings.astype(dtype),
            fields.astype(dtype),
            ((fields - sums).astype(np.int64) if small else fields - sums).astype(dtype),
        )
        return cls(spins, order, unit / problem.scale)

    def betas(self, betas: NDArray[np.float64]) -> NDArray[np.float64]:
        """Inverse temperatures of the problem in the kernels' units."""
        return np.ascontiguousarray(betas * self.unit, np.float64)


def _unit(problem: Problem) -> int | float:
    """What all weights of an integer problem are multiples of; of floats, a power of two near the largest."""
    if problem.is_integer:
        unit = int(np.gcd.reduce(np.concatenate([problem.fields, problem.weights])))
        return unit or 1
    largest = max(np.abs(problem.fields).max(), np.abs(problem.weights).max(initial=0))
    return float(2.0 ** np.floor(np.log2(largest))) if largest else 1.0


@attrs.define(eq=False)
class Group:
    """64 replicas of all spins. Group ``index`` of a seed draws the same numbers whatever other groups there are."""

    lanes: Lanes
    seed: int
    index: int
    up: NDArray[np.uint8] = attrs.field(init=False)  #: (n, 64): 255 where a spin of a replica is +1, else 0
    sweep: int = 0  #: sweeps made

    def __attrs_post_init__(self) -> None:
        size = self.lanes.order.size
        room = np.empty(size * _ROW_BYTES + _ROW_BYTES - 1, np.uint8)
        first = -room.ctypes.data % _ROW_BYTES
        self.up = room[first : first + size * _ROW_BYTES].reshape(size, _ROW_BYTES)
        self.scatter()

    def scatter(self) -> None:
        """Every spin of every replica up or down with equal chance."""
        key = np.array([self.seed, self.index], np.uint64)
        words = np.random.Philox(key=key, counter=self.sweep).random_raw(self.lanes.order.size)
        bits = np.unpackbits(words.astype("<u8").view(np.uint8))
        np.multiply(bits.reshape(self.up.shape), 255, out=self.up)

    def sweeps(self, betas: NDArray[np.float64]) -> None:
        """A Metropolis sweep for each of ``betas``, in the kernels' units."""
        self.lanes.spins.sweeps(self.up, betas, self.seed, self.index, self.sweep)
        self.sweep += len(betas)

    def sweeps_apart(self, betas: NDArray[np.float64], count: int) -> None:
        """``count`` Metropolis sweeps, replica k at ``betas[k]``."""
        self.lanes.spins.sweeps_apart(self.up, betas, count, self.seed, self.index, self.sweep)
        self.sweep += count

    def sweeps_linked(self, betas: NDArray[np.float64], links: NDArray[np.float64], slices: int) -> None:
        """Path-integral sweeps; each ``slices`` replicas in a row are the Trotter slices of one read."""
        self.lanes.spins.sweeps_linked(self.up, betas, links, slices, self.seed, self.index, self.sweep)
        self.sweep += len(betas)

    def descend(self, most: int = 1 << 20) -> None:
        """Flip what lowers the energy until nothing does."""
        self.lanes.spins.descend(self.up, most)

    def energies(self) -> NDArray[np.float64]:
        """Energies (64,), without the offset, in the problem's units."""
        return self.lanes.spins.energies(self.up) * self.lanes.unit

    def states(self) -> NDArray[np.int8]:
        """States (64, n) of -1 and +1, spins in the kernels' order."""
        return _anneal.to_states(self.up)

    def take(self, states: NDArray[np.int8]) -> None:
        """Replicas become ``states`` (64, n), spins in the kernels' order."""
        _anneal.from_states(states, self.up)
