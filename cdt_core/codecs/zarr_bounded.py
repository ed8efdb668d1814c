"""``cdt.bounded``: the Zarr v3 array-to-bytes codec, found by the entry point group ``zarr.codecs``."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from zarr.abc.codec import ArrayBytesCodec, ArrayBytesCodecPartialDecodeMixin

from cdt_core.codecs.bounded import check_fits, metadata_of, missing_code
from cdt_core.codecs.psnr import encode_psnr
from cdt_core.codecs.selection import box_of
from cdt_core.codecs.settings import PROMISE_SCHEMA, check_settings, configuration_of
from cdt_core.errors import BoundError
from cdt_core.kernels import compress, stats
from cdt_core.model import Bound

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from zarr.abc.store import ByteGetter
    from zarr.core.array_spec import ArraySpec
    from zarr.core.buffer import Buffer, NDBuffer
    from zarr.core.indexing import SelectorTuple

__all__ = ["CONFIGURATION_SCHEMA", "BoundedCodec"]

#: JSON schema of the codec's configuration.
CONFIGURATION_SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "cdt.bounded",
    "type": "object",
    "properties": {
        "version": {"const": 2},
        **PROMISE_SCHEMA,
        "profile": {"enum": list(compress.PROFILES)},
    },
    "required": ["version", "bound"],
    "additionalProperties": False,
}

#: What configurations of each version may hold. Those of version 1 said how chunks were written, which no reader needs.
_KEYS: Mapping[int, tuple[str, ...]] = {1: ("bound", "missing", "shuffle", "level"), 2: ("bound", "missing", "profile")}

#: Chunks of at least so many bytes are coded in a thread; smaller ones cost less than the hop.
_THREAD_BYTES = 64 << 10


@dataclass(frozen=True)
class BoundedCodec(ArrayBytesCodec, ArrayBytesCodecPartialDecodeMixin):
    """Error-bounded or lossless coding of whole chunks; reading a part of a chunk decodes the blocks that it needs.

    ``bound`` as :class:`cdt_core.Bound` reads it; ``rel`` and ``psnr`` are of each chunk's own range, ``rmse`` of
    its values. ``missing`` codes stay bit-exact.
    """

    is_fixed_size = False

    bound: str = "lossless"
    missing: tuple[float | int, ...] = ()
    profile: str = "balanced"

    def __post_init__(self) -> None:
        Bound.parse(self.bound)
        check_settings("cdt.bounded", {"profile": self.profile}, ("profile",))
        object.__setattr__(self, "missing", tuple(missing_code(code, "cdt.bounded") for code in self.missing))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> BoundedCodec:
        """From the metadata's ``{"name": "cdt.bounded", "configuration": {...}}``, of version 1 too.

        Raises
        ------
        CdtError
            Another version, a key that this one does not have, or a value that makes no sense.
        """
        configuration = configuration_of("cdt.bounded", data, _KEYS)
        return cls(**{key: value for key, value in configuration.items() if key in _KEYS[2]})

    def to_dict(self) -> dict[str, Any]:
        """The metadata of this codec."""
        return metadata_of(self.bound, self.missing, self.profile)

    def evolve_from_array_spec(self, array_spec: ArraySpec) -> BoundedCodec:
        """The same codec: it needs nothing of the array."""
        return replace(self)

    def validate(self, *, shape: tuple[int, ...], dtype: Any, chunk_grid: Any) -> None:
        """Refuse types that no stream holds, when the array is made."""
        compress.encode(np.zeros(1, dtype.to_native_dtype()), Bound("lossless"))

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        """Not known before encoding."""
        raise NotImplementedError("the size of a cdt.bounded chunk is known only once it is encoded")

    def _encode_sync(self, chunk_data: NDBuffer, chunk_spec: ArraySpec) -> Buffer:
        values = chunk_data.as_numpy_array()
        return chunk_spec.prototype.buffer.from_bytes(self._encoded(values))

    def _encoded(self, values: NDArray[Any]) -> bytes:
        asked = Bound.parse(self.bound)
        if asked.kind not in ("rel", "psnr", "rmse"):
            return compress.encode(values, asked, missing=self.missing, profile=self.profile).stream
        applied = _by_range(values, asked, self.missing)
        if asked.kind in ("psnr", "rmse") and not applied.is_lossless:
            return encode_psnr(values, asked, missing=self.missing, profile=self.profile, workers=1).stream
        return compress.encode(values, applied, asked=asked, missing=self.missing, profile=self.profile).stream

    def _decode_sync(
        self, chunk_data: Buffer, chunk_spec: ArraySpec, region: tuple[slice, ...] | None = None
    ) -> NDBuffer:
        stream = memoryview(cast("Any", chunk_data.as_numpy_array()))
        dtype = chunk_spec.dtype.to_native_dtype()
        check_fits(stream, chunk_spec.shape, dtype)
        values = compress.decode(stream, region=region, max_bytes=_nbytes(chunk_spec))
        return chunk_spec.prototype.nd_buffer.from_ndarray_like(cast("Any", values.astype(dtype, copy=False)))

    async def _encode_single(self, chunk_data: NDBuffer, chunk_spec: ArraySpec) -> Buffer | None:
        if _nbytes(chunk_spec) < _THREAD_BYTES:
            return self._encode_sync(chunk_data, chunk_spec)
        return await asyncio.to_thread(self._encode_sync, chunk_data, chunk_spec)

    async def _decode_single(self, chunk_data: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        if _nbytes(chunk_spec) < _THREAD_BYTES:
            return self._decode_sync(chunk_data, chunk_spec)
        return await asyncio.to_thread(self._decode_sync, chunk_data, chunk_spec)

    async def _decode_partial_single(
        self, byte_getter: ByteGetter, selection: SelectorTuple, chunk_spec: ArraySpec
    ) -> NDBuffer | None:
        chunk_data = await byte_getter.get(prototype=chunk_spec.prototype)
        if chunk_data is None:
            return None
        region, within = box_of(selection, chunk_spec.shape)
        if _nbytes(chunk_spec) < _THREAD_BYTES:
            return self._decode_sync(chunk_data, chunk_spec, region)[within]
        return (await asyncio.to_thread(self._decode_sync, chunk_data, chunk_spec, region))[within]


def _nbytes(spec: ArraySpec) -> int:
    return math.prod(spec.shape) * spec.dtype.to_native_dtype().itemsize


def _by_range(values: Any, asked: Bound, missing: tuple[float | int, ...]) -> Bound:
    """The chunk's own range decides; a chunk without a finite value is lossless."""
    found = stats.describe(values, missing=stats.mask(values, missing)) if values.dtype.kind in "iuf" else None
    try:
        return asked.applied(found.minimum, found.maximum) if found is not None else Bound("lossless")
    except BoundError:
        return Bound("lossless")
