"""Annealing of Ising problems: many reads at once, each led from hot to cold."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Literal

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
from cdt_core.kernels.anneal.reducing import Reduction
from cdt_core.kernels.anneal.reducing import reduce as reduced
from cdt_core.kernels.anneal.reheating import reheating
from cdt_core.kernels.anneal.replicas import GROUP, Engine
from cdt_core.kernels.anneal.samples import Samples
from cdt_core.kernels.anneal.schedule import part_of, schedule_of
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
#: Spins that tabu search needs, so that one of them may always move; fewer are solved anyway.
_LEAST_TABU = 4
#: Share of spins whose reduction makes a difference.
_WORTH = 0.05
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
        ``reheat`` and ``pt`` for a tenth of the sweeps or the time each, and goes on with the better one.
    schedule
        First and last beta, or a beta for each sweep (``sweeps`` is then not used), in 1 / units of energy; default
        :func:`default_range`. ``sqa`` is at the last beta throughout; ``pt`` has rungs between the lowest and the
        highest.
    seed
        0 .. 2**64 - 1. The same seed gives the same samples on every machine and with any number of threads, read by
        read: more reads only add some. (Not with a ``time_budget``, nor for ``pt``, ``pa`` and ``reheat`` with
        another number of reads.)
    reduce
        Whether spins that at most three neighbours decide are taken out first, and put back in their best state
        (:func:`~cdt_core.kernels.anneal.reducing.reduce`): exact for ground states, but no longer the law of a
        temperature. Default: with ``reheat``, ``pt`` and ``auto``, where it takes out a twentieth of the spins.
        ``attempts`` are of what is left.
    tabu
        Steps of tabu search from each read's state, after its descent; for problems of up to some 20,000 spins without
        fixed cardinalities. A step takes as long as a visit of every spin of one read. The callback goes on being called,
        and may end the search.
    threads
        Default: as many as there are processors for this process. A thread works on 64 replicas at least.
    time_budget
        Seconds after which sweeps end, also within one; ``reheat``, ``pt`` and ``auto`` go on until then. The descent of
        all reads and their energies come on top: about as long as 50 sweeps; so does tabu search.
    callback
        Called about 30 times a second with the sweeps made and the lowest energy found; ends the run by returning
        what is true.
    on_interrupt
        What Ctrl-C does: ``"raise"`` KeyboardInterrupt, or ``"return"`` what was found.

    Returns
    -------
    Samples
        Local minima: each read ends with a descent.

    Raises
    ------
    AnnealError
        Options that make no sense, a schedule with a beta that is negative or not finite.

    Notes
    -----
    Problems of integers whose ``|h_i| + sum_j |J_ij|`` are at most 127 (after division by their common factor) are
    annealed with bytes, all others with float32; energies of the samples are exact in any case. Memory: 64 bytes for
    each spin and group of 64 reads, up to 450 when a run ends; 5 for each direction of a coupling, 9 with floats. Chances
    are exact to 2^-16 with bytes, to 2^-24 with floats; with floats, local minima are those of weights rounded to float32.

    Examples
    --------
    >>> import numpy as np
    >>> from cdt_core.kernels.anneal import Problem, anneal
    >>> ring = Problem.max_cut((5, np.arange(5), (np.arange(5) + 1) % 5, np.ones(5)))
    >>> anneal(ring, reads=8, sweeps=20).energy
    -4
    """
    _check(problem, method, tabu, callback)
    if on_interrupt not in ("raise", "return"):
        raise AnnealError(f"on_interrupt is {on_interrupt!r}; it must be 'raise' or 'return'")
    betas = schedule_of(schedule, problem, _whole("sweeps", sweeps, 1 << 24))
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
    )
    budget = np.inf if time_budget is None else _seconds(time_budget)
    if annealed.size == 1:  # solved by its reduction, or by a look at both states
        betas, budget = betas[-1:], np.inf
    if method == "auto":
        run = attrs.evolve(run, callback=None if callback is None else Onward(callback))
        found = choose(lambda candidate, share: run.by(candidate, part_of(betas, share), share * budget))
    else:
        found = run.by(method, betas, budget)
    return _restored(found, reduction) if reduction else found


