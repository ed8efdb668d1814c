from __future__ import annotations

import pickle

import h5netcdf
import h5py
import numpy as np
import pytest
import xarray as xr
from scipy.io import netcdf_file

from cdt_core.errors import ReaderError
from cdt_core.readers.stored import as_xarray

ENGINES = [("scipy", "NETCDF3_CLASSIC"), ("scipy", "NETCDF3_64BIT"), ("h5netcdf", "NETCDF4")]


def _dataset() -> xr.Dataset:
    rng = np.random.default_rng(0)
    dataset = xr.Dataset(
        {
            "packed": (("time", "y", "x"), rng.integers(-900, 900, (3, 4, 5)).astype("i2")),
            "field": (("time", "y", "x"), rng.standard_normal((3, 4, 5)).astype("f4")),
            "scalar": ((), 3.5),
            "name": ("x", np.array(["a", "bc", "def", "", "é"], dtype=object)),
        },
        coords={"time": np.array([0, 1, 2], "i4"), "x": np.arange(5.0)},
        attrs={"title": "test", "number": np.int32(3)},
    )
    dataset["packed"].attrs = {
        "scale_factor": np.float64(0.01),
        "add_offset": np.float64(5),
        "_FillValue": np.int16(-32767),
    }
    dataset["packed"][0, 0, 0] = -32767
    dataset["field"].attrs = {"missing_value": np.float32(1e20), "units": "K"}
    dataset["field"][1, 1, 1] = 1e20
    dataset["time"].attrs = {"units": "days since 2001-01-01", "calendar": "noleap"}
    return dataset


@pytest.mark.filterwarnings("ignore::xarray.SerializationWarning")
@pytest.mark.parametrize(("engine", "kind"), ENGINES)
def test_stored_numbers_and_decoded_values_are_those_of_xarray(tmp_path, opened, whole, engine, kind):
    path = tmp_path / "a.nc"
    _dataset().to_netcdf(path, engine=engine, format=kind, unlimited_dims=["time"])
    stored = pickle.loads(pickle.dumps(opened(path)))
    with xr.open_dataset(path, engine=engine, decode_cf=False) as raw:
        for name in ("packed", "field", "scalar", "time", "x"):
            assert whole(stored, name).tobytes() == raw[name].values.tobytes(), name
            assert str(stored.specs[name].attributes) == str(raw[name].attrs), name
            assert stored.specs[name].dims == raw[name].dims
    assert whole(stored, "name").tolist() == ["a", "bc", "def", "", "é"]
    with xr.open_dataset(path, engine=engine) as expected:
        xr.testing.assert_equal(as_xarray(stored).load().drop_vars("name"), expected.load().drop_vars("name"))
    assert stored.attributes[""]["title"] == "test"
    assert stored.files == (str(path),)
    assert {n for n, s in stored.specs.items() if s.role == "coordinate"} == {"time", "x"}


def test_netcdf4_chunks_are_known(tmp_path, opened):
    dataset = xr.Dataset({"v": (("y", "x"), np.zeros((8, 10)))})
    dataset.to_netcdf(tmp_path / "a.nc", engine="h5netcdf", encoding={"v": {"chunksizes": (2, 5)}})
    assert opened(tmp_path / "a.nc").variables["v"].encoding["chunksizes"] == (2, 5)


def test_groups_become_paths_and_a_tree(tmp_path, opened, whole):
    tree = xr.DataTree.from_dict(
        {"/": xr.Dataset({"a": ("x", [1, 2])}), "/g/h": xr.Dataset({"b": ("y", [1.5, 2.5])}, attrs={"deep": "yes"})}
    )
    tree.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    stored = opened(tmp_path / "a.nc")
    assert list(stored.specs) == ["a", "g/h/b"]
    assert stored.attributes["g/h"]["deep"] == "yes"
    assert whole(stored, "g/h/b").tolist() == [1.5, 2.5]
    view = as_xarray(stored)
    assert isinstance(view, xr.DataTree)
    assert view["g/h/b"].values.tolist() == [1.5, 2.5]


