"""Schedules are what was asked for, or refused with the place that is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from cdt_core.errors import AnnealError
from cdt_core.kernels.anneal import anneal
from cdt_core.kernels.anneal.schedule import MOST_SWEEPS, schedule_of
from tests.kernels.anneal.problems import random_problem


@pytest.mark.parametrize("schedule", [None, (0.5, 4)])
def test_one_sweep_is_at_the_last_beta(schedule):
    problem = random_problem()
    assert schedule_of(schedule, problem, 1).tolist() == schedule_of(schedule, problem, 9)[-1:].tolist()


def test_one_sweep_then_reheatings_are_as_cold_as_any():
    problem = random_problem(300, 900)
    found = anneal(problem, 64, 1, "reheat", reduce=False)
    assert found.betas.tolist() == schedule_of(None, problem, 50)[-1:].tolist()


@pytest.mark.parametrize("dtype", ["i4", "u1", "f2", "f4", ">f8", "g"])
def test_betas_of_any_real_dtype(dtype):
    betas = schedule_of(np.array([1, 2, 4], dtype), random_problem(), 1000)
    assert (betas.dtype, betas.tolist()) == (np.float64, [1, 2, 4])


@pytest.mark.parametrize(
    ("schedule", "what"),
    [
        (np.array([1, 2, 1e300], "g") ** 2, "beta number 2 is inf"),
        (np.ma.masked_equal([0.5, 1.0, 2.0], 1), "beta number 1 is masked"),
        (np.broadcast_to(1.0, MOST_SWEEPS + 1), f"{MOST_SWEEPS + 1} betas"),
        ([True, True], "dtype bool"),
        ([None, 1], "dtype object"),
        (3.0, "shape"),
    ],
)
def test_what_is_no_schedule_is_refused(schedule, what):
    with pytest.raises(AnnealError, match=what):
        schedule_of(schedule, random_problem(), 10)
