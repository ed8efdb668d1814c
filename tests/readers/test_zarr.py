from __future__ import annotations

import json
import pickle
import shutil
import warnings

import numcodecs
import numpy as np
import pytest
import xarray as xr
import zarr

from cdt_core.errors import ReaderError
from cdt_core.readers.stored import as_xarray

pytestmark = pytest.mark.filterwarnings("ignore::zarr.errors.UnstableSpecificationWarning")


def _dataset() -> xr.Dataset:
    dataset = xr.Dataset(
        {
            "packed": (("time", "x"), np.arange(12, dtype="i2").reshape(3, 4), {"scale_factor": 0.5, "_FillValue": -1}),
            "field": (("time", "x"), np.array([[1.5, np.nan, 3, 4]] * 3, "f4")),
            "flag": ("x", np.array([True, False, True, True])),
        },
        coords={"time": ("time", [0, 1, 2], {"units": "hours since 2000-01-01"}), "x": np.arange(4.0)},
        attrs={"title": "t"},
    )
    return xr.decode_cf(dataset)


def _write(
    dataset: xr.Dataset, path, *, version: int, consolidated: bool, group: str | None = None, mode: str = "w"
) -> None:
    store = zarr.storage.ZipStore(path, mode="w") if path.suffix == ".zip" else path
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset.to_zarr(store, zarr_format=version, consolidated=consolidated, group=group, mode=mode)
    if path.suffix == ".zip":
        store.close()


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("consolidated", [True, False])
@pytest.mark.parametrize("name", ["a.zarr", "a.zarr.zip", "unnamed"])
def test_what_xarray_wrote_reads_back(tmp_path, opened, whole, version, consolidated, name):
    _write(_dataset(), tmp_path / name, version=version, consolidated=consolidated)
    stored = pickle.loads(pickle.dumps(opened(tmp_path / name)))
    assert stored.specs["packed"].dtype == "int16"
    assert stored.specs["packed"].packing.missing == (-1,)
    assert whole(stored, "packed").tolist() == np.arange(12).reshape(3, 4).tolist()
    xr.testing.assert_identical(as_xarray(stored).load(), _dataset().load())
    assert stored.files


@pytest.mark.parametrize("version", [2, 3])
def test_plain_arrays_and_groups_without_dimension_names(tmp_path, opened, whole, version):
    root = zarr.open_group(tmp_path / "g.zarr", mode="w", zarr_format=version)
    root.create_array("a", data=np.arange(6, dtype=">i4").reshape(2, 3), chunks=(1, 3))
    root.create_group("inner", attributes={"k": 1}).create_array("b", data=np.zeros((0, 2)))
    root.create_array("scalar", data=np.array(2.5))
    stored = opened(tmp_path / "g.zarr")
    assert whole(stored, "a").tolist() == [[0, 1, 2], [3, 4, 5]]
    assert stored.specs["a"].dims == ("dim_2", "dim_3")
    assert stored.specs["a"].packing.missing == ()
    assert stored.specs["inner/b"].shape == (0, 2)
    assert stored.attributes["inner"] == {"k": 1}
    assert whole(stored, "scalar") == 2.5
    assert stored.variables["a"].encoding["chunksizes"] == (1, 3)
    zarr.save_array(tmp_path / "one.zarr", np.arange(5), zarr_format=version)
    assert whole(opened(tmp_path / "one.zarr"), "array").tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("version", [2, 3])
def test_text_and_times(tmp_path, opened, whole, version):
    root = zarr.open_group(tmp_path / "g.zarr", mode="w", zarr_format=version)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        root.create_array("s", shape=(2,), dtype="string", chunks=(2,))[:] = np.array(["a", "bé"], object)
        root.create_array("t", data=np.array(["2020-01-01", "NaT"], "M8[s]"))
    stored = opened(tmp_path / "g.zarr")
    assert whole(stored, "s").tolist() == ["a", "bé"]
    assert whole(stored, "t").tolist() == [1577836800, np.iinfo("i8").min]
    assert np.isnat(as_xarray(stored)["t"].values).tolist() == [False, True]


