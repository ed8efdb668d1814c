"""The median is NumPy's, however the updates lie in memory, and no minority moves it out of the range of the others."""

from __future__ import annotations

import threading
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cdt_core.errors import AggregationError
from cdt_core.kernels import _robust
from cdt_core.kernels.robust import mean, median, trimmed_mean, weighted_median
from cdt_core.kernels.stopping import Stopped, stoppable
from tests.kernels.instruction_sets import LEVELS, using
from tests.kernels.robust.columns import same_bits
from tests.kernels.test_stopping import signals
from tests.kernels.test_unaligned import moved

FINITE = {"allow_nan": False, "allow_infinity": False}
RULES = {
    "median": median,
    "weighted median": lambda x: weighted_median(x, np.arange(1, len(x) + 1)),
    "trimmed mean": lambda x: trimmed_mean(x, 0.2),
    "mean": mean,
}


@pytest.fixture(params=LEVELS)
def level(request):
    with using(request.param, _robust):
        yield request.param


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_it_is_numpys_of_any_number_of_rows(level, dtype):
    rng = np.random.default_rng(1)
    for n in [*range(1, 131), 200, 257, 2001]:
        x = rng.normal(size=(n, 70)).astype(dtype)
        wide = np.median(x.astype(np.float64), axis=0).astype(dtype)
        np.testing.assert_array_equal(median(x), wide, strict=True)


@given(data=st.data(), wrong=st.integers(0, 40), dtype=st.sampled_from([np.float32, np.float64]))
def test_fewer_than_half_wrong_rows_cannot_move_it_out_of_the_range_of_the_others(data, wrong, dtype):
    honest = data.draw(hnp.arrays(dtype, (wrong + 1, 2), elements=FINITE))
    attack = data.draw(hnp.arrays(dtype, (wrong, 2), elements=FINITE))
    found = median(np.concatenate([attack, honest]))
    assert (honest.min(axis=0) <= found).all()
    assert (found <= honest.max(axis=0)).all()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("n", [7, 40, 300])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_how_updates_lie_in_memory_changes_no_bit(rule, n, dtype):
    x = np.random.default_rng(n).normal(size=(n, 1003)).astype(dtype)
    apply, expected = RULES[rule], RULES[rule](x)
    wide = np.zeros((n, 2 * 1003), dtype)
    wide[:, ::2] = x
    lying = {
        "list": list(x),
        "columns first": np.asfortranarray(x),
        "gaps": wide[:, ::2],
        "backwards": x[:, ::-1].copy()[:, ::-1],
        "other byte order": x.astype(x.dtype.newbyteorder(">")),
        "odd addresses": moved(x),
        "read only": np.frombuffer(x.tobytes(), dtype).reshape(x.shape),
    }
    for updates in lying.values():
        same_bits(apply(updates), expected)


@pytest.mark.parametrize("rule", [name for name in RULES if name not in ("mean", "weighted median")])
@pytest.mark.parametrize("n", [9, 65, 150])
def test_the_order_of_the_rows_changes_no_bit(rule, n):
    rng = np.random.default_rng(n)
    x = rng.normal(size=(n, 200)) * 10.0 ** rng.integers(-20, 20, (n, 200))
    same_bits(RULES[rule](x[rng.permutation(n)]), RULES[rule](x))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("n", [5, 40, 127, 300])
@pytest.mark.parametrize("bad", [np.nan, -np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_by_row_and_column(level, rule, n, bad):
    for column in (0, 4321, 4999):
        x = np.zeros((n, 5000), np.float32)
        x[n // 2, column] = bad
        with pytest.raises(AggregationError, match=rf"update {n // 2} is {bad} at coordinate {column}"):
            RULES[rule](x)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("given", [np.asarray, list, np.asfortranarray])
def test_memory_is_that_of_the_result_and_a_block(rule, given):
    updates = given(np.zeros((50, 100_000), np.float32))
    tracemalloc.start()
    try:
        RULES[rule](updates)
        assert tracemalloc.get_traced_memory()[1] <= 4 * 100_000 + 5 * (1 << 20)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("rule", RULES)
def test_a_long_call_hears_signals_and_that_it_should_stop(rule):
    updates, stop = [np.zeros(1_000_000, np.float32)] * 120, threading.Event()
    with signals() as heard:
        first = len(heard)
        RULES[rule](updates)
        assert len(heard) - first > 2
    stop.set()
    with stoppable(stop), pytest.raises(Stopped):
        RULES[rule](updates)


@pytest.mark.parametrize(
    ("updates", "said"),
    [
        ([], "there are no updates"),
        (np.ones((3, 2), int), "update 0 has dtype int64"),
        ([np.ones(3), np.ones(4)], "update 1 has 4 values, update 0 has 3"),
        (np.ones(3), r"update 0 has shape \(\)"),
        (None, "updates are NoneType; give an array"),
        (np.float64(1), "updates are float64; give an array"),
        ([np.ones(3), [1.0, [2.0], 3.0]], "update 1 has parts of several lengths"),
        (np.ones((3, 2), np.longdouble), "update 0 has dtype float128"),
    ],
)
def test_updates_without_a_median_are_refused(updates, said):
    with pytest.raises(AggregationError, match=said):
        median(updates)
