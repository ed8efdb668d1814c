"""cdt where people already are: xarray's accessor, notebooks, Zarr's registry."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
import zarr

import cdt_core as cdt
from tests.datasets import climate, smooth


def _run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120).stdout


@pytest.mark.parametrize("imports", ["import cdt_core, xarray as xr", "import xarray as xr, cdt_core"])
def test_the_accessor_is_there_in_either_order_of_imports(imports):
    assert "True" in _run(f"{imports}; print(hasattr(xr.Dataset, 'cdt') and hasattr(xr.DataArray, 'cdt'))")


def test_importing_cdt_does_not_import_xarray():
    assert "False" in _run("import cdt_core, sys; print('xarray' in sys.modules or 'numpy' in sys.modules)")


def test_a_dataset_is_treated_by_its_accessor(tmp_path):
    data = climate()
    out = data.cdt.treat(tmp_path / "out", bound={"temperature": "abs:0.05", "*": "lossless"})
    assert out.certificate.level != "NONE"
    with xr.open_zarr(out.path / "data.zarr", mask_and_scale=False) as after:
        kept = data["temperature"].values != np.float32(1e20)
        errors = np.abs(after["temperature"].values.astype("f8") - data["temperature"].values.astype("f8"))
        assert errors[kept].max() <= 0.05


def test_an_array_is_compressed_by_its_accessor():
    array = xr.DataArray(smooth((20, 30)), dims=("y", "x"), name="t")
    stream = array.cdt.compress("abs:0.01")
    assert np.abs(cdt.decompress(stream).astype("f8") - array.values).max() <= 0.01
    assert array.cdt.plan(bound="abs:0.01")["t"].shape == (20, 30)
    assert array.cdt.profile()["t"].count == 600


def test_a_tree_has_the_accessor(tmp_path):
    tree = xr.DataTree.from_dict({"/a": climate()[["land"]]})
    assert tree.cdt.treat(tmp_path / "out").outcomes[0].name == "a/land"


def test_notebooks_show_plans_treatments_and_certificates(tmp_path):
    data = xr.Dataset({"<b>": (("y", "x"), smooth((20, 30)))})
    out = cdt.treat(data, tmp_path / "out", bound="abs:0.01")
    for shown in (out.plan, out.certificate, out, cdt.verify(out.path)):
        html = shown._repr_html_()
        assert html.count("<table>") == html.count("</table>") > 0
        assert "<td><b>" not in html
    assert out.certificate.level.replace("_", " ") in out._repr_html_()
    assert repr(out).endswith(f"{out.stored_bytes} bytes, ratio {out.ratio:.2f}, {out.certificate.level})")
    assert len(repr(out)) < 400  # and not every finding


def test_zarr_finds_the_codec_by_its_entry_point(tmp_path):
    code = f"""
import numpy as np, zarr
store = {str(tmp_path / "a.zarr")!r}
codec = {{"name": "cdt.bounded", "configuration": {{"version": 1, "bound": "abs:0.01"}}}}
array = zarr.create_array(store, shape=(64, 64), chunks=(32, 64), dtype="f4", serializer=codec, compressors=None)
array[:] = np.linspace(0, 1, 4096, dtype="f4").reshape(64, 64)
print(np.abs(zarr.open_array(store)[:] - np.linspace(0, 1, 4096).reshape(64, 64)).max())
"""
    assert float(_run(code)) <= 0.01
    assert zarr.open_array(tmp_path / "a.zarr", mode="r").shape == (64, 64)
