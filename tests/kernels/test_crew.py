"""Threads that share the blocks of a stream."""

import os
import threading

import numpy as np
import pytest

import cdt_core as cdt
from cdt_core.kernels.crew import share


@pytest.mark.parametrize("workers", [1, 2, 7])
@pytest.mark.parametrize("most", [None, 1, 3, 100])
@pytest.mark.parametrize("items", [0, 1, 2, 5, 100])
def test_each_item_is_worked_on_once_and_results_come_in_order(items, most, workers):
    pieces = share(lambda start, stop: list(range(start, stop)), items, workers, most=most)
    assert [item for piece in pieces for item in piece] == list(range(items))
    assert all(pieces)
    if most:
        assert max(map(len, pieces), default=0) <= most


def test_work_is_done_by_several_threads_at_once():
    both = threading.Barrier(2, timeout=30)
    share(lambda start, stop: both.wait() if start < 8 else None, 16, 2, most=8)


@pytest.mark.parametrize("bad", [0, 7, 15])
def test_an_exception_of_any_piece_is_raised_when_no_thread_works_any_more(bad):
    working = set()

    def work(start, stop):
        working.add(start)
        try:
            if start <= bad < stop:
                raise KeyError(bad)
        finally:
            working.discard(start)

    with pytest.raises(KeyError):
        share(work, 16, 4, most=1)
    assert not working


def test_a_caller_that_waits_for_the_others_is_not_deaf():
    both, called, caller = threading.Barrier(2, timeout=30), threading.Event(), threading.get_ident()

    def work(start, stop):
        both.wait()
        assert threading.get_ident() == caller or called.wait(30)

    share(work, 2, 2, most=1, idle=called.set)
    assert called.is_set()


def test_what_a_waiting_caller_raises_halts_the_others():
    both, halted, caller = threading.Barrier(2, timeout=30), threading.Event(), threading.get_ident()

    def work(start, stop):
        both.wait()
        assert threading.get_ident() == caller or halted.wait(30)

    def press():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        share(work, 2, 2, most=1, halt=halted.set, idle=press)
    assert halted.is_set()


@pytest.mark.parametrize("bad", [0, 1])
def test_the_first_error_halts_the_others_and_is_the_one_that_is_raised(bad):
    both, halted = threading.Barrier(2, timeout=30), threading.Event()

    def work(start, stop):
        both.wait()
        if start == bad:
            raise KeyError(start)
        assert halted.wait(30)
        raise InterruptedError

    with pytest.raises(KeyError):
        share(work, 2, 2, most=1, halt=halted.set)


def test_helpers_treat_floating_point_errors_as_the_caller_does():
    both = threading.Barrier(2, timeout=30)

    def overflows(start, stop):
        if start < 8:
            both.wait()
        return float(np.float64(1e300) * np.float64(1e300))

    with np.errstate(over="ignore"):
        assert share(overflows, 16, 2, most=8) == [np.inf] * 16
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        share(lambda start, stop: np.float64(1e300) * np.float64(1e300), 16, 2, most=8)


def test_work_may_share_work():
    inner = share(lambda a, b: share(lambda c, d: d - c, 10, 4, most=1), 10, 4, most=1)
    assert inner == [[1] * 10] * 10


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_forked_process_makes_threads_of_its_own():
    x = np.linspace(0, 1, 1 << 20, dtype="f4")
    expected = cdt.compress(x, bound="abs:1e-4", workers=2)
    child = os.fork()
    if child == 0:
        os._exit(0 if cdt.compress(x, bound="abs:1e-4", workers=2) == expected else 1)
    assert os.waitpid(child, 0)[1] == 0
