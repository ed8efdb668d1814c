"""Exact choices of a few groups at a time: all combinations of their options, the other groups as they are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from attrs import evolve

from cdt_core.planning.choice import ChoiceProblem

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["best_in_blocks", "is_small", "without_dominated"]

#: Combinations of a whole problem that are all tried, and of a block where there are more.
_MOST_WHOLE, _MOST_BLOCK = 1 << 20, 1 << 14


def without_dominated(problem: ChoiceProblem) -> tuple[ChoiceProblem, NDArray[np.int64]]:
    """The problem less options that another of their group beats or equals in cost and in every load; positions of the rest."""
    rows = np.vstack([problem.costs, problem.loads])
    kept: list[NDArray[np.int64]] = []
    for begin, end in zip(problem.first[:-1], problem.first[1:], strict=True):
        part = rows[:, begin:end]
        order = np.lexsort((np.arange(end - begin), *part[::-1]))
        sorted_part = part[:, order]
        beats = (sorted_part[:, :, None] <= sorted_part[:, None, :]).all(axis=0)
        alone = ~np.triu(beats, 1).any(axis=0)  # sorted, only earlier ones can beat
        kept.append(np.sort(begin + order[alone]))
    positions = np.concatenate(kept) if kept else np.zeros(0, np.int64)
    first = np.concatenate([[0], np.cumsum([len(part) for part in kept], dtype=np.int64)]).astype(np.int64)
    reduced = evolve(problem, first=first, costs=problem.costs[positions], loads=problem.loads[:, positions])
    return reduced, positions


def is_small(problem: ChoiceProblem) -> bool:
    """Whether all combinations can be tried."""
    return int(math.prod(np.diff(problem.first).tolist())) <= _MOST_WHOLE


def best_in_blocks(problem: ChoiceProblem, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """From a choice that fits: the best one, where all combinations can be tried; else the best of block after block."""
    if is_small(problem):
        return _best(problem, chosen, np.arange(problem.groups))
    chosen = chosen.copy()
    for block in _blocks(problem, chosen):
        chosen = _best(problem, chosen, block)
    return chosen


def _blocks(problem: ChoiceProblem, chosen: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Groups in blocks of few combinations: those whose options differ most together, since they are what room is traded by."""
    counts = np.diff(problem.first)
    spread = np.maximum.reduceat(problem.loads, problem.first[:-1], axis=1).sum(axis=0)
    order = [group for group in np.argsort(-spread, kind="stable").tolist() if counts[group] > 1]
    blocks: list[list[int]] = [[]]
    size = 1
    for group in order:
        if size * int(counts[group]) > _MOST_BLOCK and blocks[-1]:
            blocks.append([])
            size = 1
        blocks[-1].append(group)
        size *= int(counts[group])
    return [np.array(block, np.int64) for block in blocks if block]


def _best(problem: ChoiceProblem, chosen: NDArray[np.int64], block: NDArray[np.int64]) -> NDArray[np.int64]:
    """The cheapest combination of the block's options that fits beside the other groups' choice."""
    counts = np.diff(problem.first)[block]
    if not len(block) or math.prod(counts.tolist()) > _MOST_WHOLE:
        return chosen
    rest = np.delete(chosen, block)
    cost = np.zeros(1, np.int64)
    loads = problem.loads[:, rest].sum(axis=1)[:, None]
    for group in block:
        options = slice(problem.first[group], problem.first[group + 1])
        cost = np.add.outer(cost, problem.costs[options]).reshape(-1)
        loads = (loads[:, :, None] + problem.loads[:, None, options]).reshape(len(loads), -1)
    fits = np.flatnonzero((loads <= problem.limits[:, None]).all(axis=0))
    if not len(fits):
        return chosen
    best = int(fits[np.argmin(cost[fits])])
    result = chosen.copy()
    result[block] = problem.first[block] + np.array(np.unravel_index(best, tuple(counts.tolist())), np.int64)
    return result
