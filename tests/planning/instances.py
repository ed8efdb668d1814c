"""Choice problems that are small enough to try every combination, among them such as knapsack solvers are tested with."""

from __future__ import annotations

import itertools

import numpy as np

from cdt_core.planning.choice import ChoiceProblem

KINDS = ("random", "subset sum", "strongly correlated", "inverse", "even and odd", "tiers")

Rows = list[list[int]]


def least_cost(costs: Rows, loads: list[Rows], limits: list[int]) -> int | None:
    """By trying every combination, in the plainest way."""
    best = None
    for combination in itertools.product(*(range(len(group)) for group in costs)):
        totals = [sum(group[at] for group, at in zip(rows, combination, strict=True)) for rows in loads]
        if all(total <= limit for total, limit in zip(totals, limits, strict=True)):
            cost = sum(group[at] for group, at in zip(costs, combination, strict=True))
            best = cost if best is None else min(best, cost)
    return best


def instance(seed: int, groups: int = 5, options: int = 4) -> tuple[Rows, list[Rows], list[int]]:
    """Costs, loads and limits of one problem; its kind goes round with the seed (Pisinger, Where are the hard knapsack
    problems?, 2005)."""
    make = np.random.default_rng(seed)
    kind = KINDS[seed % len(KINDS)]
    sizes = make.integers(1, options + 1, int(make.integers(1, groups + 1)))
    largest = int(10 ** make.uniform(1, 9))
    weights = [make.integers(1, largest + 1, size).tolist() for size in sizes]
    if kind == "even and odd":  # even weights, an odd limit: a unit is always left
        weights = [[2 * weight for weight in row] for row in weights]
    costs = [_costs(kind, row, largest, make) for row in weights]
    more = [[make.integers(1, largest + 1, size).tolist() for size in sizes]] if make.random() < 0.5 else []
    loads = [weights, *more]
    limits = []
    for rows in loads:
        low, high = sum(map(min, rows)), sum(map(max, rows))
        limits.append(int(low + (high - low) * make.uniform(0.0, 0.8)) | (kind == "even and odd"))
    return costs, loads, limits


def _costs(kind: str, weights: list[int], largest: int, make: np.random.Generator) -> list[int]:
    match kind:
        case "subset sum" | "even and odd":
            return [-weight for weight in weights]
        case "strongly correlated":
            return [-(weight + largest // 10) for weight in weights]
        case "inverse":
            return [-max(weight - largest // 10, 0) for weight in weights]
        case "tiers":
            rare = make.integers(0, 100, len(weights)) * (make.random(len(weights)) < 0.4)
            return (
                rare * 2**40 + make.integers(0, 50, len(weights)) * 2**20 + make.integers(0, 9, len(weights))
            ).tolist()
    return make.integers(0, 10 ** int(make.integers(1, 12)), len(weights)).tolist()


def large(seed: int, groups: int, budgets: int = 1) -> ChoiceProblem:
    """A problem with far too many combinations to try."""
    make = np.random.default_rng(seed)
    costs = make.integers(0, 10**9, (groups, 6)).tolist()
    loads = [make.integers(1, 10**7, (groups, 6)).tolist() for _ in range(budgets)]
    limits = [int(0.6 * sum(map(np.mean, rows))) for rows in loads]
    return ChoiceProblem.of(costs, loads, limits)
