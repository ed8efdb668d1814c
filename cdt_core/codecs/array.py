"""One array to bytes and back: the shortest way to the bounded codec."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.codecs.psnr import encode_psnr
from cdt_core.errors import CorruptStreamError, UnsupportedDtypeError
from cdt_core.kernels import compress as kernel
from cdt_core.kernels import stats, tensor_stream
from cdt_core.kernels.parts import parts_of
from cdt_core.kernels.ranges import finite_range
from cdt_core.kernels.regions import check_level, into, wanted_ranges
from cdt_core.model import Bound

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["compress", "decompress"]


def compress(
    array: ArrayLike,
    bound: str | Bound = "lossless",
    *,
    missing: Sequence[float | int] = (),
    profile: str = "balanced",
    workers: int = 1,
) -> bytes:
    """Compress an array so that every value keeps ``bound``; NaN, infinities and ``missing`` codes stay bit-exact.

    Parameters
    ----------
    array
        Anything that NumPy takes: bool, integers, float16/32/64, complex, datetime64; any shape and strides.
    bound
        ``"abs:X"``, ``"rel:X"`` (of the finite value range), ``"pw_rel:X"``, ``"psnr:X"`` (decibels, met as measured),
        ``"rmse:X"`` (root mean square error, met as measured) or ``"lossless"``.
    missing
        Codes that stand for no value.
    profile
        ``"fast"``, ``"balanced"`` or ``"dense"``: from the fastest to the smallest. Under ``rmse``, ``dense`` also tries tensor
        decompositions (:mod:`cdt_core.kernels.tensor_stream`), which are read as a whole.
    workers
        Threads that share the blocks of large arrays. The bytes are the same for any number.

    Returns
    -------
    bytes
        A self-describing stream with the measured error in its header.

    Raises
    ------
    BoundError
        The bound is senseless, or ``rel`` or ``psnr`` on an array without a finite value.
    UnsupportedDtypeError
        Text, objects, structures, long double; a mask, which a stream does not hold.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.sin(np.linspace(0, 9, 10_000))
    >>> stream = compress(x, "abs:1e-3")
    >>> bool(np.abs(decompress(stream) - x).max() <= 1e-3), len(stream) < x.nbytes / 8
    (True, True)
    """
    if isinstance(array, np.ma.MaskedArray) and np.ma.is_masked(array):
        raise UnsupportedDtypeError("a masked array: give its values filled, and the fill value as missing=[...]")
    values = np.asarray(array)
    asked = Bound.parse(bound)
    if asked.kind in ("psnr", "rmse"):
        bounded = encode_psnr(values, asked, missing=missing, profile=profile, workers=workers).stream
        if asked.kind == "psnr" or profile != "dense":
            return bounded
        return min(bounded, tensor_stream.encode(values, asked, missing=missing).stream, key=len)
    if asked.kind == "rel" and values.dtype.kind in "iuf" and values.size and not len(missing) and values.itemsize <= 8:
        return kernel.encode_relative(values, asked, profile=profile, workers=workers).stream
    applied = _applied(values, asked, missing)
    return kernel.encode(values, applied, asked=asked, missing=missing, profile=profile, workers=workers).stream


def _applied(values: NDArray[Any], asked: Bound, missing: Sequence[float | int]) -> Bound:
    if asked.kind != "rel" or values.dtype.kind in "bmMOSU" or not values.size:
        return Bound("lossless") if asked.kind == "rel" else asked
    parts = parts_of(values) if values.dtype.kind == "c" else values
    if not len(missing) and parts.dtype in (np.float32, np.float64):
        low, high = finite_range(np.ascontiguousarray(parts)) or (None, None)
        return asked.applied(low, high)
    found = stats.describe(parts, missing=stats.mask(parts, missing))
    return asked.applied(found.minimum, found.maximum)


def decompress(
    stream: bytes | memoryview,
    *,
    out: NDArray[Any] | None = None,
    region: tuple[slice, ...] | None = None,
    level: int = 0,
    workers: int = 1,
) -> NDArray[Any]:
    """The array of a stream, or a part of it, into ``out`` when given.

    ``region``: one slice per axis; only the blocks that it needs are decoded. ``level``: every ``2**level``-th value along
    each axis; interpolated blocks decode no more than that.

    Raises
    ------
    CorruptStreamError
        The stream is damaged, cut off, or no stream of cdt.
    RegionError
        ``region``, ``level`` or ``out`` does not fit the array.
    """
    try:
        memoryview(stream)
    except TypeError:
        raise CorruptStreamError(
            f"not a stream of cdt: {type(stream).__name__}; give the bytes that compress made"
        ) from None
    if bytes(stream[: len(tensor_stream.SIGNATURE)]) == tensor_stream.SIGNATURE:
        return _part(tensor_stream.decode(stream), out, region, level)
    return kernel.decode(stream, out=out, region=region, level=level, workers=workers)


def _part(values: NDArray[Any], out: NDArray[Any] | None, region: tuple[slice, ...] | None, level: int) -> NDArray[Any]:
    """A part of a whole array, as :func:`decompress` says."""
    check_level(level, region)
    if level:
        values = values[(slice(None, None, 1 << level),) * values.ndim]
    values = values[tuple(slice(start, stop) for start, stop in wanted_ranges(values.shape, region))]
    return into(np.ascontiguousarray(values), out)
