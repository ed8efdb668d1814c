"""The plan of a variable that holds text, with its size as Zarr's own codecs make it."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

import zstandard

from cdt_core.model import Bound, VariablePlan, VariableSpec
from cdt_core.model.grid import ChunkGrid
from cdt_core.planning.trial import SampledValues, sampled_regions

__all__ = ["TEXT_CODEC", "text_plan"]

#: Strings are stored by Zarr's own codecs.
TEXT_CODEC = "zarr.string"
#: Strings that are sampled at most.
_STRINGS = 1 << 13
_LENGTH = struct.Struct("<I")


def text_plan(values: SampledValues, spec: VariableSpec, chunk_shape: tuple[int, ...]) -> VariablePlan:
    """Lossless, with the bytes that sampled strings take; nothing is foretold of the time."""
    exact, size, count = Bound("lossless"), 0, 0
    for region in sampled_regions(ChunkGrid(spec.shape, chunk_shape), _STRINGS):
        block = values.read(spec.name, region)
        size += _encoded_bytes(block.reshape(-1).tolist())
        count += block.size
    predicted = round(size * spec.size / max(1, count))
    return VariablePlan(
        spec.name, spec.dtype, spec.shape, chunk_shape, TEXT_CODEC, {}, exact, exact, exact, predicted_bytes=predicted
    )


def _encoded_bytes(strings: Iterable[Any]) -> int:
    """Of a chunk: Zarr's ``vlen-utf8`` (the number of strings, then the length and the UTF-8 of each), by Zstandard."""
    texts = [b"" if each is None else str(each).encode("utf-8", "replace") for each in strings]
    parts = [_LENGTH.pack(len(texts))]
    for text in texts:
        parts += [_LENGTH.pack(len(text)), text]
    return len(zstandard.ZstdCompressor(level=0).compress(b"".join(parts)))
