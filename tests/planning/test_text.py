"""The size of text is foretold by encoding some of it as Zarr does, and counts against a limit."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import cdt_core as cdt
from cdt_core.errors import PlanError


def strings(count: int, seed: int = 0) -> xr.Dataset:
    numbers = np.random.default_rng(seed).integers(0, 10**6, count)
    return xr.Dataset({"name": ("row", np.array([f"näme {n}" for n in numbers], dtype=object))})


@pytest.mark.parametrize("count", [1, 7, 5000, 60_000])
def test_bytes_of_text_are_foretold(tmp_path, count):
    done = cdt.treat(strings(count), tmp_path / "out")
    assert done.plan["name"].predicted_bytes == pytest.approx(done.outcomes[0].stored_bytes, rel=0.05)


def test_missing_and_empty_text_is_planned(tmp_path):
    data = xr.Dataset(
        {"name": ("row", np.array([None, "", "a"] * 50, dtype=object)), "none": ("nil", np.array([], object))}
    )
    done = cdt.treat(data, tmp_path / "out")
    assert done.plan["name"].predicted_bytes == pytest.approx(done.outcomes[0].stored_bytes, rel=0.05)
    assert done.plan["none"].predicted_bytes == 0


def test_text_counts_against_a_limit_of_size():
    data = strings(5000)
    needed = cdt.plan(data).predicted_bytes
    assert cdt.plan(data, max_size=needed).predicted_bytes == needed
    with pytest.raises(PlanError, match="the smallest plan"):
        cdt.plan(data, max_size=needed - 1)
