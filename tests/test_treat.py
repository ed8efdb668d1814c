"""The main job from file to certified folder, checked by code that is not cdt's."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import cdt_core as cdt
from cdt_core.errors import (
    PlanError,
    ReaderError,
    TreatmentError,
)
from tests.datasets import climate, climate_file, smooth
from tests.independent import compare, folder_bytes, values_over

FILES = {"certificate.json", "data.zarr", "plan.json", "report.html", "ro-crate-metadata.json"}


@pytest.fixture
def source(tmp_path):
    return climate_file(tmp_path / "climate.nc")


def test_a_file_becomes_a_certified_folder(source, tmp_path):
    out = cdt.treat(source, tmp_path / "out", bound={"temperature": "abs:0.01", "*": "rel:1e-3"})
    assert {p.name for p in out.path.iterdir()} == FILES
    assert out.ratio > 1.5
    assert out.certificate.level in ("PUBLICATION_READY", "RESEARCH_GRADE", "EXPLORATORY")
    assert not [f for f in out.findings if f.check == "core.validator_crashed"]
    with xr.open_dataset(source, engine="h5netcdf", decode_times=False) as before:
        assert compare(before, out.path) == 0
    assert not list(tmp_path.glob(".out*"))


@pytest.mark.parametrize("bound", ["lossless", "abs:0.5", "rel:1e-2", "pw_rel:1e-3"])
def test_every_kind_of_bound_holds(source, tmp_path, bound):
    out = cdt.treat(source, tmp_path / "out", bound=bound)
    with xr.open_dataset(source, engine="h5netcdf", decode_times=False) as before:
        assert compare(before, out.path) == 0
    result = cdt.verify(out.path, original=source)
    assert result.ok, result.first_failure


def test_a_signal_to_noise_ratio_is_reached_by_each_variable(source, tmp_path):
    out = cdt.treat(source, tmp_path / "out", bound="psnr:50")
    assert cdt.verify(out.path, original=source).ok
    with (
        xr.open_dataset(source, engine="h5netcdf", decode_times=False) as before,
        xr.open_zarr(out.path / "data.zarr", decode_times=False) as after,
    ):
        for plan in out.plan.variables:
            if plan.bound.is_lossless:
                continue
            assert plan.bound.kind == "psnr"
            x, y = (values[plan.name].values.astype(np.longdouble) for values in (before, after))
            finite = np.isfinite(x)
            noise = np.sqrt(np.mean((x - y)[finite] ** 2))
            assert not noise or 20 * np.log10(np.ptp(x[finite]) / noise) >= 50


def test_fill_values_stay_bit_exact(source, tmp_path):
    cdt.treat(source, tmp_path / "out", bound="rel:1e-2")
    with (
        xr.open_dataset(source, engine="h5netcdf", mask_and_scale=False) as before,
        xr.open_zarr(tmp_path / "out" / "data.zarr", mask_and_scale=False) as after,
    ):
        filled = before["temperature"].values == np.float32(1e20)
        assert filled.any()
        assert np.array_equal(after["temperature"].values == np.float32(1e20), filled)


@pytest.mark.parametrize(
    "values",
    [
        np.array(3.5),
        np.zeros((0, 4), np.float32),
        np.full((5, 7), np.nan),
        np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324, 1.0]),
        np.arange(-5, 6, dtype=np.int8),
        np.array([0, 2**64 - 1, 2**63], np.uint64),
        np.array([True, False, True]),
        smooth((9, 8), dtype="float64") + 1j * smooth((9, 8), 1, "float64"),
        smooth((3, 4, 5, 6, 7), dtype="float32"),
    ],
    ids=["scalar", "empty", "all-nan", "specials", "int8", "uint64", "bool", "complex", "5-d"],
)
@pytest.mark.parametrize("bound", ["lossless", "abs:0.01"])
def test_arrays_of_every_kind(values, bound, tmp_path):
    cdt.treat(values, tmp_path / "out", bound=bound)
    kind, _, number = bound.partition(":")
    with xr.open_zarr(tmp_path / "out" / "data.zarr") as after:
        assert after["array"].dtype == values.dtype
        assert values_over(values, after["array"].values, kind, float(number or 0)) == 0
        if bound == "lossless":
            assert after["array"].values.tobytes() == values.tobytes()
    assert cdt.verify(tmp_path / "out", original=values).ok


def test_a_table_with_text(tmp_path):
    (tmp_path / "cohort.csv").write_text("id,weight,city\n1,70.25,Graz\n2,,Köln\n3,81.5,\n")
    out = cdt.treat(tmp_path / "cohort.csv", tmp_path / "out", bound={"weight": "abs:0.5"})
    with xr.open_zarr(out.path / "data.zarr") as after:
        assert after["city"].values.tolist() == ["Graz", "Köln", ""]
        assert np.array_equal(np.isnan(after["weight"].values), [False, True, False])
        assert abs(after["weight"].values[0] - 70.25) <= 0.5
    assert cdt.verify(out.path, original=tmp_path / "cohort.csv").ok


def test_the_same_bytes_for_any_number_of_workers(source, tmp_path):
    one = cdt.treat(source, tmp_path / "one", bound="rel:1e-3", workers=1)
    three = cdt.treat(source, tmp_path / "three", bound="rel:1e-3", workers=3)
    assert folder_bytes(one.path) == folder_bytes(three.path)
    assert one.certificate == three.certificate


def test_the_same_bytes_on_a_dask_cluster(source, tmp_path):
    distributed = pytest.importorskip("distributed")
    threads = cdt.treat(source, tmp_path / "threads", bound="rel:1e-3")
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        clustered = cdt.treat(source, tmp_path / "dask", bound="rel:1e-3", client=client)
    assert folder_bytes(threads.path) == folder_bytes(clustered.path)


def test_a_plan_is_replayed(source, tmp_path):
    first = cdt.treat(source, tmp_path / "first", bound="rel:1e-3", objective="size")
    again = cdt.treat(source, tmp_path / "again", plan=first.path / "plan.json")
    assert folder_bytes(first.path) == folder_bytes(again.path)


def test_a_plan_of_the_opened_dataset_fits_its_file(source, tmp_path):
    plan = cdt.plan(cdt.open(source), bound="rel:1e-3")
    out = cdt.treat(source, tmp_path / "out", plan=plan)
    assert out.plan["pressure"].form == "decoded"
    with xr.open_dataset(source, engine="h5netcdf", decode_times=False) as before:
        assert compare(before, out.path) == 0
    assert cdt.verify(out.path, original=source).ok


def test_a_plan_for_other_values_keeps_their_own_relative_bound(tmp_path):
    wide, narrow = smooth((40, 50)) * 100, smooth((40, 50), 1)
    first = cdt.treat(wide, tmp_path / "first", bound="rel:1e-2")
    again = cdt.treat(narrow, tmp_path / "again", plan=first.plan)
    assert again.plan["array"].applied.value < first.plan["array"].applied.value / 50
    with xr.open_zarr(again.path / "data.zarr") as after:
        assert values_over(narrow, after["array"].values, "rel", 1e-2) == 0


def test_a_plan_for_another_dataset_is_refused(source, tmp_path):
    first = cdt.treat(source, tmp_path / "first")
    with pytest.raises(PlanError, match="variable"):
        cdt.treat(np.zeros(4), tmp_path / "out", plan=first.path / "plan.json")
    assert not (tmp_path / "out").exists()


def test_many_chunks_of_a_larger_field(tmp_path):
    field = smooth((40, 256, 512), seed=3)
    data = xr.Dataset({"t": (("time", "y", "x"), field, {"units": "K"})}).chunk({"time": 5})
    out = cdt.treat(data, tmp_path / "out", bound="abs:0.01", workers=2)
    assert out.outcomes[0].chunks > 1
    with xr.open_zarr(out.path / "data.zarr") as after:
        assert values_over(field, after["t"].values, "abs", 0.01) == 0


def test_a_lossy_choice_is_never_larger_than_the_lossless_one(tmp_path):
    noise = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    exact = cdt.treat(noise, tmp_path / "exact")
    lossy = cdt.treat(noise, tmp_path / "lossy", bound="abs:1e-9")
    assert lossy.stored_bytes <= exact.stored_bytes


def test_groups_are_kept(tmp_path):
    tree = xr.DataTree.from_dict({"/": climate()[["land"]], "/ocean": climate(1)[["pressure"]]})
    out = cdt.treat(tree, tmp_path / "out", bound="abs:1.0")
    with xr.open_datatree(out.path / "data.zarr", engine="zarr") as after:
        assert list(after.children) == ["ocean"]
        assert after["ocean/pressure"].shape == (8, 24, 36)
    assert cdt.verify(out.path).ok


def test_a_group_and_a_variable_whose_names_become_one_are_both_kept(tmp_path):
    values = np.arange(9.0)
    groups = {"/": xr.Dataset({"_a": ("t", values)}), "/__a": xr.Dataset({"b": ("t", values + 1)})}
    out = cdt.treat(xr.DataTree.from_dict(groups), tmp_path / "out")
    with xr.open_datatree(out.path / "data.zarr", engine="zarr") as after:
        assert after["_a_2"].values.tolist() == values.tolist()
        assert after["_a/b"].values.tolist() == (values + 1).tolist()
    assert cdt.verify(out.path).ok


def test_processors_are_applied_and_noted(tmp_path):
    values = smooth((30, 40)) + 20
    values[3, 4] = -9999
    data = xr.Dataset({"t": (("y", "x"), values, {"units": "K"})})
    uses = {"t": [cdt.ProcessorUse("mask_values", {"codes": [-9999]})]}
    out = cdt.treat(data, tmp_path / "out", bound="abs:0.01", processors=uses)
    with xr.open_zarr(out.path / "data.zarr") as after:
        found = after["t"].values
    assert np.isnan(found[3, 4])
    values[3, 4] = np.nan
    assert values_over(values, found, "abs", 0.01) == 0
    assert cdt.verify(out.path, original=data).ok


@pytest.mark.parametrize("replayed", [False, True])
def test_a_bound_relative_to_the_range_is_one_of_the_processed_values(tmp_path, replayed):
    values = smooth((30, 40)) + 20
    values[3, 4] = -9999
    data = xr.Dataset({"t": (("y", "x"), values)})
    how = {"bound": "rel:1e-3", "processors": {"t": [cdt.ProcessorUse("mask_values", {"codes": [-9999]})]}}
    if replayed:
        how = {"plan": cdt.plan(data, **how)}
    out = cdt.treat(data, tmp_path / "out", **how)
    values[3, 4] = np.nan
    assert out.plan["t"].applied.value <= 1e-3 * (np.nanmax(values) - np.nanmin(values)) * (1 + 1e-12)
    with xr.open_zarr(out.path / "data.zarr") as after:
        assert values_over(values, after["t"].values, "rel", 1e-3) == 0


def test_a_processor_that_fails_is_named_with_its_block(tmp_path):
    uses = {"t": [cdt.ProcessorUse("mask_values", {"code": [-9999]})]}
    with pytest.raises(TreatmentError, match=r"variable 't'.*unexpected keyword"):
        cdt.treat(xr.Dataset({"t": ("x", np.arange(9.0))}), tmp_path / "out", processors=uses)


def test_max_size_is_kept_or_refused(source, tmp_path):
    whole = cdt.treat(source, tmp_path / "whole", bound="rel:1e-2")
    kept = cdt.treat(source, tmp_path / "kept", bound="rel:1e-2", max_size=whole.stored_bytes + 100)
    assert kept.stored_bytes <= whole.stored_bytes + 100
    with pytest.raises(PlanError, match=r"max_size|budget|bytes"):
        cdt.treat(source, tmp_path / "small", bound="rel:1e-2", max_size=100)
    assert not (tmp_path / "small").exists()


def test_the_time_that_is_told_is_that_of_the_whole_call(source, tmp_path):
    class Watch:
        def __init__(self):
            self.began = {}

        def stage(self, name, total):
            self.began[name] = time.perf_counter()

        def advance(self, raw_bytes):
            pass

    watch = Watch()
    out = cdt.treat(source, tmp_path / "out", progress=watch)
    assert watch.began["treat"] - watch.began["profile"] <= out.seconds


def test_the_certificate_does_not_depend_on_where_or_when(source, tmp_path):
    first = cdt.treat(source, tmp_path / "first", bound="rel:1e-3")
    (tmp_path / "elsewhere").mkdir()
    moved = Path(shutil.copy(source, tmp_path / "elsewhere" / source.name))
    second = cdt.treat(moved, tmp_path / "elsewhere" / "second", bound="rel:1e-3")
    assert first.certificate.statement == second.certificate.statement
    assert str(tmp_path) not in json.dumps(first.certificate.statement)


def test_times_in_memory_come_back(tmp_path):
    times = np.array(["2001-01-01", "2001-01-02T12:00", "2001-01-04"], "datetime64[ns]")
    data = xr.Dataset(
        {
            "t": ("time", [1.0, 2.0, 3.0]),
            "age": ("time", np.array([1, 2, 3], "timedelta64[D]").astype("timedelta64[ns]")),
        },
        coords={"time": times},
    )
    cdt.treat(data, tmp_path / "out", bound={"t": "abs:0.1"})
    with xr.open_zarr(tmp_path / "out" / "data.zarr", decode_timedelta=True) as after:
        assert after["time"].values.tolist() == times.tolist()
        assert after["age"].values.tolist() == data["age"].values.tolist()


def test_what_was_read_in_part_reaches_no_level(tmp_path):
    np.save(tmp_path / "whole.npy", np.arange(1000.0))
    (tmp_path / "cut.npy").write_bytes((tmp_path / "whole.npy").read_bytes()[:-4000])
    with pytest.raises(ReaderError, match=r"cut\.npy"):
        cdt.treat(tmp_path / "cut.npy", tmp_path / "out")
    out = cdt.treat(tmp_path / "cut.npy", tmp_path / "out", allow_partial=True)
    assert out.certificate.level == "NONE"
    assert "core.readable" in out.certificate.reasons[0]
    assert any(f.check == "core.reader.truncated" and f.verdict == "fail" for f in out.findings)
    assert cdt.verify(out.path).ok


def test_names_of_files_that_are_no_unicode_are_shown_with_escapes(tmp_path):
    odd = os.fsdecode(b"a\xff")
    try:
        np.save(tmp_path / f"{odd}.npy", np.arange(9.0))
    except OSError:
        pytest.skip("this file system takes Unicode names alone")
    out = cdt.treat(tmp_path / f"{odd}.npy", tmp_path / odd)
    assert out.path == tmp_path / odd
    assert cdt.verify(out.path, original=tmp_path / f"{odd}.npy").ok
    assert r"a\xff.npy" in (out.path / "report.html").read_text(encoding="utf-8")
    assert r"a\\xff.npy" in (out.path / "ro-crate-metadata.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(("bound", "accuracy"), [("rel:1e-3", 0.5), ("lossless", 1.0)])
def test_an_undeclared_code_does_not_vouch_for_the_accuracy_of_what_it_stretches(tmp_path, bound, accuracy):
    field = (smooth((200, 200)) + 280).astype("f4")
    field[3, 4] = -9999
    out = cdt.treat(xr.Dataset({"t": (("y", "x"), field)}), tmp_path / "out", bound=bound)
    assert out.certificate.scores["accuracy"] <= accuracy
    verdicts = {finding.verdict for finding in out.findings if finding.check in ("core.pearson_r", "core.psnr")}
    assert verdicts == ({"pass"} if bound == "lossless" else {"not-assessed"})
    assert cdt.verify(out.path).ok
