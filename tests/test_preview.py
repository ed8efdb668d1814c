"""The pictures of the report."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
import zarr

import cdt_core as cdt
from cdt_core.preview import previews_of
from cdt_core.readers.stored import from_xarray


def _preview(data, tmp_path, name="t"):
    out = cdt.treat(data, tmp_path / "out")
    assert zarr.open_group(out.path / "data.zarr", mode="r")
    return previews_of(from_xarray(data), out, out.path / "data.zarr")[name]


@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize("plane", [True, False])
def test_north_is_at_the_top(tmp_path, ascending, plane):
    latitudes = np.linspace(-60, 60, 20)[:: 1 if ascending else -1]
    field = np.repeat(latitudes[:, None], 30, 1)
    units = {"units": "degrees_north"}
    coordinate = (("y", "x"), field, units) if plane else ("y", latitudes, units)
    data = xr.Dataset({"t": (("y", "x"), field, {"units": "K"})}, {"lat" if plane else "y": coordinate})
    preview = _preview(data, tmp_path)
    assert preview.before[0, 0] == 60
    assert preview.after[-1, 0] == -60


def test_other_planes_stay_as_they_are(tmp_path):
    data = xr.Dataset({"t": (("y", "x"), np.arange(600.0).reshape(20, 30))}, {"y": np.arange(20.0)})
    assert _preview(data, tmp_path).before[0, 0] == 0


def test_large_planes_are_thinned_and_missing_values_are_nan(tmp_path):
    field = np.ones((3, 1500, 1100), np.float32)
    field[1, :700] = np.nan
    preview = _preview(xr.Dataset({"t": (("z", "y", "x"), field)}), tmp_path)
    assert max(preview.before.shape) <= 512
    assert np.isnan(preview.before[0]).all()
    assert preview.label == "z=1"
