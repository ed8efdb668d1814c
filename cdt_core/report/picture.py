"""Planes of values as colour-mapped PNG pictures (ISO/IEC 15948), as data URLs."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DIVERGING", "SEQUENTIAL", "css_gradient", "data_url"]

#: Perceptually uniform, readable without colour vision: eleven points of "viridis" (van der Walt & Smith 2015).
SEQUENTIAL = [
    "440154",
    "482475",
    "414487",
    "355f8d",
    "2a788e",
    "21918c",
    "22a884",
    "44bf70",
    "7ad151",
    "bddf26",
    "fde725",
]
#: Blue over white to red: the seven-class "RdBu" of ColorBrewer (Brewer 2002), reversed.
DIVERGING = ["2166ac", "67a9cf", "d1e5f0", "f7f7f7", "fddbc7", "ef8a62", "b2182b"]
_MISSING = (150, 150, 150)
_STEPS = 255


def css_gradient(colours: Sequence[str]) -> str:
    """The colour map as a CSS gradient, for the colour bar."""
    return f"linear-gradient(to right, {', '.join('#' + colour for colour in colours)})"


def data_url(values: NDArray[np.float64], low: float, high: float, colours: Sequence[str]) -> str:
    """A PNG of a 2-d array, ``low`` .. ``high`` over the colour map in 255 steps, NaN in grey."""
    span = high - low
    with np.errstate(invalid="ignore", over="ignore"):
        share = (values - low) / span if span > 0 and np.isfinite(span) else np.zeros_like(values)
        steps = np.clip(np.nan_to_num(share), 0, 1) * (_STEPS - 1)
    indices = np.rint(steps).astype(np.uint8)
    indices[~np.isfinite(values)] = _STEPS
    return "data:image/png;base64," + base64.b64encode(_png(indices, _palette(colours))).decode()


def _palette(colours: Sequence[str]) -> bytes:
    """The colour map in equal steps, and the colour of missing values."""
    table = np.array([[int(c[i : i + 2], 16) for i in (0, 2, 4)] for c in colours], dtype=np.float64)
    at = np.linspace(0, len(colours) - 1, _STEPS)
    steps = [np.interp(at, np.arange(len(colours)), channel) for channel in table.T]
    return bytes(np.rint(np.stack(steps, axis=1)).astype(np.uint8)) + bytes(_MISSING)


def _png(indices: NDArray[np.uint8], palette: bytes) -> bytes:
    height, width = indices.shape
    rows = np.pad(indices, ((0, 0), (1, 0)))  # each row begins with the number of its filter: none
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    data = zlib.compress(rows.tobytes(), 6)
    parts = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )
