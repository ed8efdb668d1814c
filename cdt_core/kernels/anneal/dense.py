"""Dense problems, and those with fixed cardinalities: fields kept beside the states, spins in the lanes of vector registers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from cdt_core.errors import AnnealError
from cdt_core.kernels import _anneal
from cdt_core.kernels.anneal.lanes import unit_of
from cdt_core.kernels.anneal.replicas import GROUP, Engine, Replicas

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdt_core.kernels.anneal.problem import Problem

__all__ = ["Dense", "DenseReplicas"]

#: The largest matrix of couplings that is made, in bytes.
MOST_BYTES = 2 << 30
_MOST_SWEEPS = 1 << 20
#: Steps for which a flipped spin rests in tabu search: at least so many, and up to so many more.
_TENURE, _SPREAD = 20, 10


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
        divide = np.floor_divide if problem.is_integer else np.divide
        weights, fields = divide(problem.weights, unit), divide(problem.fields, unit)
        spins = _anneal.DenseSpins(problem.start, problem.neighbours, weights, fields)
        return cls(spins, _groups(problem), problem, unit / problem.scale)

    def group(self, seed: int, index: int, count: int = GROUP) -> DenseReplicas:
        """Group ``index`` of a seed, in random states."""
        return DenseReplicas(seed, index, count, self)

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

    def __attrs_post_init__(self) -> None:
        self.rows, self.fields = self.dense.spins.rows(self.count)
        random, problem = self.random(0), self.dense.problem
        states = np.where(random.random((GROUP, problem.size)) < 0.5, 1, -1).astype(np.int8)
        for group in problem.cardinalities:
            drawn = random.random((GROUP, len(group.indices))).argsort(axis=1, kind="stable")
            states[:, group.indices] = np.where(drawn < group.count, 1, -1)
        self.take(states[: self.count])

    @property
    def _first(self) -> int:
        """Number of the first read."""
        return GROUP * self.index

    def sweeps(self, betas: NDArray[np.float64]) -> None:
        """A Metropolis sweep for each of ``betas``."""
        dense = self.dense
        dense.spins.sweeps(self.rows, self.fields, betas, self.seed, self._first, self.sweep, dense.groups)
        self.sweep += len(betas)

    def sweeps_apart(self, betas: NDArray[np.float64], count: int) -> None:
        """``count`` Metropolis sweeps, replica k at ``betas[k]``."""
        each = np.ascontiguousarray(np.broadcast_to(betas[:, None], (self.count, count)))
        self.dense.spins.sweeps(self.rows, self.fields, each, self.seed, self._first, self.sweep, self.dense.groups)
        self.sweep += count

    def descend(self) -> None:
        """Flip, or in groups exchange, what lowers the energy until nothing does."""
        self.dense.spins.set_fields(self.rows, self.fields)
        self.dense.spins.descend(self.rows, self.fields, _MOST_SWEEPS, self.dense.groups)

    def search(self, steps: int) -> None:
        """Tabu search from each state; the replicas become the best states seen (Glover 1989, ORSA J. Comput. 1:190)."""
        most = self.dense.size - 1
        tenure = min(_TENURE, most // 2)
        best, _ = self.dense.spins.rows(self.count)
        self.dense.spins.tabu(
            self.rows, self.fields, best, steps, tenure, min(_SPREAD, most - tenure), self.seed, self._first, self.sweep
        )
        self.take(best[:, : self.dense.size])

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
        self.dense.spins.set_fields(self.rows, self.fields)

    def cross(self, partners: NDArray[np.int8], of: NDArray[np.intp]) -> None:
        """Replica k becomes ``partners[of[k]]`` where that is better: spins that are all coupled have no parts to cross."""
        states, energies = self.states(), self.energies()
        self.take(partners[of])
        self.take(np.where((self.energies() < energies)[:, None], self.states(), states))

    def exchange(self, pairs: NDArray[np.intp], at: NDArray[np.intp]) -> None:
        """Nothing: a cluster would be all spins that differ, and its exchange one of names."""
