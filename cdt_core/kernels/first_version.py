"""Streams of version 1 of the format, which no encoder writes any more: read by the slow reference decoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.kernels.reference import version1
from cdt_core.model import Bound

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["decode", "header_fields"]

_BOUNDS = ("lossless", "abs", "pw_rel", "rel")


def decode(stream: bytes | memoryview, max_bytes: int) -> NDArray[Any]:
    """The whole array.

    Raises
    ------
    CorruptStreamError
        The stream is damaged, or stands for more than ``max_bytes``.
    """
    values = version1.decode(bytes(stream), max_bytes=max_bytes)
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def header_fields(stream: bytes | memoryview) -> dict[str, Any]:
    """What the header says, by the names of the fields of ``StreamHeader``."""
    dtype, shape, block_shape, fields = version1.header_fields(bytes(stream))
    _, _, _, _, asked, applied, _, asked_value, applied_value, _, max_error, _, exact, _ = fields
    is_complex = dtype.kind == "c"
    return {
        "dtype": np.dtype(dtype),
        "shape": shape[:-1] if is_complex else shape,
        "block_shape": block_shape[:-1] if is_complex else block_shape,
        "asked": _bound(asked, asked_value),
        "applied": _bound(applied, applied_value),
        "max_error": max_error,
        "exact_values": exact,
        "version": 1,
    }


def _bound(kind: int, value: float) -> Bound:
    return Bound(_BOUNDS[kind], value) if kind else Bound("lossless")
