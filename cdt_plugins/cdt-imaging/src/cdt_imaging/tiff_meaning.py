"""What a TIFF says about its pixels: names of axes, their spacing, and tags; from OME-XML, ImageJ or baseline tags."""

from __future__ import annotations

import math
import re
from typing import Any
from xml.etree import ElementTree

import xarray as xr
from attrs import field, frozen

from cdt_core.errors import ReaderError
from cdt_imaging.geometry import LONGEST_AXIS, axis_coordinate, json_value

__all__ = ["Meaning", "dimension_names", "ome_images", "tag_attributes", "tag_meaning"]

_NAMES = {"S": "sample", "I": "plane", "Q": "plane", "R": "tile", "A": "angle", "M": "mosaic", "H": "lifetime"}
_MICRO = re.compile("^[µμ]")
_NO_LENGTH = ("pixel", "reference frame", "")
_RESOLUTION_UNITS = {2: "inch", 3: "cm"}
_MOST_ITEMS = 4096


@frozen
class Meaning:
    """Steps and units by axis letter (``X``, ``Y``, ``Z``, ``T``), and further attributes."""

    steps: dict[str, tuple[float, str]] = field(factory=dict)
    attributes: dict[str, Any] = field(factory=dict)

    def coordinates(self, axes: str, dims: tuple[str, ...], shape: tuple[int, ...]) -> dict[str, xr.Variable]:
        """Coordinates of the axes whose step is known."""
        found = {}
        for letter, dim, length in zip(axes, dims, shape, strict=True):
            if letter not in self.steps or length > LONGEST_AXIS:
                continue
            step, units = self.steps[letter]
            about = {"units": units, "axis": letter} if units else {"axis": letter}
            found[dim] = axis_coordinate(dim, length, step, attributes=about)
        return found


def dimension_names(axes: str) -> tuple[str, ...]:
    """Names of dimensions for tifffile's axis letters; a letter that comes twice gets a number."""
    names: list[str] = []
    for letter in axes:
        name = _NAMES.get(letter, letter.lower())
        repeats = sum(1 for known in names if known == name or known.startswith(f"{name}_"))
        names.append(f"{name}_{repeats}" if repeats else name)
    return tuple(names)


def ome_images(xml: str, where: str) -> list[Meaning]:
    """One :class:`Meaning` per ``Image`` of an OME-XML document.

    Raises
    ------
    ReaderError
        The document is not well-formed, or defines entities.
    """
    if "<!DOCTYPE" in xml or "<!ENTITY" in xml:
        raise ReaderError(f"{where}: the OME-XML defines entities, which is refused")
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError as error:
        raise ReaderError(f"{where}: the OME-XML is damaged: {error}") from error
    return [_ome_image(element) for element in root if _leaf(element) == "Image"]


def _leaf(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _ome_image(image: ElementTree.Element) -> Meaning:
    pixels = next((child for child in image if _leaf(child) == "Pixels"), None)
    attributes: dict[str, Any] = {"image_name": image.get("Name")} if image.get("Name") else {}
    if pixels is None:
        return Meaning(attributes=attributes)
    steps = {}
    for letter in "XYZ":
        step = _positive(pixels.get(f"PhysicalSize{letter}"))
        unit = pixels.get(f"PhysicalSize{letter}Unit", "µm")
        if step is not None and unit not in _NO_LENGTH:
            steps[letter] = (step, _unit(unit))
    increment = _positive(pixels.get("TimeIncrement"))
    if increment is not None:
        steps["T"] = (increment, _unit(pixels.get("TimeIncrementUnit", "s")))
    channels = [child.get("Name") or "" for child in pixels if _leaf(child) == "Channel"]
    if any(channels):
        attributes["channel_names"] = channels
    bits = _positive(pixels.get("SignificantBits"))
    if bits is not None:
        attributes["bits_stored"] = int(bits)
    return Meaning(steps, attributes)


def _unit(name: str) -> str:
    return {"Å": "angstrom"}.get(name, _MICRO.sub("u", name))


def _positive(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and number > 0 else None


def tag_meaning(page: Any, imagej: dict[str, Any] | None) -> Meaning:
    """Spacing from the resolution tags, with ImageJ's unit, z-step and frame interval where ImageJ wrote the file."""
    imagej = imagej or {}
    unit = _RESOLUTION_UNITS.get(_tag(page, "ResolutionUnit"), "")
    named = str(imagej.get("unit", "")).replace("\\u00B5", "µ")
    unit = {"micron": "um", "pixel": ""}.get(named, _unit(named)) if named else unit
    steps = {}
    for letter, name in (("X", "XResolution"), ("Y", "YResolution")):
        value = _tag(page, name)
        if unit and isinstance(value, tuple) and len(value) == 2 and value[0] > 0 and value[1] > 0:
            steps[letter] = (value[1] / value[0], unit)
    depth, interval = _positive(imagej.get("spacing")), _positive(imagej.get("finterval"))
    if depth is not None and unit:
        steps["Z"] = (depth, unit)
    if interval is not None:
        steps["T"] = (interval, "s")
    return Meaning(steps)


def _tag(page: Any, name: str) -> Any:
    tag = page.tags.get(name)
    value = None if tag is None else tag.value
    return int(value) if isinstance(value, int) else value


def tag_attributes(page: Any) -> dict[str, Any]:
    """Tags of the first page as ``tiff_<name>``, but those that only say where strips and tiles lie."""
    found = {}
    for tag in page.tags:
        if tag.name.endswith(("Offsets", "ByteCounts")):
            continue
        value = tag.value
        count = len(value) if isinstance(value, tuple | list) or hasattr(value, "shape") else 1
        found[f"tiff_{tag.name}"] = {"values_left_out": count} if count > _MOST_ITEMS else json_value(value)
    return found
