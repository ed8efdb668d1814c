"""Every real file that the core should read, treated and verified; zero values over the bound by independent code."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import xarray as xr

import cdt_core as cdt
from tests.independent import bounds_of, compare, values_over
from tests.real_files import NETCDF, TABLES, real_file

OTHERS = ["transcriptomics/pbmc68k_reduced_dev.h5ad", "imaging_microscopy/cell_f32.ome.zarr.zip"]


def _raw(path):
    engine = "scipy" if path.read_bytes()[:3] == b"CDF" else "h5netcdf"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of xarray, on fill values of other types
        return xr.open_dataset(path, engine=engine, decode_times=False, decode_timedelta=False, decode_coords=False)


@pytest.mark.parametrize("name", NETCDF)
@pytest.mark.parametrize("bound", ["rel:1e-3", "lossless"])
def test_netcdf(test_data, tmp_path, name, bound):
    path = real_file(test_data, name)
    out = cdt.treat(path, tmp_path / "out", bound=bound)
    bounds = bounds_of(out.path)
    with _raw(path) as before, xr.open_zarr(out.path / "data.zarr", decode_times=False, decode_coords=False) as after:
        assert set(before.variables) == set(after.variables)
        for variable in before.variables:
            kind, value = bounds[str(variable)]
            assert values_over(before[variable].values, after[variable].values, kind, value) == 0, variable
    result = cdt.verify(out.path, original=path)
    assert result.ok, result.first_failure


@pytest.mark.parametrize("name", TABLES)
def test_tables(test_data, tmp_path, name):
    path = real_file(test_data, name)
    before = cdt.open(path).load()
    out = cdt.treat(path, tmp_path / "out")
    assert compare(before, out.path) == 0
    result = cdt.verify(out.path, original=path)
    assert result.ok, result.first_failure


@pytest.mark.parametrize("name", OTHERS)
def test_hierarchies(test_data, tmp_path, name):
    path = real_file(test_data, name)
    out = cdt.treat(path, tmp_path / "out", bound={"X": "rel:1e-4", "*": "lossless"} if "h5ad" in name else "abs:0.5")
    result = cdt.verify(out.path, original=path)
    assert result.ok, result.first_failure
    if "zarr" in name:
        before = cdt.open(path)
        with xr.open_datatree(out.path / "data.zarr", engine="zarr") as after:
            for outcome in out.outcomes:
                kind, value = bounds_of(out.path)[outcome.name]
                assert values_over(before[outcome.name].values, after[outcome.name].values, kind, value) == 0


def test_a_raw_field(test_data, tmp_path):
    path = real_file(test_data, "physics/vorticity_41x128x128.f32")
    field = np.fromfile(path, "<f4").reshape(41, 128, 128)
    for bound, value in (("rel:1e-3", 1e-3), ("rel:1e-5", 1e-5)):
        out = cdt.treat(field, tmp_path / bound.replace(":", ""), bound=bound)
        with xr.open_zarr(out.path / "data.zarr") as after:
            assert values_over(field, after["array"].values, "rel", value) == 0
        assert out.ratio > 3


HOSTILE = {
    "hostile/truncated.h5ad": "truncat|damaged|cannot be",
    "hostile/object_array.npy": "pickle|object",
    "hostile/mixed_encoding.csv": "UTF-8|utf-8|encod",
    "hostile/bomb_512MiB.gz": "gz|no reader|unknown|table",
    "hostile/truncated.mzML": "no reader|format",
    "hostile/truncated_data.fits": "no reader|format",
    "hostile/invalid_fhir.json": "no reader|format",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_with_the_reason(test_data, tmp_path, name):
    path = real_file(test_data, name)
    with pytest.raises(cdt.CdtError, match=HOSTILE[name]) as caught:
        cdt.treat(path, tmp_path / "out")
    assert path.name in str(caught.value)
    assert list(tmp_path.iterdir()) == []
