"""Every real file of the test data that the core's readers should read, against pandas and xarray by themselves."""

from __future__ import annotations

import zipfile

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr
import zarr

from cdt_core.readers.stored import as_xarray
from tests.real_files import NETCDF, TABLES, real_file


@pytest.mark.filterwarnings("ignore::xarray.SerializationWarning")
@pytest.mark.parametrize("name", NETCDF)
def test_netcdf_equals_xarray(test_data, opened, whole, name):
    path = real_file(test_data, name)
    stored = opened(path)
    engine = "scipy" if path.read_bytes()[:3] == b"CDF" else "h5netcdf"
    raw_options = {"mask_and_scale": False, "decode_times": False, "decode_coords": False, "decode_timedelta": False}
    with xr.open_dataset(path, engine=engine, **raw_options) as raw:
        assert set(stored.specs) == set(raw.variables)
        for variable in raw.variables:
            assert whole(stored, variable).tobytes() == raw[variable].values.tobytes()
            assert str(stored.specs[variable].attributes) == str(raw[variable].attrs)
    with xr.open_dataset(path, engine=engine, decode_times=False, decode_timedelta=False) as expected:
        for variable in expected.variables:
            decoded = stored.decoded(variable, whole(stored, variable))
            assert decoded.dtype == expected[variable].dtype
            assert np.array_equal(decoded, expected[variable].values, equal_nan=True)
    with xr.open_dataset(path, engine=engine) as expected:
        xr.testing.assert_equal(as_xarray(stored).load(), expected.load())


@pytest.mark.parametrize("name", TABLES)
def test_tables_equal_pandas(test_data, opened, whole, name):
    path = real_file(test_data, name)
    stored = opened(path)
    frame = pd.read_csv(path, sep="," if path.suffix == ".csv" else "\t", low_memory=False)
    assert len(stored.specs) == len(frame.columns)
    for column, (variable, spec) in zip(frame.columns, stored.specs.items(), strict=True):
        values, expected = whole(stored, variable), frame[column].to_numpy()
        assert spec.attributes.get("original_name", variable) == column.strip()
        if spec.dtype == "object":
            text = pd.read_csv(path, sep="," if path.suffix == ".csv" else "\t", dtype=str, keep_default_na=False)
            assert values.tolist() == text[column].tolist()
        else:
            assert np.array_equal(values, expected.astype(values.dtype), equal_nan=True)
            assert values.dtype.kind == expected.dtype.kind


def test_h5ad_equals_h5py(test_data, opened, whole):
    path = real_file(test_data, "transcriptomics/pbmc68k_reduced_dev.h5ad")
    stored = opened(path)
    compared = 0
    with h5py.File(path) as file:
        for name, spec in stored.specs.items():
            if spec.dtype != "object" and "." not in name:
                assert whole(stored, name).tobytes() == file[name][()].tobytes(), name
                compared += 1
    assert compared > 20
    assert whole(stored, "obs/phase/categories").tolist() == ["G1", "G2M", "S"]
    assert {"raw/X/data", "raw/X/indices", "raw/X/indptr"} <= set(stored.specs)


def test_ome_zarr_archive_equals_zarr(test_data, opened, whole):
    path = real_file(test_data, "imaging_microscopy/cell_f32.ome.zarr.zip")
    stored = opened(path)
    assert list(stored.specs) == ["0", "1", "2"]
    assert "multiscales" in stored.attributes[""]
    with zarr.storage.ZipStore(path, mode="r") as store:
        group = zarr.open_group(store, mode="r")
        for name in stored.specs:
            assert whole(stored, name).tobytes() == group[name][...].tobytes()
    assert zipfile.is_zipfile(path)
