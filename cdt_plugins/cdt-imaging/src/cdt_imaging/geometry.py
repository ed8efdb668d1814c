"""Axes of images: coordinates along them, spacing, and header values as JSON."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from cdt_core.errors import ReaderError

__all__ = ["LONGEST_AXIS", "axis_coordinate", "expected_bytes", "json_value", "place_attributes"]

#: The longest binary value that is kept as text; longer ones are named by their length alone.
_MOST_BYTES = 1 << 20


#: A longer axis gets no coordinate: its length may be a lie, and positions that are evenly spaced say little.
LONGEST_AXIS = 1 << 24


def axis_coordinate(
    dim: str, length: int, step: float, start: float = 0.0, attributes: Mapping[str, Any] | None = None
) -> xr.Variable:
    """Positions ``start + i * step`` of the pixel centres along ``dim``, float64."""
    return xr.Variable((dim,), start + step * np.arange(length, dtype=np.float64), dict(attributes or {}))


def expected_bytes(where: str, shape: tuple[int, ...], bits_per_value: int) -> int:
    """Bytes that values of ``shape`` take when packed without gaps; a size no file can have is an error.

    Examples
    --------
    >>> expected_bytes("scan.dcm", (2, 3), 12)
    9
    """
    if any(length < 1 for length in shape):
        raise ReaderError(f"{where}: the header gives an image of shape {shape}, which holds nothing")
    count = math.prod(shape)
    if count > 1 << 60:
        raise ReaderError(f"{where}: the header gives an image of shape {shape}, more than any file holds")
    return -(-count * bits_per_value // 8)


def place_attributes(
    axes: Sequence[str],
    coordinates: Mapping[str, xr.Variable],
    affine: list[list[float]] | None = None,
    space: str = "",
) -> dict[str, Any]:
    """Which axes are of space, their spacing (median step, ``None`` where unknown), and the affine with its space.

    Examples
    --------
    >>> rows = axis_coordinate("y", 4, 0.7, attributes={"units": "mm"})
    >>> place_attributes(["z", "y"], {"y": rows, "z": rows[:1]})
    {'spatial_axes': ['z', 'y'], 'spacing': [None, 0.7], 'spacing_units': 'mm'}
    """
    found: dict[str, Any] = {"spatial_axes": list(axes)}
    spacing = [_spacing(coordinates.get(axis)) for axis in axes]
    if any(step is not None for step in spacing):
        found["spacing"] = spacing
    units = [str(coordinates[axis].attrs.get("units", "")) if axis in coordinates else "" for axis in axes]
    if any(units):
        found["spacing_units"] = units[0] if len(set(units)) == 1 else units
    if affine is not None:
        found.update(affine=affine, affine_space=space)
    return found


def _spacing(coordinate: xr.Variable | None) -> float | None:
    if coordinate is None or coordinate.size < 2:
        return None
    step = float(np.median(np.abs(np.diff(np.asarray(coordinate.values, np.float64)))))
    return float(f"{step:.12g}")  # without the rounding of the positions


def json_value(value: Any) -> Any:
    """A header's value as JSON: bytes as text where they are, as base64 where not; numbers that are not finite as text."""
    if isinstance(value, np.ndarray):
        return [json_value(item) for item in value] if value.ndim else json_value(value[()])
    if isinstance(value, np.generic):
        return json_value(value.item())
    if isinstance(value, bytes):
        return _text_or_base64(value)
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, int):
        return int(value)  # enumerations become numbers
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, Mapping):
        return {str(key): json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(item) for item in value]
    return str(value)


def _text_or_base64(value: bytes) -> Any:
    if len(value) > _MOST_BYTES:
        return {"bytes_left_out": len(value)}
    text = value.rstrip(b"\0")
    if all(32 <= byte < 127 or byte >= 160 or byte in (9, 10, 13) for byte in text):
        return text.decode("latin-1")
    return {"base64": base64.b64encode(value).decode("ascii")}
