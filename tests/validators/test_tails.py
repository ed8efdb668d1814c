from __future__ import annotations

import math

import numpy as np
import pytest

from cdt_core.validators.tails import Centre, centre_of, fences_of, is_code


def test_a_normal_sample_has_its_mean_and_standard_deviation():
    centre = centre_of(np.sort(np.random.default_rng(0).normal(5, 2, 20000)))
    assert centre.median == pytest.approx(5, abs=0.05)
    assert centre.scale == pytest.approx(2, rel=0.03)
    assert centre.mode is None


def test_the_value_of_most_is_left_out():
    x = np.sort(np.r_[np.zeros(900), np.random.default_rng(0).normal(50, 3, 600)])
    centre = centre_of(x)
    assert centre.mode == 0
    assert centre.median == pytest.approx(50, abs=0.5)
    assert centre.scale == pytest.approx(3, rel=0.1)


def test_the_scale_is_a_step_of_the_lattice_at_least():
    x = np.sort(np.random.default_rng(0).choice([4, 5, 6], 1000, p=[0.6, 0.36, 0.04]).astype(float))
    assert centre_of(x).scale == 1


@pytest.mark.parametrize(
    "x", [np.arange(49.0), np.zeros(500), np.r_[np.zeros(500), np.ones(49)], np.r_[np.zeros(500), np.ones(60)]]
)
def test_few_or_equal_values_have_no_centre(x):
    assert centre_of(x) is None


def test_fences_stand_in_the_gaps():
    x = np.sort(np.r_[np.random.default_rng(0).normal(0, 1, 5000), [-200.0] * 20, [1000.0] * 30])
    below, above = fences_of(x, centre_of(x), 8.0)
    assert -150 < below.middle < -50
    assert 400 < above.middle < 600
    assert above.width == pytest.approx(1000, rel=0.01)


def test_a_lone_value_needs_a_wider_gap_in_a_heavier_tail():
    rng = np.random.default_rng(0)
    light, heavy = rng.normal(0, 1, 2000), rng.pareto(0.7, 2000)
    for x, factor, found in ((light, 20, True), (heavy, 20, False), (heavy, 1e6, True)):
        x = np.sort(np.r_[x, factor * x.max()])
        assert math.isfinite(fences_of(x, centre_of(x), 8.0)[1].middle) is found


def test_a_second_population_has_no_fence():
    x = np.sort(np.r_[np.zeros(1000) + np.arange(1000) / 1000, np.full(100, 500.0)])
    assert fences_of(x, Centre(0.5, 0.4), 8.0)[1].middle == math.inf


def test_keys_and_codes_are_told_from_measurements():
    rng = np.random.default_rng(0)
    measured = np.round(rng.normal(0, 2000, 4000))
    assert not is_code(np.sort(measured), 2000)
    assert not is_code(np.sort(50 * measured), 100000)
    assert is_code(np.arange(4000.0) * 7, 8000)
    assert is_code(np.sort(rng.choice(rng.integers(0, 10**7, 40), 4000)).astype(float), 3e6)
    assert not is_code(np.zeros(100), 1.0)
