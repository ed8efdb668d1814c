"""The readers of the core, as descriptors: choosing one imports none of them."""

from __future__ import annotations

from cdt_core.hooks.descriptor import Magic, Reader

__all__ = ["READERS"]

_HDF5 = Magic(0, b"\x89HDF\r\n\x1a\n")
_ZIP = Magic(0, b"PK\x03\x04")
_ZARR_MARKERS = ("zarr.json", ".zgroup", ".zarray", ".zmetadata")

READERS: tuple[Reader, ...] = (
    Reader(
        name="netcdf",
        function="cdt_core.readers.netcdf:open_netcdf",
        description="NetCDF classic (CDF-1, CDF-2, CDF-5) and NetCDF-4",
        patterns=("*.nc", "*.nc3", "*.nc4", "*.cdf", "*.netcdf"),
        magic=(Magic(0, b"CDF\x01"), Magic(0, b"CDF\x02"), Magic(0, b"CDF\x05"), _HDF5),
        priority=10,
    ),
    Reader(
        name="hdf5",
        function="cdt_core.readers.hdf5:open_hdf5",
        description="HDF5, AnnData's h5ad included",
        patterns=("*.h5", "*.hdf5", "*.he5", "*.hdf", "*.h5ad", "*.mat"),
        magic=(_HDF5,),
    ),
    Reader(
        name="zarr",
        function="cdt_core.readers.zarr:open_zarr",
        description="Zarr v2 and v3, as a folder or a zip archive",
        patterns=("*.zarr", "*.zarr.zip"),
        magic=(_ZIP,),
        directories=True,
        markers=_ZARR_MARKERS,
    ),
    Reader(
        name="npy",
        function="cdt_core.readers.npy:open_npy",
        description="one NumPy array, memory-mapped",
        patterns=("*.npy",),
        magic=(Magic(0, b"\x93NUMPY"),),
    ),
    Reader(
        name="npz",
        function="cdt_core.readers.npy:open_npz",
        description="NumPy arrays in a zip archive",
        patterns=("*.npz",),
        magic=(_ZIP,),
        priority=-1,
    ),
    Reader(
        name="parquet",
        function="cdt_core.readers.parquet:open_parquet",
        description="Parquet tables",
        patterns=("*.parquet", "*.pq"),
        magic=(Magic(0, b"PAR1"),),
    ),
    Reader(
        name="csv",
        function="cdt_core.readers.csv:open_csv",
        description="delimited text tables, plain or gzipped",
        patterns=("*.csv", "*.tsv", "*.tab", "*.tabular", "*.txt", "*.csv.gz", "*.tsv.gz", "*.tabular.gz", "*.txt.gz"),
    ),
)
