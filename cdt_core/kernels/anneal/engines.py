"""Which engine anneals a problem."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdt_core.kernels.anneal.dense import MOST_BYTES, Dense
from cdt_core.kernels.anneal.lanes import Lanes

if TYPE_CHECKING:
    from cdt_core.kernels.anneal.problem import Problem
    from cdt_core.kernels.anneal.replicas import Engine

__all__ = ["engine_for"]

#: Spins with at least this share of all others as neighbours are faster with fields that are kept: about 1 / 8 of them,
#: measured from 300 to 3000 spins, floats and integers.
_DENSE_SHARE = 0.125
#: Fewer spins than this are as fast either way.
_SMALL = 150


def engine_for(problem: Problem, method: str) -> Engine:
    """Kept fields for most-to-most couplings and for fixed cardinalities, lanes of replicas for all else.

    Raises
    ------
    AnnealError
        Fixed cardinalities of so many spins that a matrix of couplings is too large.
    """
    mean = 2 * problem.edges / problem.size
    fits = 4 * problem.size**2 <= MOST_BYTES and problem.size >= _SMALL
    is_dense = fits and mean >= _DENSE_SHARE * problem.size and method != "sqa"
    return Dense.of(problem) if problem.cardinalities or is_dense else Lanes.of(problem)
