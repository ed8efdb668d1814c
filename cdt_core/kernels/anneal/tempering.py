"""Parallel tempering with isoenergetic cluster moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from cdt_core.kernels.anneal.replicas import GROUP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdt_core.kernels.anneal.course import Course
    from cdt_core.kernels.anneal.replicas import Replicas

__all__ = ["RUNGS", "Ladder", "tempering"]

#: Temperatures of a chain; a group is GROUP / RUNGS chains.
RUNGS = 32
_CHAINS = GROUP // RUNGS
#: Sweeps between exchanges of temperatures.
_SWEEPS = 2
#: Exchanges between points of the trace.
_NOTED = 16
#: Exchanges between cluster moves.
_CLUSTER = 8
#: Cluster moves help where clusters do not percolate: up to so many neighbours of a spin in the mean (Zhu, Ochoa,
#: Katzgraber 2015).
_MOST_NEIGHBOURS = 6.5
#: The first rung's beta is at least this share of the last one's.
_HOTTEST = 1e-4
#: After this share of the sweeps the betas are set anew, so that neighbours exchange equally often.
_LEARNING = 0.15


def tempering(course: Course, betas: NDArray[np.float64]) -> None:
    """Chains of RUNGS replicas that exchange temperatures (Hukushima, Nemoto 1996, J. Phys. Soc. Jpn. 65:1604).

    Where spins have few neighbours, replicas of two chains at one temperature exchange clusters of spins in which
    they differ (Houdayer 2001, Eur. Phys. J. B 22:479; Zhu, Ochoa, Katzgraber 2015, Phys. Rev. Lett. 115:077201). The
    best state of each chain is kept.
    """
    course.counted = GROUP * len(course.groups)  # the best one is among the reads in the end
    cold = float(betas.max())
    rungs = cold * np.geomspace(max(betas.min() / cold, _HOTTEST), 1, RUNGS) if cold else np.zeros(RUNGS)
    ladders = [Ladder(course, group, rungs) for group in course.groups]
    clusters = np.diff(course.problem.start).mean() <= _MOST_NEIGHBOURS
    at, learning = 0, True
    try:
        while course.done < 1:

            def do(group: Replicas, at: int = at) -> None:
                ladders[group.index].round(at, clusters and at % _CLUSTER == 0)

            course.each(do, _SWEEPS)
            at += 1
            if learning and course.done > _LEARNING:
                learning = False
                for ladder in ladders:
                    ladder.space_anew()
            if at % _NOTED == 0:
                course.note()
    except course.ends:
        _recall(ladders)
        raise
    _recall(ladders)
    course.note()


def _recall(ladders: list[Ladder]) -> None:
    for ladder in ladders:
        ladder.recall()


@attrs.define(eq=False)
class Ladder:
    """The chains of one group: which replica is on which rung."""

    course: Course
    group: Replicas
    betas: NDArray[np.float64]  #: of the rungs
    on: NDArray[np.intp] = attrs.field(init=False)  #: (chains, rungs): the replica there
    random: np.random.Generator = attrs.field(init=False)
    tried: int = 0
    taken: NDArray[np.float64] = attrs.field(factory=lambda: np.zeros(RUNGS - 1))
    best: NDArray[np.float64] = attrs.field(factory=lambda: np.full(_CHAINS, np.inf))
    kept: dict[int, NDArray[np.int8]] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.on = np.arange(GROUP).reshape(_CHAINS, RUNGS)
        self.random = self.group.random(1)

    def round(self, at: int, cluster: bool) -> None:
        """Sweeps, an exchange of temperatures, and a cluster move if asked."""
        inner = np.empty(GROUP)
        inner[self.on] = self.course.engine.betas(self.betas)
        self.group.sweeps_apart(inner, _SWEEPS)
        energies = self.group.energies()
        self._keep(energies)
        self._exchange(energies, at % 2)
        if cluster:
            self._move_clusters()

    def _exchange(self, energies: NDArray[np.float64], first: int) -> None:
        low, high = self.on[:, first:-1:2], self.on[:, first + 1 :: 2]
        with np.errstate(over="ignore"):
            gain = (self.betas[first + 1 :: 2] - self.betas[first:-1:2]) * (energies[high] - energies[low])
        swap = self.random.random(gain.shape) < np.exp(np.minimum(gain, 0))
        self.taken[first::2] += np.exp(np.minimum(gain, 0)).mean(axis=0)
        self.tried += 1
        self.on[:, first:-1:2], self.on[:, first + 1 :: 2] = np.where(swap, high, low), np.where(swap, low, high)

    def _move_clusters(self) -> None:
        """One cluster on every second rung from the coldest, between the first two chains."""
        rungs = np.arange(RUNGS // 2, RUNGS)
        pairs = np.ascontiguousarray(self.on[:2, rungs].T)
        self.group.exchange(pairs, self.random.integers(self.course.engine.size, size=len(pairs)))

    def _keep(self, energies: NDArray[np.float64]) -> None:
        """The best state that a chain had."""
        for chain, replicas in enumerate(self.on):
            at = int(replicas[np.argmin(energies[replicas])])
            if energies[at] < self.best[chain]:
                self.best[chain] = energies[at]
                self.kept[chain] = self.group.state(at)

    def recall(self) -> None:
        """Put the best states of the chains first, so that they are among the reads, in place of the hottest replicas."""
        self._keep(self.group.energies())  # cluster moves came after the last look
        chains = sorted(self.kept, key=lambda chain: float(self.best[chain]))
        if not chains:
            return
        first, hottest = np.arange(len(chains)), self.on[chains, 0]
        states = self.group.states()
        states[np.setdiff1d(hottest, first)] = states[np.setdiff1d(first, hottest)]
        states[first] = np.stack([self.kept[chain] for chain in chains])
        self.group.take(states)

    def space_anew(self) -> None:
        """Betas between which exchanges are equally likely, by what was taken so far."""
        if not self.betas.all():
            return
        rates = np.clip(2 * self.taken / max(1, self.tried), 1e-3, 1 - 1e-3)
        length = np.concatenate([[0], np.cumsum(-np.log(rates))])
        self.betas = np.exp(np.interp(np.linspace(0, length[-1], RUNGS), length, np.log(self.betas)))
