"""Annealing of Ising problems: many reads at once, each led from hot to cold."""

from __future__ import annotations

import itertools
import os
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import attrs
import numpy as np

from cdt_core.errors import AnnealError
from cdt_core.kernels.anneal.choosing import Onward, choose
from cdt_core.kernels.anneal.couplings import row_sums
from cdt_core.kernels.anneal.course import Course, Stop
from cdt_core.kernels.anneal.engines import engine_for
from cdt_core.kernels.anneal.population import population
from cdt_core.kernels.anneal.problem import Problem
from cdt_core.kernels.anneal.quantum import SLICES, quantum
from cdt_core.kernels.anneal.reducing import Reduction, may_reduce
from cdt_core.kernels.anneal.reducing import reduce as reduced
from cdt_core.kernels.anneal.reheating import reheating
from cdt_core.kernels.anneal.replicas import GROUP, Engine, Replicas
from cdt_core.kernels.anneal.samples import Samples
from cdt_core.kernels.anneal.schedule import MOST_SWEEPS, part_of, schedule_of
from cdt_core.kernels.anneal.searching import Searching
from cdt_core.kernels.anneal.simulated import simulated
from cdt_core.kernels.anneal.tempering import tempering

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

__all__ = ["METHODS", "anneal"]

#: What leads replicas from hot to cold, by name.
_LEADS: dict[str, Callable[[Course, NDArray[np.float64]], None]] = {
    "sa": simulated,
    "sqa": quantum,
    "pt": tempering,
    "pa": population,
    "reheat": reheating,
}
#: Names of the methods that :func:`anneal` has.
METHODS = (*_LEADS, "auto")
#: Methods that go on until the time that is given is over.
_LASTING = ("reheat", "pt")
#: Spins that tabu search needs, so that one of them may always move; of fewer, all states are looked at.
_LEAST_TABU = 4
#: Share of spins whose reduction makes a difference.
_WORTH = 0.05
#: A descent, states and exact energies take up to so many times what states, to and fro, and the kernels' energies take: 3 to 9
#: where caches hold a group, 20 where they do not. At most this share of the time is kept for that.
_ENDING, _MOST_ENDING = 20, 0.5
#: Seconds that are as good as any more.
_LONGEST = 1e300
#: What is left for sweeps where the time is over already: some are made anyway.
_LEAST_SECONDS = 1e-6
#: A spin of more neighbours is only taken out where it follows its field, which is as strong as they are, but for rounding.
_MANY, _NEARLY = 16, 0.999


