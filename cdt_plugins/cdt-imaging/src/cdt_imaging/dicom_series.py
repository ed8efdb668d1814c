"""A folder of DICOM files: each series as one stack of slices, in the order of their positions."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from cdt_core.errors import ReaderError
from cdt_core.hooks.notes import NOTES, note
from cdt_core.hooks.source import Source
from cdt_core.model import Finding
from cdt_imaging.dicom import checked, header_attributes, open_dicom, value_attributes
from cdt_imaging.dicom_elements import number, text
from cdt_imaging.dicom_geometry import Plane, plane_of
from cdt_imaging.dicom_header import NotAnImageError, Pixels, read_image
from cdt_imaging.dicom_pixels import block_reader
from cdt_imaging.dicom_stack import Slice, stacked
from cdt_imaging.quiet import quiet

__all__ = ["open_series"]

_SUFFIXES = (".dcm", ".dicom", ".ima")


def open_series(source: Source, allow_partial: bool) -> xr.Dataset | xr.DataTree:
    """The images of a folder and the folders in it; several series become groups named after their numbers.

    Files that are not DICOM, and DICOM files of kinds without pixels, are left out, and named in a note. With
    ``allow_partial``, so are damaged ones.
    """
    notes: list[Finding] = []
    slices = list(_slices(source, allow_partial, notes))
    if not slices:
        raise ReaderError(f"{source.location}: the folder holds no DICOM image")
    groups: dict[tuple[Any, ...], list[Slice]] = {}
    for item in slices:
        groups.setdefault(item.group, []).append(item)
    datasets = [_dataset(group, allow_partial) for group in groups.values()]
    names = _names([group[0] for group in groups.values()])
    datasets[0].encoding[NOTES] = (*notes, *datasets[0].encoding.get(NOTES, ()))
    if len(datasets) == 1:
        return datasets[0]
    tree = xr.DataTree.from_dict(dict(zip(names, datasets, strict=True)))
    for name, dataset in zip(names, datasets, strict=True):
        tree[name].encoding.update(dataset.encoding)
    return tree


def _dataset(group: Sequence[Slice], allow_partial: bool) -> xr.Dataset:
    if len(group) == 1:
        return open_dicom(group[0].pixels.source, allow_partial)
    return stacked(group)


def _names(firsts: Sequence[Slice]) -> list[str]:
    names: list[str] = []
    for first in firsts:
        base = f"series_{first.header.get('SeriesNumber') or 'unnumbered'}".replace("/", "_")
        count = 1 + sum(1 for name in names if name == base or name.startswith(f"{base}_part_"))
        names.append(base if count == 1 else f"{base}_part_{count}")
    return names


def _slices(source: Source, allow_partial: bool, notes: list[Finding]) -> Iterable[Slice]:
    """Every image of the folder; what is left out goes to ``notes``."""
    left_out, seen = [], dict[str, str]()
    for place in _files(source):
        file = Source(place, source.max_expanded_bytes)
        if file.head(132)[128:] != b"DICM" and not place.lower().endswith(_SUFFIXES):
            left_out.append(place)
            continue
        try:
            item = _slice(file, allow_partial)
            identity = str(item.header.get("SOPInstanceUID", place))
            if seen.setdefault(identity, place) != place:
                raise ReaderError(f"{place}: the same image as {seen[identity]}: both have SOPInstanceUID {identity}")
        except NotAnImageError:
            left_out.append(place)
        except ReaderError as error:
            if not allow_partial:
                raise
            notes.append(note("file_left_out", str(error), file=place))
        else:
            yield item
    if left_out:
        message = f"{len(left_out)} files that are no DICOM images were left out, the first {left_out[0]}"
        notes.append(note("not_images", message, files=left_out[:20]))


def _files(source: Source) -> list[str]:
    if source.is_local:
        return sorted(os.path.join(folder, name) for folder, _, names in os.walk(source.path) for name in names)
    filesystem, path = source.filesystem()
    return [str(filesystem.unstrip_protocol(name)) for name in sorted(filesystem.find(path))]


def _slice(file: Source, allow_partial: bool) -> Slice:
    with quiet("pydicom"):  # values that bend the standard are kept as they are
        image, _, size = checked(read_image(file), allow_partial)
        header = image.header
        plane = plane_of(header)
        return Slice(
            pixels=image.pixels,
            block=block_reader(image.pixels),
            plane=plane,
            number=number(header, "InstanceNumber") or 0.0,
            values={**value_attributes(image), **size},
            header=header_attributes(image),
            group=_group(text(header, "SeriesInstanceUID"), image.pixels, plane),
        )


def _group(series: str, pixels: Pixels, plane: Plane) -> tuple[Any, ...]:
    """What slices of one stack have in common; a file of several frames is a stack of its own."""
    alone = pixels.source.location if pixels.shape[0] > 1 else ""
    turned = None if plane.orientation is None else tuple(np.round(plane.orientation, 2).tolist())
    return series, alone, pixels.shape[1:], pixels.dtype.newbyteorder("=").str, turned
