"""What a treatment does beside its codec is rehearsed on few regions, and predicted for all chunks and like variables."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
import xarray as xr
from attrs import evolve

import cdt_core as cdt
from cdt_core import rehearsing
from cdt_core.codecs.bounded import Bounded
from cdt_core.model import Bound, BoundRules, VariablePlan, VariableSpec
from cdt_core.planning.pace import Pace, paces_of
from cdt_core.planning.request import PlanRequest

EXACT, ABS = Bound("lossless"), Bound("abs", 0.1)


def planned(name: str, shape=(4000, 1000), chunk=(1000, 1000), bound=EXACT) -> tuple[VariablePlan, VariableSpec]:
    plan = VariablePlan(name, "float32", shape, chunk, "", {}, bound, bound, bound)
    return plan, VariableSpec(name, ("y", "x"), shape, "float32")


class Rehearsal:
    """Says what ``of`` says of a plan and a number of values; ``once`` is added the first time."""

    def __init__(self, of, once=0.0, fails=()):
        self.of, self.once, self.fails = of, once, fails
        self.calls = []

    def __call__(self, plan, region, times):
        lengths = tuple(part.stop - part.start for part in region)
        if (plan.name, math.prod(lengths)) in self.fails or plan.name in self.fails:
            raise RuntimeError("cannot be read")
        self.calls.append((plan.name, region, plan.codec_bound))
        seconds = self.of(plan, math.prod(lengths))
        return [seconds + self.once, *[seconds] * (times - 1)]

    def paces(self, *plans):
        return dict(paces_of(plans, evolve(PlanRequest(BoundRules.parse(None), ()), rehearsal=self), map))

    @property
    def lengths(self):
        return {tuple(part.stop - part.start for part in region) for _, region, _ in self.calls}


def linear(plan: VariablePlan, values: int) -> float:
    return 1e-3 + 1e-8 * values


def test_what_takes_a_time_once_per_chunk_and_per_value_is_foretold_exactly():
    rehearsal = Rehearsal(linear, once=5e-3)
    pace = rehearsal.paces(planned("v", (64, 100), (32, 100)))["v"].lossless
    assert pace.seconds(chunks=2, values=6400) == pytest.approx(5e-3 + 2e-3 + 1e-8 * 6400, rel=1e-3)


def test_a_whole_chunk_counts_where_time_does_not_grow_with_the_values():
    of = lambda plan, values: 1e-3 + 1e-13 * values**2  # noqa: E731
    pace = Rehearsal(of).paces(planned("v"))["v"].lossless
    assert pace.seconds(4, 4 * 10**6) == pytest.approx(4 * of(None, 10**6), rel=1e-3)


def test_few_whole_chunks_are_rehearsed_those_that_take_longest(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "thread_time", lambda: now[0])

    def of(plan, values):
        now[0] += 1e-6 * values
        return 1e-6 * values

    rehearsal = Rehearsal(of)
    rehearsal.paces(*(planned(f"v{n}", (1000 * n, 1000), (1000, 1000)) for n in (1, 2, 3)), planned("w", bound=ABS))
    whole = [(name, bound) for name, region, bound in rehearsal.calls if region[0].stop - region[0].start == 1000]
    assert whole == [("v1", EXACT)]


def test_without_loss_a_chunk_takes_as_much_more_than_its_parts_say_where_only_the_lossy_one_is_rehearsed(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "thread_time", lambda: now[0])

    def of(plan, values):
        seconds = (2 if plan.codec_bound.is_lossless else 1) * 1e-6 * values * (3 if values > 1 << 17 else 1)
        now[0] += seconds
        return seconds

    rehearsal = Rehearsal(of)
    paces = rehearsal.paces(planned("v", bound=ABS))["v"]
    assert sum(region[0].stop - region[0].start == 1000 for _, region, _ in rehearsal.calls) == 1
    assert paces.lossy.seconds(1, 10**6) == pytest.approx(3, rel=1e-3)
    assert paces.lossless.seconds(1, 10**6) == pytest.approx(6, rel=1e-3)


def test_a_large_chunk_is_rehearsed_by_a_part_that_is_like_it_in_shape():
    rehearsal = Rehearsal(linear)
    rehearsal.paces(planned("v"))
    assert rehearsal.lengths == {(90, 90), (256, 256), (1, 1), (1000, 1000)}


def test_a_small_chunk_is_rehearsed_whole():
    rehearsal = Rehearsal(linear)
    rehearsal.paces(planned("v", (40, 30), (20, 30)))
    assert rehearsal.lengths == {(20, 30), (1, 1)}
    assert {region[0].start for _, region, _ in rehearsal.calls} == {20}


def test_of_many_alike_few_are_rehearsed_and_the_middle_one_counts():
    odd = Rehearsal(lambda plan, values: 1.0 if plan.name in ("v0", "v21") else 1e-3)
    paces = odd.paces(*(planned(f"v{i}", (20, 1), (20, 1)) for i in range(50)))
    assert len({name for name, _, _ in odd.calls}) == 7
    assert len(paces) == 50
    assert {pace.lossless.seconds(1, 20) for pace in paces.values()} == {1e-3}


def test_however_many_kinds_there_are_few_of_each_are_rehearsed():
    rehearsal = Rehearsal(linear)
    shapes = [(length, width) for length in range(1, 8) for width in range(1, 8)]
    rehearsal.paces(*(planned(f"v{shape}{i}", shape, shape) for shape in shapes for i in range(3)))
    assert len({name for name, _, _ in rehearsal.calls}) == len(shapes)


def test_nearly_equal_sizes_are_one_kind():
    rehearsal = Rehearsal(linear)
    paces = rehearsal.paces(*(planned(f"v{n}", (n, 1), (n, 1)) for n in range(520, 1020)))
    assert len({name for name, _, _ in rehearsal.calls}) == 7
    for n in (520, 1019):
        assert paces[f"v{n}"].lossless.seconds(1, n) == pytest.approx(linear(None, n), rel=1e-3)


def test_with_and_without_loss_are_rehearsed_each():
    rehearsal = Rehearsal(lambda plan, values: 1e-3 if plan.codec_bound.is_lossless else 2e-3)
    paces = rehearsal.paces(planned("v", (20, 1), (20, 1), ABS), planned("w", (20, 1), (20, 1)))
    assert paces["v"].of(ABS).seconds(1, 20) == 2e-3
    assert paces["v"].of(EXACT).seconds(1, 20) == paces["w"].of(EXACT).seconds(1, 20) == 1e-3


def test_what_fails_has_no_pace_and_stops_nothing():
    assert set(Rehearsal(linear, fails=("bad",)).paces(planned("bad", (7, 7), (7, 7)), planned("v"))) == {"v"}


def test_a_whole_chunk_that_fails_leaves_what_its_part_says():
    assert Rehearsal(linear, fails=[("v", 10**6)]).paces(planned("v"))["v"].lossless.per_chunk == linear(None, 1)


def test_nothing_is_rehearsed_of_no_values():
    rehearsal = Rehearsal(linear)
    assert rehearsal.paces(planned("v", (0, 5), (1, 5))) == {}
    assert rehearsal.calls == []


def test_the_time_is_of_the_variable_its_chunks_and_values():
    assert Pace(1.0, 2.0, 0.5).seconds(chunks=3, values=10) == 12.0


def slowed(method, now, step):
    def slow(self, *given):
        now[0] += step
        return method(self, *given)

    return slow


def test_a_rehearsal_treats_and_leaves_out_the_time_of_the_codec(monkeypatch):
    """By a clock that only the codec moves, the rest takes no time."""
    now = [0.0]
    monkeypatch.setattr(time, "thread_time", lambda: now[0])
    for step, name in ((3.0, "encode"), (2.0, "decode")):
        monkeypatch.setattr(Bounded, name, slowed(getattr(Bounded, name), now, step))
    told = []
    rehearsal_of = rehearsing.rehearsal_of

    def listening(*given):
        rehearse = rehearsal_of(*given)

        def told_of(*asked):
            told.append(rehearse(*asked))
            return told[-1]

        return told_of

    monkeypatch.setattr("cdt_core.api.rehearsal_of", listening)
    rough = np.random.default_rng(0).normal(size=(30, 40)).cumsum(0)
    plan = cdt.plan(xr.Dataset({"v": (("y", "x"), rough)}), bound="rel:1e-3", workers=1)
    assert told
    assert all(seconds == 0 for each in told for seconds in each)
    assert now[0] > 0
    assert plan["v"].predicted_seconds == 3.0 + 3.0 + 2.0  # one chunk, which is encoded a second time
