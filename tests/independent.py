"""Whether a treatment keeps its bounds, by plain xarray and NumPy: none of cdt's own readers, kernels or comparisons."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import xarray as xr


def bounds_of(folder: Path) -> dict[str, tuple[str, float]]:
    """Variable -> (kind, value) of the promise that was asked for, from plan.json."""
    plan = json.loads((folder / "plan.json").read_text())
    found = {}
    for variable in plan["variables"]:
        kind, _, number = variable["bound"].partition(":")
        found[variable["name"]] = (kind, float(number) if number else 0.0)
    return found


def opened(folder: Path) -> xr.Dataset:
    """The store, decoded by xarray; times stay numbers."""
    return xr.open_zarr(folder / "data.zarr", decode_times=False)


def values_over(before: np.ndarray, after: np.ndarray, kind: str, value: float) -> int:
    """Count of values over the bound, and of NaN or infinities that are not where, or what, they were."""
    before, after = np.asarray(before), np.asarray(after)
    assert before.shape == after.shape
    if before.dtype.kind in "OUST":
        return int(sum(str(a) != str(b) for a, b in zip(before.ravel(), after.ravel(), strict=True)))
    if before.dtype.kind == "b":
        return int((before != after).sum())
    if before.dtype.kind == "c":
        return values_over(before.real, after.real, kind, value) + values_over(before.imag, after.imag, kind, value)
    if before.dtype.kind in "iu" and after.dtype.kind in "iu":
        differences = np.array(
            [abs(int(a) - int(b)) for a, b in zip(before.ravel(), after.ravel(), strict=True)], dtype=object
        )
        sizes = np.array([abs(int(a)) for a in before.ravel()], dtype=object)
        span = int(before.max()) - int(before.min()) if before.size else 0
        limit = {"lossless": 0, "abs": value, "rel": value * span}.get(kind)
        return int(sum(d > (value * s if limit is None else limit) for d, s in zip(differences, sizes, strict=True)))
    x, y = before.astype(np.longdouble), after.astype(np.longdouble)
    finite = np.isfinite(x)
    moved = int((~finite & ~((np.isnan(x) & np.isnan(y)) | (x == y))).sum()) + int((finite & ~np.isfinite(y)).sum())
    x, y = x[finite], y[finite]
    if not x.size:
        return moved
    limit = {"lossless": np.longdouble(0), "abs": np.longdouble(value)}.get(kind)
    if kind == "rel":
        limit = np.longdouble(value * (float(x.max()) - float(x.min())))
    if kind == "pw_rel":
        limit = np.longdouble(value) * np.abs(x)
    return moved + int((np.abs(x - y) > limit).sum())


def compare(before: xr.Dataset, folder: Path) -> int:
    """Values over their bounds in all variables; asserts that names, dimensions and attributes are there."""
    bounds = bounds_of(folder)
    over = 0
    with opened(folder) as after:
        assert set(before.variables) == set(after.variables)
        assert set(before.coords) == set(after.coords)
        for name, variable in before.variables.items():
            assert after[name].dims == variable.dims, name
            kind, value = bounds[str(name)]
            over += values_over(variable.values, after[name].values, kind, value)
            for key, attribute in variable.attrs.items():
                assert np.array_equal(np.asarray(after[name].attrs[key]), np.asarray(attribute)), (name, key)
        for key, attribute in before.attrs.items():
            assert np.array_equal(np.asarray(after.attrs[key]), np.asarray(attribute)), key
    return over


def folder_bytes(folder: Path) -> dict[str, bytes]:
    """The files that are the same for the same input, plan and version: all but the report and the crate, which have dates."""
    dated = ("report.html", "ro-crate-metadata.json")
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name not in dated)
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}
