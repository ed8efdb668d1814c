"""A profile says what is in the data, however the data is cut."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr

import cdt_core as cdt
from cdt_core.model.grid import ChunkGrid
from cdt_core.profiling import scan
from cdt_core.readers.stored import from_xarray
from tests.datasets import climate_file, smooth


def test_counts_and_moments_are_of_physical_values(tmp_path):
    path = climate_file(tmp_path / "c.nc")
    measured = cdt.profile(path)
    with xr.open_dataset(path, engine="h5netcdf") as decoded:
        pressure = decoded["pressure"].values
        temperature = decoded["temperature"].values
    assert measured["pressure"].missing == np.isnan(pressure).sum() == 3
    assert measured["pressure"].minimum == np.nanmin(pressure)
    assert measured["pressure"].maximum == np.nanmax(pressure)
    assert measured["temperature"].missing == 160
    assert measured["temperature"].mean == pytest.approx(np.nanmean(temperature.astype("f8")), rel=1e-12)
    assert measured["temperature"].std == pytest.approx(np.nanstd(temperature.astype("f8")), rel=1e-9)


@pytest.mark.parametrize("chunk", [(7, 11), (40, 1), (1, 50), (40, 50)])
def test_the_profile_does_not_depend_on_the_blocks(chunk):
    values = smooth((40, 50), dtype="float64")
    values[3, 4], values[5, 6], values[7, 8] = np.nan, np.inf, -np.inf
    stored = from_xarray(xr.Dataset({"u": (("y", "x"), values)}))
    found = scan(stored, {"u": ChunkGrid((40, 50), chunk)}, map)["u"]
    finite = values[np.isfinite(values)]
    assert (found.missing + found.nan, found.infinite) == (1, 2)
    assert (found.minimum, found.maximum) == (finite.min(), finite.max())
    assert found.mean == pytest.approx(finite.mean(), rel=1e-12)
    assert found.std == pytest.approx(finite.std(), rel=1e-12)


def test_roughness_tells_noise_from_a_smooth_field():
    noise = np.random.default_rng(0).normal(size=(64, 64))
    found = cdt.profile(xr.Dataset({"noise": (("a", "b"), noise), "smooth": (("c", "d"), smooth((64, 64)))}))
    assert all(value == pytest.approx(2 / math.sqrt(math.pi), rel=0.1) for value in found["noise"].roughness)
    assert all(value < 0.1 for value in found["smooth"].roughness)


def test_the_noise_floor_is_near_the_noise_that_was_added():
    assert cdt.profile(smooth((1024, 256)))["array"].noise_floor == pytest.approx(1e-3, rel=0.3)


def test_exact_limits_of_wide_integers():
    values = np.array([2**63 + 1, 5, 2**64 - 1], dtype=np.uint64)
    found = cdt.profile(values)["array"]
    assert (found.minimum, found.maximum) == (5, 2**64 - 1)


def test_nothing_finite_has_no_range():
    found = cdt.profile(np.full((3, 4), np.nan))["array"]
    assert found.value_range is None
    assert found.mean is None


def test_an_empty_variable_has_a_profile():
    found = cdt.profile(xr.Dataset({"u": (("a", "b"), np.empty((0, 4)))}))["u"]
    assert (found.count, found.minimum) == (0, None)
