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


def css_gradient(colours: Sequence[str]) -> str:
    """The colour map as a CSS gradient, for the colour bar."""
    return f"linear-gradient(to right, {', '.join('#' + colour for colour in colours)})"


def data_url(values: NDArray[np.float64], low: float, high: float, colours: Sequence[str]) -> str:
    """A PNG of a 2-d array, ``low`` .. ``high`` over the colour map, NaN in grey."""
    table = np.array([[int(c[i : i + 2], 16) for i in (0, 2, 4)] for c in colours], dtype=np.float64)
    span = high - low
    with np.errstate(invalid="ignore", over="ignore"):
        share = (values - low) / span if span > 0 and np.isfinite(span) else np.zeros_like(values)
    position = np.clip(np.nan_to_num(share), 0, 1) * (len(colours) - 1)
    below = np.minimum(position.astype(int), len(colours) - 2)
    weight = (position - below)[..., None]
    pixels = np.rint(table[below] * (1 - weight) + table[below + 1] * weight).astype(np.uint8)
    pixels[~np.isfinite(values)] = _MISSING
    return "data:image/png;base64," + base64.b64encode(_png(pixels)).decode()


def _png(pixels: NDArray[np.uint8]) -> bytes:
    height, width, _ = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
