"""What validators are told of a variable, and what of complex numbers is."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import cdt_core as cdt


@pytest.mark.parametrize("bound", ["lossless", "abs:0.1"])
def test_validators_understand_complex_numbers(tmp_path, bound):
    values = np.exp(1j * np.linspace(0, 6, 600)).reshape(20, 30).astype("c8")
    out = cdt.treat(xr.Dataset({"v": (("y", "x"), values)}), tmp_path / "out", bound=bound)
    assert not [finding.evidence for finding in out.findings if finding.check == "core.validator_crashed"]


@pytest.mark.parametrize("value", [1 + 2j, complex(np.nan, 1)])
def test_validators_understand_one_complex_number(tmp_path, value):
    out = cdt.treat(xr.Dataset({"v": ((), value)}), tmp_path / "out")
    assert not [finding.evidence for finding in out.findings if finding.check == "core.validator_crashed"]


def test_the_error_of_complex_numbers_is_their_distance_and_not_that_of_a_part(tmp_path):
    rng = np.random.default_rng(0)
    values = rng.normal(size=600) + 1j * rng.normal(size=600)
    out = cdt.treat(xr.Dataset({"v": ("x", values)}), tmp_path / "out", bound="abs:0.1")
    with xr.open_zarr(out.path / "data.zarr") as after:
        error = float(np.abs(after["v"].values - values).max())
        assert 0 < error <= 0.1
        assert out.outcomes[0].max_error == after["v"].attrs["cdt_maximum_absolute_error"] == error
