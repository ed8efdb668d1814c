"""The stream container, version 1: header, block table, payloads, checksum. FORMAT.md is its specification."""

from __future__ import annotations

import math
import re
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from attrs import frozen

from cdt_core.errors import BoundError, CorruptStreamError, UnsupportedDtypeError
from cdt_core.model import Bound

__all__ = [
    "LATTICES",
    "MAGIC",
    "MAX_AXES",
    "MAX_BLOCK_VALUES",
    "VERSION",
    "StreamHeader",
    "pack_stream",
    "unpack_stream",
]

MAGIC = b"\x93CDT\r\n\x1a\n"
VERSION = 1

#: How values became integers: their own bits, multiples of a float step, keys over an integer step, integer steps.
LATTICES = ("key", "linear", "key_steps", "integer_steps")
_BOUNDS = ("lossless", "abs", "pw_rel", "rel")
_FIXED = struct.Struct("<8sHBBBB16sddddQQQ")
_DTYPE = re.compile(r"\|[biu]1|<[iu][248]|<f[248]|<c8|<c16|<[mM]8(?:\[(?:[1-9][0-9]*)?[a-zA-Z]+\])?")
_DTYPE_BYTES = 16

#: A block holds at most so many values, so that few bytes never stand for an unbounded array.
MAX_BLOCK_VALUES = 1 << 24
#: Of arrays, and one more for the two parts of complex numbers.
MAX_AXES = 33


