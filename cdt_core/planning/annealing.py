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
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import evolve

from cdt_core.planning.blocks import best_in_blocks, is_small, without_dominated
from cdt_core.planning.choice import Choice, ChoiceProblem
from cdt_core.planning.exchange import descended, greedy, least_loaded, preferred

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["chosen_by"]

_REPLICAS = 128
#: Steps per group; with two exchanges at most in a step, each group is tried as often in every replica.
_STEPS_PER_GROUP = 30
_STEPS = (300, 3000)
#: Steps whose random words are drawn at once.
_BATCH = 250
#: Of the best choices met, how many go on to descent where groups are few.
_DESCENTS, _FEW = 8, 64
#: The replicas' own places in an array.
_LANES = np.arange(_REPLICAS)
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
    if not problem.groups:
        return Choice((), 0, (0,) * len(problem.limits), "no choice", is_proved=True, fits=False)
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


def _starts(problem: ChoiceProblem, by_rate: NDArray[np.int64]) -> NDArray[np.int64]:
    """(replicas, groups): the greedy choice, and the cheapest ones where loads cost about as much as makes them just fit.

    The price of a load is halved in until the choice is about to fit (Lagrange's relaxation); the replicas have prices around
    it, and where there are several limits, such that weigh one above the others.
    """
    starts = np.empty((_REPLICAS, problem.groups), np.int64)
    starts[0] = by_rate
    unit = (float(np.ptp(problem.costs)) + 1.0) / np.maximum(np.ptp(problem.loads, axis=1), 1).astype(np.float64)
    tilts = [unit * weights for weights in _weights(len(unit))]
    fitting = [_fitting(problem, tilt) for tilt in tilts]
    for replica in range(1, _REPLICAS):
        which, around = replica % len(tilts), replica // len(tilts)
        price = fitting[which] * (1.0 + (around % 16) / 16.0) / (1.0 + (around // 16) / 8.0)
        starts[replica] = least_loaded(problem, price * tilts[which])
    return starts


def _weights(budgets: int) -> list[NDArray[np.float64]]:
    """How much the loads count against each other: alike, and each four times and sixteen times as much as the others."""
    found = [np.ones(budgets)]
    if budgets > 1:
        places = np.arange(budgets)
        found += [np.where(places == budget, factor, 1.0) for budget in range(budgets) for factor in (4.0, 16.0)]
    return found


def _fitting(problem: ChoiceProblem, tilt: NDArray[np.float64]) -> float:
    """The least price at which the cheapest choice fits, to a millionth; the dearest tried where none does."""
    low, high = 0.0, math.ldexp(1.0, 24)
    for _ in range(44):
        middle = 0.5 * (low + high) if low else math.ldexp(high, -1)
        if problem.fits(least_loaded(problem, middle * tilt)):
            high = middle
        elif not low and middle < math.ldexp(1.0, -24):
            break
        else:
            low = middle
    return high


class _Course:
    """Replicas on their way from hot to cold. Totals have the cost in their first row, the loads in the others."""

    def __init__(self, problem: ChoiceProblem, seed: int, by_rate: NDArray[np.int64]) -> None:
        self.problem, self.seed = problem, seed
        self.steps = min(max(_STEPS_PER_GROUP * problem.groups, _STEPS[0]), _STEPS[1])
        self.trace: list[tuple[int, int]] = []
        self.table = np.vstack([problem.costs, problem.loads])
        self.chosen = np.ascontiguousarray(_starts(problem, by_rate).T)  # (groups, replicas)
        self.totals = self.table[:, self.chosen].sum(axis=1)
        self.over = self._over(self.totals)
        self.best, self.best_cost = self.chosen.copy(), np.full(_REPLICAS, np.iinfo(np.int64).max)
        self._keep(0)
        self._schedule()

    def _over(self, totals: NDArray[np.int64]) -> NDArray[np.int64]:
        over: NDArray[np.int64] = np.maximum(totals[1:] - self.problem.limits[:, None], 0)
        return over

    def _schedule(self) -> None:
        """Temperatures of the replicas, from hot to cool ones, and the penalty of a unit over each limit.

        Where there are few steps for each group, all are cool: what they start from is worth more than what they could find.
        """
        problem, bounds = self.problem, self.problem.first[:-1]
        widest = np.maximum.reduceat(self.table, bounds, axis=1) - np.minimum.reduceat(self.table, bounds, axis=1)
        hot, cold = max(1.0, float(widest[0].max())), 0.3
        orders = max(0, math.frexp(hot)[1] - 2)
        least = orders // 4 if self.steps < _STEPS_PER_GROUP * problem.groups else 0
        cooler = [least + ((_REPLICAS - 1 - replica) * (orders - least)) // _REPLICAS for replica in range(_REPLICAS)]
        cooler[0] = orders
        self.temperature = np.array([math.ldexp(hot, -orders_down) for orders_down in cooler])
        self.cooling = np.array([_ratio(float(value), cold, self.steps) for value in self.temperature])
        self.penalty = hot / np.maximum(widest[1:].max(axis=1), 1).astype(np.float64)
        most = float(widest[0].sum()) + 1.0
        self.hardening = np.array([_ratio(float(value), most, self.steps) for value in self.penalty])

    def run(self) -> None:
        """All steps."""
        generator = np.random.Philox(key=self.seed)
        for begin in range(0, self.steps, _BATCH):
            words = np.asarray(generator.random_raw(_BATCH * 3 * _REPLICAS)).reshape(_BATCH, 3, _REPLICAS)
            moves = self._moves(words)
            for step in range(begin, min(begin + _BATCH, self.steps)):
                self._step(*(each[step - begin] for each in moves))
                self._keep(step + 1)

    def _moves(self, words: NDArray[np.uint64]) -> tuple[NDArray[Any], ...]:
        """Two groups for each replica and step, the option to take in each, whether the second is left alone, and
        thresholds.
        """
        problem = self.problem
        low, high = words & np.uint64(0xFFFFFFFF), words >> np.uint64(32)
        counts, groups = np.diff(problem.first).astype(np.uint64), problem.groups
        left = _scaled(low[:, 0], np.uint64(groups))
        right = (left + 1 + _scaled(low[:, 1], np.uint64(max(1, groups - 1)))) % groups
        group = np.stack([left, right], axis=1)
        option = problem.first[group] + _scaled(high[:, :2], counts[group])
        single = ((low[:, 2] & np.uint64(1)) == 1) | (left == right)
        threshold = _exponential()[(high[:, 2] & np.uint64((1 << _TABLE_BITS) - 1)).astype(np.int64)]
        return group, option, single, threshold

    def _step(
        self,
        group: NDArray[np.int64],
        option: NDArray[np.int64],
        single: NDArray[np.bool_],
        threshold: NDArray[np.float64],
    ) -> None:
        """Exchange an option of one group, and in every second replica that of another, where the threshold allows."""
        was = self.chosen[group, _LANES]
        option[1] = np.where(single, was[1], option[1])
        entries = self.table[:, option] - self.table[:, was]
        totals = self.totals + entries[:, 0] + entries[:, 1]
        over = self._over(totals)
        rise = (totals[0] - self.totals[0]).astype(np.float64)
        for penalty, more in zip(self.penalty, over - self.over, strict=True):
            rise += penalty * more
        taken = np.flatnonzero(rise <= self.temperature * threshold)
        both = taken[~single[taken]]
        self.chosen[group[0, taken], taken] = option[0, taken]
        self.chosen[group[1, both], both] = option[1, both]
        self.totals[:, taken] = totals[:, taken]
        self.over[:, taken] = over[:, taken]
        self.temperature *= self.cooling
        self.penalty *= self.hardening

    def _keep(self, step: int) -> None:
        where = np.flatnonzero(self.totals[0] < self.best_cost)
        if len(where):  # rare after the first steps
            where = where[~self.over[:, where].any(axis=0)]
        if not len(where):
            return
        self.best[:, where], self.best_cost[where] = self.chosen[:, where], self.totals[0, where]
        least = int(self.best_cost[where].min())
        if not self.trace or least < self.trace[-1][1]:
            self.trace.append((step, least))

    def best_choices(self) -> list[NDArray[np.int64]]:
        """The best distinct choices that fit, one from each replica at most; fewer where descent from each takes longer."""
        met = np.flatnonzero(self.best_cost < np.iinfo(np.int64).max)
        order = met[np.argsort(self.best_cost[met], kind="stable")]
        distinct = {tuple(self.best[:, replica].tolist()): self.best[:, replica] for replica in order[: 4 * _DESCENTS]}
        return list(distinct.values())[: _DESCENTS if self.problem.groups <= _FEW else 1]

    def nearest(self) -> tuple[int, ...]:
        """Loads of the replica that ended least over the limits, in parts of them."""
        parts = (self.over / np.maximum(self.problem.limits, 1)[:, None]).sum(axis=0)
        return tuple(self.totals[1:, int(np.argmin(parts))].tolist())


def _scaled(words: NDArray[np.uint64], counts: Any) -> NDArray[np.int64]:
    """Words of 32 bits as whole numbers below the counts."""
    below: NDArray[np.int64] = ((words * counts) >> np.uint64(32)).astype(np.int64)
    return below
