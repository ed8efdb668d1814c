"""Dense problems, and those with fixed cardinalities: fields kept beside the states, spins in the lanes of vector registers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from cdt_core.errors import AnnealError
from cdt_core.kernels import _anneal
from cdt_core.kernels.anneal.dense_pieces import Range, descent, pieces, steps_at_once
from cdt_core.kernels.anneal.lanes import unit_of
from cdt_core.kernels.anneal.replicas import GROUP, Engine, Replicas

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdt_core.kernels.anneal.problem import Problem

__all__ = ["Dense", "DenseReplicas"]

#: The largest matrix of couplings that is made, in bytes.
MOST_BYTES = 2 << 30
#: Steps for which a flipped spin rests in tabu search: at least so many, and up to so many more.
_TENURE, _SPREAD = 20, 10
#: What searches draw as: a sweep that no annealing makes.
_SEARCH = 1 << 63


@attrs.frozen(eq=False)
class Dense(Engine):
    """The matrix of couplings, in integers where they fit, and the groups of fixed cardinality."""

    spins: _anneal.DenseSpins
    groups: _anneal.DenseGroups | None
    problem: Problem
    unit: float

    @property
    def size(self) -> int:
        """Number of spins."""
        return self.spins.size

    @property
    def members(self) -> int:
        """Number of spins in groups."""
        return 0 if self.groups is None else self.groups.members.size

    @classmethod
    def of(cls, problem: Problem) -> Dense:
        """Pack ``problem``.

        Raises
        ------
        AnnealError
            A matrix of more than 2 GiB.
        """
        if 4 * problem.size**2 > MOST_BYTES:
            raise AnnealError(
                f"a matrix of {problem.size} x {problem.size} couplings, which fixed cardinalities need, takes "
                f"{4 * problem.size**2 / 2**30:.1f} GiB; at most {MOST_BYTES >> 30} GiB are made"
            )
        unit = unit_of(problem)
        spins = _anneal.DenseSpins(problem.start, problem.neighbours, problem.weights, problem.fields, unit=unit)
        return cls(spins, _groups(problem), problem, unit / problem.scale)

    def group(self, seed: int, index: int, count: int = GROUP) -> DenseReplicas:
        """Group ``index`` of a seed, in random states."""
        replicas = DenseReplicas(seed, index, count, self)
        replicas.shuffle()
        return replicas

    def holding(self, seed: int, states: NDArray[np.int8]) -> DenseReplicas:
        """Replicas in ``states`` (k, n), for a descent or a search."""
        replicas = DenseReplicas(seed, 0, len(states), self)
        replicas.rows[:, : self.size] = states
        return replicas

    def ordered(self, states: NDArray[np.int8]) -> NDArray[np.int8]:
        """The states: spins have the problem's order."""
        return states


def _groups(problem: Problem) -> _anneal.DenseGroups | None:
    if not problem.cardinalities:
        return None
    members = [group.indices for group in problem.cardinalities]
    start = np.concatenate([[0], np.cumsum([len(indices) for indices in members])])
    return _anneal.DenseGroups(problem.size, start, np.concatenate(members))


