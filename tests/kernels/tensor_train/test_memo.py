"""The memo of values gives what it was told, as a dictionary would."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.kernels.tensor_train import memo
from cdt_core.kernels.tensor_train.memo import Memo

KEYS = st.lists(st.integers(0, 40) | st.integers(0, 2**62), max_size=30)


@given(st.lists(KEYS, max_size=6), KEYS)
def test_what_was_told_is_known_and_nothing_else(told, asked):
    table, expected = Memo(), {}
    for keys in told:
        fresh = np.array([key for key in keys if key not in expected], np.uint64)
        table.put(fresh, np.sqrt(fresh.astype(float)))
        expected |= {key: float(key) ** 0.5 for key in keys}
    values, known = table.get(np.array(asked, np.uint64))
    assert known.tolist() == [key in expected for key in asked]
    assert values.tolist() == [expected.get(key, 0.0) for key in asked]


def test_many_keys_that_begin_at_few_slots():
    table = Memo()
    keys = np.arange(50_000, dtype=np.uint64) << np.uint64(40)
    for part in np.split(keys, 10):
        table.put(part, part.astype(float))
    values, known = table.get(np.random.default_rng(0).permutation(keys))
    assert known.all()
    assert np.array_equal(np.sort(values), keys.astype(float))
    assert not table.get(keys + np.uint64(1))[1].any()


def test_real_values_stay_when_complex_ones_come():
    table = Memo()
    table.put(np.array([1, 2], np.uint64), np.array([0.5, 1.5]))
    table.put(np.array([3], np.uint64), np.array([2j]))
    table.put(np.array([4], np.uint64), np.array([1.0]))
    assert table.get(np.array([1, 2, 3, 4], np.uint64))[0].tolist() == [0.5, 1.5, 2j, 1.0]


def test_a_full_memo_remembers_no_more_and_keeps_what_it_has(monkeypatch):
    monkeypatch.setattr(memo, "_MOST", 10)
    table = Memo()
    table.put(np.arange(8, dtype=np.uint64), np.ones(8))
    table.put(np.arange(8, 12, dtype=np.uint64), np.ones(4))
    assert table.get(np.arange(12, dtype=np.uint64))[1].tolist() == [True] * 8 + [False] * 4
