"""The geometric median as a rule of sites: nearly half may be wrong, wherever they lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import CdtError
from cdt_robust.geometric import geometric_median


@given(st.integers(1, 25), st.integers(0, 2**32 - 1), st.sampled_from([0.5, 10.0, 1e6, 1e30]))
@settings(deadline=None, max_examples=50)
def test_wrong_sites_move_it_no_further_than_a_multiple_of_the_honest_spread(sites, seed, size):
    wrong = (sites - 1) // 2
    rng = np.random.default_rng(seed)
    honest = rng.normal(size=(sites - wrong, 5))
    updates = np.concatenate([honest, size * (1 + rng.integers(0, 2) * rng.normal(size=(wrong, 5)))])
    middle = honest.mean(axis=0)
    spread = np.linalg.norm(honest - middle, axis=1).max()
    away = np.linalg.norm(geometric_median(updates, np.ones(sites)) - middle)
    # Lopuhaa and Rousseeuw 1991: 2 spread / (1 - wrong / honest).
    assert away <= 2 * spread / (1 - wrong / len(honest)) + 1e-6


def test_turning_the_coordinates_turns_the_result():
    rng = np.random.default_rng(2)
    updates = rng.normal(size=(11, 6))
    turn = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    expected = geometric_median(updates, np.ones(11)) @ turn
    np.testing.assert_allclose(geometric_median(updates @ turn, np.ones(11)), expected, atol=1e-4)


def test_on_a_line_it_is_the_median_of_the_line():
    points = np.array([0.0, 1.0, 3.0, 7.0, 100.0])
    updates = points[:, None] * np.array([1.0, 2.0, -1.0])
    np.testing.assert_allclose(geometric_median(updates, np.ones(5)), updates[2], atol=1e-9)


def test_a_count_of_iterations_that_is_none_is_refused():
    with pytest.raises(CdtError, match="iterations is 0"):
        geometric_median(np.ones((3, 2)), np.ones(3), iterations=0)
