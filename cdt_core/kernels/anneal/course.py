"""A run under way: its groups of replicas, its threads, and when it has to stop."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from cdt_core.kernels.anneal.replicas import GROUP
from cdt_core.kernels.crew import popped, share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from cdt_core.kernels.anneal.problem import Problem
    from cdt_core.kernels.anneal.replicas import Engine, Replicas

__all__ = ["Course", "Stop"]

#: Seconds between two looks at Ctrl-C, the callback and the budget, about.
_MOST_SECONDS = 0.03
#: Seconds of a turn: a thread may wait so long in the end. Much shorter, and caches are filled again and again.
_TURN = 0.01
#: Attempts per second that a kernel makes at least, before it was measured.
_SLOWEST = 2e7


class Stop(Exception):  # noqa: N818  (not an error: the budget is spent, or the callback asks)
    """The run is to end with what it has."""


@attrs.define(eq=False)
class Course:
    """Sweeps of all groups by threads, in pieces; after each, whoever watches is told."""

    problem: Problem
    engine: Engine
    groups: list[Replicas]
    counted: int  #: replicas that are the reads asked for; there may be more
    planned: int  #: sweeps
    threads: int
    budget: float  #: seconds
    callback: Callable[[int, float], object] | None
    ends: tuple[type[BaseException], ...] = (Stop,)  #: after which what was found is wanted
    started: float = attrs.field(factory=time.perf_counter)
    sweeps: int = 0  #: of each group
    attempts: int = 0  #: flips that were accepted or rejected
    best: float = np.inf  #: lowest energy seen
    trace: list[tuple[float, float]] = attrs.field(factory=list)
    _speed: float = _SLOWEST
    _heard: float = -np.inf  #: when the callback was called last
    _timed: bool = False  #: whether what is done now ends with the budget
    _halted: bool = False  #: whether another thread ended what is done now
    _caller: int = attrs.field(factory=threading.get_ident)

    def __attrs_post_init__(self) -> None:
        for group in self.groups:
            group.heed = self._heed

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.perf_counter() - self.started

    @property
    def left(self) -> float:
        """Seconds of the budget that are left."""
        return self.budget - self.seconds

    @property
    def is_timed(self) -> bool:
        """Whether the budget, not the planned sweeps, says when a run that can go on ends."""
        return bool(np.isfinite(self.budget))

    @property
    def done(self) -> float:
        """Share of the run that is over."""
        return self.seconds / self.budget if self.is_timed else self.sweeps / self.planned

    def sweep(
        self,
        betas: NDArray[np.float64],
        do: Callable[[Replicas, slice], None] | None = None,
        notes: int = 0,
    ) -> None:
        """A sweep of all groups for each of ``betas`` (in the problem's units), or what ``do`` makes of a part of them.

        The trace gets ``notes`` points, spread over the sweeps: each thread notes for its own groups, so that none
        waits.
        """
        inner = self.engine.betas(betas)
        if do is None:

            def do(group: Replicas, part: slice) -> None:
                group.sweeps(inner[part])

        points = np.arange(1, notes + 1) * len(betas) // notes if notes else np.empty(0, np.intp)
        first = 0
        while first < len(betas):
            stop = min(len(betas), first + self._piece())
            noted = points[(points > first) & (points <= stop)]
            self._sweep_noting(do, first, stop, noted)
            first = stop

    def _sweep_noting(
        self, do: Callable[[Replicas, slice], None], first: int, stop: int, points: NDArray[np.intp]
    ) -> None:
        """One piece of the sweeps, from ``first`` to before ``stop``, with the points of the trace in it."""
        lowest = np.full((len(self.groups), len(points)), np.inf)
        reached = np.full(len(self.groups), first)
        turns = np.arange(first, stop, self._turn()) + self._turn()
        edges = np.union1d(np.minimum(turns, stop), points)

        def some(group: Replicas) -> Iterator[None]:
            for edge in edges:
                do(group, slice(int(reached[group.index]), int(edge)))
                reached[group.index] = edge
                if edge in points:
                    energies = group.energies()[: max(0, self.counted - GROUP * group.index)]
                    lowest[group.index, points == edge] = energies.min(initial=np.inf)
                yield

        before = self.sweeps - first
        try:
            self._measured(lambda: self._in_turns(some), lambda: reached - first)
        finally:
            for point, energy in zip(points, lowest.min(axis=0), strict=True):
                self._append(before + int(point), energy + self.problem.offset / self.problem.scale)
        self.check()

    def each(self, do: Callable[[Replicas], None], sweeps: int) -> None:
        """``do`` for all groups, which makes so many sweeps of each; stop if it is time."""
        self._measured(lambda: self.work(do), lambda: np.full(len(self.groups), sweeps))
        self.check()

    def _measured(self, work: Callable[[], None], made: Callable[[], NDArray[np.intp]]) -> None:
        """Work that ends with the budget, counted by the sweeps that each group made."""
        started = time.perf_counter()
        self._timed = True
        try:
            work()
        finally:
            self._timed = False
            sweeps, seconds = made(), time.perf_counter() - started
            attempts = self.engine.size * int(sweeps @ [group.count for group in self.groups])
            self.sweeps += int(sweeps.min())
            self.attempts += attempts
            if attempts and seconds > 0:
                self._speed = attempts / seconds

    def work(self, do: Callable[[Replicas], None]) -> None:
        """``do`` for all groups, by threads; an error, or Ctrl-C, in one of them ends what the others do."""

        def once(group: Replicas) -> Iterator[None]:
            do(group)
            yield

        self._in_turns(once)

    def _in_turns(self, do: Callable[[Replicas], Iterator[None]]) -> None:
        """``do`` for all groups, by threads. Each group stays with a thread, whose cache holds it; only where they do not
        divide evenly, the last ones go from hand to hand at each ``yield``, so that all end at about the same time.
        """
        threads = min(self.threads, len(self.groups))
        left_over = len(self.groups) % threads
        staying = len(self.groups) - (threads + left_over if left_over else 0)
        waiting = deque((group, do(group)) for group in self.groups)

        def some(first: int, stop: int) -> None:
            del first, stop
            for group, turns in popped(waiting):
                for _ in turns:
                    if self._halted:
                        raise Stop
                    if group.index >= staying:
                        waiting.append((group, turns))
                        break

        try:
            share(some, threads, threads, most=1, halt=self._halt, idle=self._heed)
        finally:
            self._halted = False

    def _halt(self) -> None:
        self._halted = True

    def energies(self) -> NDArray[np.float64]:
        """Energies of all replicas."""
        return np.concatenate(self.gather(lambda group: group.energies())) + self.problem.offset / self.problem.scale

    def gather(self, of: Callable[[Replicas], NDArray[Any]]) -> list[NDArray[Any]]:
        """What ``of`` gives for each group, by threads."""
        found: dict[int, NDArray[Any]] = {}

        def keep(group: Replicas) -> None:
            found[group.index] = of(group)

        self.work(keep)
        return [found[group.index] for group in self.groups]

    def note(self) -> None:
        """Put the lowest energy of now into the trace, if none was lower."""
        self._append(self.sweeps, float(self.energies()[: self.counted].min()))

    def _append(self, sweeps: int, lowest: float) -> None:
        if lowest < self.best or (not self.trace and np.isfinite(lowest)):
            self.best = min(lowest, self.best)
            self.trace.append((sweeps, self.best))

    def check(self) -> None:
        """Tell the callback, if that was a while ago; stop when it says so or the time is spent."""
        if self.left <= 0:
            raise Stop
        if self.callback is None or self.seconds - self._heard < _MOST_SECONDS / 2:
            return
        if not self.trace:
            self.note()
        self._heard = self.seconds
        if self.callback(self.sweeps, self.best):
            raise Stop

    def _heed(self) -> None:
        """What groups ask between pieces: whether to stop within a sweep."""
        if self._halted or (self._timed and self.left <= 0):
            raise Stop
        if self._timed and threading.get_ident() == self._caller:
            self._timed = False  # not while looking
            self.check()
            self._timed = True

    def _piece(self) -> int:
        """Sweeps between two calls of :meth:`check`: all, once their speed is known, where it has nothing to do."""
        if self.callback is None and not self.is_timed and self.sweeps:
            return self.planned
        return self._sweeps_in(_MOST_SECONDS)

    def _turn(self) -> int:
        """Sweeps that a thread makes of a group before it takes another one."""
        threads = min(self.threads, len(self.groups))
        return self._sweeps_in(_TURN * len(self.groups) / threads)

    def _sweeps_in(self, seconds: float) -> int:
        attempts = self.engine.size * sum(group.count for group in self.groups)
        return max(1, int(seconds * self._speed / attempts))
