"""Metrics that pass before a treatment pass after it where that is asked for; less error is made for them, or none."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

import cdt_core as cdt
from cdt_core.cli import app
from cdt_core.errors import PlanError
from cdt_core.hooks.manager import catalog
from tests.datasets import smooth
from tests.hooks.conftest import Shelf

PEAKS = """
    from cdt_core.model import Finding
    class Peaks:
        '''How far any value moves; and the largest, of which the rule asks what cannot be.'''
        def __init__(self, spec, profile, bound): self.name = spec.name
        def start(self): return {"height": -1e300, "moved": 0.0}
        def update(self, state, block):
            state["height"] = max(state["height"], float(block.original.max()))
            state["moved"] = max(state["moved"], float(abs(block.original - block.treated).max()))
            return state
        def merge(self, left, right): return {key: max(left[key], right[key]) for key in left}
        def finish(self, state):
            CRASH
            yield Finding(check="peaks.shift", dimension="accuracy", value=state["moved"], variable=self.name)
            yield Finding(check="peaks.height", dimension="validity", value=state["height"], variable=self.name)
    def rules():
        rule = '{"op": "at_most", "value": %s, "dimension": "accuracy", "why": "peaks are what is looked for"}'
        return '{"name": "peaks-1", "rules": {"peaks.shift": ' + rule % LIMIT + ', "peaks.height": ' + rule % -1e9 + '}}'
    @hookimpl
    def cdt_validators():
        return [Validator(name="peaks", function="HERE:Peaks", checks=("peaks.shift", "peaks.height"))]
    @hookimpl
    def cdt_policies():
        return [Policy(name="peaks-1", function="HERE:rules")]
