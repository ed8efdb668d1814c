"""The state of a sketch: one vector of sums, and its bytes."""

from __future__ import annotations

import json
import math
import struct
import zlib
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from cdt_core.errors import CorruptStreamError
from cdt_core.kernels.tensor_train.sketch_maps import PROBES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdt_core.kernels.tensor_train.sketch_maps import Maps

__all__ = ["Sums", "from_bytes", "length", "sums_of", "to_bytes"]

#: Signature, version, length of the JSON description; then the description, the sums, CRC-32 of all before it.
_HEAD = struct.Struct("<4sHH")
_SIGNATURE, _VERSION = b"CDTK", 1
_CRC = struct.Struct("<I")


@attrs.frozen(eq=False)
class Sums:
    """Views into a state: what each of its numbers is the sum of.

    ``totals`` holds the energy ``sum |x|^2`` and the number of elements seen; ``probes``, (8, 32), the sums of all elements
    under random signs; ``slices[k]``, (l_k, n_k, r_{k+1}), the tensor with every axis but k contracted with the random maps.
    """

    totals: NDArray[Any]
    probes: NDArray[Any]
    slices: list[NDArray[Any]]


def length(maps: Maps) -> int:
    """Numbers in a state."""
    return 2 + math.prod(PROBES) + sum(math.prod(size) for size in maps.slices)


def sums_of(state: NDArray[Any], maps: Maps) -> Sums:
    """The parts of a state; views, not copies."""
    at = 2 + math.prod(PROBES)
    slices = []
    for size in maps.slices:
        end = at + math.prod(size)
        slices.append(state[at:end].reshape(size))
        at = end
    return Sums(state[:2], state[2 : 2 + math.prod(PROBES)].reshape(PROBES), slices)


def to_bytes(state: NDArray[Any], what: dict[str, Any]) -> bytes:
    """A state with the description of its sketch, little-endian."""
    text = json.dumps(what, sort_keys=True, separators=(",", ":")).encode()
    body = _HEAD.pack(_SIGNATURE, _VERSION, len(text)) + text + state.astype(state.dtype.newbyteorder("<")).tobytes()
    return body + _CRC.pack(zlib.crc32(body))


def from_bytes(data: bytes, size: int, what: dict[str, Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The state of ``size`` sums; refuses bytes that are damaged or of another sketch."""
    if len(data) < _HEAD.size + _CRC.size or data[:4] != _SIGNATURE:
        raise CorruptStreamError("these bytes are no state of a tensor-train sketch; give what to_bytes made")
    _, version, text_length = _HEAD.unpack_from(data)
    if zlib.crc32(data[: -_CRC.size]) != _CRC.unpack(data[-_CRC.size :])[0]:
        raise CorruptStreamError(f"the checksum of a sketch's state of {len(data)} bytes is wrong; send it again")
    if version != _VERSION:
        raise CorruptStreamError(f"a sketch's state of version {version}; this reads version {_VERSION}")
    found = _description(data[_HEAD.size : _HEAD.size + text_length])
    if found != what:
        raise CorruptStreamError(
            f"a state of the sketch {found}, not of {what}; sketches add up only where they are the same"
        )
    numbers = data[_HEAD.size + text_length : -_CRC.size]
    if len(numbers) != size * dtype.itemsize:
        raise CorruptStreamError(f"a sketch's state has {len(numbers)} bytes of sums, not {size * dtype.itemsize}")
    return np.frombuffer(numbers, dtype.newbyteorder("<")).astype(dtype)


def _description(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError as wrong:
        raise CorruptStreamError("the description in a sketch's state is no JSON; send it again") from wrong
