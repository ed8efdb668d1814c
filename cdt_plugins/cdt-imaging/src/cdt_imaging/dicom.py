"""A DICOM file: one image, or the frames of one image, with its whole header."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr
from attrs import evolve, frozen
from numpy.typing import NDArray

from cdt_core.errors import ReaderError
from cdt_core.hooks.lazy import BlockReader, LazyArray, lazy_variable
from cdt_core.hooks.notes import note
from cdt_core.hooks.source import Source
from cdt_core.model import Finding
from cdt_imaging.dicom_elements import elements, number
from cdt_imaging.dicom_geometry import affine_of, frame_axis, plane_axes, plane_of, scaling_of
from cdt_imaging.dicom_header import DicomImage, Pixels, read_image
from cdt_imaging.dicom_pixels import block_reader, stored_bytes
from cdt_imaging.geometry import place_attributes
from cdt_imaging.lazy import dataset_of
from cdt_imaging.quiet import quiet

__all__ = ["Layers", "checked", "header_attributes", "open_dicom", "value_attributes"]


@frozen
class Layers:
    """Blocks without the axes of one frame, or one sample, that an image has not."""

    block: BlockReader
    kept: tuple[int, ...]

    def __call__(self, region: tuple[slice, ...]) -> NDArray[Any]:
        """The values in ``region``, over the axes that are kept."""
        full = [slice(0, 1, 1)] * 4
        for axis, part in zip(self.kept, region, strict=True):
            full[axis] = part
        values = self.block(tuple(full))
        return values.reshape([values.shape[axis] for axis in self.kept])


def open_dicom(source: Source, allow_partial: bool) -> xr.Dataset:
    """The pixels of a DICOM file as the variable ``image``, as stored; ``scale_factor`` and ``add_offset`` from the header.

    Dimensions are ``(y, x)``, with ``z``, ``t`` or ``frame`` before them for several frames and ``sample`` behind them for
    colours. Colours stay in the file's colour space. With ``allow_partial``, the whole frames of a truncated file.
    """
    with quiet("pydicom"):  # values that bend the standard are kept as they are
        image, notes, size = checked(read_image(source), allow_partial)
        block = block_reader(image.pixels)
        coordinates = _coordinates(image)
        attributes = {**value_attributes(image), **_place(image, coordinates)}
        header = header_attributes(image)
    attributes.update(size)
    frames, *_, samples = image.pixels.shape
    first = next((dim for dim in coordinates if dim not in "yx"), "frame")
    kept = tuple(axis for axis in range(4) if (axis != 0 or frames > 1) and (axis != 3 or samples > 1))
    dims = [(first, "y", "x", "sample")[axis] for axis in kept]
    shape = tuple(image.pixels.shape[axis] for axis in kept)
    chunks = (1, *shape[1:]) if image.pixels.length is None and frames > 1 else None
    array = LazyArray(shape, image.pixels.dtype, Layers(block, kept))
    return dataset_of({"image": lazy_variable(dims, array, attributes, chunks)}, coordinates, header, notes)


def _coordinates(image: DicomImage) -> dict[str, xr.Variable]:
    frames, rows, columns, _ = image.pixels.shape
    name, axis = frame_axis(image.header, frames) if frames > 1 else ("frame", None)
    leading = {} if axis is None else {name: axis}
    return {**leading, **plane_axes(plane_of(image.header), rows, columns)}


def _place(image: DicomImage, coordinates: dict[str, xr.Variable]) -> dict[str, Any]:
    """Spatial axes, spacing and affine of one file."""
    plane = plane_of(image.header)
    across = None
    axes = ["y", "x"]
    if "z" in coordinates:
        axes = ["z", *axes]
        steps = np.diff(coordinates["z"].values)
        if plane.normal is not None and steps.size:
            across = plane.normal * float(np.median(steps))
    place = place_attributes(axes, coordinates, affine_of(plane, across), "LPS")
    return {**place, **({"spacing_at": plane.spacing_at} if plane.spacing is not None else {})}


def header_attributes(image: DicomImage) -> dict[str, Any]:
    """Every header element as JSON, the file's meta information first."""
    meta = getattr(image.header, "file_meta", None)
    return {**(elements(meta) if meta is not None else {}), **elements(image.header)}


def value_attributes(image: DicomImage) -> dict[str, Any]:
    """What the numbers of the image stand for."""
    pixels = image.pixels
    attributes: dict[str, Any] = {"image_format": "DICOM", **scaling_of(image.header)}
    if pixels.dtype.kind in "iu":
        attributes["bits_stored"] = pixels.stored_bits
    if pixels.photometric:
        attributes["photometric_interpretation"] = pixels.photometric
    padding = number(image.header, "PixelPaddingValue")
    if padding is not None and pixels.dtype.kind in "iu" and number(image.header, "PixelPaddingRangeLimit") is None:
        attributes["_FillValue"] = _in_range(int(padding), pixels.dtype)
    return attributes


def _in_range(value: int, dtype: np.dtype[Any]) -> int:
    """A code of the other signedness as the same bits: writers confuse the two."""
    return int(np.array([value % (1 << 8 * dtype.itemsize)], f"u{dtype.itemsize}").view(dtype.newbyteorder("="))[0])


def checked(image: DicomImage, allow_partial: bool) -> tuple[DicomImage, list[Finding], dict[str, int]]:
    """The image, cut to its whole frames where that is allowed; notes on it; and its bytes, stored and expected.

    Raises
    ------
    ReaderError
        The file has fewer bytes of pixels than the header asks for.
    """
    pixels, notes = image.pixels, []
    needed = pixels.needed
    if pixels.length is None:
        return image, [], {}
    if image.cut:
        if not allow_partial:
            raise ReaderError(f"{pixels.source.location}: truncated behind the pixels: {image.cut}")
        notes.append(note("truncated", f"truncated behind the pixels: {image.cut}"))
    stored = stored_bytes(pixels, _size(pixels))
    size = {"pixel_bytes_stored": stored - (needed % 2 if stored > needed else 0), "pixel_bytes_expected": needed}
    if stored >= needed:
        return image, notes, size
    frames = 8 * stored // (math.prod(pixels.shape[1:]) * pixels.bits)
    message = f"{pixels.source.location}: the pixel data has {stored} bytes, but the header asks for {needed}"
    if not allow_partial or frames == 0:
        raise ReaderError(message)
    cut = evolve(image, pixels=evolve(pixels, shape=(frames, *pixels.shape[1:])))
    kept = f"{message}; the first {frames} of {pixels.shape[0]} frames are kept"
    return cut, [note("truncated", kept, frames=frames)], size


def _size(pixels: Pixels) -> int:
    with pixels.open() as file:
        return file.seek(0, 2)
