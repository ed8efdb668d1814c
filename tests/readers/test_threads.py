from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xarray as xr
import zarr

from cdt_core.readers.stored import as_xarray

VALUES = np.random.default_rng(5).standard_normal(4000)


def _write(kind: str, folder):
    path = folder / f"a.{kind}"
    if kind in ("nc3", "nc4"):
        path = folder / "a.nc"
        xr.Dataset({"array": ("row", VALUES)}).to_netcdf(path, engine="scipy" if kind == "nc3" else "h5netcdf")
    elif kind == "h5":
        with h5py.File(path, "w") as file:
            file.create_dataset("array", data=VALUES, chunks=(100,), compression="gzip")
    elif kind == "zarr":
        zarr.create_array(path, data=VALUES, chunks=(100,))
    elif kind == "npz":
        np.savez_compressed(path, array=VALUES)
    elif kind == "parquet":
        pq.write_table(pa.table({"array": VALUES}), path, row_group_size=100)
    else:
        np.save(path, VALUES)
    return path


@pytest.mark.parametrize("kind", ["nc3", "nc4", "h5", "zarr", "npy", "npz", "parquet"])
def test_threads_read_the_same_values_as_one(tmp_path, opened, kind):
    stored = pickle.loads(pickle.dumps(opened(_write(kind, tmp_path))))
    starts = list(range(0, 4000, 50)) * 2
    with ThreadPoolExecutor(8) as pool:
        blocks = list(pool.map(lambda start: stored.read("array", (slice(start, start + 50),)), starts))
    assert all(block.tobytes() == VALUES[s : s + 50].tobytes() for block, s in zip(blocks, starts, strict=True))
    view = as_xarray(stored)
    assert view["array"][10:3990:7].values.tobytes() == VALUES[10:3990:7].tobytes()
    assert view["array"][[5, 1, 3999]].values.tobytes() == VALUES[[5, 1, 3999]].tobytes()
    assert view["array"][::-1].values.tobytes() == VALUES[::-1].tobytes()