@frozen(eq=False)
class StreamHeader:
    """What a stream says of itself.

    ``asked`` is the promise that the caller named, ``applied`` the one that each value keeps; ``max_error`` the largest error,
    measured (relative for ``pw_rel``); ``exact_values`` how many values are kept bit-exact beside the lattice. ``step`` is the
    lattice's step (``linear``), ``integer_step`` that of keys, or the bound of integer steps.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    block_shape: tuple[int, ...]
    lattice: str
    asked: Bound
    applied: Bound
    step: float
    integer_step: int
    max_error: float
    exact_values: int
    version: int = VERSION

    @property
    def block_counts(self) -> tuple[int, ...]:
        """Number of blocks along each axis."""
        return tuple(-(-n // b) for n, b in zip(self.shape, self.block_shape, strict=True))

    @property
    def block_count(self) -> int:
        """Number of blocks."""
        return math.prod(self.block_counts)


def pack_stream(header: StreamHeader, blocks: Sequence[bytes]) -> bytes:
    """The stream of a header and its blocks, in C order of the block grid."""
    dtype_text = header.dtype.str.encode()
    if len(dtype_text) > _DTYPE_BYTES:
        raise UnsupportedDtypeError(
            f"the name of dtype {header.dtype} is too long for a stream; use another unit of time"
        )
    fixed = _FIXED.pack(
        MAGIC,
        VERSION,
        LATTICES.index(header.lattice),
        len(header.shape),
        _BOUNDS.index(header.asked.kind),
        _BOUNDS.index(header.applied.kind),
        dtype_text,
        header.asked.value,
        header.applied.value,
        header.step,
        header.max_error,
        header.integer_step,
        header.exact_values,
        len(blocks),
    )
    geometry = struct.pack(f"<{2 * len(header.shape)}Q", *header.shape, *header.block_shape)
    table = struct.pack(f"<{len(blocks)}I", *(len(block) for block in blocks))
    head = fixed + geometry + table
    body = b"".join((head, struct.pack("<I", zlib.crc32(head)), *blocks))
    return body + struct.pack("<I", zlib.crc32(body))


def unpack_stream(stream: bytes | memoryview, *, check: bool = True) -> tuple[StreamHeader, list[memoryview]]:
    """Header and blocks of a stream; with ``check`` the checksum of the whole is compared.

    Raises
    ------
    CorruptStreamError
        Anything that no encoder writes.
    """
    view = memoryview(stream).cast("B")
    if len(view) < _FIXED.size + 8 or bytes(view[: len(MAGIC)]) != MAGIC:
        raise CorruptStreamError(f"not a stream of cdt: {len(view)} bytes without its signature")
    fields = _FIXED.unpack_from(view)
    if fields[1] != VERSION:
        raise CorruptStreamError(
            f"stream version {fields[1]}; this release reads version {VERSION}, a newer one may read it"
        )
    ndim, count = fields[3], fields[-1]
    if ndim > MAX_AXES:
        raise CorruptStreamError(f"{ndim} axes, more than an array can have")
    table_at = _FIXED.size + 16 * ndim
    head_end = table_at + 4 * count
    if head_end + 8 > len(view):
        raise CorruptStreamError(f"cut off in its header: {len(view)} bytes for a table of {count} blocks")
    if struct.unpack_from("<I", view, head_end)[0] != zlib.crc32(view[:head_end]):
        raise CorruptStreamError("the header's checksum does not match; the stream was damaged")
    if check and struct.unpack_from("<I", view, len(view) - 4)[0] != zlib.crc32(view[:-4]):
        raise CorruptStreamError("the checksum does not match; the stream was damaged or cut off")
    geometry = struct.unpack_from(f"<{2 * ndim}Q", view, _FIXED.size)
    header = _header(fields, geometry[:ndim], geometry[ndim:])
    if header.block_count != count:
        raise CorruptStreamError(f"{count} blocks, but its shapes need {header.block_count}")
    sizes = struct.unpack_from(f"<{count}I", view, table_at)
    if head_end + 4 + sum(sizes) + 4 != len(view):
        raise CorruptStreamError(f"holds {len(view)} bytes, not those of its {count} blocks")
    blocks, at = [], head_end + 4
    for size in sizes:
        blocks.append(view[at : at + size])
        at += size
    return header, blocks


def _header(fields: tuple[Any, ...], shape: tuple[int, ...], block_shape: tuple[int, ...]) -> StreamHeader:
    _, _, lattice, _, asked, applied, dtype_text, asked_value, applied_value, step, max_error, integer_step, exact = (
        fields[:-1]
    )
    text = dtype_text.rstrip(b"\0").decode("ascii", "replace")
    if lattice >= len(LATTICES) or asked >= len(_BOUNDS) or applied >= len(_BOUNDS) or not _DTYPE.fullmatch(text):
        raise CorruptStreamError("its header names a lattice, bound or dtype that does not exist")
    try:
        dtype = np.dtype(text)
        bounds = [
            Bound(_BOUNDS[kind]) if _BOUNDS[kind] == "lossless" else Bound.parse(f"{_BOUNDS[kind]}:{value!r}")
            for kind, value in ((asked, asked_value), (applied, applied_value))
        ]
    except (TypeError, ValueError, BoundError) as error:
        raise CorruptStreamError(f"its header is senseless: {error}") from error
    if dtype.str != text:
        raise CorruptStreamError(f"its header spells the dtype {dtype.str} as {text}")
    _check_geometry(dtype, shape, block_shape)
    if bounds[1].kind == "rel" or not 0 <= max_error <= bounds[1].value or exact > math.prod(shape):
        raise CorruptStreamError(
            f"its bound {bounds[1]}, error {max_error} and {exact} exact values contradict themselves"
        )
    return StreamHeader(
        dtype, shape, block_shape, LATTICES[lattice], bounds[0], bounds[1], step, integer_step, max_error, exact
    )


def _check_geometry(dtype: np.dtype[Any], shape: tuple[int, ...], block_shape: tuple[int, ...]) -> None:
    """Refuse what no array can have: NumPy's own limit counts axes of length 0 as 1."""
    if (
        any(length < 1 for length in block_shape)
        or math.prod(block_shape) > MAX_BLOCK_VALUES
        or math.prod(max(1, length) for length in shape) * dtype.itemsize >= 1 << 63
    ):
        raise CorruptStreamError(f"blocks of shape {block_shape} in an array of shape {shape} are not possible")
    if dtype.kind == "c" and shape[-1:] != (2,):
        raise CorruptStreamError("complex numbers need an axis of two parts")
