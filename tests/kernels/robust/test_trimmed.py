"""The trimmed mean is the mean of what is kept, to the precision of a sum of float64, and within its range."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cdt_core.errors import AggregationError
from cdt_core.kernels.robust import trimmed_mean
from cdt_core.kernels.robust.trimmed import rows_cut

FINITE = {"allow_nan": False, "allow_infinity": False}


@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 140), st.just(1)), elements=FINITE), st.floats(0, 0.499))
def test_it_is_the_mean_of_what_is_kept(x, trim):
    cut = rows_cut(len(x), trim)
    kept = [Fraction(value) for value in sorted(x[:, 0])[cut : len(x) - cut]]
    roundings = len(kept) + 2
    bound = Fraction(roundings, 2**53 - roundings) * max(map(abs, kept)) + Fraction(5e-324) * len(kept)
    assert abs(Fraction(trimmed_mean(x, trim)[0]) - sum(kept) / len(kept)) <= bound


@pytest.mark.parametrize("n", [10, 100, 200])
def test_as_many_wrong_rows_as_are_cut_cannot_move_it_out_of_the_range_of_the_others(n):
    rng = np.random.default_rng(n)
    for wrong in (-1e300, 1e300):
        x = rng.normal(size=(n, 50))
        x[: n // 5] = wrong
        found = trimmed_mean(x, 0.2)
        assert (x[n // 5 :].min(axis=0) <= found).all()
        assert (found <= x[n // 5 :].max(axis=0)).all()


def test_equal_updates_give_that_update():
    update = np.array([0.1, -1e308, 5e-324, 0.0, 1e-300])
    for n in (1, 5, 50, 150):
        np.testing.assert_array_equal(trimmed_mean([update] * n, 0.2), update)


def test_numbers_of_numpy_are_shares():
    assert [rows_cut(10, trim) for trim in (np.float32(0.2), np.float64(0.2), np.int64(0), 0)] == [2, 2, 0, 0]


@pytest.mark.parametrize("trim", [0.5, -0.1, 1.0, float("nan"), "0.2", None, True, 0.4999999999])
def test_shares_out_of_range_are_refused(trim):
    with pytest.raises(AggregationError, match=r"trim is .*from 0 to below 0.5"):
        trimmed_mean(np.ones((5, 2)), trim)
