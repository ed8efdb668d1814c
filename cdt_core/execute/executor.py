"""Where tasks run. An executor is an ordered map with a bounded number of items in flight; results never depend on it."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, TypeVar

from cdt_core.errors import CdtError
from cdt_core.kernels.stopping import stoppable

__all__ = ["DaskExecutor", "Executor", "ThreadExecutor", "executor_for"]

T = TypeVar("T")
R = TypeVar("R")

#: A Dask task shorter than this loses to the scheduler's own cost of about 1-3 ms per task.
_DASK_TASK_SECONDS = 0.3
#: So many items in a row, each shorter, are done faster without threads.
_SHORT_ITEMS, _SHORT_SECONDS = 16, 0.001


class Executor(Protocol):
    """Calls a function on each item; yields the results in the items' order. ``workers`` of them are at work at once."""

    workers: int

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """The results of ``function`` on ``items``, in order."""
        ...


class ThreadExecutor:
    """Threads of this process; the kernels release the GIL. At most ``workers + 2`` items are in flight.

    Short items are nearly all Python, of which threads run one at a time and hinder each other: after some in a row, the
    caller does them itself, until one takes longer.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers if workers is not None else len(os.sched_getaffinity(0))
        if type(self.workers) is not int or self.workers < 1:
            raise CdtError(f"workers={workers!r}: a whole number of workers is needed, at least one")

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Results in order. When one call raises, or the caller stops, what has not started is dropped, and what runs is told
        to stop (:mod:`cdt_core.kernels.stopping`).
        """
        if self.workers == 1:
            yield from map(function, items)
            return
        from concurrent.futures import Future, ThreadPoolExecutor

        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="cdt")
        waiting: deque[Future[tuple[R, float]]] = deque()
        source, stop, short = iter(items), threading.Event(), 0

        def run(item: T) -> tuple[R, float]:
            started = time.perf_counter()
            with stoppable(stop):
                return function(item), time.perf_counter() - started

        def here() -> Iterator[tuple[R, float]]:
            return map(run, itertools.islice(source, 1))

        try:
            waiting.extend(pool.submit(run, item) for item in itertools.islice(source, self.workers + 2))
            while found := [waiting.popleft().result()] if waiting else list(here()):
                result, seconds = found[0]
                short = short + 1 if seconds < _SHORT_SECONDS else 0
                if short < _SHORT_ITEMS:
                    missing = self.workers + 2 - len(waiting)
                    waiting.extend(pool.submit(run, item) for item in itertools.islice(source, missing))
                yield result
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)


class DaskExecutor:
    """Workers of a Dask ``Client``. Items are grouped so that a task runs for 0.3 s or more.

    The function and what it holds travel to each worker once; workers and caller must see the same file system.
    """

    def __init__(self, client: Any) -> None:
        self.client = client
        self.workers = max(1, len(client.scheduler_info()["workers"]))

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Results in order, with two groups per worker in flight."""
        shared = self.client.scatter([function], broadcast=True)[0]
        source = iter(items)
        waiting: deque[Any] = deque()
        size = 1

        def submit() -> None:
            group = list(itertools.islice(source, size))
            if group:
                waiting.append(self.client.submit(_run_group, shared, group, pure=False))

        try:
            for _ in range(2 * self.workers):
                submit()
            while waiting:
                seconds, results = waiting.popleft().result()
                per_item = seconds / len(results)
                size = max(1, min(1024, round(_DASK_TASK_SECONDS * 1.5 / max(per_item, 1e-6))))
                submit()
                yield from results
        finally:
            self.client.cancel(list(waiting))


def _run_group(function: Callable[[T], R], group: list[T]) -> tuple[float, list[R]]:
    begin = time.perf_counter()
    results = [function(item) for item in group]
    return time.perf_counter() - begin, results


def executor_for(workers: int | None, client: Any | None) -> Executor:
    """Threads by default (``workers=None``: as many as this process may use); a Dask ``Client`` when one is given."""
    return DaskExecutor(client) if client is not None else ThreadExecutor(workers)