def test_groups_that_give_one_dimension_two_lengths_are_read(tmp_path, opened, whole):
    for group, length, mode in (("", 3, "w"), ("inner", 4, "a")):
        dataset = xr.Dataset({"v": ("x", np.arange(length))})
        dataset.to_netcdf(tmp_path / "a.nc", engine="h5netcdf", group=group or None, mode=mode)
    stored = opened(tmp_path / "a.nc")
    assert (len(whole(stored, "v")), len(whole(stored, "inner/v"))) == (3, 4)
    assert stored.dims == {"x": 3, "inner/x": 4}
    with pytest.raises(ReaderError, match="groups"):
        as_xarray(stored)


def test_characters_are_joined_to_strings(tmp_path, opened, whole):
    with netcdf_file(tmp_path / "a.nc", "w") as file:
        file.createDimension("n", 2)
        file.createDimension("length", 3)
        file.createVariable("name", "c", ("n", "length"))[:] = np.array([list("abc"), list("xy ")], "S1")
    assert whole(opened(tmp_path / "a.nc"), "name").tolist() == ["abc", "xy "]


def test_compound_enum_and_unlimited_netcdf4(tmp_path, opened, whole):
    with h5py.File(tmp_path / "a.nc", "w") as file:
        file.attrs["_NCProperties"] = "version=2"
        scale = file.create_dataset("x", data=np.arange(3.0), maxshape=(None,), chunks=(2,))
        scale.make_scale("x")
        record = file.create_dataset("p", data=np.array([(1, 2.5)] * 3, [("id", "i4"), ("size", "f8")]))
        record.dims[0].attach_scale(scale)
    stored = opened(tmp_path / "a.nc")
    assert whole(stored, "p.id").tolist() == [1, 1, 1]
    assert whole(stored, "p.size").tolist() == [2.5, 2.5, 2.5]
    assert stored.specs["p.id"].dims == ("x",)


@pytest.mark.parametrize("kind", ["classic", "netcdf4"])
def test_a_dimension_that_a_variable_has_twice_is_told_apart(tmp_path, opened, whole, kind):
    path, values = tmp_path / "a.nc", np.arange(9.0).reshape(3, 3)
    if kind == "classic":
        with netcdf_file(path, "w") as file:
            file.createDimension("x", 3)
            file.createVariable("covariance", "d", ("x", "x"))[:] = values
    else:
        with h5netcdf.File(path, "w") as file:
            file.dimensions = {"x": 3}
            file.create_variable("covariance", ("x", "x"), dtype="f8", chunks=(2, 3))[...] = values
    stored = opened(path)
    assert stored.specs["covariance"].dims == ("x", "x_1")
    assert whole(stored, "covariance").tolist() == values.tolist()


def test_an_enumeration_keeps_its_meanings(tmp_path, opened, whole):
    with h5netcdf.File(tmp_path / "a.nc", "w") as file:
        file.dimensions = {"x": 3}
        kind = file.create_enumtype(np.dtype("u1"), "cloud", {"cloudy": 1, "clear": 0})
        file.create_variable("v", ("x",), dtype=kind, fillvalue=0)[...] = np.array([0, 1, 1], "u1")
    stored = opened(tmp_path / "a.nc")
    assert whole(stored, "v").tolist() == [0, 1, 1]
    assert stored.specs["v"].attributes["flag_meanings"] == "clear cloudy"
    assert stored.specs["v"].attributes["flag_values"].tolist() == [0, 1]


def test_of_a_truncated_classic_file_whole_variables_are_kept_on_request(tmp_path, opened, whole):
    path = tmp_path / "a.nc"
    xr.Dataset({"a": ("x", np.arange(4.0)), "b": ("x", np.arange(4.0))}).to_netcdf(path, engine="scipy")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ReaderError, match=r"a\.nc: truncated: variable 'b'"):
        opened(path)
    stored = opened(path, allow_partial=True)
    assert whole(stored, "a").tolist() == [0, 1, 2, 3]
    assert [finding.variable for finding in stored.notes] == ["b"]


