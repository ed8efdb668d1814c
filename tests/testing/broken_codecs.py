"""Codecs, each with one fault that ``check_codec`` must find; and the same without a fault."""

from __future__ import annotations

import itertools
import zlib
from typing import Any

import numpy as np

from cdt_core.errors import CorruptStreamError
from cdt_core.hooks.contracts import Encoded

_calls = itertools.count()


class Good:
    """Values as they are, in zlib as Zarr's ``gzip`` reads them."""

    def __init__(self, parameters, bound, missing):
        self.bound = bound
        self.level = parameters["level"]

    @classmethod
    def candidates(cls, spec, profile, bound, objective):
        return [{"level": {"speed": 1, "balanced": 1, "size": 6}[objective]}]

    def encode(self, values) -> Encoded:
        packer = zlib.compressobj(self.level, wbits=31)
        return Encoded(packer.compress(np.ascontiguousarray(values).tobytes()) + packer.flush())

    def decode(self, stream, shape, dtype) -> Any:
        try:
            raw = zlib.decompress(stream, wbits=31)
            return np.frombuffer(raw, dtype).reshape(shape)
        except (zlib.error, ValueError) as error:
            raise CorruptStreamError(f"no such array: {error}") from error

    def metadata(self, dtype) -> list[dict[str, Any]]:
        endian = {"configuration": {"endian": "little"}} if dtype.itemsize > 1 else {}
        return [{"name": "bytes", **endian}, {"name": "gzip", "configuration": {"level": self.level}}]


class ProposesNothing(Good):
    @classmethod
    def candidates(cls, spec, profile, bound, objective):
        return []


class ProposesObjects(Good):
    @classmethod
    def candidates(cls, spec, profile, bound, objective):
        return [{"level": np.int64(1)}]


class JustOver(Good):
    """Moves every finite value by a hair more than an absolute bound."""

    def decode(self, stream, shape, dtype):
        values = super().decode(stream, shape, dtype)
        return values if self.bound.is_lossless else values + dtype.type(self.bound.value * 1.001)


class LosesNan(Good):
    def encode(self, values):
        return super().encode(values if self.bound.is_lossless else np.nan_to_num(values, posinf=0, neginf=0))


class NotLossless(Good):
    def encode(self, values):
        return super().encode(values + values.dtype.type(0) if values.dtype.kind == "f" else values)


class ChangesItsInput(Good):
    def encode(self, values):
        made = super().encode(values)
        values[...] = 0
        return made


class OtherBytesEachTime(Good):
    def encode(self, values):
        return Encoded(super().encode(values).stream + b"#" * next(_calls))

    def decode(self, stream, shape, dtype):
        return super().decode(stream.rstrip(b"#"), shape, dtype)


class BytearrayStream(Good):
    def encode(self, values):
        return Encoded(bytearray(super().encode(values).stream))


class Flat(Good):
    def decode(self, stream, shape, dtype):
        return super().decode(stream, shape, dtype).reshape(-1)


class LetsErrorsThrough(Good):
    def decode(self, stream, shape, dtype):
        return np.frombuffer(zlib.decompress(stream, wbits=31), dtype).reshape(shape)


class ZarrCannotRead(Good):
    def metadata(self, dtype):
        return [*super().metadata(dtype), {"name": "nobody.knows"}]


class ZarrReadsOther(Good):
    def metadata(self, dtype):
        chain = super().metadata(dtype)
        return [{"name": "bytes", "configuration": {"endian": "big"}}, *chain[1:]]
