"""Small pictures of a variable before and after treatment, for the report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.model import Treatment, VariableSpec
from cdt_core.report.content import Preview
from cdt_core.report.view import MAX_PICTURES, most_interesting

if TYPE_CHECKING:
    import zarr

    from cdt_core.readers.stored import StoredDataset

__all__ = ["previews_of"]

_PIXELS = 512


def previews_of(dataset: StoredDataset, treatment: Treatment, store: Path) -> dict[str, Preview]:
    """The pictures of the variables that the report shows first."""
    import zarr

    group = zarr.open_group(store, mode="r")
    previews: dict[str, Preview] = {}
    for outcome in most_interesting(treatment, dataset.specs)[:MAX_PICTURES]:
        plan = treatment.plan[outcome.name]
        form = "decoded" if plan.processors else plan.form
        preview = _preview_of(dataset, dataset.specs[outcome.name], group, form)
        if preview is not None:
            previews[outcome.name] = preview
    return previews


def _preview_of(dataset: StoredDataset, spec: VariableSpec, group: zarr.Group, form: str) -> Preview | None:
    """The middle plane of the last two axes (or the middle of a 1-d variable), thinned to at most 512 values per side.

    ``group`` is the output store; its values are decoded with the source's packing where they were stored packed.
    Returns ``None`` for variables with no value or of complex numbers.
    """
    kind = np.dtype(spec.packing.dtype or spec.dtype).kind
    if spec.size == 0 or kind not in "iufb" or not spec.shape:
        return None
    region, label = _plane(spec)
    before = dataset.read(spec.name, region)
    before = before.astype(before.dtype.newbyteorder("="), copy=False)
    after = np.asarray(group[spec.name][region])  # type: ignore[index]
    physical = [_physical(dataset, spec.name, before)]
    physical.append(_physical(dataset, spec.name, after) if form == "stored" else after.astype(np.float64))
    shown = min(2, len(spec.shape))
    thin = tuple(slice(None, None, -(-n // _PIXELS)) for n in physical[0].shape[-shown:])
    planes = [values.reshape(values.shape[-shown:])[thin] for values in physical]
    if shown == 2 and _runs_north(dataset, spec):
        planes = [plane[::-1] for plane in planes]
    return Preview(before=planes[0], after=planes[1], label=label, dims=spec.dims[-shown:])


def _runs_north(dataset: StoredDataset, spec: VariableSpec) -> bool:
    """True when rows run from south to north, so that a map must be turned over to have north at its top."""
    group = spec.name.rpartition("/")[0]
    for name, other in dataset.specs.items():
        beside = name.rpartition("/")[0] == group and other.dims in (spec.dims[-2:-1], spec.dims[-2:])
        if beside and other.units.startswith(("degrees_n", "degree_n")) and other.size > 1:
            rest = tuple(slice(n // 2, n // 2 + 1) for n in other.shape[1:])
            first, last = (
                dataset.decoded(name, dataset.read(name, (slice(row, row + 1), *rest)))
                for row in (0, other.shape[0] - 1)
            )
            return bool(first.reshape(-1)[0] < last.reshape(-1)[0])
    return False


def _plane(spec: VariableSpec) -> tuple[tuple[slice, ...], str]:
    leading = len(spec.shape) - 2
    region, label = [], []
    for axis, (dim, length) in enumerate(zip(spec.dims, spec.shape, strict=True)):
        if axis < leading:
            region.append(slice(length // 2, length // 2 + 1))
            label.append(f"{dim}={length // 2}")
        else:
            side = _PIXELS * 8 if len(spec.shape) > 1 else _PIXELS * 64
            start = max(0, (length - side) // 2)
            region.append(slice(start, min(length, start + side)))
    return tuple(region), ", ".join(label)


def _physical(dataset: StoredDataset, name: str, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    missing = dataset.missing_mask(name, values)
    physical = dataset.decoded(name, values).astype(np.float64)
    if missing is not None:
        physical[missing] = np.nan
    return physical
