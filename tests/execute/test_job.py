"""What validators are told of a variable."""

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
