"""The choice of a plan, annealed over categorical choices.

The engine of :mod:`cdt_core.kernels.anneal` is for Ising and QUBO forms, and this problem is none that would do well
there: a budget is an inequality, which takes slack bits whose weights span all the binary orders of the sizes (40 for a
terabyte), and each variable takes a one-hot group, so that every good move is four flips through choices that are none.
Here a replica holds one option per group, a move exchanges one or two of them, and cost and loads follow from four
table look-ups; a step moves all replicas.

Loads may go over their limits on the way: between two plans that fit there is often none to walk over. The penalty of a
unit over grows from the rate of the steepest exchange to above the difference between the dearest and the cheapest
choice, so that at the end no choice that is over costs less than one that fits; only choices that fit are kept, and
compared as whole numbers. Random numbers are Philox's raw words, thresholds of acceptance from a table of whole
numbers, and no function but + - * / is computed in floating point, so that the same problem gives the same choice on
every machine (Metropolis et al. 1953; Kirkpatrick, Gelatt, Vecchi 1983).
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from attrs import define, evolve

from cdt_core.planning.blocks import best_in_blocks, is_small, without_dominated
from cdt_core.planning.choice import Choice, ChoiceProblem
from cdt_core.planning.exchange import descended, greedy, least_loaded, preferred

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["chosen_by"]

_REPLICAS = 128
#: Steps per group; with two exchanges at most in a step, each group is tried as often in every replica.
_STEPS_PER_GROUP = 60
_STEPS = (300, 20_000)
#: Steps whose random words are drawn at once.
_BATCH = 250
#: Of the best choices met, how many go on to descent.
_DESCENTS = 8
#: Resolution of the table of exponential variates: 2**12 of them, in units of 2**-20.
_TABLE_BITS, _UNIT_BITS = 12, 20


def chosen_by(problem: ChoiceProblem, seed: int = 0) -> Choice:
    """The best choice that annealing and descent find: never worse than the greedy one, the same for the same seed.

    Where every group's cheapest option fits, that is the answer, and nothing is annealed. Where all combinations are
    few enough, the last descent tries them all, and the answer is proved.
    """
    whole, first = problem, preferred(problem)
    if problem.fits(first):
        return _choice(whole, first, Choice((), 0, (), "every variable's best option", is_proved=True))
    problem, positions = without_dominated(problem)
    by_rate = greedy(problem)
    course = _Course(problem, seed, by_rate)
    course.run()
    starts = course.best_choices() or [by_rate]
    ends = [best_in_blocks(problem, descended(problem, chosen)) for chosen in starts]
    ends = [chosen for chosen in ends if problem.fits(chosen)]
    made = Choice((), 0, course.nearest(), "annealing", seed, course.steps, is_proved=is_small(problem))
    if not ends:
        return evolve(made, fits=False)
    least = min(ends, key=lambda chosen: (int(problem.costs[chosen].sum()), tuple(chosen)))
    cost = int(problem.costs[least].sum())
    if not course.trace or cost < course.trace[-1][1]:
        course.trace.append((course.steps, cost))
    greedy_cost = int(problem.costs[by_rate].sum()) if problem.fits(by_rate) else None
    return _choice(whole, positions[least], evolve(made, greedy_cost=greedy_cost, trace=tuple(course.trace)))


def _choice(problem: ChoiceProblem, chosen: NDArray[np.int64], made: Choice) -> Choice:
    cost = int(problem.costs[chosen].sum())
    return evolve(
        made,
        chosen=tuple((chosen - problem.first[:-1]).tolist()),
        cost=cost,
        loads=tuple(problem.loads[:, chosen].sum(axis=1).tolist()),
        greedy_cost=made.greedy_cost if made.steps else cost,
    )


@cache
def _exponential() -> NDArray[np.float64]:
    """Exponential variates at the middles of 2**12 equal shares; whole numbers of 2**-20, so that no library's log shows."""
    count = 1 << _TABLE_BITS
    whole = [round(-math.log((i + 0.5) / count) * (1 << _UNIT_BITS)) for i in range(count)]
    return np.array(whole, np.float64) / (1 << _UNIT_BITS)


def _ratio(begin: float, end: float, steps: int) -> float:
    """The factor that leads from ``begin`` to ``end`` in so many steps, in units of 2**-40 as above."""
    return round(math.exp((math.log(end) - math.log(begin)) / steps) * 2.0**40) / 2.0**40


