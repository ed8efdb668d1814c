"""Executors give the same results in the same order, and never run far ahead."""

from __future__ import annotations

import threading

import pytest

from cdt_core.errors import CdtError
from cdt_core.execute import executor
from cdt_core.execute.executor import DaskExecutor, ThreadExecutor, executor_for
from cdt_core.kernels.stopping import Stopped, heed


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(workers):
    assert list(ThreadExecutor(workers).map(lambda n: n * n, range(50))) == [n * n for n in range(50)]


@pytest.mark.parametrize("workers", [0, -1, 1.5, "2"])
def test_what_is_no_number_of_workers_is_refused(workers):
    with pytest.raises(CdtError, match="a whole number of workers is needed"):
        ThreadExecutor(workers)


def test_items_are_drawn_only_as_results_are_taken():
    drawn = []

    def items():
        for n in range(100):
            drawn.append(n)
            yield n

    results = ThreadExecutor(2).map(lambda n: n, items())
    next(results)
    assert len(drawn) <= 6
    results.close()


@pytest.mark.parametrize(("short_seconds", "here"), [(float("inf"), True), (0.0, False)])
def test_short_items_are_done_without_threads(short_seconds, here, monkeypatch):
    monkeypatch.setattr(executor, "_SHORT_SECONDS", short_seconds)
    found = list(ThreadExecutor(2).map(lambda n: (n, threading.get_ident()), range(100)))
    assert [n for n, _ in found] == list(range(100))
    assert found[0][1] != threading.get_ident()
    assert (found[-1][1] == threading.get_ident()) is here


def test_the_first_error_ends_the_map_and_drops_what_waits():
    ran = []
    lock = threading.Lock()

    def fail_at_three(n):
        with lock:
            ran.append(n)
        if n == 3:
            raise ValueError("three")
        return n

    with pytest.raises(ValueError, match="three"):
        list(ThreadExecutor(2).map(fail_at_three, range(1000)))
    assert len(ran) < 20


def test_what_runs_is_told_to_stop_when_nobody_waits_any_more():
    begun, stopped = threading.Barrier(2), []

    def endless(n):
        if n == 0:
            begun.wait()
            raise ValueError("none")
        begun.wait()
        try:
            while True:
                heed()
        except Stopped:
            stopped.append(n)
            raise

    with pytest.raises(ValueError, match="none"):
        list(ThreadExecutor(2).map(endless, range(2)))
    assert stopped == [1]


def test_no_worker_is_refused():
    with pytest.raises(CdtError, match="workers=0"):
        ThreadExecutor(0)


def test_a_dask_client_gives_the_same_results():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        executor = executor_for(None, client)
        assert isinstance(executor, DaskExecutor)
        assert list(executor.map(lambda n: n + 1, range(40))) == list(range(1, 41))
