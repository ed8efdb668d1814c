"""The choice of one option per group under limits: the problem of a plan, in whole numbers.

Groups are variables, options the ways to store one. The cost of a choice is the sum of its options' costs, and each of its
loads (bytes, microseconds) the sum of theirs, which must keep a limit: the multiple-choice knapsack problem, with as many
knapsacks as there are budgets (Kellerer, Pferschy, Pisinger, Knapsack Problems, 2004, chapter 11).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from attrs import frozen

from cdt_core.errors import PlanError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Choice", "ChoiceProblem"]

#: No total may be larger: sums and differences of two of them stay in 64 bits.
_MOST = 1 << 61


@frozen(eq=False)
class ChoiceProblem:
    """Options of all groups in a row: those of group ``i`` are ``first[i]`` to ``first[i + 1]``.

    Parameters
    ----------
    first
        (groups + 1,) int64.
    costs
        (options,) int64, what is to be least; any sign.
    loads
        (budgets, options) int64, not negative.
    limits
        (budgets,) int64.
    """

    first: NDArray[np.int64]
    costs: NDArray[np.int64]
    loads: NDArray[np.int64]
    limits: NDArray[np.int64]

    @classmethod
    def of(
        cls, costs: Sequence[Sequence[int]], loads: Sequence[Sequence[Sequence[int]]] = (), limits: Sequence[int] = ()
    ) -> ChoiceProblem:
        """From ``costs[group][option]``, and one ``loads[budget][group][option]`` for each of ``limits``.

        Raises
        ------
        PlanError
            A group without options, a load below zero, shapes that differ, or totals that do not fit 64 bits.

        >>> ChoiceProblem.of([[0, 5], [0, 7]], [[[9, 2], [8, 3]]], [12])
        ChoiceProblem(2 groups, 4 options, 1 budgets)
        """
        sizes = [len(group) for group in costs]
        if min(sizes, default=1) < 1:
            raise PlanError(f"group {sizes.index(0)} has no option to choose from")
        for rows in loads:
            if [len(group) for group in rows] != sizes or min((min(group) for group in rows), default=0) < 0:
                raise PlanError("each option needs one load of at least 0 for each budget")
        if len(loads) != len(limits):
            raise PlanError(f"{len(loads)} loads for {len(limits)} limits")
        for rows in (costs, *loads):
            if sum(max(abs(value) for value in group) for group in rows) >= _MOST:
                raise PlanError("the totals of the choice do not fit 64 bits")
        return cls(
            first=np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64),
            costs=_row(costs),
            loads=np.array([_row(rows) for rows in loads], np.int64).reshape(len(limits), sum(sizes)),
            limits=np.array([min(limit, _MOST) for limit in limits], np.int64),
        )

    @property
    def groups(self) -> int:
        """Number of groups."""
        return len(self.first) - 1

    @cached_property
    def group_of(self) -> NDArray[np.int64]:
        """(options,) the group of each option."""
        return np.repeat(np.arange(self.groups, dtype=np.int64), np.diff(self.first))

    def totals(self, chosen: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Costs (k,) and loads (budgets, k) of the choices (k, groups), given by positions among all options."""
        return self.costs[chosen].sum(axis=-1), self.loads[:, chosen].sum(axis=-1)

    def fits(self, chosen: NDArray[np.int64]) -> bool:
        """Whether one choice (groups,) keeps every limit."""
        return bool((self.loads[:, chosen].sum(axis=1) <= self.limits).all())

    def __repr__(self) -> str:
        return f"ChoiceProblem({self.groups} groups, {len(self.costs)} options, {len(self.limits)} budgets)"


@frozen
class Choice:
    """What was chosen, and how.

    ``chosen`` has an option's position within its group for each group, and is empty where nothing that was met ``fits``;
    ``loads`` are then those of the choice that came nearest. ``greedy_cost`` is the cost of the greedy
    choice, ``None`` where that does not fit. ``trace`` has (step, least cost met so far) wherever it fell.
    ``is_proved`` says that no choice that fits costs less.
    """

    chosen: tuple[int, ...]
    cost: int
    loads: tuple[int, ...]
    method: str
    seed: int = 0
    steps: int = 0
    greedy_cost: int | None = None
    trace: tuple[tuple[int, int], ...] = ()
    is_proved: bool = False
    fits: bool = True


def _row(groups: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    return np.array([value for group in groups for value in group], np.int64)
