"""Annealed partitions keep k, l and t, and lose no more than what they begin with."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import PrivacyError
from cdt_core.kernels import _partition
from cdt_core.kernels.partition import Demand, annealed, measure, mondrian
from tests.kernels.partition.tables import adult_like, demands, tables


def loss(partition, codes, sets=None):
    """NCP by its definition, class by class."""
    total = 0.0
    for number in range(partition.count):
        rows = codes[partition.classes == number]
        for column, most in enumerate(codes.max(0)):
            values = np.unique(rows[:, column])
            if sets is None or column not in sets:
                total += len(rows) * (values[-1] - values[0]) / max(most, 1)
                continue
            known = values[values < sets[column]]
            mixed = 0 < len(known) < len(values)
            total += len(rows) * (1.0 if mixed else len(known) / sets[column] if len(known) > 1 else 0.0)
    return total / codes.size


@given(st.data(), tables(), st.integers(1, 8))
@settings(deadline=None, max_examples=40)
def test_demands_are_never_broken(data, table, k):
    codes, sensitive = table
    k, demand = min(k, len(codes)), data.draw(demands(sensitive))
    before = mondrian(codes, k, [demand])
    after = annealed(codes, before, k, [demand], sweeps=20, seed=data.draw(st.integers(0, 9)))
    kept = measure(after.classes, demand)
    assert after.count == before.count
    assert after.sizes.min() >= k
    assert kept.distinct.min() >= (demand.l or 0)
    assert kept.entropy_l.min() >= (demand.entropy_l or 0) - 1e-11
    assert kept.t.max() <= (1 if demand.t is None else demand.t + 1e-11)
    assert loss(after, codes) <= loss(before, codes) + 1e-6


@given(tables(60), st.integers(1, 5))
@settings(deadline=None, max_examples=25)
def test_the_loss_that_moves_keep_is_that_of_the_classes(table, k):
    codes, _ = table
    codes = codes[:, :3] % 40
    classes = mondrian(codes, min(k, len(codes))).classes.copy()
    count, sets = int(classes.max()) + 1, {0: 20} if codes.shape[1] > 1 else {}
    cells = np.zeros((len(codes), 8), np.float32)
    for column in range(codes.shape[1]):
        if column not in sets:
            cells[:, column] = codes[:, column] / max(codes[:, column].max(), 1)
    masks = np.uint64(1) << np.minimum(codes[:, list(sets)], 20).astype(np.uint64)
    lines = cells, masks, np.full(len(sets), 1 << 20, np.uint64), np.full(len(sets), 20)
    orders = np.stack([np.arange(len(codes)), np.lexsort(codes.T)]).astype(np.uint32)
    if len(codes) < 2:
        return
    moves = _partition.Moves(classes, count, 1, lines, orders, ((), 7, min(5, len(codes) - 1)))
    for temperature in (1.0, 0.1, 0.0):
        moves.run(500, temperature)
        table_of = type("Table", (), {"classes": classes, "count": count})
        assert moves.loss / codes.size == pytest.approx(loss(table_of, codes, sets), abs=1e-5)


def test_a_census_loses_clearly_less():
    codes, _ = adult_like(3000)
    before = mondrian(codes, 10)
    after = annealed(codes, before, 10)
    assert loss(after, codes) < 0.93 * loss(before, codes)
    np.testing.assert_array_equal(after.lows, [codes[after.classes == g].min(0) for g in range(after.count)])
    np.testing.assert_array_equal(after.highs, [codes[after.classes == g].max(0) for g in range(after.count)])


def test_one_seed_gives_one_partition():
    codes, _ = adult_like(500)
    before = mondrian(codes, 5)
    one, two, other = (annealed(codes, before, 5, sweeps=30, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.classes, two.classes)
    assert (one.classes != other.classes).any()


def test_a_partition_without_loss_or_of_one_class_stays():
    same = np.repeat(np.arange(4), 5)[:, None]
    for codes, k in ((same, 5), (same, 20), (same[:1], 1)):
        before = mondrian(codes, k)
        np.testing.assert_array_equal(annealed(codes, before, k).classes, before.classes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 6}, "class 0 has 5 rows"),
        ({"k": 5, "sets": {0: 64}}, "set of column 0 has 64 values"),
        ({"k": 5, "seed": -1}, "seed is -1"),
        ({"k": 5, "sweeps": 0}, "sweeps is 0"),
        ({"k": 0}, "k is 0"),
        ({"k": -1}, "k is -1"),
        ({"k": "5"}, "k is '5'"),
        ({"k": 5, "sets": {1: 4}}, "set for column 1; the table has columns 0 to 0"),
        ({"k": 5, "sets": {0: "a"}}, "has 'a' values"),
        ({"k": 5, "places": [np.linspace(0, 1e300, 20)]}, "beyond single precision"),
        ({"k": 5, "demands": [Demand([0, 1])]}, "sensitive column 0 has 2 rows, the table 20"),
        ({"k": 5, "demands": [Demand(np.repeat([0, 1], 10), l=2)]}, "class 0 of the partition does not keep"),
        ({"k": 5, "demands": [Demand(np.repeat([0, 1], 10), t=0.2)]}, "class 0 of the partition does not keep"),
    ],
)
def test_what_cannot_be_annealed_is_refused(options, message):
    codes = np.arange(20)[:, None]
    with pytest.raises(PrivacyError, match=message):
        annealed(codes, mondrian(codes, 5), **options)


@pytest.mark.parametrize(("least", "fits"), [(0, False), (5, True), (6, False)])
def test_moves_leave_no_class_without_a_row(least, fits):
    classes = np.repeat(np.arange(4, dtype=np.uint32), 5)
    lines = np.zeros((20, 8), np.float32), np.zeros((20, 0), np.uint64), np.zeros(0, np.uint64), np.zeros(0, np.int64)
    order = np.arange(20, dtype=np.uint32)[None]
    if fits:
        assert _partition.Moves(classes, 4, least, lines, order, ((), 7, 5)).loss == 0
        return
    with pytest.raises(ValueError, match="each class must have its rows"):
        _partition.Moves(classes, 4, least, lines, order, ((), 7, 5))


def test_a_partition_of_other_rows_is_refused():
    codes = np.arange(20)[:, None]
    with pytest.raises(PrivacyError, match="of 20 rows, the table has 19"):
        annealed(codes[1:], mondrian(codes, 5), 5)
