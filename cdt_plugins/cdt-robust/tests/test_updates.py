"""What every rule keeps, whatever the updates are, and what every rule refuses."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cdt_core.errors import CdtError
from cdt_robust.mean import weighted_mean
from cdt_robust.median import median
from cdt_robust.trimmed import trimmed_mean
from cdt_robust.weighted_median import weighted_median

RULES = (weighted_mean, median, weighted_median, trimmed_mean)
every_rule = pytest.mark.parametrize("rule", RULES)
SHAPES = st.tuples(st.integers(5, 12), st.integers(0, 6))
FINITE = {"allow_nan": False, "allow_infinity": False}


def matrices(dtypes=(np.float16, np.float32, np.float64)):
    return st.sampled_from(dtypes).flatmap(lambda dtype: hnp.arrays(dtype, SHAPES, elements=FINITE))


@every_rule
@given(updates=matrices(), data=st.data())
def test_the_result_lies_between_the_least_and_the_largest_update(rule, updates, data):
    weights = data.draw(hnp.arrays(np.float64, len(updates), elements=st.floats(5e-324, 1e308)))
    result = rule(updates, weights)
    assert result.dtype == updates.dtype
    assert (updates.min(axis=0) <= result).all()
    assert (result <= updates.max(axis=0)).all()


@every_rule
@given(update=hnp.arrays(np.float64, 4, elements=FINITE), sites=st.integers(5, 9))
def test_equal_updates_give_that_update(rule, update, sites):
    weights = np.arange(1, sites + 1)
    np.testing.assert_array_equal(rule(np.tile(update, (sites, 1)), weights), update)


@pytest.mark.parametrize("rule", [median, weighted_median, trimmed_mean])
@given(updates=matrices(), data=st.data())
def test_the_order_of_the_sites_changes_no_bit_of_a_robust_rule(rule, updates, data):
    order = data.draw(st.permutations(range(len(updates))))
    weights = np.ones(len(updates))
    np.testing.assert_array_equal(rule(updates[order], weights), rule(updates, weights))


@every_rule
@given(updates=matrices())
def test_a_site_of_weight_zero_takes_no_part_whatever_it_sends(rule, updates):
    votes = np.ones(len(updates))
    lost = np.full((1, updates.shape[1]), np.nan, updates.dtype)
    with_lost = rule(np.concatenate([lost, updates]), np.concatenate([[0.0], votes]))
    np.testing.assert_array_equal(with_lost, rule(updates, votes))


@every_rule
@given(updates=matrices())
def test_a_list_of_vectors_and_any_memory_order_are_the_same_as_an_array(rule, updates):
    weights = np.arange(len(updates)) + 1.0
    expected = rule(updates, weights)
    np.testing.assert_array_equal(rule(list(updates), weights.tolist()), expected)
    np.testing.assert_array_equal(rule(np.asfortranarray(updates), weights), expected)
    np.testing.assert_array_equal(rule(updates.astype(updates.dtype.newbyteorder(">")), weights), expected)


@every_rule
@pytest.mark.parametrize("columns", [1, 2, 3, 16, 100])
def test_what_stands_beside_a_column_changes_no_bit(rule, columns):
    updates = np.random.default_rng(1).normal(size=(300, 101))
    kept = updates.copy()
    whole = rule(updates, np.ones(300))
    np.testing.assert_array_equal(rule(updates[:, :columns], np.ones(300)), whole[:columns])
    np.testing.assert_array_equal(updates, kept, "the updates were changed")


@every_rule
def test_memory_does_not_grow_with_the_updates(rule):
    updates = np.zeros((50, 200_000), np.float32)  # 40 MB, 80 MB as float64
    tracemalloc.start()
    try:
        rule(updates, np.ones(50))
        assert tracemalloc.get_traced_memory()[1] <= updates[0].nbytes + 6 * (1 << 20)
    finally:
        tracemalloc.stop()


@every_rule
def test_the_widest_dtype_among_the_updates_is_returned(rule):
    mixed = [np.ones(3, np.float16)] * 4 + [np.ones(3, np.float32)]
    assert rule(mixed, np.ones(5)).dtype == np.float32


GOOD = np.ones((5, 4))
WITH_NAN = GOOD.copy()
WITH_NAN[3, 2] = np.nan
WITH_INF = GOOD.copy()
WITH_INF[1, 0] = -np.inf


@every_rule
@pytest.mark.parametrize(
    ("updates", "weights", "said"),
    [
        (np.empty((0, 3)), [], "there are no updates"),
        (WITH_NAN, np.ones(5), "update 3 is nan at coordinate 2"),
        (WITH_INF, np.ones(5), "update 1 is -inf at coordinate 0"),
        (np.concatenate([GOOD, WITH_NAN]), [0, 0, 0, *[1] * 7], "update 8 is nan at coordinate 2"),
        ([*GOOD, np.ones(5)], np.ones(6), "update 5 has 5 values, update 0 has 4"),
        (GOOD[0], np.ones(4), r"update 0 has shape \(\)"),
        (GOOD[np.newaxis], [1], r"update 0 has shape \(5, 4\)"),
        (GOOD.astype(int), np.ones(5), "update 0 has dtype int64"),
        (GOOD.astype(complex), np.ones(5), "update 0 has dtype complex128"),
        (GOOD.astype(np.longdouble), np.ones(5), "update 0 has dtype float128"),
        ([*GOOD, ["a"] * 4], np.ones(6), "update 5 has dtype <U1"),
        (GOOD, np.ones(4), r"weights have dtype float64 and shape \(4,\)"),
        (GOOD, np.ones((5, 1)), r"weights have dtype float64 and shape \(5, 1\)"),
        (GOOD, [1, 1, None, 1, 1], "weights have dtype object"),
        (GOOD, [1, -2, 1, 1, 1], "the weight of update 1 is -2"),
        (GOOD, [1, 1, np.nan, 1, 1], "the weight of update 2 is nan"),
        (GOOD, [np.inf, 1, 1, 1, 1], "the weight of update 0 is inf"),
        (GOOD, np.zeros(5), "all weights are 0"),
    ],
)
def test_what_has_no_meaning_is_refused_by_name(rule, updates, weights, said):
    with pytest.raises(CdtError, match=said):
        rule(updates, weights)


def test_a_value_far_into_the_vector_is_named_by_its_own_coordinate():
    updates = np.zeros((3, 100_000), np.float32)
    updates[2, 99_999] = np.nan
    with pytest.raises(CdtError, match="update 2 is nan at coordinate 99999"):
        median(updates, np.ones(3))
