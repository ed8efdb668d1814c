"""How a run ends early: a callback, Ctrl-C, an error in a thread or the time; what was found is not lost where it is wanted."""

from __future__ import annotations

import itertools
import os
import time

import numpy as np
import pytest

from cdt_core.kernels.anneal import METHODS, anneal, course, lanes
from tests.kernels.anneal.problems import random_problem, ring


def test_a_callback_hears_of_progress_and_can_stop():
    heard = []

    def hear(sweeps, energy):
        heard.append((sweeps, energy))
        return len(heard) == 3

    found = anneal(ring(20_000), reduce=False, sweeps=10**6, callback=hear, threads=1)
    assert len(heard) == 3
    assert found.interrupted
    assert 0 < found.sweeps < 10**6
    assert [sweeps for sweeps, _ in heard] == sorted({sweeps for sweeps, _ in heard})
    assert found.energy <= heard[-1][1]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("method", METHODS)
def test_a_callback_is_heard_again_within_a_sweep(method, threads, monkeypatch):
    monkeypatch.setattr(lanes, "MOST_ROWS", 1)
    monkeypatch.setattr(course, "_MOST_SECONDS", 0)
    heard = []

    def press(sweeps, energy):
        heard.append(sweeps)
        if len(heard) == 4:
            raise KeyboardInterrupt

    found = anneal(
        ring(20_000), 200, 1000, method, reduce=False, callback=press, on_interrupt="return", threads=threads
    )
    assert found.interrupted
    if threads == 1:
        assert heard == [0] * 4
    else:
        # The other thread may end a sweep meanwhile; by sweeps alone, each of four calls would be a sweep further.
        assert heard == sorted(heard)
        assert heard[-1] <= 1
    assert found.occurrences.sum() == 200


def test_ctrl_c_in_the_last_descent_returns_what_was_found(monkeypatch):
    descend, pressed = lanes.LaneReplicas.descend, iter([True])

    def press(group):
        if next(pressed, False):
            raise KeyboardInterrupt
        descend(group)

    problem = ring(50)
    whole = anneal(problem, reads=200, sweeps=20)
    monkeypatch.setattr(lanes.LaneReplicas, "descend", press)
    found = anneal(problem, reads=200, sweeps=20, on_interrupt="return", threads=1)
    assert found.interrupted
    np.testing.assert_array_equal(found.states, whole.states)
    pressed = iter([True])
    with pytest.raises(KeyboardInterrupt):
        anneal(problem, reads=200, sweeps=20, threads=1)


@pytest.mark.parametrize("method", METHODS)
def test_a_callback_is_called_no_more_often_than_said(method, monkeypatch):
    began, now, heard = time.perf_counter(), itertools.count(), []
    monkeypatch.setattr(time, "perf_counter", lambda: began + 1e-3 * next(now))
    found = anneal(
        ring(10), reduce=False, sweeps=2000, method=method, callback=lambda *told: heard.append(told), threads=1
    )
    assert 1 <= len(heard) <= 3 + found.seconds / 0.015
    assert heard == sorted(heard, key=lambda told: (told[0], -told[1]))


def test_an_error_in_a_thread_is_not_taken_for_an_end(monkeypatch):
    def fails(group, betas):
        if group.index == 1:
            raise MemoryError

    monkeypatch.setattr(lanes.LaneReplicas, "sweeps", fails)
    with pytest.raises(MemoryError):
        anneal(ring(10), reads=300, threads=3)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_forked_process_anneals():
    problem = random_problem(40, 120)
    expected = anneal(problem, 200, 20, threads=2).states
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(anneal(problem, 200, 20, threads=2).states, expected) else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("method", METHODS)
def test_a_time_budget_ends_the_run_with_what_it_has(method):
    found = anneal(ring(20_000), sweeps=10**5, method=method, time_budget=0.5, reduce=False)
    assert 0 < found.sweeps < 10**5
    assert found.interrupted or method in ("reheat", "pt", "auto")
    assert found.energy < -12_000


def test_reheating_goes_on_until_the_time_is_over():
    found = anneal(random_problem(50, 150), sweeps=20, method="reheat", time_budget=0.3)
    assert not found.interrupted
    assert found.sweeps > 200
    assert found.seconds >= 0.15  # at most half is kept for the end


def test_ctrl_c_raises_or_returns_the_best_so_far():
    def press(sweeps, energy):
        raise KeyboardInterrupt

    problem = random_problem(100, 300)
    with pytest.raises(KeyboardInterrupt):
        anneal(problem, callback=press)
    found = anneal(problem, callback=press, on_interrupt="return")
    assert found.interrupted
    assert len(found) >= 1
