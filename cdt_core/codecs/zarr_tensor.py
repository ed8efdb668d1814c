"""``cdt.tensor``: the Zarr v3 array-to-bytes codec, found by the entry point group ``zarr.codecs``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from zarr.abc.codec import ArrayBytesCodec

from cdt_core.codecs.bounded import missing_code
from cdt_core.codecs.settings import PROMISE_SCHEMA, configuration_of
from cdt_core.codecs.tensor import decode_fitting, metadata_of
from cdt_core.errors import BoundError
from cdt_core.kernels import stats, tensor_stream
from cdt_core.model import Bound

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from zarr.core.array_spec import ArraySpec
    from zarr.core.buffer import Buffer, NDBuffer

__all__ = ["CONFIGURATION_SCHEMA", "TensorCodec"]

#: JSON schema of the codec's configuration.
CONFIGURATION_SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "cdt.tensor",
    "type": "object",
    "properties": {
        "version": {"const": 1},
        **PROMISE_SCHEMA,
    },
    "required": ["version", "bound"],
    "additionalProperties": False,
}

#: What configurations of each version may hold.
_KEYS: Mapping[int, tuple[str, ...]] = {1: ("bound", "missing")}


@dataclass(frozen=True)
class TensorCodec(ArrayBytesCodec):
    """Whole chunks as tensor trains or cores with bases, to a target of the root mean square error or an absolute bound.

    ``bound`` as :class:`cdt_core.Bound` reads it; ``rel`` and ``psnr`` are of each chunk's own range. ``missing`` codes stay
    bit-exact. A chunk is always decoded whole.
    """

    is_fixed_size = False

    bound: str = "lossless"
    missing: tuple[float | int, ...] = ()

    def __post_init__(self) -> None:
        Bound.parse(self.bound)
        object.__setattr__(self, "missing", tuple(missing_code(code, "cdt.tensor") for code in self.missing))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TensorCodec:
        """From the metadata's ``{"name": "cdt.tensor", "configuration": {...}}``.

        Raises
        ------
        CdtError
            Another version, a key that this one does not have, or a value that makes no sense.
        """
        return cls(**configuration_of("cdt.tensor", data, _KEYS))

    def to_dict(self) -> dict[str, Any]:
        """The metadata of this codec."""
        return metadata_of(self.bound, self.missing)

    def evolve_from_array_spec(self, array_spec: ArraySpec) -> TensorCodec:
        """The same codec: it needs nothing of the array."""
        return replace(self)

    def validate(self, *, shape: tuple[int, ...], dtype: Any, chunk_grid: Any) -> None:
        """Refuse types that no stream holds, when the array is made."""
        tensor_stream.encode(np.zeros(1, dtype.to_native_dtype()), Bound("lossless"))

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        """Not known before encoding."""
        raise NotImplementedError("the size of a cdt.tensor chunk is known only once it is encoded")

    def _encode_sync(self, chunk_data: NDBuffer, chunk_spec: ArraySpec) -> Buffer:
        values = chunk_data.as_numpy_array()
        stream = tensor_stream.encode(
            values, _own(values, Bound.parse(self.bound), self.missing), missing=self.missing
        ).stream
        return chunk_spec.prototype.buffer.from_bytes(stream)

    def _decode_sync(self, chunk_data: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        stream = memoryview(cast("Any", chunk_data.as_numpy_array()))
        dtype = chunk_spec.dtype.to_native_dtype()
        values = decode_fitting(stream, chunk_spec.shape, dtype)
        return chunk_spec.prototype.nd_buffer.from_ndarray_like(cast("Any", values.astype(dtype, copy=False)))

    async def _encode_single(self, chunk_data: NDBuffer, chunk_spec: ArraySpec) -> Buffer | None:
        return await asyncio.to_thread(self._encode_sync, chunk_data, chunk_spec)

    async def _decode_single(self, chunk_data: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        return await asyncio.to_thread(self._decode_sync, chunk_data, chunk_spec)


def _own(values: NDArray[Any], asked: Bound, missing: tuple[float | int, ...]) -> Bound:
    """``psnr`` as the ``rmse``, and ``rel`` as the ``abs``, of the chunk's own range; without one, lossless."""
    if asked.kind not in ("rel", "psnr"):
        return asked
    if values.dtype.kind not in "iuf":
        return Bound("lossless")
    found = stats.describe(values, missing=stats.mask(values, missing))
    try:
        own = asked.as_rmse if asked.kind == "psnr" else asked.applied
        return own(found.minimum, found.maximum)
    except BoundError:
        return Bound("lossless")
