"""Tabu search from states that were found."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import attrs
import numpy as np

from cdt_core.kernels.anneal.course import Stop
from cdt_core.kernels.anneal.dense import Dense, DenseReplicas
from cdt_core.kernels.crew import share

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cdt_core.kernels.anneal.problem import Problem
    from cdt_core.kernels.anneal.replicas import Engine

__all__ = ["Searching"]

#: Seconds between two calls of who is told.
_BETWEEN = 0.015


@attrs.define(eq=False)
class Searching:
    """Searches by threads, from one state each."""

    problem: Problem
    engine: Engine  #: that annealed it; searches are of dense spins
    seed: int
    steps: int
    threads: int
    tell: Callable[[float], object]  #: is told the lowest energy; ends the search by returning what is true
    ends: tuple[type[BaseException], ...] = (Stop,)  #: after which what was found is wanted
    stopped: bool = False
    lowest: float = np.inf
    _heard: float = -np.inf
    _caller: int = attrs.field(factory=threading.get_ident)

    def best(self, states: NDArray[np.int8]) -> NDArray[np.int8]:
        """Local minima at the best states that searches from ``states`` (k, n) saw; ``stopped`` says if they were cut short."""
        dense = self.engine if isinstance(self.engine, Dense) else Dense.of(self.problem)
        found, energies = states.copy(), self.problem.energy(states)
        self.lowest = float(energies.min())

        def search(first: int, stop: int) -> None:
            replicas = dense.holding(self.seed, states[first:stop])
            replicas.heed = lambda: self._heed(float((energies[first:stop] + replicas.gained).min()))
            self._search(replicas, first)
            found[first:stop] = replicas.states()

        try:
            share(search, len(states), self.threads, most=1, halt=self._halt, idle=lambda: self._heed(self.lowest))
        except self.ends:
            self.stopped = True
        return found

    def _search(self, replicas: DenseReplicas, first: int) -> None:
        """To its end, or as far as it may."""
        try:
            replicas.search(self.steps, first)
        except self.ends:
            self.stopped = True
            replicas.heed = lambda: None
            replicas.descend()

    def _halt(self) -> None:
        self.stopped = True

    def _heed(self, energy: float) -> None:
        self.lowest = min(energy, self.lowest)
        if self.stopped:
            raise Stop
        if threading.get_ident() != self._caller or time.perf_counter() - self._heard < _BETWEEN:
            return
        self._heard = time.perf_counter()
        if self.tell(self.lowest):
            self.stopped = True
            raise Stop