"""


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    folder = tmp_path / "plugins"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    made = Shelf(folder)
    yield made
    made.forget()
    catalog.cache_clear()


def peaks(limit: float, crash: str = "") -> str:
    return PEAKS.replace("LIMIT", repr(limit)).replace("CRASH", crash)


def field() -> xr.Dataset:
    return xr.Dataset({"v": (("y", "x"), smooth((120, 150)).astype("f4"))})


def shift_of(out) -> float:
    return next(float(f.value) for f in out.findings if f.check == "peaks.shift")


def test_less_error_is_made_where_that_keeps_a_metric_of_a_plugin(shelf, tmp_path):
    shelf.put("peaks", peaks(0.02))
    free = cdt.treat(field(), tmp_path / "free", bound="abs:0.05")
    assert shift_of(free) > 0.02
    out = cdt.treat(field(), tmp_path / "kept", bound="abs:0.05", keep_metrics=True)
    chosen = out.plan["v"]
    assert shift_of(out) <= 0.02
    assert 0 < chosen.error_share < 1
    assert not chosen.codec_bound.is_lossless
    assert "since more loses" in chosen.note
    assert "peaks.shift" in chosen.note
    assert cdt.verify(out.path, original=field()).ok
    losing = [c for c in chosen.candidates if "peaks.shift" in c.lost]
    assert losing
    assert not any(c.chosen for c in losing)
    assert all("peaks.height" not in c.lost for c in chosen.candidates)  # fails before any treatment


def test_where_no_lossy_choice_keeps_a_metric_the_plan_is_lossless_and_the_report_says_why(shelf, tmp_path):
    shelf.put("peaks", peaks(0.0))
    out = cdt.treat(field(), tmp_path / "out", bound="abs:0.05", keep_metrics=True)
    assert out.plan["v"].codec_bound.is_lossless
    assert out.plan["v"].bound == cdt.Bound.parse("abs:0.05")
    assert "no lossy choice kept" in out.plan["v"].note
    assert "peaks.shift" in (out.path / "report.html").read_text()
    assert shift_of(out) == 0


def test_a_check_that_crashes_on_what_was_read_is_none_to_be_kept(shelf):
    shelf.put("peaks", peaks(0.0, crash="raise RuntimeError('no')"))
    plan = cdt.plan(field(), bound="abs:1e-3", keep_metrics=True)
    assert not any("peaks" in check for c in plan["v"].candidates for check in c.lost)


def test_a_check_that_crashes_on_what_is_decoded_is_lost(shelf):
    shelf.put("peaks", peaks(1.0, crash="assert not state['moved']"))
    plan = cdt.plan(field(), bound="abs:0.05", keep_metrics=True)
    assert plan["v"].codec_bound.is_lossless
    assert "peaks.shift" in plan["v"].note


@pytest.mark.parametrize("objective", ["size", "balanced", "speed"])
def test_metrics_of_the_core_are_kept_under_any_objective(tmp_path, objective):
    """At a tenth of the range, structure and spectrum are lost."""
    data = xr.Dataset({"v": (("y", "x"), smooth((90, 110)).astype("f4"))})
    free = cdt.treat(data, tmp_path / "free", bound="rel:0.1", objective=objective)
    assert any(f.verdict == "fail" and f.check != "core.size_budget" for f in free.findings)
    out = cdt.treat(data, tmp_path / "out", bound="rel:0.1", objective=objective, keep_metrics=True)
    before = cdt.treat(data, tmp_path / "before")
    failing = {f.check for f in before.findings if f.verdict == "fail"}
    assert {f.check for f in out.findings if f.verdict == "fail"} <= failing


def test_the_plan_says_under_which_policy_metrics_are_kept_and_replays(tmp_path):
    data = field()
    out = cdt.treat(data, tmp_path / "out", bound="rel:0.1", keep_metrics=True)
    assert out.plan == cdt.plan(data, bound="rel:0.1", keep_metrics=True, workers=1)
    tree = json.loads((out.path / "plan.json").read_text())
    assert tree["metrics_policy"] == "core-1"
    assert any(c["lost"] for c in tree["variables"][0]["candidates"])
    again = cdt.treat(data, tmp_path / "again", plan=out.path / "plan.json")
    assert again.plan == out.plan
    with pytest.raises(PlanError, match="has its own bounds"):
        cdt.treat(data, tmp_path / "both", plan=out.plan, keep_metrics=True)
    assert cdt.plan(data, bound="rel:0.1").metrics_policy is None


def test_limits_that_only_a_loss_of_metrics_could_keep_are_refused():
    most = cdt.plan(field(), bound="rel:0.1").predicted_bytes
    with pytest.raises(PlanError, match="smallest plan under these bounds that keeps the metrics"):
        cdt.plan(field(), bound="rel:0.1", max_size=most, keep_metrics=True)


def test_metrics_of_missing_packed_and_complex_values_are_measured_as_a_treatment_does(tmp_path):
    make = np.random.default_rng(0)
    holes = smooth((60, 70)).astype("f4")
    holes[make.random(holes.shape) < 0.2] = np.nan
    packed = (("y", "x"), (smooth((60, 70), seed=1) * 900).astype("i2"))
    data = xr.Dataset(
        {
            "holes": (("y", "x"), holes),
            "packed": (*packed, {"scale_factor": 0.01, "_FillValue": np.int16(3)}),
            "waves": (("y", "x"), (smooth((60, 70)) + 1j * smooth((60, 70), seed=2)).astype("c8")),
            "none": (("z", "x"), np.zeros((0, 70))),
        }
    )
    out = cdt.treat(data, tmp_path / "out", bound="rel:0.1", keep_metrics=True)
    before = cdt.treat(data, tmp_path / "before")
    failing = {(f.variable, f.check) for f in before.findings if f.verdict == "fail"}
    assert {(f.variable, f.check) for f in out.findings if f.verdict == "fail"} <= failing
    assert {v.name for v in out.plan.variables if any(c.lost for c in v.candidates)} == {"holes", "packed", "waves"}


def test_images_keep_the_metrics_of_the_imaging_plugin(test_data, tmp_path):
    pytest.importorskip("cdt_imaging")
    source = test_data / "imaging_medical" / "example4d.nii.gz"
    out = cdt.treat(source, tmp_path / "out", bound="rel:0.03", keep_metrics=True)
    lost = {check for c in out.plan["image"].candidates for check in c.lost}
    assert "imaging.snr_change" in lost
    assert 0 < out.plan["image"].error_share < 1
    assert not [f for f in out.findings if f.verdict == "fail" and f.variable == "image"]


def test_the_command_line_keeps_metrics_too(tmp_path, capsys):
    np.save(tmp_path / "v.npy", smooth((90, 110)).astype("f4"))
    app(["plan", str(tmp_path / "v.npy"), "-b", "rel:0.1", "--keep-metrics", "--json"], standalone_mode=False)
    plan = json.loads(capsys.readouterr().out)
    assert plan["metrics_policy"] == "core-1"
    assert any(c["lost"] for c in plan["variables"][0]["candidates"])
