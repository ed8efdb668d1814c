"""One block: values to lattice codes, predicted, in planes, entropy-coded; and back."""

from __future__ import annotations

import struct
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import zstandard
from attrs import frozen

from cdt_core.errors import CorruptStreamError
from cdt_core.kernels import _compress

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Lattice", "decode_block", "encode_block"]

_RAW, _CONSTANT, _PLANES = 0, 1, 2
_HEAD = struct.Struct("<BBBBIQ")
#: The predictor works on at most so many axes; leading ones are joined.
_MAX_AXES = 8
_local = threading.local()


@frozen(eq=False)
class Lattice:
    """How the values of a stream become codes.

    The kind (:data:`cdt_core.kernels.container.LATTICES`), its steps, the bound that is verified, and the codes that stay
    bit-exact (an array of the values' dtype).
    """

    kind: str
    step: float
    integer_step: int
    bound: float
    missing: NDArray[Any]

    def encode(self, values: NDArray[Any], codes: NDArray[Any]) -> tuple[NDArray[Any], float]:
        """Codes of flat ``values``; positions kept exact and the largest error."""
        if self.kind == "linear":
            return _compress.linear_encode(values, self.bound, self.step, self.missing, codes)
        if self.kind == "integer_steps":
            return _compress.steps_encode(values, self.integer_step, self.missing, codes)
        bound = -1.0 if self.kind == "key" else self.bound
        return _compress.key_encode(values, bound, self.integer_step, self.missing, codes)

    def decode(self, codes: NDArray[Any], values: NDArray[Any]) -> None:
        """Flat ``values`` of ``codes``."""
        if self.kind == "linear":
            _compress.linear_decode(codes, self.step, values)
        elif self.kind == "integer_steps":
            _compress.steps_decode(codes, self.integer_step, values)
        else:
            _compress.key_decode(codes, self.integer_step, values)


def _compressor(level: int) -> zstandard.ZstdCompressor:
    made: dict[int, zstandard.ZstdCompressor] = _local.__dict__.setdefault("compressors", {})
    if level not in made:
        made[level] = zstandard.ZstdCompressor(level=level)
    return made[level]


def _decompressor() -> zstandard.ZstdDecompressor:
    if not hasattr(_local, "decompressor"):
        _local.decompressor = zstandard.ZstdDecompressor()
    decompressor: zstandard.ZstdDecompressor = _local.decompressor
    return decompressor


