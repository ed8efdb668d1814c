"""What annealing found: distinct states with their energies, best first, and how they were found."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, Self

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from cdt_core.errors import AnnealError
from cdt_core.kernels.anneal.problem import Problem

if TYPE_CHECKING:
    import dimod

__all__ = ["Samples"]

Array = NDArray[Any]


@attrs.frozen(eq=False, repr=False)
class Samples:
    """Distinct states of a problem, best energy first; those of one energy in lexicographic order.

    :meth:`of_states` makes them of the reads' last states.

    Parameters
    ----------
    problem
        What was solved.
    states
        (k, n) int8 in {-1, +1}, no two the same.
    energies
        (k,) int64 or float64, ``problem.energy(states)``.
    occurrences
        (k,) int64: how many reads ended in each state.
    method, seed
        Of the run.
    betas
        Inverse temperatures, of energies as the problem has them.
    sweeps
        Of each read; what one read of ``attempts`` made is n times this.
    attempts
        Flips that were accepted or refused, of all reads together.
    seconds
        Time that all of it took, from the call to the samples.
    interrupted
        Whether it ended before its time, with the best so far.
    trace
        (t, 2) float64: sweeps done, and the lowest energy that a read had at this point of the trace or at one before,
        without a descent. Of weights rounded to float32, where the problem was annealed with those.
    """

    problem: Problem
    states: Array
    energies: Array
    occurrences: Array
    method: str = "given"
    seed: int = 0
    betas: Array = attrs.field(factory=lambda: np.empty(0))
    sweeps: int = 0
    attempts: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    trace: Array = attrs.field(factory=lambda: np.empty((0, 2)))

    @classmethod
    def of_states(
        cls,
        problem: Problem,
        states: ArrayLike,
        occurrences: ArrayLike | None = None,
        energies: Array | None = None,
        **run: Any,
    ) -> Self:
        """Samples of states that may come more than once and in any order.

        Parameters
        ----------
        problem
            What they are states of.
        states
            (r, n) as :meth:`Problem.energy` takes them; at least one.
        occurrences
            (r,) integers of 1 or more; default 1 each.
        energies
            (r,), where they are known; they are taken for granted.
        **run
            The fields from ``method`` on.

        Raises
        ------
        AnnealError
            No states, or states or occurrences that do not fit.
        """
        rows = problem.read_states(states)
        if not len(rows):
            raise AnnealError("no states; samples have at least one")
        counts = _counts(occurrences, len(rows))
        # Rows of bits, as strings, have the order of the states; +1 is above -1.
        bits = np.packbits(rows > 0, axis=1)
        keys = bits.view(np.dtype((np.void, bits.shape[1]))).ravel()
        _, first, place = np.unique(keys, return_index=True, return_inverse=True)
        totals = np.zeros(len(first), np.int64)
        np.add.at(totals, place, counts)
        found = problem.energy(rows[first]) if energies is None else energies[first]
        order = np.argsort(found, kind="stable")
        return cls(problem, rows[first[order]], found[order], totals[order], **run)

    def __repr__(self) -> str:
        reads = int(self.occurrences.sum())
        return f"Samples(states={len(self)}, reads={reads}, method={self.method!r}, energy={self.energy})"

    def __len__(self) -> int:
        return len(self.states)

    @property
    def best(self) -> Array:
        """The state of lowest energy, (n,) int8 in {-1, +1}."""
        best: Array = self.states[0]
        return best

    @property
    def energy(self) -> int | float:
        """The lowest energy."""
        lowest: int | float = self.energies[0].item()
        return lowest

    def values(self) -> Array:
        """The states as users think of them, (k, n) int8: in {0, 1} of a binary problem, else in {-1, +1}."""
        return (self.states > 0).astype(np.int8) if self.problem.binary else self.states.copy()

    def as_dict(self) -> dict[Hashable, int]:
        """Value of each variable in the best state."""
        return dict(zip(self._labels(), self.values()[0].tolist(), strict=True))

    def to_dimod(self) -> dimod.SampleSet:
        """The samples as a ``dimod.SampleSet``, in the same order; its ``info`` says how they were found.

        Raises
        ------
        AnnealError
            dimod is not installed.
        """
        try:
            import dimod
        except ImportError as error:
            raise AnnealError("dimod is not installed; pip install 'cdt[dimod]'") from error
        found: dimod.SampleSet = dimod.SampleSet.from_samples(
            (self.values(), self._labels()),
            vartype=dimod.BINARY if self.problem.binary else dimod.SPIN,
            energy=self.energies,
            num_occurrences=self.occurrences,
            info=self._info(),
        )
        return found

    def _info(self) -> dict[str, Any]:
        ends = [float(self.betas[0]), float(self.betas[-1])] if self.betas.size else None
        return {
            "method": self.method,
            "seed": self.seed,
            "beta_range": ends,
            "num_sweeps": self.sweeps,
            "attempts": self.attempts,
            "seconds": self.seconds,
            "interrupted": self.interrupted,
        }

    def _labels(self) -> list[Hashable]:
        return list(range(self.problem.size) if self.problem.labels is None else self.problem.labels)


def _counts(occurrences: ArrayLike | None, reads: int) -> Array:
    if occurrences is None:
        return np.ones(reads, np.int64)
    counts = np.asarray(occurrences)
    if counts.shape != (reads,) or counts.dtype.kind not in "iu":
        raise AnnealError(
            f"occurrences have shape {counts.shape}, dtype {counts.dtype}; {reads} states need {reads} integers"
        )
    if (counts < 1).any():
        k = int(np.argmax(counts < 1))
        raise AnnealError(f"occurrences[{k}] is {counts[k]}; a state that is given was found at least once")
    return counts.astype(np.int64)
