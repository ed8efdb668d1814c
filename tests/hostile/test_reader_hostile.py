"""Damaged and hostile files end as one ReaderError that names them; what is read back is never silently different."""

from __future__ import annotations

import random

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr
import zarr

from cdt_core.errors import ReaderError
from cdt_core.readers.choose import open_stored
from cdt_core.readers.offers import READERS
from cdt_core.readers.stored import as_xarray

pytestmark = pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")  # zarr rewrites its root in a new archive

FORMATS = ["nc3", "nc3_records", "nc4", "h5", "npy", "npz", "npz_stored", "parquet", "zarr.zip", "csv.gz"]
HOSTILE = ["truncated.h5ad", "object_array.npy", "bomb_512MiB.gz", "mixed_encoding.csv"]
CUTS = 20


def _dataset() -> xr.Dataset:
    rng = np.random.default_rng(3)
    values = {
        "a": (("t", "x"), rng.standard_normal((40, 30)).astype("f4")),
        "b": (("t", "x"), rng.integers(-99, 99, (40, 30)).astype("i2")),
    }
    return xr.Dataset(values, coords={"t": np.arange(40, dtype="i4"), "x": np.arange(30.0)})


def _write(kind: str, folder) -> str:
    path, dataset = folder / f"file.{kind.split('_')[0]}", _dataset()
    if kind.startswith("nc3"):
        path = folder / "file.nc"
        dataset.to_netcdf(path, engine="scipy", unlimited_dims=["t"] if kind == "nc3_records" else None)
    elif kind == "nc4":
        path = folder / "file.nc"
        dataset.to_netcdf(path, engine="h5netcdf", encoding={"a": {"chunksizes": (10, 30), "zlib": True}})
    elif kind == "h5":
        with h5py.File(path, "w") as file:
            file["a"] = dataset["a"].values
            file.create_dataset("g/b", data=dataset["b"].values, chunks=(10, 30), compression="gzip")
    elif kind == "npy":
        np.save(path, dataset["a"].values)
    elif kind.startswith("npz"):
        (np.savez if kind.endswith("stored") else np.savez_compressed)(
            path, a=dataset["a"].values, b=dataset["b"].values
        )
    elif kind == "parquet":
        pd.DataFrame({"a": dataset["a"].values.ravel(), "b": dataset["b"].values.ravel()}).to_parquet(
            path, row_group_size=100
        )
    elif kind == "zarr.zip":
        with zarr.storage.ZipStore(path, mode="w") as store:
            dataset.to_zarr(store, consolidated=False)
    else:
        pd.DataFrame({"a": dataset["a"].values.ravel(), "b": "text"}).to_csv(path, index=False)
    return str(path)


def _contents(path: str) -> dict[str, bytes]:
    stored = open_stored(path, READERS)
    found = {}
    for name, spec in stored.specs.items():
        values = stored.read(name, tuple(slice(0, length) for length in spec.shape))
        found[name] = repr(values.tolist()).encode() if spec.dtype == "object" else values.tobytes()
    return found


def _contents_or_error(path: str) -> dict[str, bytes] | ReaderError:
    try:
        found = _contents(path)
        as_xarray(open_stored(path, READERS))
    except ReaderError as error:
        return error
    return found


@pytest.mark.parametrize("kind", FORMATS)
def test_a_truncated_file_is_an_error_or_reads_the_same(tmp_path, kind):
    path = _write(kind, tmp_path)
    expected = _contents(path)
    with open(path, "rb") as file:
        data = file.read()
    rng = random.Random(kind)
    refused = 0
    for cut in [0, len(data) - 1, *(rng.randrange(len(data)) for _ in range(CUTS))]:
        with open(path, "wb") as file:
            file.write(data[:cut])
        found = _contents_or_error(path)
        if isinstance(found, ReaderError):
            assert path in str(found)
            refused += 1
        else:
            assert found == expected, f"cut at {cut} of {len(data)}"
    assert refused >= CUTS


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_with_changed_bytes_never_ends_in_a_bare_error(tmp_path, kind):
    path = _write(kind, tmp_path)
    with open(path, "rb") as file:
        data = file.read()
    rng = random.Random(kind)
    for _ in range(CUTS):
        changed = bytearray(data)
        for _ in range(3):
            changed[rng.randrange(min(len(data), 2000))] = rng.randrange(256)
        with open(path, "wb") as file:
            file.write(changed)
        found = _contents_or_error(path)
        assert isinstance(found, dict) or path in str(found)


def test_a_cut_table_keeps_whole_rows_and_says_so(tmp_path):
    path = tmp_path / "a.csv"
    pd.DataFrame({"a": range(100, 200), "b": "word"}).to_csv(path, index=False)
    data = path.read_bytes()
    for cut in range(10, len(data) - 1, 7):
        path.write_bytes(data[:cut])
        try:
            stored = open_stored(path, READERS)
        except ReaderError:
            continue
        ended = data[cut - 1 : cut] == b"\n"
        noted = "core.reader.last_line_open" in [note.check for note in stored.notes]
        assert noted is not ended
        whole_rows = stored.dims["row"] - (0 if ended else 1)
        assert stored.read("a", (slice(0, whole_rows),)).astype(int).tolist() == list(range(100, 100 + whole_rows))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_by_name(test_data, name):
    path = test_data / "hostile" / name
    if not path.is_file():
        pytest.skip(f"the test data has no hostile/{name}")
    with pytest.raises(ReaderError, match=name):
        _contents(str(path))


def test_damaged_values_in_a_sound_file_are_left_to_the_validators(test_data):
    path = test_data / "hostile" / "nan_inf_fill.nc"
    if not path.is_file():
        pytest.skip("the test data has no hostile/nan_inf_fill.nc")
    stored = open_stored(path, READERS)
    values = stored.read("air_temperature", (slice(0, 240), slice(0, 37), slice(0, 49)))
    assert int(np.isinf(values).sum()) == 38


@pytest.mark.parametrize("attributes", [{"scale_factor": 0.0}, {"scale_factor": np.nan}, {"add_offset": np.inf}])
def test_packing_that_destroys_values_is_read_as_it_is(tmp_path, attributes):
    """It is a finding of the validators, not a matter of reading."""
    xr.Dataset({"v": ("x", np.arange(3, dtype="i2"), attributes)}).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    stored = open_stored(tmp_path / "a.nc", READERS)
    assert stored.read("v", (slice(0, 3),)).tolist() == [0, 1, 2]
    assert stored.specs["v"].packing.is_packed
