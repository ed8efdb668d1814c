"""Attributes of every kind reach the store as JSON that readers take."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import cdt_core as cdt
from cdt_core.store.metadata import json_value

ODD = ["x", b"a", None, [], np.array([]), 1e300, ["a", "b"]]


@pytest.mark.parametrize("dtype", ["i4", "f4"])
@pytest.mark.parametrize("fill", ODD, ids=repr)
def test_a_fill_value_that_is_no_value_is_kept_under_another_name(tmp_path, fill, dtype):
    values = np.arange(9).astype(dtype)
    if isinstance(fill, float) and dtype == "f4":
        pytest.skip("float32 has an infinity for it")
    out = cdt.treat(xr.Dataset({"v": ("t", values, {"_FillValue": fill})}), tmp_path / "out")
    with xr.open_zarr(out.path / "data.zarr", mask_and_scale=False) as after:
        np.testing.assert_array_equal(after["v"].values, values)
        assert "_FillValue" not in after["v"].attrs
        assert after["v"].attrs["cdt_source_FillValue"] == json_value(fill)


def test_text_that_is_no_unicode_is_escaped_everywhere(tmp_path):
    odd = "caf\udce9"
    source = xr.Dataset(
        {"v\udce9": ("t", np.arange(9.0), {"long_name": odd, "units": odd})}, attrs={"title": odd, odd: 1}
    )
    out = cdt.treat(source, tmp_path / "out")
    assert cdt.verify(out.path, original=source).ok
    with xr.open_zarr(out.path / "data.zarr") as after:
        assert after["v?"].attrs["long_name"] == r"caf\udce9"
        assert after.attrs["title"] == r"caf\udce9"
    for page in ("report.html", "ro-crate-metadata.json"):
        assert (out.path / page).read_text(encoding="utf-8")


def test_a_list_of_numbers_is_refused_in_words(tmp_path):
    with pytest.raises(cdt.CdtError, match="cannot open list"):
        cdt.treat([1, 2, 3], tmp_path / "out")


@pytest.mark.filterwarnings("ignore:variable .* has multiple fill values")
@pytest.mark.parametrize("code", [np.complex128(-9999), np.array([-9999, -1], complex)])
def test_a_complex_missing_value_does_not_become_two_codes(tmp_path, code):
    data = xr.Dataset({"v": ("x", np.array([-9999, 0, 1j]), {"missing_value": code})})
    cdt.treat(data, tmp_path / "out")
    with xr.open_zarr(tmp_path / "out" / "data.zarr") as after:
        assert np.isnan(after["v"].values).tolist() == [True, False, False]
    assert cdt.verify(tmp_path / "out", original=data).ok


@pytest.mark.filterwarnings("ignore:variable .* has multiple fill values")
@pytest.mark.parametrize("more", [{}, {"missing_value": np.int16(3)}])
def test_every_code_of_a_list_of_fill_values_stays_missing(tmp_path, more):
    data = xr.Dataset({"v": ("x", np.arange(5, dtype="i2"), {"_FillValue": np.array([1, 2], "i2"), **more})})
    cdt.treat(data, tmp_path / "out", bound="abs:0.5")
    with xr.open_zarr(tmp_path / "out" / "data.zarr") as after:
        np.testing.assert_array_equal(after["v"].values, xr.decode_cf(data)["v"].values)
