"""NumPy versions of the kernels of partitions; the arguments are those of :mod:`cdt_core.kernels.partition`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from cdt_core.kernels.partition.demand import Demand

__all__ = ["classes_of", "distance", "entropy", "mondrian"]

Rows = NDArray[np.int64]
_ROUNDING = 5e-13


def classes_of(codes: NDArray[Any]) -> NDArray[np.int64]:
    """Class of each row, numbered by first rows."""
    _, first, inverse = np.unique(codes, axis=0, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse.ravel()]


def entropy(values: NDArray[Any]) -> float:
    """Entropy in nats."""
    shares = np.unique(values, return_counts=True)[1] / len(values)
    return float(-(shares * np.log(shares)).sum())


def distance(values: NDArray[Any], demand: Demand) -> float:
    """Earth mover's distance between some sensitive codes and all of them."""
    share = np.bincount(values, minlength=demand.size) / len(values)
    gap = share - np.bincount(demand.codes, minlength=demand.size) / len(demand.codes)
    if not demand.ordered:
        return float(np.abs(gap).sum() / 2)
    return float(np.abs(np.cumsum(gap)).sum() / max(demand.size - 1, 1))


def _keeps(rows: Rows, demand: Demand) -> bool:
    values = demand.codes[rows]
    return (
        len(np.unique(values)) >= (demand.l or 0)
        and (demand.entropy_l is None or entropy(values) >= math.log(demand.entropy_l) - _ROUNDING)
        and (demand.t is None or distance(values, demand) <= demand.t + _ROUNDING)
    )


@frozen(eq=False)
class _Cuts:
    """What :func:`mondrian` was asked."""

    codes: NDArray[np.int64]
    k: int
    demands: Sequence[Demand]
    places: Sequence[NDArray[np.float64]]
    relaxed: bool
    most: int

    def classes(self, rows: Rows) -> Iterator[Rows]:
        """Classes of some rows, from the left."""
        sides = self.sides(rows)
        if sides is None:
            yield rows
            return
        for side in sides:
            yield from self.classes(side)

    def sides(self, rows: Rows) -> tuple[Rows, Rows] | None:
        """Both sides of the first cut that is allowed, in the order of the rows."""
        if len(rows) < 2 * self.k:
            return None
        lows, highs = self.codes[rows].min(0), self.codes[rows].max(0)
        widths = [place[high] - place[low] for place, low, high in zip(self.places, lows, highs, strict=True)]
        for column in sorted(np.flatnonzero(lows < highs), key=lambda c: (-widths[c], c)):
            for left in self.candidates(self.codes[rows, column])[: self.most if self.demands else 1]:
                sides = rows[left], rows[~left]
                if all(_keeps(side, demand) for side in sides for demand in self.demands):
                    return sides
        return None

    def candidates(self, column: NDArray[np.int64]) -> list[NDArray[np.bool_]]:
        """Left sides of cuts of a column, from the median outwards."""
        n, found = len(column), []
        median = np.sort(column)[n // 2]
        equal = column == median
        share = n // 2 - int((column < median).sum())
        if self.relaxed and share > 0 and n // 2 >= self.k:
            found.append((column < median) | (equal & (np.cumsum(equal) <= share)))
        strict = [column <= code for code in np.unique(column)[:-1]]
        strict.sort(key=lambda left: (abs(2 * int(left.sum()) - n), int(left.sum())))
        return found + [left for left in strict if self.k <= left.sum() <= n - self.k]


def mondrian(
    codes: NDArray[Any],
    k: int,
    demands: Sequence[Demand] = (),
    *,
    places: Sequence[NDArray[np.float64] | None] | None = None,
    relaxed: bool = False,
    cuts: int = 4,
) -> NDArray[np.int64]:
    """Class of each row."""
    table = np.asarray(codes, np.int64)
    evenly = [np.arange(most + 1) / max(most, 1) for most in table.max(0)]
    given = [None] * len(evenly) if places is None else places
    lines = [even if place is None else place for even, place in zip(evenly, given, strict=True)]
    found = np.empty(len(table), np.int64)
    asked = _Cuts(table, k, demands, lines, relaxed, cuts)
    for number, rows in enumerate(asked.classes(np.arange(len(table)))):
        found[rows] = number
    return found
