"""A time budget is for all of a run: what comes before its sweeps and after them, too."""

from __future__ import annotations

import itertools
import time

import pytest

from cdt_core.kernels.anneal import anneal, annealing, course, engines, lanes
from tests.kernels.anneal.problems import random_problem


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by a microsecond when it is read, and by what is added to it."""
    now = [100.0]

    def read():
        now[0] += 1e-6
        return now[0]

    monkeypatch.setattr(time, "perf_counter", read)
    return now


def budgets(monkeypatch):
    """Budgets that courses are given."""
    given = []

    class Watched(course.Course):
        def __attrs_post_init__(self):
            given.append(self.budget)
            super().__attrs_post_init__()

        def check(self):
            raise course.Stop

    monkeypatch.setattr(annealing, "Course", Watched)
    return given


@pytest.mark.parametrize(("cost", "reads", "left"), [(0, 64, 10), (0.1, 64, 7.9), (0.1, 128, 5.9), (7, 64, 5)])
def test_what_the_end_takes_is_kept_of_the_budget(cost, reads, left, clock, monkeypatch):
    """By the first group's states and energies; never more than half."""
    given, counted, plain = budgets(monkeypatch), itertools.count(), lanes.LaneReplicas.energies

    def slow(group):
        clock[0] += cost if next(counted) == 0 else 0
        return plain(group)

    monkeypatch.setattr(lanes.LaneReplicas, "energies", slow)
    anneal(random_problem(), reads, time_budget=10, threads=1)
    assert given == [pytest.approx(left, abs=1e-3)]


def test_what_comes_before_counts(clock, monkeypatch):
    given, plain = budgets(monkeypatch), engines.engine_for

    def slow(*arguments):
        clock[0] += 3
        return plain(*arguments)

    monkeypatch.setattr(annealing, "engine_for", slow)
    found = anneal(random_problem(), time_budget=10)
    assert given == [pytest.approx(7, abs=1e-3)]
    assert found.seconds == pytest.approx(3, abs=1e-3)


@pytest.mark.parametrize("method", ["sa", "reheat", "pt", "pa", "sqa", "auto"])
def test_a_budget_that_is_over_before_the_sweeps_gives_samples(method, clock, monkeypatch):
    plain = engines.engine_for

    def slow(*arguments):
        clock[0] += 30
        return plain(*arguments)

    monkeypatch.setattr(annealing, "engine_for", slow)
    found = anneal(random_problem(), 64, 10**6, method, time_budget=10)
    assert found.occurrences.sum() == 64
    assert found.sweeps < 10**6


@pytest.mark.parametrize("reads", [64, 192, 320])
def test_sweeps_of_a_run_that_is_cut_short_are_counted(reads):
    """Those that every group made; attempts are of all groups."""
    problem = random_problem()
    found = anneal(problem, reads=reads, sweeps=10**7, threads=2, time_budget=0.2)
    assert found.interrupted
    assert 0 < found.sweeps < 10**7
    assert found.attempts >= found.sweeps * problem.size * reads
