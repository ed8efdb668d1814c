"""Sparse problems: 64 replicas in the lanes of vector registers, and spins one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from cdt_core.kernels import _anneal
from cdt_core.kernels.anneal.packing import MOST_ROWS, packed, pieces, unit_of, visiting_order
from cdt_core.kernels.anneal.replicas import GROUP, Engine, Replicas

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cdt_core.kernels.anneal.problem import Problem

__all__ = ["LaneReplicas", "Lanes", "unit_of"]

#: Sweeps of a descent in one call.
_DESCENT = 16


@attrs.frozen(eq=False)
class Lanes(Engine):
    """Couplings and fields in units that the kernels' numbers hold.

    Spins are put in order of the number of their neighbours, so that the kernels' loops are alike for many spins in a
    row.
    """

    spins: _anneal.Spins
    order: NDArray[np.int64]  #: spin i of the kernels is spin order[i] of the problem
    unit: float
    pieces: tuple[tuple[int, int], ...]  #: spins from first to before stop that one call visits
    rows: int  #: that a sweep reads

    @property
    def size(self) -> int:
        """Number of spins."""
        return self.order.size

    @classmethod
    def of(cls, problem: Problem) -> Lanes:
        """Pack ``problem``; integer fields of at most 127 units become bytes, all others float32."""
        order, unit = visiting_order(problem), unit_of(problem)
        arrays = packed(problem, order, unit)
        rows = int(arrays[0][-1]) + order.size
        return cls(_anneal.Spins(*arrays), order, unit / problem.scale, tuple(pieces(arrays[0], MOST_ROWS)), rows)

    def group(self, seed: int, index: int, count: int = GROUP) -> LaneReplicas:
        """Group ``index`` of a seed, in random states: 64 replicas, which cost as much as one."""
        del count
        return LaneReplicas(seed, index, GROUP, self)

    def ordered(self, states: NDArray[np.int8]) -> NDArray[np.int8]:
        """States (k, n) of this engine with the problem's order of spins."""
        found = np.empty_like(states)
        found[:, self.order] = states
        return found


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

        def visit(part: slice, first: int, stop: int) -> None:
            at = self.sweep + part.start
            self.lanes.spins.sweeps(self.up, betas[part], self.seed, self.index, at, first, stop)

        self._visit(len(betas), visit)

    def sweeps_apart(self, betas: NDArray[np.float64], count: int) -> None:
        """``count`` Metropolis sweeps, replica k at ``betas[k]``."""

        def visit(part: slice, first: int, stop: int) -> None:
            at, sweeps = self.sweep + part.start, part.stop - part.start
            self.lanes.spins.sweeps_apart(self.up, betas, sweeps, self.seed, self.index, at, first, stop)

        self._visit(count, visit)

    def sweeps_linked(self, betas: NDArray[np.float64], links: NDArray[np.float64], slices: int) -> None:
        """Path-integral sweeps; each ``slices`` replicas in a row are the Trotter slices of one read."""

        def visit(part: slice, first: int, stop: int) -> None:
            at, spins = self.sweep + part.start, self.lanes.spins
            spins.sweeps_linked(self.up, betas[part], links[part], slices, self.seed, self.index, at, first, stop)

        self._visit(len(betas), visit)

    def _visit(self, count: int, visit: Callable[[slice, int, int], None]) -> None:
        """``visit`` all spins ``count`` times: those of a small problem in one call, else piece by piece."""
        if len(self.lanes.pieces) == 1:
            visit(slice(0, count), *self.lanes.pieces[0])
        else:
            for t in range(count):
                for piece in self.lanes.pieces:
                    visit(slice(t, t + 1), *piece)
                    self.heed()
        self.sweep += count

    def descend(self) -> None:
        """Flip what lowers the energy until nothing does."""
        most = _DESCENT if len(self.lanes.pieces) == 1 else 1
        flipping = True
        while flipping:
            flipping = False
            for piece in self.lanes.pieces:
                flipping |= self.lanes.spins.descend(self.up, most, *piece) == most
                self.heed()

    def energies(self) -> NDArray[np.float64]:
        """Energies (64,)."""
        energies = np.zeros(GROUP)
        for piece in self.lanes.pieces:
            energies += self.lanes.spins.energies(self.up, *piece)
            self.heed()
        return energies * self.lanes.unit

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
        for part in self._some(len(states)):
            self.lanes.spins.recombine(states[part], partners, of[part])
            self.heed()
        self.take(states)

    def exchange(self, pairs: NDArray[np.intp], at: NDArray[np.intp]) -> None:
        """Isoenergetic cluster moves between the replicas of each pair, from spin ``at``."""
        states = self.states()
        for part in self._some(len(pairs)):
            self.lanes.spins.exchange(states, pairs[part], at[part])
            self.heed()
        self.take(states)

    def _some(self, count: int) -> list[slice]:
        """Replicas, a few at a time where each takes long."""
        step = max(1, MOST_ROWS // self.lanes.rows)
        return [slice(first, first + step) for first in range(0, count, step)]