def anneal(  # noqa: PLR0913 - what a caller may choose, by name
    problem: Problem,
    reads: int = 64,
    sweeps: int = 1000,
    method: str = "sa",
    *,
    schedule: ArrayLike | None = None,
    seed: int = 0,
    reduce: bool | None = None,
    tabu: int = 0,
    threads: int | None = None,
    time_budget: float | None = None,
    callback: Callable[[int, float], object] | None = None,
    on_interrupt: Literal["raise", "return"] = "raise",
) -> Samples:
    """States of low energy of an Ising problem.

    Parameters
    ----------
    problem
        What is to be solved; where it has fixed cardinalities, moves keep them (not with ``sqa``).
    reads
        States that are looked for, one by each replica; 64 cost what one costs. Of ``pt``, replicas of all
        temperatures together.
    sweeps
        Visits of every spin of every read. With ``reheat`` and a ``time_budget``, those of the first annealing.
    method
        ``sa``, simulated annealing; ``sqa``, path-integral simulated quantum annealing (8 replicas for each read);
        ``pt``, parallel tempering with cluster moves; ``pa``, population annealing; ``reheat``, reheated annealing
        with partition crossover, which comes nearest to the optimum of large sparse problems; ``auto`` tries
        ``reheat`` and ``pt`` for a tenth of the sweeps or the time each, has the better one do the rest, and returns
        the best of all their reads.
    schedule
        First and last beta (one sweep is at the last), or a beta for each sweep (``sweeps`` is then not used), in
        1 / units of energy; default :func:`default_range`. ``sqa`` is at the last beta throughout; ``pt`` has rungs
        between the lowest and the highest.
    seed
        0 .. 2**64 - 1. The same seed gives the same samples on every machine and with any number of threads, read by
        read: more reads only add some. (Not with a ``time_budget``, nor for ``pt``, ``pa``, ``reheat`` and ``auto`` with
        another number of reads.)
    reduce
        Whether spins that at most three neighbours decide are taken out first, and put back in their best state
        (:func:`~cdt_core.kernels.anneal.reducing.reduce`): exact for ground states, but no longer the law of a
        temperature. Default: with ``reheat``, ``pt`` and ``auto``, where it takes out a twentieth of the spins; of a
        problem of more than a million couplings, only if it could take out a thousandth at once. ``attempts`` are of
        what is left.
    tabu
        Steps of tabu search from each read's state, after its descent; for problems of up to some 20,000 spins without
        fixed cardinalities. A step takes as long as a visit of every spin of one read. The callback goes on being called,
        and may end the search. Where three spins or fewer are left, all their states are looked at.
    threads
        Default: as many as there are processors for this process. A thread works on 64 replicas at least.
    time_budget
        Seconds that all of it may take, from the call on; ``reheat``, ``pt`` and ``auto`` go on until then. Sweeps end,
        also within one, as much before as the descent of all reads and their energies may take: this is estimated, and
        at most half of the time. What cannot be cut short may take longer: packing of the problem, and one descent,
        together about as long as 50 sweeps, and ``tabu``.
    callback
        Called about 30 times a second with the sweeps made and the lowest energy found; ends the run by returning
        what is true.
    on_interrupt
        What Ctrl-C does: ``"raise"`` KeyboardInterrupt, or ``"return"`` what was found.

    Returns
    -------
    Samples
        Local minima: of each read the state in which its sweeps end, after a descent. Of ``pt``, first the best states
        that chains had; with ``reheat`` and ``tabu`` no read gets worse. With ``sa``, ``sqa`` and ``pa`` a read may have
        had a lower energy on its way (see ``trace``) if the schedule ends hot; after a schedule that ends cold the
        descent leads, as a rule, below all of the trace.

    Raises
    ------
    AnnealError
        Options that make no sense, a schedule with a beta that is negative or not finite.

    Notes
    -----
    Problems of integers whose ``|h_i| + sum_j |J_ij|`` are at most 127 (after division by their common factor) are
    annealed with bytes, all others with float32; energies of the samples are exact in any case. Chances are exact to
    2^-16 with bytes, to 2^-24 with floats; with floats, local minima are those of weights rounded to float32.

    Memory: 64 bytes for each spin and group of 64 reads, up to 330 when a run ends (``sqa`` has eight groups for one,
    and ends with 1500; ``auto`` with 570); 5 for each direction of a coupling, 9 with floats. The peak with 10^6 spins
    and 64 reads, beside the problem: 0.32 GB with 2 10^6 couplings, 0.48 GB with 10^7 (0.41 GB for 2 10^6 floats).

    Examples
    --------
    >>> import numpy as np
    >>> from cdt_core.kernels.anneal import Problem, anneal
    >>> ring = Problem.max_cut((5, np.arange(5), (np.arange(5) + 1) % 5, np.ones(5)))
    >>> anneal(ring, reads=8, sweeps=20).energy
    -4
    """
    began = time.perf_counter()
    _check(problem, method, reduce, tabu, callback)
    if on_interrupt not in ("raise", "return"):
        raise AnnealError(f"on_interrupt is {on_interrupt!r}; it must be 'raise' or 'return'")
    betas = schedule_of(schedule, problem, _whole("sweeps", sweeps, MOST_SWEEPS))
    budget = np.inf if time_budget is None else _seconds(time_budget)
    reduction = _reduction(problem, method, reduce)
    annealed = reduction.problem if reduction else problem
    run = _Run(
        annealed,
        engine_for(annealed, method),
        reads=_whole("reads", reads, 1 << 24),
        seed=_whole("seed", seed, (1 << 64) - 1, least=0),
        threads=len(os.sched_getaffinity(0)) if threads is None else _whole("threads", threads, 1 << 12),
        callback=callback,
        returns=on_interrupt == "return",
        tabu=_whole("tabu", tabu, 1 << 30, least=0),
        began=began,
    )
    if annealed.size == 1:  # solved by its reduction, or by a look at both states
        betas, budget = betas[-1:], np.inf
    found = run.chosen(betas, budget) if method == "auto" else run.by(method, betas, budget)
    if reduction:
        found = _restored(found, reduction)
    return attrs.evolve(found, seconds=time.perf_counter() - began)


