"""Exact reduction of Ising problems by tables and fractions: what the compiled one is held to, spin by spin.

A problem is a mapping of sets of spins to weights: the empty set has the constant, single spins their fields, pairs their
couplings.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cdt_core.kernels.anneal.problem import Problem

__all__ = ["Terms", "terms_of", "without"]

Terms = dict[frozenset[int], Fraction]


def terms_of(problem: Problem) -> Terms:
    """Terms of a problem's energy, divided by its scale; none that is 0."""
    terms: Terms = {frozenset(): Fraction(problem.offset)}
    terms |= {frozenset([i]): Fraction(field) for i, field in enumerate(problem.fields.tolist())}
    for i in range(problem.size):
        for at in range(problem.start[i], problem.start[i + 1]):
            terms[frozenset([i, int(problem.neighbours[at])])] = Fraction(problem.weights[at].item())
    return {spins: weight / problem.scale for spins, weight in terms.items() if weight}


def without(terms: Terms, order: Iterable[int]) -> Terms:
    """What is left when the minimum is taken over each spin of ``order``, one after the other.

    Raises
    ------
    ValueError
        A minimum that couples more than two spins at once.
    """
    for spin in order:
        bound = {spins - {spin}: weight for spins, weight in terms.items() if spin in spins}
        left = {spins: weight for spins, weight in terms.items() if spin not in spins}
        for spins, weight in _minimum(bound).items():
            left[spins] = left.get(spins, Fraction(0)) + weight
        terms = {spins: weight for spins, weight in left.items() if weight}
    return terms


def _minimum(bound: Terms) -> Terms:
    """``-|h + sum_j J_j s_j|`` as a sum of products of spins: the Walsh transform of its table."""
    others = sorted(spin for spins in bound for spin in spins)
    table: dict[tuple[int, ...], Fraction] = {}
    for state in itertools.product((-1, 1), repeat=len(others)):
        values = dict(zip(others, state, strict=True))
        field = sum((weight * math.prod(values[s] for s in spins) for spins, weight in bound.items()), Fraction(0))
        table[state] = -abs(field)
    found = {}
    for chosen in itertools.product((False, True), repeat=len(others)):
        spins = frozenset(itertools.compress(others, chosen))
        signs = [math.prod(itertools.compress(state, chosen)) for state in table]
        weight = sum((sign * value for sign, value in zip(signs, table.values(), strict=True)), Fraction(0))
        if weight and len(spins) > 2:
            raise ValueError(f"the minimum couples {len(spins)} spins at once")
        found[spins] = weight / len(table)
    return found
