"""Annealing of the order of a train's axes, where there are too many for dynamic programming over their sets."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cdt_core.kernels.tensor_train.ordering.chains import Chains, Groups

__all__ = ["annealed"]

#: Temperatures of the first and the last step, in the logarithm of the number of parameters.
_HOT, _COLD = 0.5, 0.005

#: The part of what a walk may spend that is for the walk; the other one is for the descent at its end.
_WALKING = 0.8

Axes = tuple[int, ...]


class _Walk:
    """The costs of orders that were seen, and the best of them."""

    def __init__(self, chains: Chains, spent: Callable[[], float]) -> None:
        self.chains, self.spent = chains, spent
        self.seen: dict[Axes, int] = {}
        self.best: tuple[int, Groups] | None = None

    def cost(self, order: Axes) -> int:
        """Parameters of an order, its neighbours joined as is best. An order turned round costs the same."""
        key = min(order, order[::-1])
        if key not in self.seen:
            cost, groups = self.chains.cut(key)
            self.seen[key] = cost
            if self.best is None or cost < self.best[0]:
                self.best = cost, groups
        return self.seen[key]

    def anneal(self, order: Axes, steps: int, rng: np.random.Generator, until: float) -> Axes:
        """The best order of a walk of so many steps from here; it cools as steps, or what may be spent, run out."""
        d, here, start = len(order), self.cost(order), self.spent()
        best, least = order, here
        dice, moves = rng.random(steps), rng.integers(0, [3, d, d, d], (steps, 4))
        for k in range(steps):
            spent = self.spent()
            if spent >= until:
                break
            temperature = _HOT * (_COLD / _HOT) ** max(k / steps, (spent - start) / (until - start))
            tried = _moved(order, *map(int, moves[k]))
            cost = self.cost(tried)
            if math.log(cost / here) <= -temperature * math.log(max(dice[k], 1e-300)):
                order, here = tried, cost
                if here < least:
                    best, least = order, here
        return best

    def descend(self, order: Axes, until: float) -> None:
        """Follow the best of all swaps and insertions while one is better."""
        better = True
        while better:
            best = order
            for near in _near(order):
                if self.spent() >= until:
                    return
                best = min(best, near, key=self.cost)
            better, order = best != order, best


def annealed(
    chains: Chains,
    starts: Sequence[Sequence[int]],
    seed: int,
    steps: int,
    spent: Callable[[], float] = lambda: 0.0,
) -> tuple[int, Groups]:
    """The fewest parameters that walks from some orders of the axes found, and the chain that has them.

    Each walk swaps two axes, moves one, or moves several neighbours; the chance of a change for the worse falls with the
    logarithm of the parameters' ratio and with time (Kirkpatrick, Gelatt and Vecchi, "Optimization by simulated
    annealing", Science 220, 1983). At its end swaps and insertions are followed while one is better.

    Parameters
    ----------
    chains
        What an order costs.
    starts
        One order or more; the result is never worse than any of them.
    seed
        Of the moves and chances: equal seeds make equal results.
    steps
        Of each walk.
    spent
        The share of what may be spent (on ranks, that is) that is spent: each walk has an equal part of it, and cools as
        that runs out.
    """
    walk = _Walk(chains, spent)
    for start in starts:
        walk.cost(tuple(start))
    for number, start in enumerate(starts):
        rng = np.random.Generator(np.random.Philox(key=np.array([seed, number], np.uint64)))
        ends = [(number + part) / len(starts) for part in (_WALKING, 1.0)]
        walk.descend(walk.anneal(tuple(start), steps, rng, ends[0]), ends[1])
    assert walk.best is not None
    return walk.best


def _moved(order: Axes, kind: int, i: int, j: int, k: int) -> Axes:
    """Two axes swapped; one inserted elsewhere; or the axes from i to j moved as they are."""
    work = list(order)
    if kind == 0:
        work[i], work[j] = work[j], work[i]
        return tuple(work)
    low, high = (i, i) if kind == 1 else (min(i, j), max(i, j))
    block = work[low : high + 1]
    del work[low : high + 1]
    place = (j if kind == 1 else k) % (len(work) + 1)
    return (*work[:place], *block, *work[place:])


def _near(order: Axes) -> Iterator[Axes]:
    """All swaps and insertions."""
    d = len(order)
    for i in range(d):
        for j in range(d):
            if j > i:
                yield _moved(order, 0, i, j, 0)
            if j != i:
                yield _moved(order, 1, i, j, 0)
