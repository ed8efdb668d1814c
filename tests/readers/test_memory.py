from __future__ import annotations

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from cdt_core.errors import ReaderError
from cdt_core.readers.stored import as_xarray, from_xarray


def _dataset() -> xr.Dataset:
    return xr.Dataset(
        {
            "u": (("time", "x"), np.array([[1.5, np.nan], [np.inf, -0.0], [3, 4]], "f4"), {"units": "m s-1"}),
            "n": ("x", np.array([1, 2], "u1")),
            "flag": ("x", [True, False]),
            "z": ("x", [1 + 2j, 3j]),
            "gap": ("x", np.array(["2020-01-01", "NaT"], "M8[ns]")),
            "lag": ("x", np.array([90, 1], "m8[s]")),
        },
        coords={"time": pd.date_range("2000-01-01", periods=3, freq="h"), "x": [10.0, 20.0], "name": ("x", ["a", "é"])},
        attrs={"title": "t"},
    )


def test_an_object_in_memory_comes_back_identical(whole):
    stored = from_xarray(_dataset())
    xr.testing.assert_identical(
        as_xarray(stored).load(), _dataset().assign_coords(name=("x", np.array(["a", "é"], object)))
    )
    assert stored.specs["time"].dtype == "int64"
    assert whole(stored, "gap").tolist()[1] == np.iinfo("i8").min
    assert {name for name, spec in stored.specs.items() if spec.role == "coordinate"} == {"time", "x", "name", "gap"}
    assert stored.source == ""
    assert stored.files == ()


def test_a_decoded_file_is_stored_as_the_values_in_hand(tmp_path, whole):
    raw = xr.Dataset({"v": ("time", np.array([1, -1], "i2"), {"scale_factor": 0.5, "_FillValue": np.int16(-1)})})
    raw["time"] = ("time", [0, 1], {"units": "days since 2001-01-01", "calendar": "standard"})
    raw.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf") as decoded:
        stored = from_xarray(decoded)
        assert stored.specs["v"].packing.is_packed is False
        assert np.array_equal(whole(stored, "v"), [0.5, np.nan], equal_nan=True)
        assert stored.specs["time"].units.startswith("days since 2001-01-01")
        assert whole(stored, "time").tolist() == [0, 1]
        xr.testing.assert_equal(as_xarray(stored).load(), decoded.load())


def test_units_that_would_round_the_times_are_not_used(whole):
    times = np.array(["2000-01-01T00:00:00.000000001", "2000-01-02"], "M8[ns]")
    dataset = xr.Dataset(coords={"time": times})
    dataset["time"].encoding = {"units": "days since 2000-01-01", "dtype": "int32"}
    stored = from_xarray(dataset)
    assert (as_xarray(stored)["time"].values == times).all()


def test_model_calendars_survive():
    times = xr.date_range("2000-02-28", periods=3, calendar="noleap", use_cftime=True)
    dataset = xr.Dataset({"v": ("time", [1, 2, 3])}, coords={"time": times})
    view = as_xarray(from_xarray(dataset))
    assert list(view["time"].values) == list(times)


def test_dask_arrays_stay_lazy_and_keep_their_chunks():
    def never(block):
        raise AssertionError("computed too early")

    lazy = da.zeros((100, 100), chunks=(10, 100)).map_blocks(never, dtype="f8", meta=np.zeros((0, 0)))
    stored = from_xarray(xr.Dataset({"v": (("y", "x"), lazy)}))
    assert stored.variables["v"].encoding["chunksizes"] == (10, 100)
    with pytest.raises(ReaderError, match="computed too early"):
        stored.read("v", (slice(0, 1), slice(0, 1)))


def test_a_tree_and_an_array_without_a_name(whole):
    tree = xr.DataTree.from_dict({"/": _dataset(), "/inner": xr.Dataset({"w": ("x", [1.0, 2.0])})})
    stored = from_xarray(tree)
    assert whole(stored, "inner/w").tolist() == [1.0, 2.0]
    assert isinstance(as_xarray(stored), xr.DataTree)
    assert whole(from_xarray(xr.DataArray([1, 2])), "array").tolist() == [1, 2]


def test_a_multiindex_is_refused_with_the_way_out():
    with pytest.raises(ReaderError, match="reset_index"):
        from_xarray(_dataset().stack(both=("time", "x")))


def test_python_objects_are_refused_when_read(whole):
    stored = from_xarray(xr.Dataset({"v": ("x", np.array([{}, 1], object))}))
    with pytest.raises(ReaderError, match=r"'v'.*dict"):
        whole(stored, "v")


def test_the_object_given_is_not_changed():
    dataset = _dataset()
    before = dataset.copy(deep=True)
    from_xarray(dataset)
    xr.testing.assert_identical(dataset, before)


def test_attributes_that_contradict_each_other_are_refused_in_words():
    attributes = {"_Unsigned": "true", "_FillValue": 1e20}
    with pytest.raises(ReaderError, match=r"variable 'v': its attributes _FillValue=1e\+20, _Unsigned='true' make no"):
        from_xarray(xr.Dataset({"v": ("x", np.arange(3, dtype="i2"), attributes)}))


@pytest.mark.parametrize(
    "values", [pd.Categorical(["a", "b"]), pd.array([1, None], "Int64"), pd.array([True], "boolean")]
)
def test_types_of_pandas_alone_are_refused_in_words(values):
    frame = pd.DataFrame({"v": values})
    with pytest.raises(ReaderError, match=r"variable 'v': has type .*, which is pandas' own"):
        from_xarray(xr.Dataset.from_dataframe(frame))


def test_a_source_that_gives_fewer_values_than_it_has_is_an_error():
    short = da.zeros(50, chunks=10).map_blocks(lambda block: block[:-1], dtype=float, meta=np.zeros(0))
    stored = from_xarray(xr.Dataset({"v": ("x", short)}))
    with pytest.raises(ReaderError, match=r"variable 'v'\[0:50\]: the source gave values of shape \(45,\)"):
        stored.read("v", (slice(0, 50),))
