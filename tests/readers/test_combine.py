from __future__ import annotations

import pickle

import numpy as np
import pytest
import xarray as xr

from cdt_core.errors import ReaderError
from cdt_core.readers.stored import as_xarray


def _part(start: int, **attributes) -> xr.Dataset:
    values = (np.arange(8, dtype="i2") + 10 * start).reshape(2, 4)
    dataset = xr.Dataset(
        {
            "u": (("time", "x"), values, {"scale_factor": 0.5, "_FillValue": np.int16(-1), **attributes}),
            "lat": ("x", np.arange(4.0)),
            "name": ("x", np.array(list("abcd"), object)),
        },
        coords={"time": ("time", [start, start + 1], {"units": "days since 2000-01-01"}), "x": [0.0, 1.0, 2.0, 3.0]},
        attrs={"title": "t", "history": str(start)},
    )
    dataset["u"].attrs |= attributes
    return dataset


def _write(folder, starts, **attributes) -> None:
    for start in starts:
        _part(start, **attributes).to_netcdf(folder / f"part{start}.nc", engine="h5netcdf")


def test_a_glob_joins_along_time_lazily_and_raw(tmp_path, opened, whole):
    _write(tmp_path, [4, 0, 2])
    stored = pickle.loads(pickle.dumps(opened(f"{tmp_path}/part*.nc")))
    expected = np.concatenate([_part(start)["u"].values for start in (0, 2, 4)])
    assert stored.specs["u"].dtype == "int16"
    assert whole(stored, "u").tolist() == expected.tolist()
    assert stored.read("u", (slice(1, 3), slice(0, 1))).tolist() == expected[1:3, :1].tolist()
    assert whole(stored, "time").tolist() == [0, 1, 2, 3, 4, 5]
    assert whole(stored, "name").tolist() == list("abcd")
    assert stored.specs["u"].packing.missing == (-1,)
    assert [name.rpartition("/")[2] for name in stored.files] == ["part0.nc", "part2.nc", "part4.nc"]
    assert stored.attributes[""] == {"title": "t"}
    assert [note.check for note in stored.notes] == ["core.reader.attributes_differ"]
    assert as_xarray(stored)["u"].dtype == "float64"


def test_the_first_file_that_differs_is_named(tmp_path, opened):
    _write(tmp_path, [0, 2])
    _write(tmp_path, [4], scale_factor=0.25)
    with pytest.raises(ReaderError, match=r"part4\.nc: variable 'u' differs .* scale_factor"):
        opened([tmp_path / "part0.nc", tmp_path / "part2.nc", tmp_path / "part4.nc"])


def test_other_variables_are_named(tmp_path, opened):
    _write(tmp_path, [0])
    _part(2).drop_vars("lat").to_netcdf(tmp_path / "part2.nc", engine="h5netcdf")
    with pytest.raises(ReaderError, match=r"part2\.nc: .*lacks 'lat'"):
        opened(f"{tmp_path}/*.nc")


def test_grids_that_do_not_meet_are_refused(tmp_path, opened):
    _write(tmp_path, [0])
    _part(2).assign_coords(x=[0.5, 1.0, 2.0, 3.0]).to_netcdf(tmp_path / "part2.nc", engine="h5netcdf")
    with pytest.raises(ReaderError, match="one grid"):
        opened(f"{tmp_path}/*.nc")


def test_tables_are_joined_by_row_in_the_order_given(tmp_path, opened, whole):
    (tmp_path / "b.csv").write_text("n,s\n1,x\n2,y\n")
    (tmp_path / "a.csv").write_text("n,s\n3,z\n")
    stored = opened([tmp_path / "b.csv", tmp_path / "a.csv"])
    assert whole(stored, "n").tolist() == [1, 2, 3]
    assert whole(stored, "s").tolist() == ["x", "y", "z"]


def test_arrays_without_coordinates_are_joined_along_the_first_axis(tmp_path, opened, whole):
    for number in range(2):
        np.save(tmp_path / f"{number}.npy", np.full((2, 3), number))
    assert whole(opened(f"{tmp_path}/*.npy"), "array").tolist() == [[0] * 3] * 2 + [[1] * 3] * 2


def test_a_glob_without_match_and_an_empty_list_are_refused(tmp_path, opened):
    with pytest.raises(ReaderError, match="no file matches"):
        opened(f"{tmp_path}/*.nc")
    with pytest.raises(ReaderError, match="empty"):
        opened([])
