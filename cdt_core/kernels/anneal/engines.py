"""Which engine anneals a problem."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdt_core.kernels.anneal.dense import MOST_BYTES, Dense
from cdt_core.kernels.anneal.lanes import Lanes

if TYPE_CHECKING:
    from cdt_core.kernels.anneal.problem import Problem
    from cdt_core.kernels.anneal.replicas import Engine

__all__ = ["engine_for"]

#: Kept fields are faster from this many neighbours of a spin in the mean, and so many more for each spin: where both took as
#: long, from 100 to 2000 spins of a twentieth to all couplings, integers and floats.
_LEAST_NEIGHBOURS, _MORE_FOR_EACH = 100, 0.08


def engine_for(problem: Problem, method: str) -> Engine:
    """Kept fields for most-to-most couplings and for fixed cardinalities, lanes of replicas for all else.

    Raises
    ------
    AnnealError
        Fixed cardinalities of so many spins that a matrix of couplings is too large.
    """
    mean = 2 * problem.edges / problem.size
    fits = 4 * problem.size**2 <= MOST_BYTES and method != "sqa"
    is_dense = fits and mean >= _LEAST_NEIGHBOURS + _MORE_FOR_EACH * problem.size
    return Dense.of(problem) if problem.cardinalities or is_dense else Lanes.of(problem)
