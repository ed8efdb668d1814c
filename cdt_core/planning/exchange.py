"""Choices by exchanging options: the greedy one, and descent until no exchange of one or two options is better."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cdt_core.planning.choice import ChoiceProblem

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["descended", "greedy", "least_loaded", "preferred"]

#: Exchanges of two options are tried in full among at most this many options; beyond, among the best rates of exchange.
_MOST_PAIRED = 1024
#: Pairs in one vectorised step.
_PAIRS_AT_ONCE = 1 << 20


def preferred(problem: ChoiceProblem) -> NDArray[np.int64]:
    """The cheapest option of each group, the first of equals, whatever the limits say."""
    return _least(problem, problem.costs.astype(np.float64))


def least_loaded(problem: ChoiceProblem, weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """The option of each group with the least of cost + ``weights`` (budgets,) * loads."""
    value = problem.costs.astype(np.float64)
    for weight, loads in zip(
        weights, problem.loads, strict=True
    ):  # no product of matrices: libraries round it differently
        value += weight * loads
    return _least(problem, value)


def _least(problem: ChoiceProblem, value: NDArray[np.float64]) -> NDArray[np.int64]:
    """The first option of each group with the least value."""
    group = problem.group_of
    if not problem.groups:
        return np.zeros(0, np.int64)
    equal = np.flatnonzero(value == np.minimum.reduceat(value, problem.first[:-1])[group])
    return equal[np.flatnonzero(np.diff(group[equal], prepend=-1))]


def greedy(problem: ChoiceProblem) -> NDArray[np.int64]:
    """From the preferred choice, again and again the option that takes most off what is over the limits for its cost.

    What is over a limit counts in parts of the limit. Of very many groups a few are changed at a time. The result may still be
    over: then no single option took more off.
    """
    chosen = preferred(problem)
    group, at_once = problem.group_of, max(1, problem.groups // 200)
    parts = 1.0 / np.maximum(problem.limits, 1).astype(np.float64)
    loads = problem.loads[:, chosen].sum(axis=1)
    while (loads > problem.limits).any():
        cost, step = _steps(problem, chosen)
        over = np.maximum(loads - problem.limits, 0)
        after = np.maximum((loads - problem.limits)[:, None] + step, 0)
        relief = (parts[:, None] * (over[:, None] - after)).sum(axis=0)
        useful = np.flatnonzero(relief > 0)
        if not len(useful):
            break
        rate = relief[useful] / (np.maximum(cost[useful], 0) + 0.5)
        best = useful[np.argsort(-rate, kind="stable")[:at_once]]
        best = best[np.sort(np.unique(group[best], return_index=True)[1])]
        left = np.maximum(loads + step[:, best].sum(axis=1) - problem.limits, 0)
        if (parts * left).sum() >= (parts * over).sum() - 0.5 * relief[best[0]]:
            best = best[:1]  # together they are worse than one, which always takes something off
        chosen[group[best]] = best
        loads = loads + step[:, best].sum(axis=1)
    return chosen


def descended(problem: ChoiceProblem, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """From a choice that fits, the best exchange of one option, or else of two, until none costs less and fits."""
    chosen = chosen.copy()
    while True:
        step = _one_exchange(problem, chosen) or _two_exchange(problem, chosen)
        if step is None:
            return chosen
        for option in step:
            chosen[problem.group_of[option]] = option


def _steps(problem: ChoiceProblem, chosen: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What each option would change in cost (options,) and loads (budgets, options) in the place of its group's."""
    now = chosen[problem.group_of]
    return problem.costs - problem.costs[now], problem.loads - problem.loads[:, now]


def _one_exchange(problem: ChoiceProblem, chosen: NDArray[np.int64]) -> tuple[int, ...] | None:
    cost, load = _steps(problem, chosen)
    room = problem.limits - problem.loads[:, chosen].sum(axis=1)
    better = np.flatnonzero((cost < 0) & (load <= room[:, None]).all(axis=0))
    return (int(better[np.argmin(cost[better])]),) if len(better) else None


def _two_exchange(problem: ChoiceProblem, chosen: NDArray[np.int64]) -> tuple[int, ...] | None:
    cost, load = _steps(problem, chosen)
    room = problem.limits - problem.loads[:, chosen].sum(axis=1)
    group = problem.group_of
    others = np.setdiff1d(np.arange(len(cost)), chosen)
    gains = others[cost[others] < 0]  # a better pair has at least one
    gains, others = _best_rates(cost, load, room, gains), _best_rates(cost, load, room, others)
    best, found = 0, None
    rows = max(1, _PAIRS_AT_ONCE // max(1, len(others)))
    for begin in range(0, len(gains), rows):
        left = gains[begin : begin + rows, None]
        total = cost[left] + cost[others]
        good = (total < best) & (group[left] != group[others])
        for row, space in zip(load, room, strict=True):
            good &= row[left] + row[others] <= space
        total[~good] = 0
        if total.size and total.min() < best:
            at = np.unravel_index(np.argmin(total), total.shape)
            best, found = int(total[at]), (int(left[at[0], 0]), int(others[at[1]]))
    return found


def _best_rates(
    cost: NDArray[np.int64], load: NDArray[np.int64], room: NDArray[np.int64], options: NDArray[np.int64]
) -> NDArray[np.int64]:
    """All options, or the most useful of very many: those that change most in cost or in load for what the other changes."""
    if len(options) <= _MOST_PAIRED:
        return options
    part = np.abs(load[:, options]).sum(axis=0) / max(1.0, float(np.abs(load[:, options]).max()))
    worth = np.abs(cost[options]) / max(1.0, float(np.abs(cost[options]).max()))
    balance = np.argsort(np.where(cost[options] < 0, part - worth, worth - part), kind="stable")
    return np.sort(options[balance[:_MOST_PAIRED]])