def _axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape without axes of length 1, leading ones joined to at most eight."""
    sides = [length for length in shape if length > 1] or [1]
    while len(sides) > _MAX_AXES:
        sides[:2] = [sides[0] * sides[1]]
    return tuple(sides)


def _shuffled(values: NDArray[Any]) -> bytes:
    """Bytes of all values, first bytes first."""
    return values.view(np.uint8).reshape(-1, values.dtype.itemsize).T.tobytes()


def _unshuffled(data: bytes, dtype: np.dtype[Any]) -> NDArray[Any]:
    planes = np.frombuffer(data, np.uint8).reshape(dtype.itemsize, -1)
    return np.ascontiguousarray(planes.T).view(dtype).reshape(-1)


def encode_block(values: NDArray[Any], lattice: Lattice, shuffle: str, level: int) -> tuple[bytes, float, int]:
    """A block's bytes, its largest error, and how many values are kept exact.

    ``values`` is C-contiguous, of any shape, not empty; never more than 1 byte longer than the values themselves.
    """
    flat = values.reshape(-1)
    bits = flat.view(f"u{flat.itemsize}")
    if bits[-1] == bits[0] and bool((bits == bits[0]).all()):
        return bytes([_CONSTANT]) + flat[:1].tobytes(), 0.0, 0
    codes = np.empty(flat.size, bits.dtype)
    positions, max_error = lattice.encode(flat, codes)
    kept = flat[positions] if lattice.kind != "key" and positions.size else flat[:0]
    positions = positions[: kept.size]
    base = int(codes[0])
    np.subtract(codes, codes.dtype.type(base), out=codes)
    sides = _axes(values.shape)
    orders, used = _compress.predict(codes, sides)
    candidates = {"byte": (False,), "bit": (True,), "auto": (False, True)}[shuffle]
    tail = b""
    if kept.size:
        tail = _shuffled(np.diff(positions, prepend=np.uint32(0)).astype("<u4")) + _shuffled(kept)
    best: bytes | None = None
    for by_bit in candidates:
        encoded = _planes(codes, used, by_bit, tail, level)
        planes = used if by_bit else -(-used // 8)
        head = _HEAD.pack(_PLANES, by_bit, len(sides), planes, kept.size, base) + orders
        if best is None or len(head) + len(encoded) < len(best):
            best = head + encoded
    if best is None or len(best) > flat.nbytes:
        return bytes([_RAW]) + flat.tobytes(), 0.0, 0
    return best, max_error, int(kept.size)


def _planes(codes: NDArray[Any], used: int, by_bit: bool, tail: bytes, level: int) -> bytes:
    planes = used if by_bit else -(-used // 8)
    width = -(-codes.size // 8) if by_bit else codes.size
    buffer = np.empty(planes * width + len(tail), np.uint8)
    _compress.to_planes(codes, planes, by_bit, buffer[: planes * width])
    if tail:
        buffer[planes * width :] = np.frombuffer(tail, np.uint8)
    return _compressor(level).compress(buffer.data)


def decode_block(data: memoryview, lattice: Lattice, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The values of a block.

    Raises
    ------
    CorruptStreamError
        The bytes are not a block of that shape and dtype.
    """
    count = int(np.prod(shape, dtype=np.int64))
    method = data[0] if len(data) else -1
    if method == _RAW and len(data) == 1 + count * dtype.itemsize:
        return np.frombuffer(data, dtype, offset=1).reshape(shape)
    if method == _CONSTANT and len(data) == 1 + dtype.itemsize:
        return np.full(shape, np.frombuffer(data, dtype, offset=1)[0])
    if method != _PLANES or len(data) < _HEAD.size:
        raise CorruptStreamError(f"a block of {len(data)} bytes has no known method")
    _, by_bit, axes, planes, n_exact, base = _HEAD.unpack_from(data)
    sides = _axes(shape)
    start = _HEAD.size + axes
    most = 8 * dtype.itemsize if by_bit else dtype.itemsize
    if axes != len(sides) or by_bit > 1 or planes > most or n_exact > count or len(data) < start:
        raise CorruptStreamError("a block's header does not fit its shape")
    orders = bytes(data[_HEAD.size : start])
    if max(orders) > 2:
        raise CorruptStreamError("a block's predictor does not exist")
    width = -(-count // 8) if by_bit else count
    raw = _inflated(data[start:], planes * width + n_exact * (4 + dtype.itemsize))
    codes = np.empty(count, f"u{dtype.itemsize}")
    _compress.from_planes(np.frombuffer(raw, np.uint8, planes * width), planes, bool(by_bit), codes)
    _compress.unpredict(codes, sides, orders)
    np.add(codes, codes.dtype.type(base & (256**dtype.itemsize - 1)), out=codes)
    values = np.empty(count, dtype)
    lattice.decode(codes, values)
    if n_exact:
        _place_exact(values, raw[planes * width :], n_exact)
    return values.reshape(shape)


def _inflated(data: memoryview, size: int) -> bytes:
    try:
        if zstandard.frame_content_size(data) != size:
            raise CorruptStreamError("a block's compressed size does not fit its shape")
        raw: bytes = _decompressor().decompress(data, max_output_size=max(1, size), allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise CorruptStreamError(f"a block's compressed bytes are damaged: {error}") from error
    if len(raw) != size:
        raise CorruptStreamError("a block's compressed bytes end early")
    return raw


def _place_exact(values: NDArray[Any], tail: bytes, n_exact: int) -> None:
    gaps = _unshuffled(tail[: 4 * n_exact], np.dtype("<u4"))
    positions = np.cumsum(gaps, dtype=np.uint64)
    if positions[-1] >= values.size or not gaps[1:].all():
        raise CorruptStreamError("a block keeps an exact value outside itself, or one place twice")
    values[positions] = _unshuffled(tail[4 * n_exact :], values.dtype)
