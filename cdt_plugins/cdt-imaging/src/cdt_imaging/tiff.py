"""OME-TIFF and plain TIFF: each series (and each level of a pyramid) as a lazy image with its axes, spacing and tags."""

from __future__ import annotations

import logging
import math
from typing import Any

import numpy as np
import xarray as xr
from attrs import define, field
from tifffile import TiffFile

from cdt_core.errors import ReaderError
from cdt_core.hooks.lazy import LazyArray, lazy_variable
from cdt_core.hooks.notes import NOTES, note
from cdt_core.hooks.source import Source
from cdt_core.model import Finding
from cdt_imaging.geometry import expected_bytes, place_attributes
from cdt_imaging.lazy import StoredValues, dataset_of
from cdt_imaging.quiet import quiet
from cdt_imaging.tiff_directory import count_pages
from cdt_imaging.tiff_meaning import Meaning, dimension_names, ome_images, tag_attributes, tag_meaning
from cdt_imaging.tiff_pages import PageSeries, check_segments, layout_of

__all__ = ["open_ome_tiff", "open_tiff"]

#: GeoKeyDirectory: a map, not an image; its place on Earth stays in the tags.
_GEO_KEYS = 34735
#: Words in the library's warnings that mean missing or contradicting data, not an odd tag.
_SERIOUS = ("OME series", "missing", "corrupt", "zeroed", "failed to re")


def open_ome_tiff(source: Source, allow_partial: bool) -> xr.Dataset | xr.DataTree:
    """A TIFF file with OME-XML; the document is the attribute ``ome_xml``. See :func:`open_tiff`."""
    return _open(source, allow_partial, ome=True)


def open_tiff(source: Source, allow_partial: bool) -> xr.Dataset | xr.DataTree:
    """The image of a TIFF file as the variable ``image``; several series and levels become groups.

    Strips and tiles are decoded when a block needs them. A file whose chain of pages is cut, whose strips or tiles lie
    outside of it, or whose OME-XML names planes that are not there is an error; with ``allow_partial``, what is missing
    reads as the fill value, with a note.
    """
    return _open(source, allow_partial, ome=False)


@define
class _File:
    """An open file with what was learned of it as a whole."""

    source: Source
    tiff: TiffFile
    size: int
    allow_partial: bool
    notes: list[Finding] = field(factory=list)


def _open(source: Source, allow_partial: bool, ome: bool) -> xr.Dataset | xr.DataTree:
    where = source.location
    with source.open() as stream:
        pages = count_pages(stream, where)
        size = stream.seek(0, 2)
        stream.seek(0)
        with quiet("tifffile") as heard:
            try:
                tiff = TiffFile(stream, name=source.name)
                series = list(tiff.series)
            except Exception as error:  # the library raises errors of many kinds on damaged files
                raise ReaderError(f"{where}: damaged: {type(error).__name__}: {error}") from error
            if len(tiff.pages) != pages:
                raise ReaderError(f"{where}: damaged: {pages} pages are linked, but only {len(tiff.pages)} can be read")
            if ome and not tiff.is_ome:
                raise ReaderError(f"{where}: is not OME-TIFF: the first page has no OME-XML")
            file = _File(source, tiff, size, allow_partial)
            datasets = _datasets(file, series)
        _judge(heard, file)
    first = next(iter(datasets.values()))
    first.encoding[NOTES] = tuple(file.notes)
    if len(datasets) == 1:
        return first
    root = xr.Dataset(attrs=first.attrs)
    tree = xr.DataTree.from_dict({"/": root, **{name: item.drop_attrs(deep=False) for name, item in datasets.items()}})
    tree.encoding[NOTES] = tuple(file.notes)
    return tree


def _judge(heard: list[logging.LogRecord], file: _File) -> None:
    """The library goes on where planes are missing or contradict the metadata: that is an error here."""
    for record in heard:
        message = record.getMessage()
        serious = record.levelno >= logging.ERROR or any(word in message for word in _SERIOUS)
        if serious and not file.allow_partial:
            raise ReaderError(f"{file.source.location}: damaged or incomplete: {message}")
        file.notes.append(note("incomplete" if serious else "library_warning", message))


def _datasets(file: _File, series: list[Any]) -> dict[str, xr.Dataset]:
    where = file.source.location
    page: Any = file.tiff.pages.first
    xml = file.tiff.ome_metadata if file.tiff.is_ome else None
    images = ome_images(xml, where) if xml else []
    header = tag_attributes(page)
    if xml:
        header = {key: value for key, value in header.items() if key != "tiff_ImageDescription"} | {"ome_xml": xml}
    elif isinstance(header.get("tiff_ImageDescription"), str) and "<OME " in header["tiff_ImageDescription"]:
        raise ReaderError(f"{where}: the OME-XML is damaged: it cannot be told what the pages are")
    datasets = {}
    for number, item in enumerate(series):
        meaning = images[number] if number < len(images) and len(images) == len(series) else None
        for level in range(len(item.levels)):
            parts = [f"series_{number}"] if len(series) > 1 else []
            name = "/".join([*parts, *([f"level_{level}"] if len(item.levels) > 1 else [])])
            known = meaning or tag_meaning(item.keyframe, file.tiff.imagej_metadata)
            datasets[name or "image"] = _dataset(file, (number, level, item), known, header)
    if not datasets:
        raise ReaderError(f"{where}: holds no image")
    return datasets