def _reduction(problem: Problem, method: str, asked: bool | None) -> Reduction | None:
    """The problem without the spins that others decide, if that is asked for or worth it."""
    if asked is False or (asked is None and (method not in (*_LASTING, "auto") or _is_rigid(problem))):
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
    whole = Samples.of_states(reduction.whole, reduction.restore(found.states), found.occurrences)
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

    def by(self, method: str, betas: NDArray[np.float64], budget: float) -> Samples:
        """Samples by one method."""
        slices = SLICES if method == "sqa" else 1
        counted = replicas = self.reads * slices
        if method == "pt":
            replicas = -(-replicas // GROUP) * GROUP
        groups = [
            self.engine.group(self.seed, number, min(GROUP, replicas - first))
            for number, first in enumerate(range(0, replicas, GROUP))
        ]
        course = Course(self.problem, self.engine, groups, counted, len(betas), self.threads, budget, self.callback)
        if self.returns:
            course.ends = (Stop, KeyboardInterrupt)
        interrupted = False
        try:
            _LEADS[method](course, betas)
        except course.ends as end:
            interrupted = not isinstance(end, Stop) or method not in _LASTING or course.left > 0
        states = self._states(course, slices)[: self.reads]
        if self.tabu and self.problem.size >= _LEAST_TABU:
            tell = partial(self._tell, course)
            search = Searching(self.problem, self.engine, self.seed, self.tabu, self.threads, tell, course.ends)
            states = search.best(states)
            interrupted |= search.stopped
        return Samples.of_states(
            self.problem,
            states,
            method=method,
            seed=self.seed,
            betas=betas,
            sweeps=course.sweeps,
            attempts=course.attempts // slices,
            seconds=course.seconds,
            interrupted=interrupted,
            trace=np.array(course.trace).reshape(-1, 2),
        )

    def _tell(self, course: Course, lowest: float) -> object:
        return self.callback is not None and self.callback(course.sweeps, lowest)

    def _states(self, course: Course, slices: int) -> NDArray[np.int8]:
        """The reads' states (k, n), spins in the problem's order: of a ring of slices, the best one."""
        course.work(lambda group: group.descend())
        states = np.concatenate(course.gather(lambda group: group.states()))
        best = course.energies().reshape(-1, slices).argmin(axis=1)
        return self.engine.ordered(states[np.arange(len(best)) * slices + best])


def _check(problem: Problem, method: str, tabu: int, callback: object) -> None:
    """Refuse what does not go together."""
    if method not in METHODS:
        raise AnnealError(f"no method is named {method!r}; there are {', '.join(METHODS)}")
    if not isinstance(problem, Problem):
        raise AnnealError(f"the problem is of {type(problem)}; make one by Problem.from_ising, from_qubo or max_cut")
    if callback is not None and not callable(callback):
        raise AnnealError(f"callback is {callback!r}; it must be a function of sweeps and energy")
    if problem.cardinalities and method == "sqa":
        raise AnnealError("fixed cardinalities are not for method 'sqa', whose slices only flip; use another one")
    if tabu and problem.cardinalities:
        raise AnnealError("tabu search does not keep fixed cardinalities; leave tabu at 0")


def _seconds(budget: float) -> float:
    if isinstance(budget, bool) or not isinstance(budget, (int, float, np.number)) or not budget > 0:
        raise AnnealError(f"time_budget is {budget!r}; it must be seconds above 0")
    return float(budget)


def _whole(name: str, value: int, most: int, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not least <= value <= most:
        raise AnnealError(f"{name} is {value!r}; it must be an integer from {least} to {most}")
    return int(value)
