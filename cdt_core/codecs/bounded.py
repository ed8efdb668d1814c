"""The bounded codec as the engine drives it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.codecs.settings import check_settings
from cdt_core.errors import CdtError, CorruptStreamError
from cdt_core.hooks.contracts import Encoded
from cdt_core.kernels import compress
from cdt_core.model import Bound, VariableProfile, VariableSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdt_core.kernels import tensor_stream

__all__ = ["Bounded", "check_fits", "metadata_of", "missing_as_json", "missing_code", "must_fit"]

#: Objective -> profiles, fast ones first.
_CANDIDATES: Mapping[str, tuple[str, ...]] = {
    "speed": ("fast", "balanced"),
    "balanced": ("fast", "balanced"),
    "size": ("balanced", "dense"),
}


class Bounded:
    """Streams of :mod:`cdt_core.kernels.compress`, one per chunk. Parameter: ``profile``."""

    def __init__(self, parameters: Mapping[str, Any], bound: Bound, missing: Sequence[float | int]) -> None:
        check_settings("cdt.bounded", parameters, ("profile",))
        self.profile: str = parameters.get("profile", "balanced")
        self.bound = bound
        self.missing = tuple(missing)

    @classmethod
    def candidates(
        cls, spec: VariableSpec, profile: VariableProfile, bound: Bound, objective: str
    ) -> Sequence[Mapping[str, Any]]:
        """The profiles of the objective."""
        return [{"profile": name} for name in _CANDIDATES[objective]]

    def encode(self, values: NDArray[Any]) -> Encoded:
        """One stream for the chunk, with its measured error in the header."""
        made = compress.encode(values, self.bound, missing=self.missing, profile=self.profile)
        return Encoded(made.stream, made.max_error, made.exact_values)

    def decode(self, stream: bytes, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """The values.

        Raises
        ------
        CorruptStreamError
            The stream is damaged, or holds another shape or dtype.
        """
        check_fits(stream, shape, dtype)
        return compress.decode(stream, max_bytes=int(np.prod(shape, dtype=np.int64)) * dtype.itemsize)

    def metadata(self, dtype: np.dtype[Any]) -> list[dict[str, Any]]:
        """``cdt.bounded`` with the bound, in the terms of Zarr v3."""
        return [metadata_of(str(self.bound), self.missing, self.profile)]


def metadata_of(bound: str, missing: Sequence[float | int], profile: str) -> dict[str, Any]:
    """``cdt.bounded`` as the metadata of an array name it."""
    configuration = {"version": 2, "bound": bound, "missing": missing_as_json(missing), "profile": profile}
    return {"name": "cdt.bounded", "configuration": configuration}


def missing_as_json(codes: Sequence[float | int]) -> list[float | int | str]:
    """Missing codes as Zarr v3 writes numbers: integers whole, non-finite ones by name."""
    names = {math.inf: "Infinity", -math.inf: "-Infinity"}
    plain = [code.item() if isinstance(code, np.generic) else code for code in codes]
    return ["NaN" if code != code else names.get(code, code) for code in plain]


def missing_code(code: Any, codec: str) -> float | int:
    """A number, or one by name; integers stay whole, since float64 has none for most of 64 bits.

    Raises
    ------
    CdtError
        Something else, in the configuration of ``codec``.
    """
    if isinstance(code, str) and code in ("NaN", "Infinity", "-Infinity"):
        return float(code)
    if isinstance(code, Integral):
        return int(code)
    if isinstance(code, Real):
        return float(code)
    raise CdtError(f"codec {codec}: {code!r} is not a missing code; use numbers or NaN, Infinity, -Infinity")


def check_fits(stream: bytes | memoryview, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Raise ``CorruptStreamError`` unless the stream says that it holds this shape and dtype."""
    must_fit(compress.read_header(stream), shape, dtype)


def must_fit(
    header: compress.StreamHeader | tensor_stream.TensorHeader, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> None:
    """Raise ``CorruptStreamError`` unless a header says this shape and dtype."""
    if header.shape != tuple(shape) or header.dtype.newbyteorder("=") != dtype.newbyteorder("="):
        raise CorruptStreamError(
            f"holds shape {header.shape} and dtype {header.dtype}, not {tuple(shape)} and {dtype}: "
            "the chunk is not of this array"
        )
