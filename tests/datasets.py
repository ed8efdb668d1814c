"""Small generated datasets that several tests share."""

from __future__ import annotations

import numpy as np
import xarray as xr


def smooth(shape: tuple[int, ...], seed: int = 0, dtype: str = "float32") -> np.ndarray:
    """A smooth field with a little noise, of any number of axes."""
    axes = np.meshgrid(*(np.linspace(0, 4, n) for n in shape), indexing="ij", sparse=True)
    field = sum(np.sin(axis * (k + 1) + k) for k, axis in enumerate(axes))
    noise = np.random.default_rng(seed).normal(0, 1e-3, shape)
    return (field + noise).astype(dtype)


def climate(seed: int = 0) -> xr.Dataset:
    """Temperature with gaps, packed pressure, a land mask, station names and a time axis, as a file would store them (raw)."""
    rng = np.random.default_rng(seed)
    temperature = smooth((8, 24, 36), seed) * 10 + 280
    temperature[:, :4, :5] = np.float32(1e20)
    pressure = np.clip(smooth((8, 24, 36), seed + 1) * 8000, -32000, 32000).astype(np.int16)
    pressure[2, 3:6, 7] = -32768
    return xr.Dataset(
        {
            "temperature": (
                ("time", "lat", "lon"),
                temperature,
                {"units": "K", "_FillValue": np.float32(1e20), "long_name": "air temperature"},
            ),
            "pressure": (
                ("time", "lat", "lon"),
                pressure,
                {"units": "Pa", "scale_factor": 0.25, "add_offset": 100000.0, "_FillValue": np.int16(-32768)},
            ),
            "land": (("lat", "lon"), rng.random((24, 36)) > 0.5, {"units": "1"}),
            "station": (("lat",), np.array([f"station {i}" for i in range(24)], dtype=object)),
        },
        coords={
            "time": ("time", np.arange(8, dtype=np.int32), {"units": "days since 2001-01-01", "calendar": "standard"}),
            "lat": ("lat", np.linspace(-60, 60, 24), {"units": "degrees_north"}),
            "lon": ("lon", np.linspace(0, 350, 36), {"units": "degrees_east"}),
        },
        attrs={"title": "generated", "Conventions": "CF-1.8"},
    )


def climate_file(path, seed: int = 0):
    """The climate dataset as a NetCDF-4 file; returns its path."""
    dataset = climate(seed)
    encoding = {
        name: {"_FillValue": variable.attrs.pop("_FillValue", None)} for name, variable in dataset.variables.items()
    }
    dataset.to_netcdf(path, engine="h5netcdf", encoding=encoding)
    return path
