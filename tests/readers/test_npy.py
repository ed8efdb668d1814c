from __future__ import annotations

import io
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

from cdt_core.errors import ReaderError
from cdt_core.hooks.source import Source
from cdt_core.readers.npy import open_npz
from cdt_core.readers.stored import as_xarray

ARRAYS = {
    "zero_d": np.array(2.5),
    "empty": np.zeros((0, 3), "i2"),
    "fortran": np.asfortranarray(np.arange(12, dtype="i4").reshape(3, 4)),
    "big_endian": np.arange(5, dtype=">f4"),
    "complex": np.array([1 + 2j, complex(np.nan, 1)]),
    "flags": np.array([[True, False]]),
    "half": np.array([1.5, np.inf], "f2"),
    "text": np.array(["a", "bé"]),
    "bytes": np.array([b"a", b"bc"]),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_npy_reads_what_numpy_saved(tmp_path, opened, whole, name):
    np.save(tmp_path / "a.npy", ARRAYS[name])
    read = whole(pickle.loads(pickle.dumps(opened(tmp_path / "a.npy"))), "array")
    expected = np.load(tmp_path / "a.npy")
    assert read.shape == expected.shape
    if expected.dtype.kind in "SU":
        assert read.tolist() == [v.decode() if isinstance(v, bytes) else v for v in expected.tolist()]
    else:
        assert read.tobytes() == expected.astype(expected.dtype.newbyteorder("=")).tobytes()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_reads_what_numpy_saved(tmp_path, opened, whole, save):
    save(tmp_path / "a.npz", **ARRAYS)
    stored = pickle.loads(pickle.dumps(opened(tmp_path / "a.npz")))
    assert list(stored.specs) == list(ARRAYS)
    for name, expected in ARRAYS.items():
        if expected.dtype.kind not in "SU":
            assert whole(stored, name).tobytes() == expected.astype(expected.dtype.newbyteorder("=")).tobytes()
    assert stored.read("fortran", (slice(1, 3), slice(0, 4, 2))).tolist() == [[4, 6], [8, 10]]


@settings(max_examples=25, deadline=None)
@given(
    hnp.arrays(
        hnp.scalar_dtypes().filter(lambda d: d.kind in "iufcb" and d.itemsize <= 8), hnp.array_shapes(min_dims=0)
    )
)
def test_any_array_reads_back(tmp_path_factory, array):
    from cdt_core.readers.choose import open_stored
    from cdt_core.readers.offers import READERS

    path = tmp_path_factory.mktemp("npy") / "a.npy"
    np.save(path, array)
    read = open_stored(path, READERS).read("array", tuple(slice(0, n) for n in array.shape))
    assert read.tobytes() == array.astype(array.dtype.newbyteorder("=")).tobytes()


def test_structured_arrays_and_times(tmp_path, opened, whole):
    record = np.array([(1, 2.5), (3, 4.5)], [("id", ">i4"), ("size", "f8")])
    np.savez(tmp_path / "a.npz", r=record, t=np.array(["2020-01-01T00:00", "NaT"], "M8[m]"), d=np.array([90], "m8[s]"))
    stored = opened(tmp_path / "a.npz")
    assert whole(stored, "r.id").tolist() == [1, 3]
    assert whole(stored, "r.size").tolist() == [2.5, 4.5]
    view = as_xarray(stored)
    assert view["t"].values[0] == np.datetime64("2020-01-01")
    assert np.isnat(view["t"].values[1])
    assert view["d"].values[0] == np.timedelta64(90, "s")


def test_a_slice_of_100_gigabytes_is_read_alone(tmp_path, opened):
    path, count = tmp_path / "huge.npy", 100 * 2**30 // 8
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (count,)})
        start = file.tell()
        file.seek(start + 8 * (count - 1))
        file.write(np.float64(7).tobytes())
    stored = opened(path)
    assert stored.read("array", (slice(count - 2, count),)).tolist() == [0.0, 7.0]


def test_pickled_objects_are_never_loaded(tmp_path, opened):
    np.save(tmp_path / "a.npy", np.array([{}, 1], object), allow_pickle=True)
    np.savez(tmp_path / "a.npz", good=np.arange(2), bad=np.array([{}], object))
    for name in ("a.npy", "a.npz"):
        with pytest.raises(ReaderError, match="pickled"):
            opened(tmp_path / name)


def test_a_truncated_file_says_how_much_is_missing(tmp_path, opened):
    np.save(tmp_path / "a.npy", np.arange(10.0))
    data = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(data[:-1])
    with pytest.raises(ReaderError, match="truncated: 207 bytes, but the header asks for 208"):
        opened(tmp_path / "a.npy")


def test_of_a_truncated_array_whole_rows_are_kept_on_request(tmp_path, opened, whole):
    np.save(tmp_path / "a.npy", np.arange(12).reshape(4, 3))
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-1])
    stored = opened(tmp_path / "a.npy", allow_partial=True)
    assert whole(stored, "array").tolist() == np.arange(9).reshape(3, 3).tolist()
    assert [finding.check for finding in stored.notes] == ["core.reader.truncated"]


def test_a_member_that_expands_over_the_limit_is_refused(tmp_path):
    np.savez_compressed(tmp_path / "bomb.npz", v=np.zeros(1 << 20))
    dataset = open_npz(Source(str(tmp_path / "bomb.npz"), max_expanded_bytes=1 << 20), False)
    with pytest.raises(ReaderError, match="max_expanded_bytes"):
        dataset["v"].to_numpy()


def test_a_member_that_is_not_the_size_it_claims_is_refused(tmp_path, opened):
    buffer = io.BytesIO()
    np.save(buffer, np.arange(4))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("v.npy", buffer.getvalue()[:-8])
    with pytest.raises(ReaderError, match=r"v\.npy"):
        opened(tmp_path / "a.npz")
