"""Zarr's own codecs: little-endian bytes and Zstandard, so that people without cdt can read what needs no bound."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import zstandard

from cdt_core.codecs.settings import check_settings
from cdt_core.errors import CorruptStreamError
from cdt_core.hooks.contracts import Encoded
from cdt_core.model import Bound, VariableProfile, VariableSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Plain"]

_LEVELS: Mapping[str, tuple[int, ...]] = {"speed": (1, 3), "balanced": (3,), "size": (3, 9, 19)}


class Plain:
    """Lossless storage as ``bytes`` + ``zstd`` (Zarr core specification 3.0)."""

    def __init__(self, parameters: Mapping[str, Any], bound: Bound, missing: Sequence[float | int]) -> None:
        check_settings("zstd", parameters, ("level",))
        self.level: int = parameters.get("level", 3)
        self._local = threading.local()

    def __getstate__(self) -> dict[str, Any]:
        return {"level": self.level}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.level = state["level"]
        self._local = threading.local()

    @classmethod
    def candidates(
        cls, spec: VariableSpec, profile: VariableProfile, bound: Bound, objective: str
    ) -> Sequence[Mapping[str, Any]]:
        """One set per Zstandard level of the objective, fast ones first."""
        return [{"level": level} for level in _LEVELS[objective]]

    def encode(self, values: NDArray[Any]) -> Encoded:
        """The values as little-endian bytes in C order, compressed."""
        if not hasattr(self._local, "compressor"):
            self._local.compressor = zstandard.ZstdCompressor(level=self.level)
        little = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
        return Encoded(self._local.compressor.compress(little.reshape(-1).view(np.uint8)))

    def decode(self, stream: bytes, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """The values.

        Raises
        ------
        CorruptStreamError
            The stream is no Zstandard frame, or does not hold ``shape`` values of ``dtype``.
        """
        if not hasattr(self._local, "decompressor"):
            self._local.decompressor = zstandard.ZstdDecompressor()
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        try:
            # The library would allocate what the frame claims, whatever the limit.
            if zstandard.frame_content_size(stream) not in (size, -1):
                raise CorruptStreamError(f"does not hold the {size} bytes of shape {shape} and dtype {dtype}")
            raw = self._local.decompressor.decompress(stream, max_output_size=max(1, size), allow_extra_data=False)
        except zstandard.ZstdError as error:
            raise CorruptStreamError(f"not a valid Zstandard frame: {error}") from error
        if len(raw) != size:
            raise CorruptStreamError(f"holds {len(raw)} bytes, not the {size} of shape {shape} and dtype {dtype}")
        values = np.frombuffer(raw, dtype.newbyteorder("<")).reshape(shape)
        return values.astype(dtype.newbyteorder("="), copy=False)

    def metadata(self, dtype: np.dtype[Any]) -> list[dict[str, Any]]:
        """``bytes`` and ``zstd``, in the terms of Zarr v3."""
        endian: dict[str, Any] = {"configuration": {"endian": "little"}} if dtype.itemsize > 1 else {}
        return [
            {"name": "bytes", **endian},
            {"name": "zstd", "configuration": {"level": self.level, "checksum": False}},
        ]