def test_a_folder_inside_the_archive(tmp_path, opened, whole):
    zarr.save_array(tmp_path / "in" / "x.zarr", np.arange(3))
    shutil.make_archive(str(tmp_path / "x.zarr"), "zip", tmp_path / "in")
    assert whole(opened(tmp_path / "x.zarr.zip"), "array").tolist() == [0, 1, 2]


def test_missing_chunks_are_the_fill_value_and_damaged_ones_an_error(tmp_path, opened, whole):
    root = zarr.open_group(tmp_path / "g.zarr", mode="w")
    root.create_array("v", data=np.arange(1.0, 9), chunks=(2,), fill_value=-5)
    chunks = tmp_path / "g.zarr" / "v" / "c"
    (chunks / "0").unlink()
    stored = opened(tmp_path / "g.zarr")
    assert whole(stored, "v").tolist() == [-5, -5, 3, 4, 5, 6, 7, 8]
    (chunks / "3").write_bytes((chunks / "3").read_bytes()[:-3])
    assert stored.read("v", (slice(2, 6),)).tolist() == [3, 4, 5, 6]
    with pytest.raises(ReaderError, match=r"g\.zarr: variable 'v'\[6:8\]"):
        stored.read("v", (slice(6, 8),))


@pytest.mark.parametrize("compressors", [None, "auto"])
def test_a_short_uncompressed_chunk_is_an_error(tmp_path, opened, compressors):
    zarr.create_array(tmp_path / "v.zarr", data=np.arange(8.0), chunks=(8,), compressors=compressors)
    chunk = tmp_path / "v.zarr" / "c" / "0"
    chunk.write_bytes(chunk.read_bytes()[:-8])
    with pytest.raises(ReaderError, match="damaged"):
        opened(tmp_path / "v.zarr").read("array", (slice(0, 8),))


def test_pickled_arrays_are_refused(tmp_path, opened):
    path = tmp_path / "g.zarr"
    zarr.save_array(path, np.arange(3), zarr_format=2)
    document = json.loads((path / ".zarray").read_text())
    document |= {"dtype": "|O", "fill_value": None, "filters": [{"id": "pickle", "protocol": 5}]}
    (path / ".zarray").write_text(json.dumps(document))
    (path / "0").write_bytes(numcodecs.Zstd().encode(numcodecs.Pickle().encode(np.array([1, 2, 3], object))))
    with pytest.raises(ReaderError, match=r"g\.zarr"):
        opened(path)


def test_a_chunk_over_the_memory_limit_is_refused(tmp_path, opened):
    path = tmp_path / "g.zarr"
    zarr.create_array(path, shape=(1 << 40,), chunks=(1 << 38,), dtype="f8")
    with pytest.raises(ReaderError, match="max_expanded_bytes"):
        opened(path)


def test_metadata_that_is_no_json_is_an_error(tmp_path, opened):
    (tmp_path / "g.zarr").mkdir()
    (tmp_path / "g.zarr" / "zarr.json").write_text('{"zarr_format": 3, "node_type": "arr')
    with pytest.raises(ReaderError, match=r"g\.zarr"):
        opened(tmp_path / "g.zarr")


def test_a_cut_blosc_chunk_is_an_error_though_its_decoder_reads_on(tmp_path, opened):
    compressor = zarr.codecs.BloscCodec(cname="lz4", clevel=5)
    values = np.random.default_rng(0).normal(size=1000)
    zarr.create_array(tmp_path / "v.zarr", data=values, chunks=(1000,), compressors=compressor)
    chunk = tmp_path / "v.zarr" / "c" / "0"
    chunk.write_bytes(chunk.read_bytes()[:-900])
    with pytest.raises(ReaderError, match=r"header asks for"):
        opened(tmp_path / "v.zarr").read("array", (slice(0, 1000),))
