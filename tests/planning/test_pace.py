"""What a treatment does beside its codec is rehearsed on few regions, and predicted for all chunks and like variables."""

from __future__ import annotations

from attrs import evolve

from cdt_core.model import Bound, BoundRules, VariablePlan, VariableSpec
from cdt_core.planning.pace import Pace, paces_of
from cdt_core.planning.request import PlanRequest

EXACT = Bound("lossless")


def planned(name: str, shape=(4000, 1000), chunk=(1000, 1000)) -> tuple[VariablePlan, VariableSpec]:
    plan = VariablePlan(name, "float32", shape, chunk, "", {}, EXACT, EXACT, EXACT)
    return plan, VariableSpec(name, ("y", "x"), shape, "float32")


def rehearsed(*plans: tuple[VariablePlan, VariableSpec], fails: str = "") -> tuple[list, dict]:
    calls = []

    def rehearse(plan, region):
        if plan.name == fails:
            raise RuntimeError("cannot be read")
        calls.append((plan.name, region))

    request = evolve(PlanRequest(BoundRules.parse(None), ()), rehearsal=rehearse)
    return calls, dict(paces_of(plans, request, map))


def test_a_large_chunk_is_rehearsed_by_a_part_that_is_like_it_in_shape():
    calls, paces = rehearsed(planned("v"))
    lengths = {tuple(part.stop - part.start for part in region) for _, region in calls}
    assert lengths == {(250, 500), (1, 1)}
    assert paces["v"].per_chunk >= 0


def test_a_small_chunk_is_rehearsed_whole():
    calls, paces = rehearsed(planned("v", (40, 30), (20, 30)))
    assert all(region == (slice(20, 40), slice(0, 30)) for _, region in calls)
    assert paces["v"].per_value == 0


def test_of_many_alike_few_are_rehearsed():
    calls, paces = rehearsed(*(planned(f"v{i}", (20,), (20,)) for i in range(50)))
    assert len({name for name, _ in calls}) == 7
    assert len(paces) == 50
    assert len(set(paces.values())) == 1


def test_what_fails_has_no_pace_and_stops_nothing():
    _, paces = rehearsed(planned("bad", (7, 7), (7, 7)), planned("v"), fails="bad")
    assert set(paces) == {"v"}


def test_nothing_is_rehearsed_of_no_values():
    assert rehearsed(planned("v", (0, 5), (1, 5))) == ([], {})


def test_the_time_is_of_chunks_and_values():
    assert Pace(2.0, 0.5).seconds(chunks=3, values=10) == 11.0
