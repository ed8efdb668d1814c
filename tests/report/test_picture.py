"""Pictures are PNG files that show the colour map, and grey where there is no value."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
import pytest

from cdt_core.report.picture import DIVERGING, SEQUENTIAL, data_url


def pixels(url: str) -> np.ndarray:
    """Red, green and blue of a picture, read by the PNG specification."""
    data = base64.b64decode(url.removeprefix("data:image/png;base64,"))
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    parts, at = {}, 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length) == (zlib.crc32(kind + body),)
        parts[kind], at = body, at + 12 + length
    width, height, *rest = struct.unpack(">IIBBBBB", parts[b"IHDR"])
    assert rest == [8, 3, 0, 0, 0]
    rows = np.frombuffer(zlib.decompress(parts[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert not rows[:, 0].any()
    return np.frombuffer(parts[b"PLTE"], np.uint8).reshape(-1, 3)[rows[:, 1:]]


def test_ends_middle_and_missing_have_their_colours():
    shown = pixels(data_url(np.array([[-1.0, 0.0, 1.0], [np.nan, 9.0, -9.0]]), -1, 1, DIVERGING))
    assert ["".join(f"{c:02x}" for c in pixel) for pixel in shown.reshape(-1, 3)] == [
        "2166ac",
        "f7f7f7",
        "b2182b",
        "969696",
        "b2182b",
        "2166ac",
    ]


def test_values_in_between_are_interpolated():
    shown = pixels(data_url(np.linspace(0, 1, 511)[None], 0, 1, SEQUENTIAL)).astype(int)
    assert np.abs(np.diff(shown[0], axis=0)).max() <= 3
    assert len(np.unique(shown[0], axis=0)) > 200


@pytest.mark.parametrize("ends", [(2.0, 2.0), (-1.7e308, 1.7e308)])
def test_a_span_without_sense_is_one_colour(ends):
    assert len(np.unique(pixels(data_url(np.array([[1.0, 2.0]]), *ends, SEQUENTIAL)).reshape(-1, 3), axis=0)) == 1
