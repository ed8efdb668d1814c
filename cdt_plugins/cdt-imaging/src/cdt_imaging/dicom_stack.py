"""Slices of one series as one array: sorted by position, by moment where positions repeat, by number where unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from attrs import frozen
from numpy.typing import NDArray

from cdt_core.hooks.lazy import BlockReader, LazyArray, lazy_variable
from cdt_imaging.dicom_geometry import Plane, affine_of, distances, plane_axes
from cdt_imaging.dicom_header import Pixels
from cdt_imaging.geometry import place_attributes
from cdt_imaging.lazy import dataset_of

__all__ = ["Slice", "stacked"]

#: Positions closer than this, in mm, are one position.
_SAME_MM = 1e-3
_SCALING = ("scale_factor", "add_offset")


@frozen(eq=False)
class Slice:
    """One file of a series: its pixels, where they lie, and its header as JSON; ``group`` is equal within a stack."""

    pixels: Pixels
    block: BlockReader
    plane: Plane
    number: float
    values: Mapping[str, Any]
    header: Mapping[str, Any]
    group: tuple[Any, ...]


@frozen
class _Stack:
    """Blocks over slices; the axes before the plane count through ``blocks`` in C order."""

    blocks: tuple[BlockReader, ...]
    leading: tuple[int, ...]
    plane: tuple[int, ...]

    def __call__(self, region: tuple[slice, ...]) -> NDArray[Any]:
        lead = region[: len(self.leading)]
        chosen = np.arange(len(self.blocks)).reshape(self.leading)[lead]
        inside = (*region[len(self.leading) :], *([slice(0, 1, 1)] if len(self.plane) == 2 else []))
        planes = [self.blocks[index]((slice(0, 1, 1), *inside)) for index in chosen.reshape(-1).tolist()]
        if not planes:
            sizes = [len(range(*part.indices(n))) for part, n in zip(region, (*self.leading, *self.plane), strict=True)]
            return np.empty(sizes, np.uint8)
        values = np.concatenate(planes)
        return values.reshape(*chosen.shape, *values.shape[1 : 1 + len(self.plane)])


def stacked(slices: Sequence[Slice]) -> xr.Dataset:
    """The slices of one series as the variable ``image``.

    Dimensions are ``(z, y, x)``, with ``frame`` before them where each position occurs several times. Header elements that
    all slices share are attributes; the others are lists in the attribute ``dicom_per_slice``, in the order of the stack.
    Where the rescaling differs between slices, numbers stay raw, and ``rescale_slope`` and ``rescale_intercept`` give it.
    """
    names, leading, along, order = _arranged(slices)
    sorted_slices = [slices[index] for index in order]
    first = sorted_slices[0]
    rows, columns, samples = first.pixels.shape[1:]
    plane = (rows, columns, *((samples,) if samples > 1 else ()))
    dims = (*names, "y", "x", *(("sample",) if samples > 1 else ()))
    coordinates = plane_axes(first.plane, rows, columns)
    across = None
    if along is not None:
        about = {"units": "mm", "axis": "Z", "long_name": "position of the slices along their normal"}
        coordinates = {"z": xr.Variable(("z",), along, about), **coordinates}
        normal = first.plane.normal
        across = None if normal is None or len(along) < 2 else normal * float(np.median(np.diff(along)))
    spatial = [dim for dim in dims if dim in "zyx"]
    place = place_attributes(spatial, coordinates, affine_of(first.plane, across), "LPS")
    attributes, extra = _values(sorted_slices, names, leading)
    shared, varying = _shared([item.header for item in sorted_slices])
    block = _Stack(tuple(item.block for item in sorted_slices), leading, plane)
    array = LazyArray((*leading, *plane), first.pixels.dtype, block)
    variable = lazy_variable(dims, array, {**attributes, **place}, ((1,) * len(leading)) + plane)
    header = {**shared, "dicom_per_slice": varying}
    return dataset_of({"image": variable}, {**coordinates, **extra}, header)


def _arranged(
    slices: Sequence[Slice],
) -> tuple[tuple[str, ...], tuple[int, ...], NDArray[np.float64] | None, list[int]]:
    """Names and lengths of the leading axes, positions along ``z``, and the order of the slices."""
    along = distances([item.plane for item in slices])
    by_number = sorted(range(len(slices)), key=lambda i: (slices[i].number, slices[i].pixels.source.location))
    if along is None:
        return ("frame",), (len(slices),), None, by_number
    places: dict[int, list[int]] = {}
    for index in by_number:
        places.setdefault(round(along[index] / _SAME_MM), []).append(index)
    ordered = [places[place] for place in sorted(places)]
    times = len(ordered[0])
    if len(ordered) == 1 or any(len(place) != times for place in ordered):
        return ("frame",), (len(slices),), None, by_number
    positions = np.array([along[place[0]] for place in ordered])
    order = [place[moment] for moment in range(times) for place in ordered]
    if times == 1:
        return ("z",), (len(ordered),), positions, order
    return ("frame", "z"), (times, len(ordered)), positions, order


def _values(
    slices: Sequence[Slice], names: tuple[str, ...], leading: tuple[int, ...]
) -> tuple[dict[str, Any], dict[str, xr.Variable]]:
    """Attributes of the image, and the rescaling of each slice where it differs."""
    attributes, _ = _shared([item.values for item in slices])
    for key in ("pixel_bytes_stored", "pixel_bytes_expected"):
        sizes = [item.values.get(key) for item in slices]
        attributes.pop(key, None)
        if None not in sizes:
            attributes[key] = sum(size for size in sizes if size is not None)
    pairs = [tuple(item.values.get(key) for key in _SCALING) for item in slices]
    if len(set(pairs)) == 1:
        return attributes, {}
    for key in (*_SCALING, "units"):
        attributes.pop(key, None)
    rescaling = {}
    for name, column, default in (("rescale_slope", 0, 1.0), ("rescale_intercept", 1, 0.0)):
        values = [default if pair[column] is None else float(pair[column] or 0.0) for pair in pairs]
        about = {"long_name": f"DICOM {name.replace('_', ' ')} of each slice: value = stored * slope + intercept"}
        rescaling[name] = xr.Variable(names, np.array(values).reshape(leading), about)
    return {**attributes, "coordinates": " ".join(rescaling)}, rescaling


def _shared(headers: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """What all headers have alike, and lists of what differs."""
    keys = list(dict.fromkeys(key for header in headers for key in header))
    shared, varying = {}, {}
    for key in keys:
        values = [header.get(key) for header in headers]
        if all(value == values[0] for value in values):
            shared[key] = values[0]
        else:
            varying[key] = values
    return shared, varying