@attrs.define(eq=False)
class DenseReplicas(Replicas):
    """Replicas as rows of states, with the rows of their fields."""

    dense: Dense
    rows: NDArray[np.int8] = attrs.field(init=False)
    fields: NDArray[np.int16] | NDArray[np.float32] = attrs.field(init=False)
    gained: NDArray[np.float64] = attrs.field(init=False)  #: (count,): the change of energy by the search so far
    _part: _anneal.DensePart = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.rows, self.fields = self.dense.spins.rows(self.count)
        self.gained = np.zeros(self.count)
        self._part = _anneal.DensePart(self.dense.size, self.count, self.dense.groups)

    def shuffle(self) -> None:
        """Become random states, with the cardinalities that are fixed: a replica's are the same whatever others there are."""
        random, problem = self.random(0), self.dense.problem
        for k in range(GROUP if problem.cardinalities else self.count):
            up = random.random(problem.size) < 0.5
            if k < self.count:
                self.rows[k, : problem.size] = np.where(up, 1, -1)
        for group in problem.cardinalities:
            for k in range(GROUP):
                drawn = random.random(len(group.indices)).argsort(kind="stable")
                if k < self.count:
                    self.rows[k, group.indices] = np.where(drawn < group.count, 1, -1)
        self._set_fields()

    def sweeps(self, betas: NDArray[np.float64]) -> None:
        """A Metropolis sweep for each of ``betas``."""
        self._sweeps(np.broadcast_to(betas, (self.count, len(betas))))

    def sweeps_apart(self, betas: NDArray[np.float64], count: int) -> None:
        """``count`` Metropolis sweeps, replica k at ``betas[k]``."""
        self._sweeps(np.broadcast_to(betas[:, None], (self.count, count)))

    def _sweeps(self, betas: NDArray[np.float64]) -> None:
        """Sweeps at betas (replicas, sweeps)."""
        dense, sweeps = self.dense, betas.shape[1]
        for piece in pieces(self.count, sweeps, dense.size, swaps=dense.groups is not None):
            dense.spins.sweeps(
                self.rows[piece.reads],
                self.fields[piece.reads],
                betas[piece.reads, piece.sweeps],
                self.seed,
                GROUP * self.index + piece.reads.start,
                self.sweep + piece.sweeps.start,
                dense.groups,
                self._visiting(piece.spins),
            )
            self.heed()
        self.sweep += sweeps

    def _visiting(self, spins: Range, members: Range | None = None) -> _anneal.DensePart:
        """What a call visits: of groups, all members if not said otherwise."""
        self._part.first, self._part.stop = spins
        self._part.from_member, self._part.to_member = members or (0, self.dense.members)
        return self._part

    def _set_fields(self) -> None:
        for piece in pieces(self.count, 1, self.dense.size):
            rows, fields = self.rows[piece.reads], self.fields[piece.reads]
            self.dense.spins.set_fields(rows, fields, self._visiting(piece.spins))
            self.heed()

    def descend(self) -> None:
        """Flip, or in groups exchange, what lowers the energy until nothing does."""
        self._set_fields()
        cut = descent(self.count, self.dense.size, self.dense.members)
        for first in range(0, self.count, cut.reads):
            reads, moving = slice(first, first + cut.reads), True
            while moving:
                moving = sum(self._descend(reads, cut.most, *part) for part in cut.parts) > 0

    def _descend(self, reads: slice, most: int, spins: Range, members: Range) -> bool:
        """At most so many sweeps of some reads; whether any read made all."""
        dense = self.dense
        part = self._visiting(spins, members)
        made = dense.spins.descend(self.rows[reads], self.fields[reads], most, dense.groups, part)
        self.heed()
        return bool((made == most).any())

    def search(self, steps: int, read: int) -> None:
        """Tabu search from each state, the first one that of read ``read`` (Glover 1989, ORSA J. Comput. 1:190).

        The replicas become the local minima at the best states seen; where :attr:`heed` ends the search, these states.
        """
        dense, most = self.dense, self.dense.size - 1
        tenure = min(_TENURE, most // 2)
        search = _anneal.DenseTabu(dense.spins, self.count, tenure, min(_SPREAD, most - tenure))
        best, once = dense.spins.rows(self.count)[0], steps_at_once(self.count, dense.size)
        self._set_fields()
        best[:] = self.rows
        try:
            for first in range(0, steps, once):
                part = min(once, steps - first)
                gains = dense.spins.tabu(self.rows, self.fields, best, part, search, self.seed, read, _SEARCH)
                self.gained = gains * dense.unit
                self.heed()
        finally:
            self.rows[:] = best
        self.descend()

    def energies(self) -> NDArray[np.float64]:
        """Energies (count,)."""
        return self.dense.spins.energies(self.rows, self.fields) * self.dense.unit

    def states(self) -> NDArray[np.int8]:
        """States (count, n)."""
        return self.rows[:, : self.dense.size].copy()

    def state(self, replica: int) -> NDArray[np.int8]:
        """State (n,) of one replica."""
        return self.rows[replica, : self.dense.size].copy()

    def take(self, states: NDArray[np.int8]) -> None:
        """Become ``states`` (count, n)."""
        self.rows[:, : self.dense.size] = states
        self._set_fields()

    def cross(self, partners: NDArray[np.int8], of: NDArray[np.intp]) -> None:
        """Replica k becomes ``partners[of[k]]`` where that is better: spins that are all coupled have no parts to cross."""
        states, energies = self.states(), self.energies()
        self.take(partners[of])
        self.take(np.where((self.energies() < energies)[:, None], self.states(), states))

    def exchange(self, pairs: NDArray[np.intp], at: NDArray[np.intp]) -> None:
        """Nothing: a cluster would be all spins that differ, and its exchange one of names."""
