"""The tensor codec as the engine drives it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.codecs.bounded import missing_as_json, must_fit
from cdt_core.codecs.settings import check_settings
from cdt_core.hooks.contracts import Encoded
from cdt_core.kernels import tensor_stream
from cdt_core.model import Bound, VariableProfile, VariableSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Tensor", "decode_fitting", "metadata_of"]


class Tensor:
    """Streams of :mod:`cdt_core.kernels.tensor_stream`, one per chunk. It has no parameters."""

    def __init__(self, parameters: Mapping[str, Any], bound: Bound, missing: Sequence[float | int]) -> None:
        check_settings("cdt.tensor", parameters, ())
        self.bound = bound
        self.missing = tuple(missing)

    @classmethod
    def candidates(
        cls, spec: VariableSpec, profile: VariableProfile, bound: Bound, objective: str
    ) -> Sequence[Mapping[str, Any]]:
        """One, where size alone counts: encoding takes about a second for a megabyte."""
        return [{}] if objective == "size" else []

    def encode(self, values: NDArray[Any]) -> Encoded:
        """One stream for the chunk, with its measured error in the head."""
        made = tensor_stream.encode(values, self.bound, missing=self.missing)
        return Encoded(made.stream, made.max_error, made.exact_values)

    def decode(self, stream: bytes, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """The values.

        Raises
        ------
        CorruptStreamError
            The stream is damaged, or holds another shape or dtype.
        """
        return decode_fitting(stream, shape, dtype)

    def metadata(self, dtype: np.dtype[Any]) -> list[dict[str, Any]]:
        """``cdt.tensor`` with the bound, in the terms of Zarr v3."""
        return [metadata_of(str(self.bound), self.missing)]


def metadata_of(bound: str, missing: Sequence[float | int]) -> dict[str, Any]:
    """``cdt.tensor`` as the metadata of an array name it."""
    configuration = {"version": 1, "bound": bound, "missing": missing_as_json(missing)}
    return {"name": "cdt.tensor", "configuration": configuration}


def decode_fitting(stream: bytes | memoryview, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The values, once the stream says that it holds this shape and dtype.

    Raises
    ------
    CorruptStreamError
        It holds others, or is damaged.
    """
    must_fit(tensor_stream.read_header(stream), shape, dtype)
    return tensor_stream.decode(stream, max_bytes=math.prod(shape) * dtype.itemsize)
