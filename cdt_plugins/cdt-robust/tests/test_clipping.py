"""Centred clipping is its paper's formula, and no site moves it by more than its share of the radius."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import CdtError
from cdt_robust.clipping import centered_clip


def formula(updates, centre, radius, iterations):
    for _ in range(iterations):
        away = updates - centre
        lengths = np.linalg.norm(away, axis=1)
        tau = np.sort(lengths)[(len(lengths) - 1) // 2] if radius is None else radius
        centre = centre + (away * np.minimum(1, tau / np.maximum(lengths, 1e-300))[:, None]).mean(axis=0)
    return centre


@given(st.integers(1, 12), st.integers(0, 2**32 - 1), st.integers(1, 4), st.sampled_from([None, 0.1, 2, 1e6]))
@settings(deadline=None)
def test_it_is_the_formula_of_the_paper(sites, seed, iterations, radius):
    rng = np.random.default_rng(seed)
    updates, start = rng.normal(size=(sites, 4)), rng.normal(size=4)
    found = centered_clip(updates, np.ones(sites), start=start, radius=radius, iterations=iterations)
    np.testing.assert_allclose(found, formula(updates, start, radius, iterations), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("size", [1e3, 1e12, 1e30])
def test_one_site_moves_it_by_at_most_its_share_of_the_radius(size):
    updates = np.random.default_rng(1).normal(size=(20, 6)).astype(np.float32)
    changed = updates.copy()
    changed[3] = size
    options = {"start": np.zeros(6), "radius": 1.0, "iterations": 1}
    moved = centered_clip(changed, np.ones(20), **options) - centered_clip(updates, np.ones(20), **options)
    assert np.linalg.norm(moved) <= 2 / 20 + 1e-6


@given(st.integers(1, 25), st.integers(0, 2**32 - 1), st.sampled_from([0.5, 10.0, 1e6, 1e30]))
@settings(deadline=None)
def test_wrong_sites_move_it_no_further_than_a_multiple_of_the_honest_spread(sites, seed, size):
    wrong = (sites - 1) // 2
    rng = np.random.default_rng(seed)
    honest = rng.normal(size=(sites - wrong, 5))
    updates = np.concatenate([honest, size * (1 + rng.normal(size=(wrong, 5)))])
    across = max(np.linalg.norm(one - other) for one in honest for other in honest) + 1e-9
    away = np.linalg.norm(centered_clip(updates, np.ones(sites)) - honest.mean(axis=0))
    # Each iteration moves it by less than the radius, and that is a distance between it and an honest update.
    assert away <= 2**3 * (np.sqrt(5) + 1) * across


@pytest.mark.parametrize(("far", "near"), [(1e300, 1e130), (1e200, 1e20), (1e308, 5.0), (1e155, 1e-150)])
@pytest.mark.parametrize("options", [{}, {"radius": 2.0}])
def test_a_site_that_is_very_far_does_not_hide_others_from_clipping(far, near, options):
    rng = np.random.default_rng(2)
    updates = np.concatenate([rng.normal(size=(20, 5)), np.full((1, 5), far), np.full((5, 5), near)])
    capped = np.clip(updates, -1e6, 1e6)
    expected = centered_clip(capped, np.ones(26), **options)
    np.testing.assert_allclose(centered_clip(updates, np.ones(26), **options), expected, rtol=0, atol=1e-4)


def test_numbers_of_numpy_are_numbers():
    updates = np.random.default_rng(3).normal(size=(5, 4))
    expected = centered_clip(updates, np.ones(5), radius=1.0, iterations=2)
    for radius in (np.float32(1), np.int64(1), 1):
        found = centered_clip(updates, np.ones(5), radius=radius, iterations=np.int64(2))
        np.testing.assert_array_equal(found, expected)


def test_it_keeps_the_start_that_it_is_given():
    start = np.zeros(4)
    centered_clip(np.ones((5, 4)), np.ones(5), start=start)
    assert not start.any()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"radius": 0}, "radius is 0"),
        ({"radius": float("nan")}, "radius is nan"),
        ({"radius": float("inf")}, "radius is inf"),
        ({"radius": "1"}, "radius is '1'"),
        ({"radius": True}, "radius is True"),
        ({"radius": 10**400}, "radius is 1000"),
        ({"iterations": 0}, "iterations is 0"),
        ({"iterations": True}, "iterations is True"),
        ({"start": np.zeros(3)}, r"start has dtype float64 and shape \(3,\)"),
        ({"start": np.array([0.0, np.nan])}, "2 finite floats"),
    ],
)
def test_what_has_no_meaning_is_refused(options, said):
    with pytest.raises(CdtError, match=said):
        centered_clip(np.ones((3, 2)), np.ones(3), **options)