def _reduction(problem: Problem, method: str, asked: bool | None) -> Reduction | None:
    """The problem without the spins that others decide, if that is asked for or worth it."""
    if asked is False or (asked is None and (method not in (*_LASTING, "auto") or _is_rigid(problem))):
        return None
    if asked is None and not may_reduce(problem):
        return None
    reduction = reduced(problem)
    return reduction if asked or reduction.taken >= _WORTH else None


def _is_rigid(problem: Problem) -> bool:
    """Whether no spin can be taken out, as of most dense problems: none has few neighbours, or follows its field."""
    if np.diff(problem.start).min() <= _MANY:
        return False
    sizes = np.abs(problem.fields).astype(np.float64)
    return not sizes.any() or not (sizes >= _NEARLY * row_sums(problem.start, np.abs(problem.weights))).any()


def _restored(found: Samples, reduction: Reduction) -> Samples:
    """The same samples, of the whole problem."""
    energies = found.energies if reduction.whole.is_integer else None  # of floats, the same to rounding
    whole = Samples.of_states(reduction.whole, reduction.restore(found.states), found.occurrences, energies)
    return attrs.evolve(
        found,
        problem=whole.problem,
        states=whole.states,
        energies=whole.energies,
        occurrences=whole.occurrences,
    )


@attrs.frozen(eq=False)
class _Run:
    """What is annealed and how, whatever the method."""

    problem: Problem
    engine: Engine
    reads: int
    seed: int
    threads: int
    callback: Callable[[int, float], object] | None
    returns: bool  #: on Ctrl-C, what was found
    tabu: int  #: steps of tabu search after the descent
    began: float  #: when

    def chosen(self, betas: NDArray[np.float64], budget: float) -> Samples:
        """Samples by what is best in trials, within the budget."""
        run = attrs.evolve(self, callback=None if self.callback is None else Onward(self.callback))
        return choose(
            lambda method, first, stop: run.by(method, part_of(betas, stop - first), stop * budget),
            lambda share: time.perf_counter() - self.began >= share * budget,
        )

    def by(self, method: str, betas: NDArray[np.float64], until: float) -> Samples:
        """Samples by one method, so many seconds after the beginning of all."""
        slices = SLICES if method == "sqa" else 1
        counted = replicas = self.reads * slices
        if method == "pt":
            replicas = -(-replicas // GROUP) * GROUP
        groups = [
            self.engine.group(self.seed, number, min(GROUP, replicas - first))
            for number, first in enumerate(range(0, replicas, GROUP))
        ]
        budget = self._for_sweeps(groups, until)
        start, sweeps = time.perf_counter(), len(betas)
        course = Course(
            self.problem, self.engine, groups, counted, sweeps, self.threads, budget, self.callback, started=start
        )
        if self.returns:
            course.ends = (Stop, KeyboardInterrupt)
        interrupted = False
        try:
            _LEADS[method](course, betas)
        except course.ends as end:
            interrupted = not isinstance(end, Stop) or method not in _LASTING or course.left > 0
        try:
            states, energies = self._ends(course, slices)
        except course.ends:  # pressed only now: what was found is wanted all the same
            interrupted = True
            states, energies = self._ends(course, slices)
        states, stopped = self._searched(course, states[: self.reads])
        return Samples.of_states(
            self.problem,
            states,
            energies=None if self.tabu else energies[: self.reads],
            method=method,
            seed=self.seed,
            betas=betas,
            sweeps=course.sweeps,
            attempts=course.attempts // slices,
            interrupted=interrupted or stopped,
            trace=np.array(course.trace).reshape(-1, 2),
        )

    def _for_sweeps(self, groups: list[Replicas], until: float) -> float:
        """Seconds for sweeps, if the descent of all reads and their energies are to be over then."""
        if np.isinf(until):
            return until
        started = time.perf_counter()
        left = until - (started - self.began)
        groups[0].take(groups[0].states())
        groups[0].energies()
        one = time.perf_counter() - started
        ending = one * (1 + _ENDING * -(-len(groups) // self.threads))
        return max(left - min(ending, _MOST_ENDING * left), _LEAST_SECONDS)

    def _tell(self, course: Course, lowest: float) -> object:
        return self.callback is not None and self.callback(course.sweeps, lowest)

    def _ends(self, course: Course, slices: int) -> tuple[NDArray[np.int8], NDArray[Any]]:
        """The local minima (k, n) that reads end in, spins in the problem's order, and their energies: of a ring of slices,
        the best one.
        """
        found: list[tuple[NDArray[np.int8], NDArray[Any]] | None] = [None] * len(course.groups)

        def end(group: Replicas) -> None:
            group.descend()
            states = self.engine.ordered(group.states())
            energies = self.problem.energy(states)
            best = energies.reshape(-1, slices).argmin(axis=1) + slices * np.arange(len(states) // slices)
            found[group.index] = (states[best], energies[best]) if slices > 1 else (states, energies)

        course.work(end)
        states, energies = zip(*filter(None, found), strict=True)
        return np.concatenate(states), np.concatenate(energies)

    def _searched(self, course: Course, states: NDArray[np.int8]) -> tuple[NDArray[np.int8], bool]:
        """The best states that tabu search from each saw, and whether it was ended; of a few spins the best of all."""
        if not self.tabu:
            return states, False
        if self.problem.size < _LEAST_TABU:
            every = np.array(list(itertools.product((-1, 1), repeat=self.problem.size)), np.int8)
            return np.repeat(every[[self.problem.energy(every).argmin()]], len(states), axis=0), False
        tell = partial(self._tell, course)
        search = Searching(self.problem, self.engine, self.seed, self.tabu, self.threads, tell, course.ends)
        return search.best(states), search.stopped


def _check(problem: Problem, method: str, reduce: object, tabu: int, callback: object) -> None:
    """Refuse what does not go together."""
    if method not in METHODS:
        raise AnnealError(f"no method is named {method!r}; there are {', '.join(METHODS)}")
    if not isinstance(problem, Problem):
        raise AnnealError(f"the problem is of {type(problem)}; make one by Problem.from_ising, from_qubo or max_cut")
    if reduce is not None and not isinstance(reduce, bool | np.bool):
        raise AnnealError(f"reduce is {reduce!r}; it must be True, False, or None")
    if callback is not None and not callable(callback):
        raise AnnealError(f"callback is {callback!r}; it must be a function of sweeps and energy")
    if problem.cardinalities and method == "sqa":
        raise AnnealError("fixed cardinalities are not for method 'sqa', whose slices only flip; use another one")
    if tabu and problem.cardinalities:
        raise AnnealError("tabu search does not keep fixed cardinalities; leave tabu at 0")


def _seconds(budget: float) -> float:
    if isinstance(budget, bool) or not isinstance(budget, (int, float, np.integer, np.floating)) or not budget > 0:
        raise AnnealError(f"time_budget is {budget!r}; it must be seconds above 0")
    return float(min(budget, _LONGEST) if isinstance(budget, int) else budget)


def _whole(name: str, value: int, most: int, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not least <= value <= most:
        raise AnnealError(f"{name} is {value!r}; it must be an integer from {least} to {most}")
    return int(value)
