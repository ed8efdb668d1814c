from __future__ import annotations

import pickle

import h5py
import numpy as np
import pytest

from cdt_core.errors import ReaderError
from cdt_core.hooks.source import Source
from cdt_core.readers.hdf5 import open_hdf5
from cdt_core.readers.stored import as_xarray


def test_odd_things_all_read(tmp_path, opened, whole):
    path = tmp_path / "a.h5"
    values = {
        "zero_d": np.float32(2.5),
        "empty": np.zeros((0, 4), "i2"),
        "big_endian": np.arange(6, dtype=">f8").reshape(2, 3),
        "flags": np.array([True, False]),
        "z": np.array([1 + 2j, np.nan]),
        "half": np.array([1.5, np.inf], "f2"),
        "group/inner": np.arange(4, dtype="u8"),
    }
    with h5py.File(path, "w") as file:
        for name, value in values.items():
            file[name] = value
        file.create_dataset("chunked", data=np.arange(100.0), chunks=(10,), maxshape=(None,), compression="gzip")
        file["text"] = np.array(["a", "bé"], object)
        file["fixed"] = np.array([b"ab", b"c"])
        file["one_text"] = "hello"
        file.create_dataset("mode", data=np.array([1, 0], "i1"), dtype=h5py.enum_dtype({"off": 0, "on": 1}, "i1"))
        file["group"].attrs["units"] = "K"
        file.attrs["names"] = np.array(["x", "y"], object)
    stored = pickle.loads(pickle.dumps(opened(path)))
    for name, value in values.items():
        read = whole(stored, name)
        assert read.dtype == np.asarray(value).dtype.newbyteorder("="), name
        assert read.tobytes() == np.asarray(value).astype(read.dtype).tobytes(), name
        assert read.shape == np.shape(value)
    assert stored.read("chunked", (slice(15, 18),)).tolist() == [15, 16, 17]
    assert stored.variables["chunked"].encoding["chunksizes"] == (10,)
    assert whole(stored, "text").tolist() == ["a", "bé"]
    assert whole(stored, "fixed").tolist() == ["ab", "c"]
    assert whole(stored, "one_text").item() == "hello"
    assert whole(stored, "mode").tolist() == [1, 0]
    assert stored.specs["mode"].attributes["flag_meanings"] == "off on"
    assert stored.attributes["group"] == {"units": "K"}
    assert stored.attributes[""] == {"names": ["x", "y"]}
    assert as_xarray(stored)["group/inner"].values.tolist() == [0, 1, 2, 3]


def test_dimension_scales_name_dimensions_and_sizes_do_otherwise(tmp_path, opened):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["plain"] = np.zeros((3, 3))
        file["lat"] = np.arange(3.0)
        file["lat"].make_scale("lat")
        file["field"] = np.zeros((3, 5))
        file["field"].dims[0].attach_scale(file["lat"])
    specs = opened(tmp_path / "a.h5").specs
    assert specs["field"].dims == ("lat", "dim_5")
    assert specs["lat"].role == "coordinate"
    assert specs["plain"].dims == ("dim_3", "dim_3_1")


def test_compound_fields_become_variables(tmp_path, opened, whole):
    inner = np.dtype([("x", "i2"), ("y", "f4", (2,))])
    record = np.zeros(4, [("id", "i8"), ("place", inner), ("label", "S3")])
    record["id"], record["place"]["x"], record["place"]["y"], record["label"] = range(4), 7, [1, 2], b"ab"
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["r"] = record
    stored = opened(tmp_path / "a.h5")
    assert list(stored.specs) == ["r.id", "r.place.x", "r.place.y", "r.label"]
    assert stored.read("r.id", (slice(1, 3),)).tolist() == [1, 2]
    assert stored.read("r.place.y", (slice(0, 1), slice(1, 2))).tolist() == [[2.0]]
    assert whole(stored, "r.place.x").tolist() == [7] * 4
    assert whole(stored, "r.label").tolist() == ["ab"] * 4


def test_other_files_are_never_opened(tmp_path, opened):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["secret"] = np.arange(3)
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["own"] = np.arange(3)
        file["away"] = h5py.ExternalLink("other.h5", "/secret")
    layout = h5py.VirtualLayout((3,), "i8")
    layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "secret", (3,))
    with h5py.File(tmp_path / "virtual.h5", "w") as file:
        file.create_virtual_dataset("view", layout)
    with h5py.File(tmp_path / "external.h5", "w") as file:
        file.create_dataset("v", (3,), "i8", external=[(str(tmp_path / "raw.bin"), 0, 24)])
    for name in ("link.h5", "virtual.h5", "external.h5"):
        with pytest.raises(ReaderError, match="other file"):
            opened(tmp_path / name)


def test_a_group_that_contains_itself_ends(tmp_path, opened):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["g/v"] = np.arange(2)
        file["g/loop"] = file["g"]
        file["again"] = h5py.SoftLink("/g")
    assert list(opened(tmp_path / "a.h5").specs) == ["g/v"]


def test_names_that_are_no_file_names_are_made_safe(tmp_path, opened, whole):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file[".."] = np.arange(2)
        file["zarr.json"] = np.arange(3)
        file["n" * 300] = np.arange(4)
    stored = opened(tmp_path / "a.h5")
    assert all(".." not in name and name != "zarr.json" and len(name) <= 200 for name in stored.specs)
    assert {spec.attributes["original_name"] for spec in stored.specs.values()} == {"..", "zarr.json", "n" * 300}


def test_a_null_dataspace_is_left_out_only_on_request(tmp_path, opened):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["nothing"] = h5py.Empty("f4")
        file["v"] = np.arange(2)
    with pytest.raises(ReaderError, match="nothing"):
        opened(tmp_path / "a.h5")
    assert list(opened(tmp_path / "a.h5", allow_partial=True).specs) == ["v"]


def test_a_chunk_over_the_memory_limit_is_refused(tmp_path, opened):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("v", (2**20, 2**20), "f8", chunks=(2**14, 2**14), compression="gzip")
    source = Source(str(tmp_path / "a.h5"), max_expanded_bytes=1 << 30)
    with pytest.raises(ReaderError, match="'v' takes 2147483648 bytes"):
        open_hdf5(source, False)


def test_a_dataset_that_was_never_written_reads_as_its_fill_value(tmp_path, opened):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("v", (10**9, 10**6), "f8", chunks=(10, 10), fillvalue=3.0)
    assert opened(tmp_path / "a.h5").read("v", (slice(10**8, 10**8 + 1), slice(0, 2))).tolist() == [[3.0, 3.0]]
