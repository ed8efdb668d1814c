"""The coordinate median is NumPy's, one vote per site, and no minority can move it out of the majority's range."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cdt_robust.median import median

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=12)
FINITE = {"allow_nan": False, "allow_infinity": False, "allow_subnormal": False}


@given(hnp.arrays(np.float32, SHAPES, elements=FINITE))
def test_it_is_the_median_of_numpy_in_float64(updates):
    expected = np.median(updates.astype(np.float64), axis=0).astype(np.float32)
    np.testing.assert_array_equal(median(updates, np.ones(len(updates))), expected)


@given(honest=hnp.arrays(np.float64, SHAPES, elements=FINITE), data=st.data())
def test_a_minority_cannot_move_it_out_of_the_range_of_the_others(honest, data):
    bad = data.draw(st.integers(0, len(honest) - 1))
    attack = data.draw(hnp.arrays(np.float64, (bad, honest.shape[1]), elements=FINITE))
    updates = np.concatenate([attack, honest])
    result = median(updates, np.ones(len(updates)))
    assert (honest.min(axis=0) <= result).all()
    assert (result <= honest.max(axis=0)).all()


def test_a_stated_weight_buys_no_influence():
    assert median(np.array([[1.0], [2.0], [1e9]]), [1, 1, 1e12]) == [2.0]


def test_the_middle_of_two_votes_beside_the_largest_float_does_not_overflow():
    assert median(np.array([[1.7e308], [1.5e308]]), [1, 1]) == [1.6e308]
