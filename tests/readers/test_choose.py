from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile

import fsspec
import numpy as np
import pytest
import xarray as xr

from cdt_core.errors import ReaderError
from cdt_core.hooks.descriptor import Magic, Reader
from cdt_core.hooks.source import Source
from cdt_core.readers.choose import candidates, open_stored
from cdt_core.readers.offers import READERS


def test_bytes_decide_before_names(tmp_path, opened, whole):
    np.save(tmp_path / "a.npy", np.arange(3))
    (tmp_path / "a.npy").rename(tmp_path / "wrong.nc")
    assert whole(opened(tmp_path / "wrong.nc"), "array").tolist() == [0, 1, 2]


def test_names_decide_among_equal_bytes_and_priority_among_equal_names(tmp_path):
    xr.Dataset({"v": ("x", [1])}).to_netcdf(tmp_path / "a.h5", engine="h5netcdf")
    assert [reader.name for reader in candidates(Source(str(tmp_path / "a.h5")), READERS)] == ["hdf5", "netcdf"]
    first = Reader(name="special", function="x:y", magic=(Magic(0, b"\x89HDF"),), patterns=("*.h5",), priority=5)
    assert candidates(Source(str(tmp_path / "a.h5")), [*READERS, first])[0].name == "special"


def test_choosing_imports_no_reader():
    code = (
        "import sys, cdt_core.readers.offers, cdt_core.hooks.source\n"
        "from cdt_core.hooks.descriptor import Reader\n"
        "assert not {'numpy', 'xarray', 'zarr', 'h5py', 'pyarrow'} & set(sys.modules), 'heavy'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def _raises(source, allow_partial):
    raise KeyError("PateintType")


def _returns_nothing(source, allow_partial):
    return None


def _reads(source, allow_partial):
    return xr.Dataset({"v": ("x", [1, 2])})


def test_every_candidate_is_tried_and_every_reason_told(tmp_path, monkeypatch):
    (tmp_path / "a.zz").write_bytes(b"data")
    module = type(sys)("readers_under_test")
    module.broken, module.empty, module.works = _raises, _returns_nothing, _reads
    monkeypatch.setitem(sys.modules, "readers_under_test", module)
    readers = [
        Reader(name=name, function=f"readers_under_test:{function}", patterns=("*.zz",), priority=priority)
        for name, function, priority in (("one", "broken", 3), ("two", "empty", 2), ("three", "works", 1))
    ]
    assert open_stored(tmp_path / "a.zz", readers).specs["v"].shape == (2,)
    with pytest.raises(ReaderError, match=r"(?s)as one: .*a\.zz.*KeyError.*PateintType.*as two: .*a\.zz"):
        open_stored(tmp_path / "a.zz", readers[:2])
    with pytest.raises(ReaderError, match=r"a\.zz: .*KeyError"):
        open_stored(tmp_path / "a.zz", readers[:1])


@pytest.mark.parametrize("name", ["missing.nc", "no/such/folder/x.csv"])
def test_a_missing_file_is_named(tmp_path, opened, name):
    with pytest.raises(ReaderError, match=f"{name}: no such file"):
        opened(tmp_path / name)


def test_the_folder_of_a_treatment_says_where_its_values_are(tmp_path, opened):
    (tmp_path / "era" / "data.zarr").mkdir(parents=True)
    (tmp_path / "era" / "certificate.json").touch()
    with pytest.raises(ReaderError, match=r"era: a treatment; its values are in .*era/data\.zarr"):
        opened(tmp_path / "era")


def test_empty_unknown_and_folder(tmp_path, opened):
    (tmp_path / "empty.nc").touch()
    with pytest.raises(ReaderError, match=r"empty\.nc: the file is empty"):
        opened(tmp_path / "empty.nc")
    (tmp_path / "x.unknown").write_bytes(b"\x01\x02\x03\x04")
    with pytest.raises(ReaderError, match=r"unknown format.*netcdf \(\*\.nc.*zarr.*csv"):
        opened(tmp_path / "x.unknown")
    by_content = Reader(name="special", function="x:y", magic=(Magic(0, b"\x00"),))
    with pytest.raises(ReaderError, match=r"special \(by content\)"):
        open_stored(tmp_path / "x.unknown", [by_content])
    with pytest.raises(ReaderError, match="a folder without"):
        opened(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path, opened):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    (tmp_path / "a.csv").chmod(0)
    with pytest.raises(ReaderError, match=r"a\.csv: cannot be opened"):
        opened(tmp_path / "a.csv")


@pytest.mark.parametrize("cut", ["nc3", "nc4", "npy", "npz", "csv", "parquet", "zarr"])
def test_any_file_system_gives_the_same_values(tmp_path, opened, whole, cut):
    rng = np.random.default_rng(2)
    dataset = xr.Dataset({"array": (("axis_0", "axis_1"), rng.standard_normal((4, 3)))})
    name = {"nc3": "a.nc", "nc4": "a.nc", "zarr": "a.zarr"}.get(cut, f"a.{cut}")
    path = tmp_path / name
    if cut in ("nc3", "nc4"):
        dataset.to_netcdf(path, engine="scipy" if cut == "nc3" else "h5netcdf")
    elif cut == "zarr":
        dataset.to_zarr(path, consolidated=False)
    elif cut == "npy":
        np.save(path, dataset["array"].values)
    elif cut == "npz":
        np.savez_compressed(path, array=dataset["array"].values)
    else:
        frame = dataset.isel(axis_1=0)["array"].to_dataframe()
        frame.to_csv(path, index=False) if cut == "csv" else frame.to_parquet(path, index=False)
    local = opened(path)
    memory = fsspec.filesystem("memory")
    memory.put(str(path), f"/cdt-test/{name}", recursive=True)
    try:
        for url in (f"file://{path}", f"memory://cdt-test/{name}"):
            other = opened(url)
            assert whole(other, "array").tobytes() == whole(local, "array").tobytes(), url
            assert other.files == ()
    finally:
        memory.rm("/cdt-test", recursive=True)


def test_a_member_of_a_zip_archive_and_a_url_glob(tmp_path, opened, whole):
    buffer = io.BytesIO()
    np.save(buffer, np.arange(3))
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("in/a.npy", buffer.getvalue())
    assert whole(opened(f"zip://in/a.npy::{tmp_path}/x.zip"), "array").tolist() == [0, 1, 2]
    (tmp_path / "b.npy").write_bytes(buffer.getvalue())
    assert whole(opened(f"file://{tmp_path}/*.npy"), "array").tolist() == [0, 1, 2]


def test_an_unknown_protocol_is_named(opened):
    with pytest.raises(ReaderError, match=r"nowhere://x\.nc: cannot be reached"):
        opened("nowhere://x.nc")


def test_a_name_with_wildcards_that_exists_is_a_name(tmp_path, opened, whole):
    np.save(tmp_path / "a[1].npy", np.arange(2))
    assert whole(opened(tmp_path / "a[1].npy"), "array").tolist() == [0, 1]


def test_a_zip_archive_of_something_else_is_refused(tmp_path, opened):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(ReaderError, match=r"x\.zip: .*readme\.txt"):
        opened(tmp_path / "x.zip")
