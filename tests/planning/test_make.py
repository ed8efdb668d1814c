"""The plan: what is chosen, for which reason, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import cdt_core as cdt
from cdt_core.errors import BoundError, PlanError
from cdt_core.model import Bound, ProcessorUse
from tests.datasets import climate_file, smooth


def dataset(**arrays: np.ndarray) -> xr.Dataset:
    return xr.Dataset({name: (tuple(f"{name}_{i}" for i in range(a.ndim)), a) for name, a in arrays.items()})


def test_the_smallest_candidate_is_chosen_for_size():
    plan = cdt.plan(dataset(u=smooth((40, 50))), bound="rel:1e-2", objective="size")["u"]
    chosen = [c for c in plan.candidates if c.chosen]
    assert len(chosen) == 1
    assert chosen[0].sample_bytes == min(c.sample_bytes for c in plan.candidates)
    assert (chosen[0].codec, chosen[0].form, chosen[0].codec_bound) == (plan.codec, plan.form, plan.codec_bound)


def test_speed_takes_the_first_candidate_that_is_not_much_larger():
    plan = cdt.plan(dataset(u=smooth((40, 50))), bound="rel:1e-2", objective="speed")["u"]
    smallest = min(c.sample_bytes for c in plan.candidates)
    chosen = next(c for c in plan.candidates if c.chosen)
    assert chosen.sample_bytes <= 1.5 * smallest


def test_lossless_is_taken_where_lossy_gains_nothing():
    levels = np.repeat(np.arange(4, dtype=np.float32), 500).reshape(40, 50)
    plan = cdt.plan(dataset(u=levels), bound="abs:1e-6")["u"]
    assert plan.codec_bound.is_lossless
    assert plan.bound == Bound.parse("abs:1e-6")
    assert "lossless" in plan.note


def test_coordinates_and_text_are_lossless_under_any_bound(tmp_path):
    plan = cdt.plan(climate_file(tmp_path / "c.nc"), bound="rel:0.1")
    assert plan["lat"].bound.is_lossless
    assert plan["time"].applied.is_lossless
    assert plan["station"].codec == "zarr.string"
    assert plan["land"].applied.is_lossless


def test_durations_are_lossless_under_any_bound():
    waits = (np.arange(400) ** 2 * 10**9).astype("m8[ns]")
    assert cdt.plan(dataset(waits=waits), bound="rel:0.1")["waits"].applied.is_lossless


def test_a_packed_variable_stays_packed_when_that_is_smaller(tmp_path):
    plan = cdt.plan(climate_file(tmp_path / "c.nc"), bound="lossless")["pressure"]
    assert (plan.form, plan.dtype, plan.codec_bound) == ("stored", "int16", Bound("lossless"))


def test_a_bound_on_physical_values_becomes_steps_of_the_packed_integer(tmp_path):
    plan = cdt.plan(climate_file(tmp_path / "c.nc"), bound={"pressure": "abs:2.6"})["pressure"]
    stored = [c for c in plan.candidates if c.form == "stored" and not c.codec_bound.is_lossless and c.error_share == 1]
    assert {c.codec_bound for c in stored} == {Bound("abs", 10.0)}


def on_a_grid() -> xr.Dataset:
    steps = np.random.default_rng(0).normal(size=(200, 300)).cumsum(1)
    return dataset(whole=np.round(steps).astype("f4"), rough=steps.astype("f4"))


@pytest.mark.parametrize("offset", [None, 273.15])
@pytest.mark.parametrize("bound", ["abs:1e-6", "abs:0.05", "pw_rel:1e-8", "pw_rel:1e-3"])
def test_what_a_source_unpacks_in_float32_keeps_its_bound_for_readers_of_the_store(tmp_path, bound, offset):
    attributes = {"scale_factor": np.float32(0.01)}
    if offset is not None:
        attributes["add_offset"] = np.float32(offset)
    packed = xr.Dataset({"v": ("x", np.arange(-9000, 9000, 7, dtype="i2"), attributes)})
    cdt.treat(packed, tmp_path / "out", bound=bound)
    before = xr.decode_cf(packed)["v"].values.astype(np.float64)
    with xr.open_zarr(tmp_path / "out" / "data.zarr") as after:
        error = np.abs(after["v"].values - before)
    kind, _, number = bound.partition(":")
    assert (error <= float(number) * (np.abs(before) if kind == "pw_rel" else 1)).all()


def test_less_error_is_taken_where_it_costs_next_to_nothing(tmp_path):
    """Where values too large for any lattice, kept as they are, take the space, and hardly any other has bits at all."""
    make = np.random.default_rng(0)
    waves = np.sin(np.add.outer(np.linspace(0, 5, 200), np.linspace(0, 9, 300)))
    waves[20:] = 0
    spiked = np.where(make.random(waves.shape) < 0.3, make.uniform(1e200, 1e300, waves.shape), waves)
    data = dataset(whole=spiked, rough=on_a_grid()["rough"].values)
    plan = cdt.plan(data, bound="abs:0.107")
    assert plan["rough"].error_share == 1
    chosen = plan["whole"]
    assert chosen.error_share < 1
    assert chosen.codec_bound == Bound("abs", 0.107 * chosen.error_share)
    assert chosen.applied == Bound("abs", 0.107)
    taken = next(c for c in chosen.candidates if c.chosen)
    whole = [c for c in chosen.candidates if c.error_share == 1 and not c.codec_bound.is_lossless]
    assert taken.sample_bytes <= 1.05 * 1.02 * min(c.sample_bytes for c in whole)
    assert taken.max_error < min(c.max_error for c in whole)
    out = cdt.treat(data, tmp_path / "out", plan=plan)
    assert out.plan == plan
    stored = xr.open_zarr(tmp_path / "out" / "data.zarr")
    assert float(abs(stored["whole"] - data["whole"]).max()) <= 0.107 * chosen.error_share
    assert cdt.verify(tmp_path / "out", original=data).ok


def test_a_smaller_share_that_errs_as_much_is_not_taken():
    plan = cdt.plan(on_a_grid(), bound="abs:0.1")["whole"]  # steps of 0.2 meet whole numbers, by chance
    assert plan.error_share == 1
    assert min(c.max_error for c in plan.candidates if not c.codec_bound.is_lossless) < 0.01


@pytest.mark.parametrize("objective", ["size", "speed"])
def test_other_objectives_spend_the_whole_error(objective):
    plan = cdt.plan(on_a_grid(), bound="abs:0.1", objective=objective)
    assert {c.error_share for v in plan.variables for c in v.candidates} == {1.0}


def test_the_plan_is_the_same_for_any_number_of_workers(tmp_path):
    path = climate_file(tmp_path / "c.nc")
    assert cdt.plan(path, bound="rel:1e-3", workers=1) == cdt.plan(path, bound="rel:1e-3", workers=3)


def test_a_budget_that_cannot_be_kept_is_refused_with_what_it_would_take():
    with pytest.raises(PlanError, match=r"max_size=10: the smallest plan under these bounds takes about \d+ bytes"):
        cdt.plan(dataset(u=smooth((40, 50))), bound="rel:1e-3", max_size=10)


def test_a_budget_prefers_smaller_candidates():
    data = dataset(u=smooth((64, 64)), v=smooth((64, 64), seed=1))
    free = cdt.plan(data, bound="rel:1e-3", objective="speed")
    smallest = cdt.plan(data, bound="rel:1e-3", objective="size").predicted_bytes
    tight = cdt.plan(data, bound="rel:1e-3", objective="speed", max_size=max(smallest, free.predicted_bytes - 1))
    assert tight.predicted_bytes <= max(smallest, free.predicted_bytes - 1)


def test_rel_on_a_variable_without_a_value_is_refused_and_named():
    with pytest.raises(BoundError, match=r"variable 'u'.*no finite value"):
        cdt.plan(dataset(u=np.full((4, 5), np.nan)), bound="rel:1e-3")


def test_an_unknown_pattern_objective_or_processor_is_refused():
    data = dataset(u=smooth((4, 5)))
    with pytest.raises(BoundError, match="matches no variable"):
        cdt.plan(data, bound={"w": "abs:1"})
    with pytest.raises(PlanError, match="objective 'small'"):
        cdt.plan(data, objective="small")
    with pytest.raises(PlanError, match="processor 'nothing' is not installed"):
        cdt.plan(data, processors={"u": ["nothing"]})
    with pytest.raises(PlanError, match="match no variable"):
        cdt.plan(data, processors={"w": [ProcessorUse("mask_values", {"codes": [1]})]})


@pytest.mark.parametrize("max_size", [0, -1, 1.5, "10", True])
def test_a_budget_that_is_no_number_of_bytes_is_refused(max_size):
    with pytest.raises(PlanError, match="max_size="):
        cdt.plan(dataset(u=smooth((4, 5))), max_size=max_size)


def test_a_pattern_that_names_a_coordinate_is_refused_with_the_reason(tmp_path):
    with pytest.raises(BoundError, match=r"'lat=abs:1\.0' is for a coordinate; those are always lossless"):
        cdt.plan(climate_file(tmp_path / "c.nc"), bound={"lat": "abs:1"})
    assert cdt.plan(xr.Dataset(coords={"x": [1.0, 2.0]}), bound="abs:1")["x"].bound.is_lossless


def test_many_variables_are_planned_one_by_one():
    data = dataset(**{f"column{i}": smooth((20,), seed=i) for i in range(30)})
    plan = cdt.plan(data, bound={"column1?": "rel:1e-2", "*": "abs:1e-3"})
    assert [v.name for v in plan.variables] == list(data.data_vars)
    assert plan["column12"].bound.kind == "rel"
    assert plan["column2"].bound.kind == "abs"


def test_samples_are_of_processed_values(tmp_path):
    values = smooth((60, 80))
    values[np.random.default_rng(0).random(values.shape) < 0.3] = -9999
    data = dataset(u=values)
    uses = {"u": [ProcessorUse("mask_values", {"codes": [-9999]})]}
    planned = cdt.plan(data, bound="rel:1e-3", processors=uses)
    out = cdt.treat(data, tmp_path / "out", bound="rel:1e-3", processors=uses)
    assert out.plan == planned
    stored = next(outcome.stored_bytes for outcome in out.outcomes if outcome.name == "u")
    assert planned["u"].predicted_bytes == pytest.approx(stored, rel=0.02)


def test_samples_of_one_chunk_are_from_all_over_it(tmp_path):
    quiet = np.zeros((60, 100, 100), "f4")
    quiet[40:] = np.random.default_rng(0).normal(size=(20, 100, 100))
    out = cdt.treat(dataset(u=quiet), tmp_path / "out", bound="abs:0.01")
    (outcome,) = (o for o in out.outcomes if o.name == "u")
    assert outcome.chunks == 1
    assert out.plan["u"].predicted_bytes == pytest.approx(outcome.stored_bytes, rel=0.2)


def test_a_budget_is_spent_on_what_the_objective_wants_and_the_plan_says_how():
    """``speed`` would take the fastest settings; under the limit, a slower one for no more than it needs."""
    data = dataset(**{f"v{i}": smooth((64, 64 + 8 * i), seed=i) for i in range(6)})
    free = cdt.plan(data, bound="rel:1e-3", objective="speed")
    smallest = cdt.plan(data, bound="rel:1e-3", objective="size").predicted_bytes
    most = (smallest + 3 * free.predicted_bytes) // 4
    plan = cdt.plan(data, bound="rel:1e-3", objective="speed", max_size=most)
    assert plan.predicted_bytes <= most < free.predicted_bytes
    assert any(one.parameters == other.parameters for one, other in zip(plan.variables, free.variables, strict=True))
    choice = plan.choice
    assert (choice.method, choice.is_proved, choice.is_timed) == ("annealing", True, False)
    assert choice.cost <= choice.greedy_cost
    assert choice.energies[-1][1] == choice.cost
    assert choice.steps > 0
    assert free.choice.steps == 0
    assert free.choice.is_proved


def test_fidelity_spends_the_room_on_less_error(tmp_path):
    data = dataset(u=smooth((96, 96)), v=smooth((96, 96), seed=1))
    least = cdt.plan(data, bound="rel:1e-2").predicted_bytes
    plan = cdt.plan(data, bound="rel:1e-2", objective="fidelity", max_size=3 * least)
    assert least < plan.predicted_bytes <= 3 * least
    assert all(variable.error_share < 1 for variable in plan.variables)
    roomy = cdt.plan(data, bound="rel:1e-2", objective="fidelity", max_size=10**9)
    assert all(variable.codec_bound.is_lossless for variable in roomy.variables)
    out = cdt.treat(data, tmp_path / "out", plan=plan)
    assert cdt.verify(out.path, original=data).ok
    with pytest.raises(PlanError, match="give max_size or max_seconds"):
        cdt.plan(data, bound="rel:1e-2", objective="fidelity")


def test_time_is_predicted_and_kept_out_of_the_file_unless_it_decides(tmp_path):
    data = dataset(u=smooth((96, 96)))
    out = cdt.treat(data, tmp_path / "out", bound="rel:1e-2")
    assert out.plan["u"].predicted_seconds > 0
    assert out.plan.predicted_seconds == sum(variable.predicted_seconds for variable in out.plan.variables)
    assert out.variable_seconds["u"] > 0
    text = (out.path / "plan.json").read_text()
    assert '"predicted_seconds": null' in text
    cdt.treat(data, tmp_path / "again", bound="rel:1e-2", workers=1)
    assert (tmp_path / "again" / "plan.json").read_text() == text
    timed = cdt.treat(data, tmp_path / "timed", bound="rel:1e-2", max_seconds=60)
    assert timed.plan.choice.is_timed
    assert '"predicted_seconds": null' not in (timed.path / "plan.json").read_text()
    assert cdt.treat(data, tmp_path / "replayed", plan=timed.path / "plan.json").plan == timed.plan


def test_a_limit_of_time_that_cannot_be_kept_is_refused_with_what_it_would_take():
    with pytest.raises(PlanError, match=r"max_seconds=1e-09: the fastest plan .* takes about .* s with 1 workers"):
        cdt.plan(dataset(u=smooth((40, 50))), bound="rel:1e-3", max_seconds=1e-9, workers=1)


@pytest.mark.parametrize("max_seconds", [0, -1.0, float("inf"), float("nan"), "10", True])
def test_a_limit_that_is_no_time_is_refused(max_seconds):
    with pytest.raises(PlanError, match="max_seconds="):
        cdt.plan(dataset(u=smooth((4, 5))), max_seconds=max_seconds)
