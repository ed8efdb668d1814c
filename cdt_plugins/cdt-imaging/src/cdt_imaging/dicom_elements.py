"""DICOM header elements as JSON values, by keyword."""

from __future__ import annotations

import contextlib
from typing import Any

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.valuerep import PersonName

from cdt_imaging.geometry import json_value

__all__ = ["elements", "number", "numbers", "text"]

_PIXELS = (0x7FE00008, 0x7FE00009, 0x7FE00010)


def elements(header: Dataset) -> dict[str, Any]:
    """Every element but the pixels: keyword -> value, or ``"ggggeeee"`` -> value where there is no keyword.

    Sequences are lists of such mappings; a value that cannot be converted is kept as its bytes.
    """
    found: dict[str, Any] = {}
    for tag in sorted(header.keys()):
        if int(tag) in _PIXELS:
            continue
        try:
            element = header[tag]
            name, value = element.keyword or f"{tag:08X}", _converted(element.value)
        except Exception as error:  # each value representation fails in its own ways; the bytes are kept
            name, value = f"{tag:08X}", _undecoded(header, tag, error)
        found[name] = value
    return found


def _converted(value: Any) -> Any:
    if isinstance(value, Sequence):
        return [elements(item) for item in value]
    if isinstance(value, MultiValue | list | tuple):
        return [_converted(item) for item in value]
    if isinstance(value, PersonName):
        return str(value)
    if isinstance(value, float) and not isinstance(value, bool):
        return json_value(float(value))
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    return json_value(value if isinstance(value, bytes | str) or value is None else str(value))


def _undecoded(header: Dataset, tag: Any, error: Exception) -> Any:
    raw = header.get_item(tag)
    value = getattr(raw, "value", None)
    return {"unreadable": f"{type(error).__name__}: {error}", "bytes": json_value(value)}


def text(header: Dataset, keyword: str) -> str:
    """A text element; empty when it is absent."""
    value = None
    with contextlib.suppress(Exception):  # a malformed element counts as absent
        value = header.get(keyword)
    return "" if value is None else str(value)


def numbers(header: Dataset, keyword: str) -> list[float]:
    """The numbers of an element; empty when it is absent or holds none."""
    value = None
    with contextlib.suppress(Exception):
        value = header.get(keyword)
    if value is None or value == "":
        return []
    items = value if isinstance(value, MultiValue | list | tuple) else [value]
    try:
        return [float(item) for item in items]
    except (TypeError, ValueError):
        return []


def number(header: Dataset, keyword: str) -> float | None:
    """One number, or ``None``."""
    found = numbers(header, keyword)
    return found[0] if len(found) == 1 else None
