"""Weights and fields of a problem as kernels want them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.kernels import _anneal
from cdt_core.kernels.anneal.couplings import row_sums

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from cdt_core.kernels.anneal.problem import Problem

__all__ = ["MOST_ROWS", "packed", "pieces", "unit_of", "visiting_order"]

#: Rows of a group, of spins and of their neighbours, that one call of a kernel reads at most: some milliseconds.
MOST_ROWS = 1 << 19
#: Spins are visited in strides; the first of these with the fewest neighbours close to each other, among couplings looked at.
_STRIDES, _NEAR, _LOOKED_AT = (1, 2, 3, 5, 7), 2, 1 << 20


def unit_of(problem: Problem) -> int | float:
    """What all weights of an integer problem are multiples of; of floats, a power of two near the largest."""
    if problem.is_integer:
        return int(np.gcd.reduce(np.concatenate([problem.fields, problem.weights]))) or 1
    largest = max(np.abs(problem.fields).max(), np.abs(problem.weights).max(initial=0))
    return float(2.0 ** np.floor(np.log2(largest))) if largest else 1.0


def visiting_order(problem: Problem) -> NDArray[np.int64]:
    """Spins by the number of their neighbours; of those with as many, not one after a neighbour of its own, where that can be.

    So the kernels' loops are alike for many spins in a row, and a spin seldom waits for the row that was written just
    before: lattices would take twice as long.
    """
    degrees, places = np.diff(problem.start), np.arange(problem.size)
    some = slice(0, min(problem.neighbours.size, _LOOKED_AT))
    owners = np.searchsorted(problem.start, np.arange(some.stop), side="right") - 1
    found = []
    for stride in _STRIDES:
        order = np.lexsort((places % stride, degrees))
        rank = np.empty_like(order)
        rank[order] = places
        near = np.abs(rank[owners] - rank[problem.neighbours[some]]) <= _NEAR
        found.append((int(near.sum()), stride, order))
    return min(found, key=lambda one: one[:2])[2]


def packed(problem: Problem, order: NDArray[np.int64], unit: int | float) -> tuple[NDArray[Any], ...]:
    """Start, neighbours, couplings, fields and base of the spins in that order: int8, or where that is too small float32."""
    degrees = np.diff(problem.start)[order]
    start = np.concatenate([[0], np.cumsum(degrees)])
    rank = np.empty(order.size, np.uint32)
    rank[order] = np.arange(order.size, dtype=np.uint32)
    dtype: Any = np.int8 if _are_small(problem, unit) else np.float32
    neighbours, couplings = np.empty(start[-1], np.uint32), np.empty(start[-1], dtype)
    fields = _in_units(problem.fields[order], unit)
    base, moved = fields.copy(), problem.start[:-1][order] - start[:-1]
    for first, stop in pieces(start, MOST_ROWS):  # all at once would take many times the room
        edges, owners = slice(start[first], start[stop]), np.repeat(np.arange(first, stop), degrees[first:stop])
        places = moved[owners] + np.arange(edges.start, edges.stop)
        weights = _in_units(problem.weights[places], unit)
        neighbours[edges], couplings[edges] = rank[problem.neighbours[places]], weights
        np.subtract.at(base, owners, weights)
    return start.astype(np.uint64), neighbours, couplings, fields.astype(dtype), base.astype(dtype)


def pieces(start: NDArray[Any], most: int) -> Iterator[tuple[int, int]]:
    """Blocks of spins in a row, from first to before stop, that have at most ``most`` rows; one block may have more."""
    size, first = start.size - 1, 0
    edges = [*range(0, size, _anneal.BLOCK), size]
    for at, stop in zip(edges[1:], [*edges[2:], None], strict=True):
        if stop is None or int(start[stop]) - int(start[first]) + stop - first > most:
            yield first, at
            first = at


def _in_units(weights: NDArray[Any], unit: int | float) -> NDArray[Any]:
    return weights // unit if weights.dtype.kind == "i" else weights / unit


def _are_small(problem: Problem, unit: int | float) -> bool:
    """Whether bytes hold all fields."""
    if not problem.is_integer:
        return False
    reach = np.abs(problem.fields) + row_sums(problem.start, np.abs(problem.weights))
    return bool(reach.max() // unit <= _anneal.MOST_FIELD)
