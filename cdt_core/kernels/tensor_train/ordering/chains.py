"""Trains as chains of sets of axes, and the chain with the fewest parameters.

The rank of a bond depends only on the set of axes left of it. A train is a chain of sets, from none to all, and the core
between two of them, S and T, has ``rank(S) * (places of the axes in T but not in S) * rank(T)`` numbers: order and
grouping are one path, and the best one is found by dynamic programming over sets, as Held and Karp's of tours.

A set of axes is the bits of an int; a chain is the sets that are added one after the other.
"""

from __future__ import annotations

import math
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["Chains", "Groups", "every_chain"]

#: The cost of what is no chain.
_NONE = 1 << 61
#: The axes of each mode, as bits.
Groups = tuple[int, ...]


@frozen(eq=False)
class Chains:
    """All trains of some axes.

    ``lengths`` are those of the axes; ``rank`` is that of the bond right of a set of axes, asked only for sets that are
    neither none nor all; ``joins`` says whether several axes may be one mode.
    """

    lengths: tuple[int, ...]
    rank: Callable[[int], int]
    joins: bool = True

    @property
    def everything(self) -> int:
        """The set of all axes."""
        return (1 << len(self.lengths)) - 1

    def rank_of(self, subset: int) -> int:
        """Of the bond right of a set: 1 at both ends."""
        return self.rank(subset) if 0 < subset < self.everything else 1

    def places(self, subset: int) -> int:
        """Product of the lengths of a set."""
        return math.prod(n for k, n in enumerate(self.lengths) if subset >> k & 1)

    def parameters(self, groups: Groups) -> int:
        """Numbers in the cores of a chain."""
        total, left = 0, 0
        for group in groups:
            total += self.rank_of(left) * self.places(group) * self.rank_of(left | group)
            left |= group
        return total

    def cut(self, order: Sequence[int]) -> tuple[int, Groups]:
        """The fewest parameters of axes in this order, and which neighbours to join for it.

        ``d^2 / 2`` sums, ``d - 1`` ranks.
        """
        subsets = [0]
        for axis in order:
            subsets.append(subsets[-1] | 1 << axis)
        ranks, sizes = [self.rank_of(subset) for subset in subsets], [1]
        for axis in order:
            sizes.append(sizes[-1] * self.lengths[axis])
        costs, origins = [0], [0]
        for j in range(1, len(subsets)):
            starts = range(j) if self.joins else (j - 1,)
            cost, origin = min((costs[i] + ranks[i] * (sizes[j] // sizes[i]) * ranks[j], -i) for i in starts)
            costs.append(cost)
            origins.append(-origin)
        groups, j = [], len(order)
        while j:
            groups.append(subsets[j] ^ subsets[origins[j]])
            j = origins[j]
        return costs[-1], tuple(reversed(groups))

    def best(self) -> tuple[int, Groups]:
        """The fewest parameters of all chains, and a chain that has them; see :meth:`best_by_count`."""
        return min(self.best_by_count(), key=lambda one: one[0])

    def best_by_count(self) -> list[tuple[int, Groups]]:
        """The same of the chains of 1, 2, .. d modes; of d alone where axes stay apart.

        All ``2^d`` ranks, ``d 3^d`` sums (``d 2^d`` where axes stay apart): for up to 12 axes or so.

        References
        ----------
        Held and Karp, "A dynamic programming approach to sequencing problems", J. SIAM 10(1), 1962.
        """
        d, count = len(self.lengths), 1 << len(self.lengths)
        ranks = np.array([self.rank_of(subset) for subset in range(count)], np.int64)
        sizes = np.array([self.places(subset) for subset in range(count)], np.int64)
        costs, origins = np.full((d + 1, count), _NONE), np.zeros((d + 1, count), np.int64)
        costs[0, 0] = 0
        for subset in range(1, count):
            starts = _below(subset) if self.joins else _neighbours(subset)
            sums = costs[:-1, starts] + ranks[starts] * sizes[subset ^ starts] * ranks[subset]
            costs[1:, subset] = np.minimum(sums.min(axis=1), _NONE)
            origins[1:, subset] = starts[np.argmin(sums, axis=1)]
        return [(int(costs[k, -1]), _path(origins, k)) for k in range(1, d + 1) if costs[k, -1] < _NONE]


def every_chain(count: int, *, joins: bool) -> Iterator[Groups]:
    """All chains of so many axes, of two that are each other reversed only one: 271 of 5 axes, 60 where they stay apart."""
    for order in permutations(range(count)):
        for cuts in range(1 << (count - 1)) if joins else ((1 << (count - 1)) - 1,):
            groups = [1 << order[0]]
            for k, axis in enumerate(order[1:]):
                if cuts >> k & 1:
                    groups.append(1 << axis)
                elif axis > order[k]:
                    groups[-1] |= 1 << axis
                else:  # joined axes are listed rising
                    break
            else:
                if groups <= groups[::-1]:
                    yield tuple(groups)


def _path(origins: NDArray[np.int64], count: int) -> Groups:
    """What was added by each of so many steps to all axes."""
    groups, subset = [], origins.shape[1] - 1
    for k in range(count, 0, -1):
        groups.append(subset ^ int(origins[k, subset]))
        subset = int(origins[k, subset])
    return tuple(reversed(groups))


def _below(subset: int) -> NDArray[np.int64]:
    """All sets within another, but not itself."""
    found, rest = np.zeros(1, np.int64), subset
    while rest:
        lowest = rest & -rest
        found = np.concatenate([found, found | lowest])
        rest ^= lowest
    return found[:-1]


def _neighbours(subset: int) -> NDArray[np.int64]:
    """All sets with one axis fewer."""
    return np.array([subset ^ 1 << k for k in range(subset.bit_length()) if subset >> k & 1], np.int64)
