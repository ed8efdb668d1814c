"""The method that makes most of a problem, by trial."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from cdt_core.kernels.anneal.samples import Samples

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Onward", "choose"]

#: What is tried, in this order of preference among equals.
CANDIDATES = ("reheat", "pt")
#: Share of sweeps and time that each trial takes; the best one then has what is left.
_TRIAL = 0.1


@attrs.define
class Onward:
    """A callback for runs one after the other: sweeps go on counting, and the lowest energy is that of all."""

    tell: Callable[[int, float], object]
    before: int = 0  #: sweeps of the runs that are over
    sweeps: int = 0  #: of this one
    best: float = np.inf

    def __call__(self, sweeps: int, energy: float) -> object:
        """Tell of progress of the run under way."""
        if sweeps < self.sweeps:
            self.before += self.sweeps
        self.sweeps, self.best = sweeps, min(energy, self.best)
        return self.tell(self.before + sweeps, self.best)


def choose(run: Callable[[str, float, float], Samples], is_over: Callable[[float], bool]) -> Samples:
    """Try each candidate with a small share of the work, then give the best one the rest; of all reads the best are
    returned, as many as one run has.

    ``run`` is given a method, and after which share of sweeps and time it begins and ends; ``is_over`` says whether a
    share of the time is over. The best is that of the lowest energy, the first among equals: a margin for what differs from
    seed to seed made the end no better on 336 generated problems, whatever its size up to a thousandth. No later candidate is
    tried once a run was interrupted, or where the time for it is over.
    """
    trials: list[Samples] = []
    for at, method in enumerate(CANDIDATES):
        if trials and is_over((at + 1) * _TRIAL):
            break
        trials.append(run(method, at * _TRIAL, (at + 1) * _TRIAL))
        if trials[-1].interrupted:
            return _together(trials)
    if is_over(1.0):
        return _together(trials)
    best = min(trials, key=lambda samples: samples.energy)
    return _together([*trials, run(best.method, len(CANDIDATES) * _TRIAL, 1.0)])


def _together(runs: list[Samples]) -> Samples:
    """One result of several runs, one after the other; the last says which method was taken."""
    last = runs[-1]
    before, trace, best = 0, [], np.inf
    for samples in runs:
        for sweep, energy in samples.trace:
            if energy < best:
                trace.append((before + sweep, energy))
                best = energy
        before += samples.sweeps
    found = Samples.of_states(
        last.problem,
        np.concatenate([samples.states for samples in runs]),
        np.concatenate([samples.occurrences for samples in runs]),
        np.concatenate([samples.energies for samples in runs]),
    )
    room = last.occurrences.sum() - np.cumsum(found.occurrences) + found.occurrences
    some = room > 0
    return attrs.evolve(
        found,
        states=found.states[some],
        energies=found.energies[some],
        occurrences=np.minimum(found.occurrences, room)[some],
        method=f"auto: {last.method}",
        seed=last.seed,
        betas=last.betas,
        sweeps=before,
        attempts=sum(samples.attempts for samples in runs),
        interrupted=last.interrupted,
        trace=np.array(trace).reshape(-1, 2),
    )