def _dataset(file: _File, place: tuple[int, int, Any], meaning: Meaning, header: dict[str, Any]) -> xr.Dataset:
    number, level, item = place
    series = item.levels[level]
    axes, shape, dtype = series.axes, tuple(int(n) for n in series.shape), np.dtype(series.dtype)
    scaled = Meaning(_scaled(meaning.steps, axes, item.shape, shape), meaning.attributes)
    dims = dimension_names(axes)
    coordinates = scaled.coordinates(axes, dims, shape)
    spatial = [dim for dim in dims if dim in ("z", "y", "x")]
    named = {"image_format": "OME-TIFF" if file.tiff.is_ome else "TIFF"}
    attributes = {
        **(named if _GEO_KEYS not in series.keyframe.tags else {}),
        **(
            meaning.attributes
            if dtype.kind in "iu"
            else {k: v for k, v in meaning.attributes.items() if k != "bits_stored"}
        ),
        **place_attributes(spatial, coordinates),
    }
    nodata = series.keyframe.tags.get(42113)
    if nodata is not None:
        attributes["_FillValue"] = series.keyframe.nodata
    array, chunks, size = _array(file, number, level, series)
    variable = lazy_variable(dims, array, {**attributes, **size}, chunks)
    return dataset_of({"image": variable}, coordinates, header)


def _scaled(
    steps: dict[str, tuple[float, str]], axes: str, full: tuple[int, ...], shape: tuple[int, ...]
) -> dict[str, tuple[float, str]]:
    """Steps of a level of a pyramid: the whole extent stays the same."""
    if len(full) != len(shape):
        return steps
    factor = {letter: whole / length for letter, whole, length in zip(axes, full, shape, strict=True)}
    return {letter: (step * factor.get(letter, 1.0), units) for letter, (step, units) in steps.items()}


def _array(
    file: _File, number: int, level: int, series: Any
) -> tuple[LazyArray, tuple[int, ...] | None, dict[str, int]]:
    where = file.source.location
    shape, dtype = tuple(int(n) for n in series.shape), np.dtype(series.dtype)
    needed = expected_bytes(where, shape, 8 * dtype.itemsize)
    if series.dataoffset is not None and not series.is_multifile:
        stored = max(0, min(needed, file.size - int(series.dataoffset)))
        if stored < needed:
            raise ReaderError(f"{where}: truncated: {stored} bytes of pixels, but the pages ask for {needed}")
        stored_dtype = dtype.newbyteorder(file.tiff.byteorder)
        block = StoredValues(file.source, int(series.dataoffset), shape, stored_dtype)
        size = {"pixel_bytes_stored": stored, "pixel_bytes_expected": needed}
        return LazyArray(shape, dtype, block), None, size
    pages = _pages(file, number, level, series)
    problem = check_segments(pages, file.size, file.allow_partial)
    if problem:
        file.notes.append(note("incomplete" if "damaged" in problem else "sparse", problem))
    _check_decoder(pages)
    layout = pages.layout
    inner = tuple(min(layout.chunk[place], layout.shaped[place]) for place in layout.places)
    return LazyArray(shape, dtype, pages), (*(1 for _ in pages.leading), *inner), {}


def _pages(file: _File, number: int, level: int, series: Any) -> PageSeries:
    where = file.source.location
    if series.is_multifile:
        raise ReaderError(f"{where}: its planes are spread over several files, which cannot be read; join them first")
    frames = list(series.pages)
    layout = layout_of(series.keyframe)
    segments = math.prod(layout.grid)
    inner = len(layout.places)
    leading = tuple(int(n) for n in series.shape[: len(series.shape) - inner])
    if math.prod(leading) != len(frames) or tuple(series.shape[len(leading) :]) != tuple(series.keyframe.shape):
        raise ReaderError(f"{where}: {len(frames)} pages do not fill an image of shape {tuple(series.shape)}")
    if len(series.keyframe.dataoffsets) != segments:
        raise _miscounted(where, 0, len(series.keyframe.dataoffsets), segments)
    offsets, counts = np.zeros((len(frames), segments), np.int64), np.zeros((len(frames), segments), np.int64)
    for index, page in enumerate(frames):
        if page is None:
            if not file.allow_partial:
                raise ReaderError(f"{where}: plane {index} of {len(frames)} is missing")
            file.notes.append(note("incomplete", f"plane {index} is missing and reads as {layout.fill}"))
            continue
        if len(page.dataoffsets) != segments or len(page.databytecounts) != segments:
            raise _miscounted(where, index, len(page.dataoffsets), segments)
        offsets[index], counts[index] = page.dataoffsets, page.databytecounts
    return PageSeries(file.source, number, level, leading, layout, offsets, counts)


def _miscounted(where: str, page: int, count: int, expected: int) -> ReaderError:
    return ReaderError(f"{where}: page {page} has {count} strips or tiles, but its size asks for {expected}")


def _check_decoder(pages: PageSeries) -> None:
    """Decode one strip or tile, so that a codec that is not installed is known before the work begins."""
    page, segment = (int(index) for index in np.argwhere((pages.offsets > 0) & (pages.counts > 0))[0])
    with pages.source.open() as file:
        try:
            pages.segment(file, page, segment)
        except ReaderError as error:
            if "imagecodecs" not in str(error):
                raise
            raise ReaderError(f"{error}; install it with: pip install 'cdt-imaging[codecs]'") from error
