"""For readers of Zarr: chunks that Blosc compressed must have the length that their headers name, since its decoder reads past
the end of shorter ones and gives values that were never written.
"""

from __future__ import annotations

import itertools
import struct
from typing import Any

import zarr
from zarr.abc.store import RangeByteRequest
from zarr.core.sync import sync

__all__ = ["check_chunks", "is_blosc"]

_HEADER = 16
_LENGTH_AT = 12


def is_blosc(array: zarr.Array[Any]) -> bool:
    """True when each stored chunk is one Blosc buffer."""
    codecs = [str(getattr(codec, "codec_id", "") or type(codec).__name__).lower() for codec in array.compressors]
    return array.shards is None and bool(codecs) and "blosc" in codecs[-1]


def check_chunks(array: zarr.Array[Any], region: tuple[slice, ...]) -> None:
    """Raise ``ValueError`` when a chunk that ``region`` touches is shorter than its header says."""
    touched = (
        range(part.start // size, -(-part.stop // size) if part.stop > part.start else part.start // size)
        for part, size in zip(region, array.chunks, strict=True)
    )
    for place in itertools.product(*touched):
        path = array.store_path / array.metadata.encode_chunk_key(place)
        head = sync(path.get(byte_range=RangeByteRequest(0, _HEADER)))
        if head is None:
            continue
        raw = head.to_bytes()
        claimed = struct.unpack_from("<I", raw, _LENGTH_AT)[0] if len(raw) == _HEADER else _HEADER
        stored = sync(path.store.getsize(path.path))
        if stored < claimed or stored < _HEADER:
            raise ValueError(f"chunk {path.path!r} has {stored} bytes, but its header asks for {claimed}")
