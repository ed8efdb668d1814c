"""Long work on partitions hears an interrupt at short intervals, within one large part too, and can end at any of them."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from cdt_core.kernels import _partition
from cdt_core.kernels.partition import Demand, annealed, classes_of, measure, mondrian
from cdt_core.kernels.stopping import Stopped, stoppable
from tests.kernels.partition.tables import adult_like, everywhere

CODES, SENSITIVE = adult_like(3000)
WIDE = np.column_stack([CODES, CODES[:, ::-1], 100_000 + CODES])
DEMANDS = Demand(SENSITIVE, l=2, t=0.9, ordered=True), Demand(np.arange(3000) * 7, entropy_l=2, t=0.99)
WHOLE = mondrian(CODES, 5, DEMANDS)
WORK = {
    "mondrian": lambda: mondrian(CODES, 5, DEMANDS).classes,
    "mondrian, relaxed": lambda: mondrian(WIDE, 100, relaxed=True).classes,
    "annealed": lambda: annealed(CODES, WHOLE, 5, DEMANDS, sweeps=3).classes,
    "classes": lambda: classes_of(WIDE),
    "measure": lambda: measure(WHOLE.classes, DEMANDS[0]).t,
}


@pytest.fixture
def heard(monkeypatch):
    """How often work has paused; it ends at the pause that is set as ``heard.last``."""

    class Heard(list):
        last = None

    found = Heard()

    def heed():
        found.append(1)
        if len(found) == found.last:
            raise Stopped

    monkeypatch.setattr(_partition, "heed", heed)
    return found


def test_one_large_part_is_cut_with_pauses(heard, monkeypatch):
    rows = 50_000
    codes = np.arange(rows)[:, None] // (rows // 2)
    monkeypatch.setattr(_partition, "STEPS", 1000)
    for _ in everywhere():
        table = np.pad(codes, ((0, 0), (0, 7))).astype(np.uint16)
        cutting = _partition.Cutting(table, np.arange(2.0), np.array([0, 2], np.uint64), rows // 2, False, ((), 4))
        heard.clear()
        cutting.run()
        assert cutting.done == 2
        # The bounds, the codes, both sides, the right one again; of both the bounds, and whose they are.
        assert len(heard) >= 5 * rows / 1000


@pytest.mark.parametrize("name", WORK)
def test_pauses_change_nothing_and_any_may_be_the_last(name, heard, monkeypatch):
    expected = WORK[name]()
    monkeypatch.setattr(_partition, "STEPS", 300)
    for _ in everywhere():
        heard.clear()
        np.testing.assert_array_equal(WORK[name](), expected)
    pauses = len(heard)
    assert pauses > 5
    for heard.last in range(1, pauses + 1, -(-pauses // 50)):
        heard.clear()
        with pytest.raises(Stopped):
            WORK[name]()
        assert len(heard) == heard.last
    heard.last = None
    np.testing.assert_array_equal(WORK[name](), expected)


def test_what_was_stopped_does_not_go_on(heard):
    first, places = np.array([0, 1], np.uint64), np.zeros(1)
    cutting = _partition.Cutting(np.zeros((4, 8), np.uint16), places, first, 1, False, ((), 4))
    heard.last = len(heard) + 1
    with pytest.raises(Stopped):
        cutting.run()
    with pytest.raises(ValueError, match="cannot go on"):
        cutting.run()


@pytest.mark.parametrize("name", WORK)
def test_a_thread_that_is_told_to_stop_stops(name):
    stop = threading.Event()
    stop.set()
    with stoppable(stop), pytest.raises(Stopped):
        WORK[name]()
