"""A plan that somebody edited, or that was made for other data, is refused in words before anything is read."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr
from attrs import evolve

import cdt_core as cdt
from cdt_core.errors import PlanError
from cdt_core.model import Bound, Plan
from cdt_core.model.serial import to_tree
from cdt_core.planning.replay import aligned, fitted
from cdt_core.readers.stored import from_xarray

LOOSE = Bound("abs", 5.0)


def _data() -> xr.Dataset:
    values = np.random.default_rng(0).normal(size=(20, 30)).cumsum(1).astype("f4")
    names = np.array([*"abcdefghijklmnopqrst"], dtype=object)
    return xr.Dataset({"v": (("y", "x"), values), "s": ("y", names)}, coords={"y": np.arange(20.0)})


@pytest.fixture(scope="module")
def plan() -> Plan:
    return cdt.plan(_data(), bound="abs:0.01")


def _changed(plan, which, **changes):
    return evolve(plan, variables=tuple(evolve(v, **changes) if v.name == which else v for v in plan.variables))


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("y", {"bound": LOOSE}, "always lossless"),
        ("s", {"bound": LOOSE}, "always lossless"),
        ("y", {"processors": (cdt.ProcessorUse("mask_values"),)}, "without processors"),
        ("v", {"chunk_shape": (0, 30)}, "do not tile"),
        ("v", {"chunk_shape": (20,)}, "do not tile"),
        ("v", {"chunk_shape": (20, 10**12)}, "has no chunks of shape"),
        ("v", {"codec": "zarr.string"}, "cannot be stored by"),
        ("s", {"codec": "zstd"}, "cannot be stored by"),
        ("v", {"form": "other"}, "cannot be stored by"),
        ("v", {"dtype": "f8"}, "dtype"),
        ("v", {"error_share": 1.5}, "error_share"),
        ("v", {"error_share": 0.0}, "error_share"),
        ("v", {"error_share": float("nan")}, "error_share"),
        ("v", {"name": "../v"}, "does not have"),
    ],
)
def test_a_variable_without_sense_is_refused_and_named(plan, name, changes, said):
    with pytest.raises(PlanError, match=said):
        aligned(_changed(plan, name, **changes), from_xarray(_data()).specs)


@pytest.mark.parametrize(
    "changes",
    [{"version": 99}, {"version": 0}, {"objective": "x"}, {"max_size": 0}, {"max_size": -1}, {"max_seconds": 0.0}],
)
def test_a_plan_without_sense_is_refused(plan, changes):
    with pytest.raises(PlanError):
        aligned(evolve(plan, **changes), from_xarray(_data()).specs)


def test_a_variable_that_is_named_twice_is_refused(plan):
    with pytest.raises(PlanError, match="twice"):
        aligned(evolve(plan, variables=(*plan.variables, plan["v"])), from_xarray(_data()).specs)


def test_the_order_is_the_datasets(plan, tmp_path):
    backwards = evolve(plan, variables=plan.variables[::-1])
    out = cdt.treat(_data(), tmp_path / "out", plan=backwards)
    assert out.plan == plan
    assert cdt.verify(out.path, original=_data()).ok


def test_a_bound_in_force_is_never_taken_from_the_file(plan):
    data = from_xarray(_data())
    profile = cdt.profile(_data())
    assert fitted(_changed(plan, "v", applied=LOOSE, codec_bound=LOOSE), data.specs, profile) == plan


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "3", "[]", "{", "{}", '{"variables": [{}]}'], ids=lambda text: text[:9]
)
def test_a_file_that_is_no_plan_is_refused(tmp_path, text):
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(PlanError, match="plan"):
        cdt.treat(_data(), tmp_path / "out", plan=tmp_path / "plan.json")


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"profile": "best"}, "profile 'best'"),
        ({"profile": 3}, "profile 3"),
        ({"profil": "fast"}, "unknown parameters profil; it knows profile"),
    ],
)
def test_parameters_without_sense_are_refused_before_anything_is_stored(plan, tmp_path, parameters, said):
    assert plan["v"].codec == "cdt.bounded"
    with pytest.raises(PlanError, match=f"variable 'v': codec cdt.bounded: {said}"):
        cdt.treat(_data(), tmp_path / "out", plan=_changed(plan, "v", parameters=parameters))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("version", [1, 2])
def test_a_plan_of_an_earlier_version_is_replayed(plan, tmp_path, version):
    """It says less of its making, and all of what is to be done."""
    tree = to_tree(plan)
    for name in ("metrics_policy", *(("choice", "max_seconds") if version == 1 else ())):
        del tree[name]
    for variable in tree["variables"]:
        for candidate in variable["candidates"]:
            del candidate["lost"], candidate["chunk_shape"]
            if version == 1:
                del candidate["seconds"]
        if version == 1:
            del variable["predicted_seconds"]
    (tmp_path / "plan.json").write_text(json.dumps({**tree, "version": version}))
    out = cdt.treat(_data(), tmp_path / "out", plan=tmp_path / "plan.json")
    assert [evolve(v, candidates=()) for v in out.plan.variables] == [evolve(v, candidates=()) for v in plan.variables]
    assert (out.plan.version, out.plan.choice) == (3, None if version == 1 else plan.choice)
    assert cdt.verify(out.path, original=_data()).ok
