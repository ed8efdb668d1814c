"""Plain copies for people without cdt."""

from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from attrs import evolve

import cdt_core as cdt
from cdt_core.errors import OutputError
from tests.datasets import climate, climate_file


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    return cdt.treat(climate_file(folder / "in.nc"), folder / "out", bound="rel:1e-3").path


@pytest.mark.parametrize("name", ["plain.nc", "plain.nc4", "plain.h5", "plain.zarr"])
def test_the_copy_has_the_same_values_and_attributes(made, tmp_path, name):
    target = cdt.export(made, tmp_path / name)
    engine = "zarr" if name.endswith(".zarr") else "h5netcdf"
    with xr.open_zarr(made / "data.zarr") as store, xr.open_dataset(target, engine=engine) as plain:
        assert set(plain.variables) == set(store.variables)
        for variable in store.variables:
            assert np.array_equal(
                plain[variable].values, store[variable].values, equal_nan=store[variable].dtype.kind == "f"
            )
            assert plain[variable].dims == store[variable].dims
        assert plain["temperature"].attrs["cdt_bound"] == "rel:0.001"
        assert plain["temperature"].attrs["units"] == "K"
        assert plain.attrs["title"] == "generated"


def test_plain_zarr_needs_no_codec_of_cdt(made, tmp_path):
    target = cdt.export(made, tmp_path / "plain.zarr")
    for path in target.rglob("zarr.json"):
        codecs = json.loads(path.read_text()).get("codecs", [])
        assert not [codec for codec in codecs if codec["name"].startswith("cdt")]


def test_groups_are_exported(tmp_path):
    tree = xr.DataTree.from_dict({"/": climate()[["land"]], "/ocean": climate(1)[["pressure"]]})
    made = cdt.treat(tree, tmp_path / "out").path
    with xr.open_datatree(cdt.export(made, tmp_path / "a.nc"), engine="h5netcdf") as plain:
        assert plain["ocean/pressure"].shape == (8, 24, 36)
    with xr.open_datatree(cdt.export(made, tmp_path / "a.zarr"), engine="zarr", consolidated=False) as plain:
        assert plain["ocean/pressure"].shape == (8, 24, 36)


def test_complex_numbers_survive(tmp_path):
    values = np.array([1 + 2j, 3 - 4j], np.complex64)
    made = cdt.treat(values, tmp_path / "out").path
    with xr.open_dataset(cdt.export(made, tmp_path / "a.zarr"), engine="zarr") as plain:
        assert plain["array"].values.tolist() == values.tolist()
    with xr.open_dataset(cdt.export(made, tmp_path / "a.nc"), engine="h5netcdf") as plain:
        assert plain["array"].values.tolist() == values.tolist()


@pytest.mark.parametrize(
    ("name", "said"), [("a.txt", "unknown ending"), ("taken.nc", "exists"), ("none/a.nc", "there is no folder")]
)
def test_bad_targets_are_refused(made, tmp_path, name, said):
    (tmp_path / "taken.nc").write_text("mine")
    with pytest.raises(OutputError, match=said):
        cdt.export(made, tmp_path / name)
    assert (tmp_path / "taken.nc").read_text() == "mine"
    assert [p.name for p in tmp_path.iterdir()] == ["taken.nc"]


def test_a_disk_that_refuses_is_told_in_words(made, tmp_path, monkeypatch):
    def refused(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", refused)
    monkeypatch.setattr(xr.DataTree, "to_netcdf", refused)
    monkeypatch.setattr(xr.Dataset, "to_netcdf", refused)
    with pytest.raises(OutputError, match=r"a\.nc: cannot be written: Read-only file system"):
        cdt.export(made, tmp_path / "a.nc")


def test_overwriting_is_possible_when_asked(made, tmp_path):
    for name in ("a.nc", "a.zarr"):
        cdt.export(made, tmp_path / name)
        cdt.export(made, tmp_path / name, overwrite=True)


def test_what_is_no_export_is_never_replaced(made, tmp_path):
    (tmp_path / "mine.zarr").mkdir()
    (tmp_path / "mine.zarr" / "notes.txt").write_text("mine")
    (tmp_path / "mine.nc").mkdir()
    for name in ("mine.zarr", "mine.nc"):
        with pytest.raises(OutputError, match="exists and is no"):
            cdt.export(made, tmp_path / name, overwrite=True)
    assert (tmp_path / "mine.zarr" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["out.zarr", "out.zarr/data.zarr", "out.zarr/data.zarr/u.zarr"])
def test_an_export_never_replaces_its_own_treatment(tmp_path, name):
    made = cdt.treat(np.arange(9.0), tmp_path / "out.zarr").path
    with pytest.raises(OutputError, match="is in, or holds"):
        cdt.export(made, tmp_path / name, overwrite=True)
    assert cdt.verify(made).ok


def test_a_damaged_store_is_an_error_in_words_and_leaves_nothing(tmp_path):
    made = cdt.treat(np.arange(9.0), tmp_path / "out").path
    (made / "data.zarr" / "zarr.json").write_text("[]")
    with pytest.raises(OutputError, match="cannot be exported"):
        cdt.export(made, tmp_path / "plain.nc")
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_netcdf_copy_that_may_not_fit_is_refused_before_it_is_written(made, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(OutputError, match=r"plain\.nc: cannot be written: it may take \d+ bytes, and 1000 are free"):
        cdt.export(made, tmp_path / "plain.nc")
    assert list(tmp_path.iterdir()) == []


def test_a_copy_into_the_treatment_is_refused(made):
    with pytest.raises(OutputError, match="is in, or holds, the treatment"):
        cdt.export(made, made / "plain.nc")


@pytest.mark.parametrize("name", ["plain.nc", "plain.zarr"])
def test_a_damaged_chunk_among_many_leaves_nothing(tmp_path, name):
    data = xr.Dataset({"u": (("t", "y", "x"), np.random.default_rng(0).normal(size=(40, 100, 100)))})
    plan = cdt.plan(data, bound="abs:0.1")
    plan = evolve(plan, variables=tuple(evolve(v, chunk_shape=(1, 100, 100)) for v in plan.variables))
    made = cdt.treat(data, tmp_path / "out", plan=plan).path
    (made / "data.zarr" / "u" / "c" / "0" / "0" / "0").write_bytes(b"damaged")
    with pytest.raises(OutputError, match="cannot be exported"):
        cdt.export(made, tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
