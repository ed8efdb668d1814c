"""Exact reduction: spins that a few others decide are taken out before a problem is annealed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from cdt_core.kernels import _anneal
from cdt_core.kernels.anneal.cardinality import Cardinality
from cdt_core.kernels.anneal.couplings import row_sums
from cdt_core.kernels.anneal.problem import Problem
from cdt_core.kernels.anneal.weights import LARGEST_TOTAL, magnitude

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Reduction", "may_reduce", "reduce"]

#: Sums of weights that float32, in which what does not fit bytes is annealed, holds exactly.
_EXACT = 2**24
#: A reduction of more couplings than this takes so long that a look comes first: whether this share of the variables could be
#: taken out at once. What else goes, goes because neighbours went: of the rim of a lattice, not even as many again.
_MANY, _LEAST = 1 << 20, 1e-3


@attrs.frozen(eq=False)
class Reduction:
    """A smaller problem with the same lowest energy, and the way back."""

    whole: Problem  #: what was reduced
    problem: Problem  #: what is left: one variable at least
    kept: NDArray[np.int64]  #: variable i of what is left is variable kept[i] of the whole
    _rest: _anneal.Rest

    @property
    def taken(self) -> float:
        """Share of the variables that were taken out."""
        return 1 - self.problem.size / self.whole.size

    def restore(self, states: ArrayLike) -> NDArray[np.int8]:
        """States of the whole problem, of the same energies.

        Parameters
        ----------
        states
            (k, m) or (m,) of the problem that is left, as :meth:`Problem.energy` takes them.

        Returns
        -------
        NDArray[np.int8]
            (k, n) in {-1, +1}: of all states of the whole that agree with the given ones in the variables kept, one of
            the lowest energy. Local minima come of local minima.

        Raises
        ------
        AnnealError
            Another shape or value.
        """
        return self._rest.restore(np.ascontiguousarray(self.problem.read_states(states)))


def reduce(problem: Problem) -> Reduction:
    """Take out what can be decided exactly, again and again until nothing can.

    A variable follows a neighbour that binds it at least as strongly as all others together; so does every one of at
    most two neighbours. One of three neighbours takes the side of two of them: that is a coupling of each pair. A field
    counts as a neighbour that is always +1. Variables of fixed cardinalities stay.

    Parameters
    ----------
    problem
        Any problem.

    Returns
    -------
    Reduction
        Its ``problem`` never has more edges, nor a variable with a larger ``|h_i| + sum_j |J_ij|``; energies are exact
        for integers, and to rounding for floats.

    Notes
    -----
    Couplings of pairs may be halves: energies of integers are counted in halves, quarters ... as far as fields of bytes
    (of 127 at most) stay such; three neighbours whose couplings' sum is odd beyond that are left alone. Cost: up to
    0.5 us for each variable and edge; memory: about 120 bytes for each.

    Spins of up to three neighbours: Boettcher 2004, Eur. Phys. J. B 38:83; bonds that dominate: Lange, Andres, Swoboda
    2019, Proc. CVPR:6093.

    Examples
    --------
    >>> ladder = [(i, i + 1) for i in range(9)] + [(i, i + 3) for i in range(0, 7, 2)]
    >>> ends = np.array(ladder).T
    >>> reduced = reduce(Problem.max_cut((10, *ends, np.ones(len(ladder)))))
    >>> reduced.problem.size, reduced.problem.energy([1])
    (1, array([-13]))
    """
    keep = np.zeros(problem.size, np.uint8)
    for group in problem.cardinalities:
        keep[group.indices] = 1
    unit, parts = _units(problem)
    weights, fields = problem.weights, problem.fields
    if problem.is_integer:
        weights, fields = weights // unit * parts, fields // unit * parts
    rest = _anneal.Rest(problem.start, problem.neighbours, weights, fields, keep)
    left = Problem(
        **_numbers(problem, rest, unit, parts),
        start=rest.start,
        neighbours=rest.neighbours,
        labels=None if problem.labels is None else tuple(problem.labels[i] for i in rest.kept),
        binary=problem.binary,
        cardinalities=tuple(
            Cardinality(np.searchsorted(rest.kept, group.indices), group.count) for group in problem.cardinalities
        ),
    )
    return Reduction(problem, left, rest.kept, rest)


def may_reduce(problem: Problem) -> bool:
    """Whether a reduction may take out enough to be worth its time."""
    if problem.edges <= _MANY:
        return True
    sizes, fields = np.abs(problem.weights).astype(np.float64), np.abs(problem.fields)
    degrees = np.diff(problem.start)
    largest = np.zeros(problem.size)
    coupled = degrees > 0
    largest[coupled] = np.maximum.reduceat(sizes, problem.start[:-1][coupled])
    follows = 2 * np.maximum(largest, fields) >= row_sums(problem.start, sizes) + fields
    return bool(np.count_nonzero(follows | (degrees + (fields != 0) <= 3)) >= _LEAST * problem.size)


def _units(problem: Problem) -> tuple[int, int]:
    """What all weights of integers are multiples of, and in how many parts, a power of two, that can be counted.

    As many as the kernels' numbers have room for.
    """
    if not problem.is_integer:
        return 1, 1
    unit = int(np.gcd.reduce(np.concatenate([problem.fields, problem.weights]))) or 1
    reach = int((np.abs(problem.fields) + row_sums(problem.start, np.abs(problem.weights))).max()) // unit
    total = int(magnitude(problem.fields) + magnitude(problem.weights)) + abs(int(problem.offset))
    most = next((limit for limit in (_anneal.MOST_FIELD, _EXACT) if reach <= limit), reach)
    room = min(most // max(reach, 1), (LARGEST_TOTAL - 1) // max(total, 1))
    return unit, 1 << max(0, room.bit_length() - 1)


def _numbers(problem: Problem, rest: _anneal.Rest, unit: int, parts: int) -> dict[str, Any]:
    """Fields, weights, offset and scale of what is left; of integers in their lowest terms."""
    if not problem.is_integer:
        offset = problem.offset + rest.constant
        return {"fields": rest.fields, "weights": rest.weights, "offset": offset, "scale": problem.scale}
    whole, scale = int(problem.offset) * parts + int(rest.constant) * unit, problem.scale * parts
    common = math.gcd(
        scale, whole, *(unit * int(np.gcd.reduce(part, initial=0)) for part in (rest.fields, rest.weights))
    )
    return {
        "fields": rest.fields * unit // common,
        "weights": rest.weights * unit // common,
        "offset": whole // common,
        "scale": scale // common,
    }
