"""From a tensor stream to its array."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.errors import CorruptStreamError
from cdt_core.kernels import compress
from cdt_core.kernels.tensor_stream.fields import Reading
from cdt_core.kernels.tensor_stream.layout import PLAIN, TRAIN, TensorHeader, folded, open_stream
from cdt_core.kernels.tensor_stream.train import read_train
from cdt_core.kernels.tensor_stream.tucker import read_core

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["decode", "residual_type", "rounded", "with_residual"]

#: As for the bounded codec: without a limit from the caller, a stream may stand for 2 GiB, or for 4096 times its own length.
_DEFAULT_LIMIT = 2 << 30
_DEFAULT_GROWTH = 4096


def decode(stream: bytes | memoryview, *, max_bytes: int | None = None) -> NDArray[Any]:
    """The array of a stream.

    Parameters
    ----------
    stream
        The bytes that :func:`cdt_core.kernels.tensor_stream.encode` made.
    max_bytes
        The most bytes that the result may take; default: 2 GiB, or 4096 times the stream's length.

    Raises
    ------
    CorruptStreamError
        The stream is damaged, cut off, no tensor stream, or stands for more than ``max_bytes``.
    """
    header, reading = open_stream(stream)
    limit = max(_DEFAULT_LIMIT, _DEFAULT_GROWTH * len(stream)) if max_bytes is None else max_bytes
    size = math.prod(header.shape)
    if size * header.dtype.itemsize > limit:
        raise CorruptStreamError(
            f"it stands for {size} values, which take more than the {limit} bytes that are allowed"
        )
    if header.method == PLAIN:
        return compress.decode(reading.data[reading.at :], max_bytes=limit)
    body, mask, exact, residual = (reading.section() for _ in range(4))
    reading.end()
    values = rounded(_expanded(header, body), header.dtype)
    if residual:
        difference = _part(residual, header.shape, residual_type(header.dtype))
        values = with_residual(values, difference)
    if mask:
        places = _part(mask, header.shape, np.dtype(bool))
        values[places] = _part(exact, (int(places.sum()),), header.dtype)
    elif exact:
        raise CorruptStreamError("it has exact values without their places")
    return values


def _expanded(header: TensorHeader, body: bytes) -> NDArray[np.float64]:
    inner = Reading(body)
    shape = folded(header.shape)
    with np.errstate(over="ignore", invalid="ignore"):
        made = (
            read_train(inner, shape, header.step, math.prod(shape))
            if header.method == TRAIN
            else read_core(inner, shape, header.step)
        )
        made = made.reshape(header.shape) + header.centre
    inner.end()
    if not np.isfinite(made).all():
        raise CorruptStreamError("its numbers overflow")
    return made


def _part(stream: bytes, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    found = compress.decode(stream, max_bytes=math.prod(shape) * dtype.itemsize)
    if found.shape != shape or found.dtype != dtype:
        raise CorruptStreamError(f"a part of shape {found.shape} and type {found.dtype} is not of {shape} and {dtype}")
    return found


def rounded(values: NDArray[np.float64], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The nearest values of a type; those beyond its ends become the ends."""
    if dtype.kind == "f":
        limit = float(np.finfo(dtype).max)
        return np.clip(values, -limit, limit).astype(dtype)
    limits = np.iinfo(dtype)
    return np.clip(np.rint(values), limits.min, limits.max).astype(dtype)


def residual_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type of differences between two arrays of ``dtype``."""
    if dtype.kind == "f":
        return np.dtype("f8" if dtype.itemsize == 8 else "f4")
    return np.dtype("i4" if dtype.itemsize < 4 else "i8")


def with_residual(values: NDArray[Any], difference: NDArray[Any]) -> NDArray[Any]:
    """The sum, of integers with integers in 64 bits, of floats in double precision, as the nearest values of the type."""
    if values.dtype.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):
            summed = values.astype(np.float64) + difference
        if not np.isfinite(summed).all():
            raise CorruptStreamError("its residual overflows")
        return rounded(summed, values.dtype)
    limits = np.iinfo(values.dtype)
    if difference.size and max(abs(int(difference.min())), abs(int(difference.max()))) > 1 << 33:
        raise CorruptStreamError("its residual overflows")
    return np.asarray(np.clip(values.astype(np.int64) + difference, limits.min, limits.max).astype(values.dtype))
