"""The head of tensor streams, and what surrounds their parts."""

from __future__ import annotations

import math
import struct
import zlib
from typing import Any

import numpy as np
from attrs import frozen

from cdt_core.errors import CorruptStreamError
from cdt_core.kernels import compress
from cdt_core.kernels.tensor_stream.coded import AXES
from cdt_core.kernels.tensor_stream.fields import Reading, packed
from cdt_core.model import Bound

__all__ = [
    "CORE",
    "PLAIN",
    "SIGNATURE",
    "TRAIN",
    "TYPES",
    "TensorHeader",
    "folded",
    "open_stream",
    "pack",
    "pack_plain",
    "read_header",
]

SIGNATURE = b"\x93CDC"
_VERSION = 1
#: Methods: a stream of :mod:`cdt_core.kernels.compress`, a core, a train.
PLAIN, CORE, TRAIN = 0, 1, 2
#: Types that cores and trains hold, by their number.
TYPES: tuple[np.dtype[Any], ...] = tuple(map(np.dtype, ("f2", "f4", "f8", "i1", "i2", "i4", "u1", "u2", "u4")))
_BOUNDS = ("abs", "rmse")
_MOST_AXES = 32
_CHECKSUM = 4


@frozen(eq=False)
class TensorHeader:
    """What a stream says of itself: type, shape, the promise kept, and the errors measured (``rmse`` over finite values; NaN
    where the stream is a plain one, which does not say it).
    """

    method: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    bound: Bound
    max_error: float
    rmse: float
    centre: float = 0.0
    step: float = 0.0


def folded(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that is decomposed: without axes of length 1, the leading axes joined until four are left."""
    lengths = [n for n in shape if n != 1] or [1]
    lead = max(0, len(lengths) - AXES)
    return (math.prod(lengths[: lead + 1]), *lengths[lead + 1 :])


def pack_plain(stream: bytes) -> bytes:
    """A stream of the bounded codec as a tensor stream."""
    return _closed(SIGNATURE + bytes([_VERSION, PLAIN]) + stream)


def pack(header: TensorHeader, parts: tuple[bytes, ...]) -> bytes:
    """A stream of a core or a train: body, mask and values of what is exact, residual."""
    head = bytes([_VERSION, header.method, TYPES.index(header.dtype), len(header.shape)])
    head += b"".join(map(packed, header.shape)) + bytes([_BOUNDS.index(header.bound.kind)])
    head += struct.pack("<5d", header.bound.value, header.max_error, header.rmse, header.centre, header.step)
    return _closed(SIGNATURE + head + b"".join(packed(len(part)) + part for part in parts))


def _closed(stream: bytes) -> bytes:
    return stream + struct.pack("<I", zlib.crc32(stream))


def open_stream(stream: bytes | memoryview) -> tuple[TensorHeader, Reading]:
    """The head, and a reading behind it: of the parts, or of a plain stream.

    Raises
    ------
    CorruptStreamError
        No tensor stream, one of another version, or a damaged one.
    """
    data = bytes(stream)
    reading = Reading(data[:-_CHECKSUM])
    if len(data) < len(SIGNATURE) + 2 + _CHECKSUM or reading.take(len(SIGNATURE)) != SIGNATURE:
        raise CorruptStreamError("it is no tensor stream: its signature is missing")
    version, method = reading.take(2)
    if version != _VERSION:
        raise CorruptStreamError(f"it is a tensor stream of version {version}; this release reads version {_VERSION}")
    if zlib.crc32(data[:-_CHECKSUM]) != struct.unpack("<I", data[-_CHECKSUM:])[0]:
        raise CorruptStreamError("its checksum is not that of its bytes: it is damaged, or cut off")
    if method == PLAIN:
        inner = compress.read_header(data[reading.at : -_CHECKSUM])
        return TensorHeader(PLAIN, inner.dtype, inner.shape, inner.applied, inner.max_error, math.nan), reading
    return _head_of(method, reading), reading


def _head_of(method: int, reading: Reading) -> TensorHeader:
    code, ndim = reading.take(2)
    if method not in (CORE, TRAIN) or code >= len(TYPES) or ndim > _MOST_AXES:
        raise CorruptStreamError(f"method {method}, type {code} or {ndim} axes are not known")
    shape = tuple(reading.number() for _ in range(ndim))
    kind = reading.take(1)[0]
    numbers = [reading.real() for _ in range(5)]
    value, max_error, rmse, centre, step = numbers
    if kind >= len(_BOUNDS) or not all(map(math.isfinite, numbers)) or not (value > 0 and step > 0):
        raise CorruptStreamError("its head has a bound, an error or a step that no encoder writes")
    if not math.prod(shape):
        raise CorruptStreamError(f"shape {shape} has no values to decompose")
    return TensorHeader(method, TYPES[code], shape, Bound(_BOUNDS[kind], value), max_error, rmse, centre, step)


def read_header(stream: bytes | memoryview) -> TensorHeader:
    """What a stream says of itself, after its checksum was compared. Raises ``CorruptStreamError``."""
    return open_stream(stream)[0]