@define(slots=False, eq=False)
class _Course:
    """Replicas on their way from hot to cold; the first starts from ``by_rate``, the others from weighted choices."""

    problem: ChoiceProblem
    seed: int
    by_rate: NDArray[np.int64]

    def __attrs_post_init__(self) -> None:
        problem = self.problem
        self.steps = min(max(_STEPS_PER_GROUP * problem.groups, _STEPS[0]), _STEPS[1])
        self.trace: list[tuple[int, int]] = []
        self.counts = np.diff(problem.first).astype(np.uint64)
        self.chosen = self._starts()
        self.cost, self.load = problem.totals(self.chosen)
        self.over = np.maximum(self.load - problem.limits[:, None], 0)
        self.best, self.best_cost = self.chosen.copy(), np.full(_REPLICAS, np.iinfo(np.int64).max)
        self._keep(0)
        self._schedule()

    def _starts(self) -> NDArray[np.int64]:
        """The greedy choice, and the cheapest ones where loads cost ever more: best of what relaxed limits give."""
        problem = self.problem
        starts = np.empty((_REPLICAS, problem.groups), np.int64)
        starts[0] = self.by_rate
        spread = float(np.ptp(problem.costs)) + 1.0
        unit = spread / np.maximum(np.ptp(problem.loads, axis=1), 1).astype(np.float64)
        for replica in range(1, _REPLICAS):
            strength = math.ldexp(1.0, (replica * 40) // _REPLICAS - 20)
            tilt = np.ones(len(unit))
            if len(unit) > 1:
                tilt[replica % len(unit)] = 2.0 ** (replica // len(unit) % 4)
            starts[replica] = least_loaded(problem, strength * unit * tilt)
        return starts

    def _schedule(self) -> None:
        """Temperatures of the replicas, from hot to cool ones, and the penalty of a unit over each limit."""
        problem = self.problem
        bounds = problem.first[:-1]
        steepest = np.maximum.reduceat(problem.costs, bounds) - np.minimum.reduceat(problem.costs, bounds)
        lightest = np.maximum.reduceat(problem.loads, bounds, axis=1) - np.minimum.reduceat(
            problem.loads, bounds, axis=1
        )
        hot, cold = max(1.0, float(steepest.max())), 0.3
        orders = max(0, math.frexp(hot)[1] - 2)
        start = np.array(
            [hot * math.ldexp(1.0, -(replica * orders) // (2 * _REPLICAS)) for replica in range(_REPLICAS)]
        )
        self.temperature = start
        self.cooling = np.array([_ratio(value, cold, self.steps) for value in start])
        penalty = hot / np.maximum(lightest.max(axis=1), 1).astype(np.float64)
        most = float(steepest.sum()) + 1.0
        self.penalty = penalty
        self.hardening = np.array([_ratio(value, most, self.steps) for value in penalty])

    def run(self) -> None:
        """All steps."""
        generator = np.random.Philox(key=self.seed)
        for begin in range(0, self.steps, _BATCH):
            words = np.asarray(generator.random_raw(_BATCH * 3 * _REPLICAS)).reshape(_BATCH, 3, _REPLICAS)
            for step in range(begin, min(begin + _BATCH, self.steps)):
                self._step(words[step - begin])
                self._keep(step + 1)

    def _step(self, words: NDArray[np.uint64]) -> None:
        """Exchange an option of one group, and in every second replica that of another, where the threshold allows."""
        problem, rows = self.problem, np.arange(_REPLICAS)
        low, groups = words & np.uint64(0xFFFFFFFF), np.uint64(problem.groups)
        left = ((low[0] * groups) >> np.uint64(32)).astype(np.int64)
        right = ((low[1] * (groups - np.uint64(1))) >> np.uint64(32)).astype(np.int64)
        right = (left + 1 + right) % problem.groups
        was_left, was_right = self.chosen[rows, left], self.chosen[rows, right]
        high = words >> np.uint64(32)
        now_left = problem.first[left] + ((high[0] * self.counts[left]) >> np.uint64(32)).astype(np.int64)
        now_right = problem.first[right] + ((high[1] * self.counts[right]) >> np.uint64(32)).astype(np.int64)
        single = ((low[2] & np.uint64(1)) == 1) | (left == right)
        now_right = np.where(single, was_right, now_right)
        costs, loads = problem.costs, problem.loads
        cost = self.cost + (costs[now_left] - costs[was_left] + costs[now_right] - costs[was_right])
        load = self.load + (loads[:, now_left] - loads[:, was_left] + loads[:, now_right] - loads[:, was_right])
        over = np.maximum(load - problem.limits[:, None], 0)
        rise = (cost - self.cost).astype(np.float64)
        for penalty, after, before in zip(self.penalty, over, self.over, strict=True):
            rise += penalty * (after - before)
        taken = (
            rise <= self.temperature * _exponential()[(high[2] & np.uint64((1 << _TABLE_BITS) - 1)).astype(np.int64)]
        )
        where = np.flatnonzero(taken)
        self.chosen[where, left[where]] = now_left[where]
        free = np.flatnonzero(taken & ~single)
        self.chosen[free, right[free]] = now_right[free]
        self.cost = np.where(taken, cost, self.cost)
        self.load = np.where(taken, load, self.load)
        self.over = np.where(taken, over, self.over)
        self.temperature *= self.cooling
        self.penalty *= self.hardening

    def _keep(self, step: int) -> None:
        better = (self.cost < self.best_cost) & (self.over == 0).all(axis=0)
        where = np.flatnonzero(better)
        if not len(where):
            return
        self.best[where], self.best_cost[where] = self.chosen[where], self.cost[where]
        least = int(self.best_cost[where].min())
        if not self.trace or least < self.trace[-1][1]:
            self.trace.append((step, least))

    def best_choices(self) -> list[NDArray[np.int64]]:
        """The best distinct choices that fit, one from each replica at most."""
        met = np.flatnonzero(self.best_cost < np.iinfo(np.int64).max)
        order = met[np.argsort(self.best_cost[met], kind="stable")]
        distinct = {tuple(self.best[replica].tolist()): self.best[replica] for replica in order}
        return list(distinct.values())[:_DESCENTS]

    def nearest(self) -> tuple[int, ...]:
        """Loads of the replica that ended least over the limits, in parts of them."""
        parts = (self.over / np.maximum(self.problem.limits, 1)[:, None]).sum(axis=0)
        return tuple(self.load[:, int(np.argmin(parts))].tolist())