def test_an_unsupported_type_is_named_or_left_out(tmp_path, opened):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["good"] = np.arange(3)
        file.create_dataset("ragged", (2,), dtype=h5py.vlen_dtype("i4"))
    with pytest.raises(ReaderError, match="ragged"):
        opened(tmp_path / "a.h5")
    stored = opened(tmp_path / "a.h5", allow_partial=True)
    assert list(stored.specs) == ["good"]
    assert [finding.variable for finding in stored.notes] == ["ragged"]


def _cdf5(values: np.ndarray) -> bytes:
    """A CDF-5 file with one int64 variable ``v(x)``, written by hand after the specification."""

    def name(text: str) -> bytes:
        raw = text.encode()
        return len(raw).to_bytes(8, "big") + raw.ljust(-(-len(raw) // 4) * 4, b"\0")

    absent = bytes(12)
    head = b"CDF\x05" + bytes(8)
    head += (10).to_bytes(4, "big") + (1).to_bytes(8, "big") + name("x") + len(values).to_bytes(8, "big") + absent
    head += (11).to_bytes(4, "big") + (1).to_bytes(8, "big") + name("v") + (1).to_bytes(8, "big") + bytes(8) + absent
    head += (10).to_bytes(4, "big") + values.nbytes.to_bytes(8, "big")
    return head + (len(head) + 8).to_bytes(8, "big") + values.astype(">i8").tobytes()


def test_cdf5_is_read(tmp_path, opened, whole):
    (tmp_path / "a.nc").write_bytes(_cdf5(np.array([1, -(2**60), 3])))
    assert whole(opened(tmp_path / "a.nc"), "v").tolist() == [1, -(2**60), 3]


def test_records_of_several_variables_are_told_apart(tmp_path, opened, whole):
    """Records of variables that are not a multiple of four bytes are padded, but not when there is only one."""
    for count in (1, 2):
        with netcdf_file(tmp_path / f"{count}.nc", "w") as file:
            file.createDimension("t", None)
            file.createDimension("x", 3)
            for number in range(count):
                file.createVariable(f"v{number}", "h", ("t", "x"))[:] = np.arange(12).reshape(4, 3) + 100 * number
        stored = opened(tmp_path / f"{count}.nc")
        for number in range(count):
            assert whole(stored, f"v{number}").tolist() == (np.arange(12).reshape(4, 3) + 100 * number).tolist()
            assert stored.read(f"v{number}", (slice(1, 4, 2), slice(2, 3))).tolist() == [
                [5 + 100 * number],
                [11 + 100 * number],
            ]


def test_a_header_that_asks_for_more_than_the_file_has_is_refused_at_once(tmp_path, opened):
    data = bytearray(_cdf5(np.arange(3)))
    data[36:44] = (2**62).to_bytes(8, "big")
    (tmp_path / "a.nc").write_bytes(data)
    with pytest.raises(ReaderError, match=r"a\.nc: truncated"):
        opened(tmp_path / "a.nc")


def test_a_slice_of_100_gigabytes_is_read_alone(tmp_path, opened):
    count = 100 * 2**30 // 8
    data = bytearray(_cdf5(np.arange(0)))
    data[36:44] = count.to_bytes(8, "big")
    with (tmp_path / "huge.nc").open("wb") as file:
        file.write(data)
        file.seek(len(data) + 8 * (count - 1))
        file.write(np.array(7, ">i8").tobytes())
    assert opened(tmp_path / "huge.nc").read("v", (slice(count - 2, count),)).tolist() == [0, 7]
    assert opened(f"file://{tmp_path}/huge.nc").read("v", (slice(count - 2, count),)).tolist() == [0, 7]
