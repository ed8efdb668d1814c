"""Sparse problems: 64 replicas in the lanes of vector registers, and spins one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from cdt_core.kernels import _anneal
from cdt_core.kernels.anneal.replicas import GROUP, Engine, Replicas

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdt_core.kernels.anneal.problem import Problem

__all__ = ["LaneReplicas", "Lanes", "unit_of"]

#: A descent of floats might go round in a circle of rounding errors.
_MOST_SWEEPS = 1 << 20


@attrs.frozen(eq=False)
class Lanes(Engine):
    """Couplings and fields in units that the kernels' numbers hold.

    Spins are put in order of the number of their neighbours, so that the kernels' loops are alike for many spins in a
    row.
    """

    spins: _anneal.Spins
    order: NDArray[np.int64]  #: spin i of the kernels is spin order[i] of the problem
    unit: float

    @property
    def size(self) -> int:  # type: ignore[override]
        """Number of spins."""
        return self.order.size

    @classmethod
    def of(cls, problem: Problem) -> Lanes:
        """Pack ``problem``; integer fields of at most 127 units become bytes, all others float32."""
        degrees = np.diff(problem.start)
        order = np.argsort(degrees, kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(order.size)
        start = np.concatenate([[0], np.cumsum(degrees[order])])
        places = np.repeat(problem.start[:-1][order] - start[:-1], degrees[order]) + np.arange(start[-1])
        unit = unit_of(problem)
        divide = np.floor_divide if problem.is_integer else np.divide
        couplings, fields = divide(problem.weights[places], unit), divide(problem.fields[order], unit)
        owners = np.repeat(np.arange(order.size), degrees[order])
        sums, reach = np.zeros(order.size, couplings.dtype), np.abs(fields)
        np.add.at(sums, owners, couplings)
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

    def group(self, seed: int, index: int, count: int = GROUP) -> LaneReplicas:
        """Group ``index`` of a seed, in random states: 64 replicas, which cost as much as one."""
        del count
        return LaneReplicas(seed, index, GROUP, self)

    def ordered(self, states: NDArray[np.int8]) -> NDArray[np.int8]:
        """States (k, n) of this engine with the problem's order of spins."""
        found = np.empty_like(states)
        found[:, self.order] = states
        return found


def unit_of(problem: Problem) -> int | float:
    """What all weights of an integer problem are multiples of; of floats, a power of two near the largest."""
    if problem.is_integer:
        return int(np.gcd.reduce(np.concatenate([problem.fields, problem.weights]))) or 1
    largest = max(np.abs(problem.fields).max(), np.abs(problem.weights).max(initial=0))
    return float(2.0 ** np.floor(np.log2(largest))) if largest else 1.0


@attrs.define(eq=False)
class LaneReplicas(Replicas):
    """64 replicas as bytes: a row for each spin."""

    lanes: Lanes
    up: NDArray[np.uint8] = attrs.field(init=False)  #: (n, 64): 255 where a spin of a replica is +1, else 0

    def __attrs_post_init__(self) -> None:
        size = self.lanes.size
        room = np.empty(size * GROUP + GROUP - 1, np.uint8)
        first = -room.ctypes.data % GROUP
        self.up = room[first : first + size * GROUP].reshape(size, GROUP)
        words = self.random(0).bit_generator.random_raw(size)
        bits = np.unpackbits(words.astype("<u8").view(np.uint8))
        np.multiply(bits.reshape(self.up.shape), 255, out=self.up)

    def sweeps(self, betas: NDArray[np.float64]) -> None:
        """A Metropolis sweep for each of ``betas``."""
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

    def descend(self) -> None:
        """Flip what lowers the energy until nothing does."""
        self.lanes.spins.descend(self.up, _MOST_SWEEPS)

    def energies(self) -> NDArray[np.float64]:
        """Energies (64,)."""
        return self.lanes.spins.energies(self.up) * self.lanes.unit

    def states(self) -> NDArray[np.int8]:
        """States (64, n), spins in the kernels' order."""
        return _anneal.to_states(self.up)

    def state(self, replica: int) -> NDArray[np.int8]:
        """State (n,) of one replica."""
        return np.where(self.up[:, replica], 1, -1).astype(np.int8)

    def take(self, states: NDArray[np.int8]) -> None:
        """Become ``states`` (64, n), spins in the kernels' order."""
        _anneal.from_states(states, self.up)

    def cross(self, partners: NDArray[np.int8], of: NDArray[np.intp]) -> None:
        """Partition crossover of replica k and ``partners[of[k]]``."""
        states = self.states()
        self.lanes.spins.recombine(states, partners, of)
        self.take(states)

    def exchange(self, pairs: NDArray[np.intp], at: NDArray[np.intp]) -> None:
        """Isoenergetic cluster moves between the replicas of each pair, from spin ``at``."""
        states = self.states()
        self.lanes.spins.exchange(states, pairs, at)
        self.take(states)
