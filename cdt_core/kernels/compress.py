"""Error-bounded and lossless compression of one array to one self-describing stream, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from cdt_core.errors import BoundError, CdtError, CorruptStreamError, UnsupportedDtypeError
from cdt_core.kernels.block import Lattice, decode_block, encode_block
from cdt_core.kernels.container import MAX_AXES, StreamHeader, pack_stream, unpack_stream
from cdt_core.kernels.missing import held_codes
from cdt_core.kernels.parts import parts_of
from cdt_core.model import Bound

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["EncodedStream", "StreamHeader", "decode", "encode", "read_header"]

#: Without a limit from the caller, a stream may stand for 2 GiB, or for 4096 times its own length.
_DEFAULT_LIMIT = 2 << 30
_DEFAULT_GROWTH = 4096
#: How far the step of a linear lattice is below twice the bound at most, and how many values may decide it.
_MOST_LOST, _SAMPLE = 0.05, 1 << 14
#: Below 1 / sqrt(2) by more than its product with a bound can round.
_SQRT_HALF = math.sqrt(0.5) * (1 - 2**-50)


@frozen(eq=False)
class EncodedStream:
    """A stream, the largest error in it (relative for ``pw_rel``), and how many values are kept exact beside the lattice."""

    stream: bytes
    max_error: float
    exact_values: int


def encode(  # noqa: PLR0913 -- all but two by name only
    values: NDArray[Any],
    bound: Bound,
    *,
    asked: Bound | None = None,
    missing: Sequence[float | int] = (),
    shuffle: str = "auto",
    level: int = 3,
    block_samples: int = 1 << 18,
) -> EncodedStream:
    """Encode an array so that every value keeps ``bound``.

    Parameters
    ----------
    values
        Any shape and strides; bool, integers, float16/32/64, complex64/128, datetime64, timedelta64. float16 is lossless; the
        two parts of a complex number share its bound.
    bound
        ``abs``, ``pw_rel`` or ``lossless``.
    asked
        What the header says was asked for; default: ``bound``.
    missing
        Codes that stay bit-exact, and that no other value becomes.
    shuffle, level
        ``"byte"`` or ``"bit"`` planes, ``"auto"`` the smaller; Zstandard's level.
    block_samples
        About how many values an independent block holds.

    Raises
    ------
    BoundError
        A ``rel`` bound, which needs the range of the whole variable.
    UnsupportedDtypeError
        Text, objects, structures, long double.
    """
    if bound.kind == "rel":
        raise BoundError("a stream cannot hold a 'rel' bound; resolve it by the variable's range (Bound.applied)")
    values = np.asarray(values)
    if values.ndim > MAX_AXES - 1:
        raise CdtError(f"an array of {values.ndim} axes; a stream holds at most {MAX_AXES - 1}: join some (reshape)")
    work, applied = _working(values, bound)
    lattice = _lattice(work, applied, missing)
    block_shape = _block_shape(work.shape, min(max(1, block_samples), 1 << 24))
    blocks, max_error, exact = [], 0.0, 0
    for region in _regions(work.shape, block_shape):
        block, error, count = encode_block(np.ascontiguousarray(work[region]), lattice, shuffle, level)
        blocks.append(block)
        max_error, exact = max(max_error, error), exact + count
    header = StreamHeader(
        dtype=values.dtype.newbyteorder("<"),
        shape=work.shape,
        block_shape=block_shape,
        lattice=lattice.kind,
        asked=asked or bound,
        applied=bound,
        step=lattice.step,
        integer_step=lattice.integer_step,
        max_error=_whole_error(max_error, bound) if values.dtype.kind == "c" else max_error,
        exact_values=exact,
    )
    return EncodedStream(pack_stream(header, blocks), header.max_error, exact)


def _whole_error(part_error: float, bound: Bound) -> float:
    """The largest error of complex numbers, of which each part keeps ``part_error``; relative errors are those of the parts."""
    if bound.kind != "abs" or part_error == 0:
        return part_error
    return min(bound.value, math.nextafter(part_error / _SQRT_HALF, math.inf))


def read_header(stream: bytes | memoryview) -> StreamHeader:
    """What a stream says of itself; only the header's checksum is compared. ``shape`` is the array's."""
    header, _ = unpack_stream(stream, check=False)
    return _public(header)


def decode(
    stream: bytes | memoryview,
    *,
    out: NDArray[Any] | None = None,
    region: tuple[slice, ...] | None = None,
    max_bytes: int | None = None,
) -> NDArray[Any]:
    """The array of a stream, or the part of it that ``region`` names; only the blocks that it needs are decoded.

    Parameters
    ----------
    stream
        The bytes that :func:`encode` made.
    out
        Array to fill, of the right shape and dtype.
    region
        One slice per axis, with steps of 1.
    max_bytes
        The most bytes that the result may take; default: 2 GiB, or 4096 times the stream's length.

    Raises
    ------
    CorruptStreamError
        The stream is damaged, cut off, no stream of cdt, or stands for more than ``max_bytes``.
    """
    header, blocks = unpack_stream(stream)
    dtype = _working_dtype(header.dtype)
    wanted = _wanted(header, region)
    shape = tuple(stop - start for start, stop in wanted)
    limit = max(_DEFAULT_LIMIT, _DEFAULT_GROWTH * len(stream)) if max_bytes is None else max_bytes
    if math.prod(shape) * dtype.itemsize > limit:
        raise CorruptStreamError(
            f"stands for {math.prod(shape) * dtype.itemsize} bytes, more than the limit of {limit}; raise max_bytes"
        )
    _check_lattice(header, dtype)
    missing = np.empty(0, dtype)
    lattice = Lattice(header.lattice, header.step, header.integer_step, 0.0, missing)
    work = np.empty(shape, dtype)
    for block, where in zip(blocks, _regions(header.shape, header.block_shape), strict=True):
        target, source = _overlap(where, wanted)
        if target is not None:
            sides = tuple(part.stop - part.start for part in where)
            work[target] = decode_block(block, lattice, sides, dtype)[source]
    if header.dtype.kind == "b":
        np.minimum(work, 1, out=work)
    result = work.view(header.dtype)
    if header.dtype.kind == "c":
        result = result[..., 0]
    result = result.astype(header.dtype.newbyteorder("="), copy=False)
    if out is None:
        return result
    if out.shape != result.shape or out.dtype != result.dtype:
        raise ValueError(f"out has shape {out.shape} and dtype {out.dtype}, not {result.shape} and {result.dtype}")
    out[...] = result
    return out


def _working_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type that the kernels work on: parts of complex numbers, integers for times, bits of half floats and booleans."""
    kind = dtype.kind
    if kind == "c" and dtype.itemsize in (8, 16):
        return np.dtype(f"f{dtype.itemsize // 2}")
    if kind in "mM":
        return np.dtype("i8")
    if kind == "b":
        return np.dtype("u1")
    if kind == "f" and dtype.itemsize == 2:
        return np.dtype("u2")
    if (kind in "iu" and dtype.itemsize <= 8) or (kind == "f" and dtype.itemsize in (4, 8)):
        return dtype.newbyteorder("=")
    raise UnsupportedDtypeError(
        f"dtype {dtype} cannot be compressed; use bool, integers, float16/32/64, complex or datetime64 (convert with astype)"
    )


def _working(values: NDArray[Any], bound: Bound) -> tuple[NDArray[Any], Bound]:
    """The array as the kernels see it, and the bound on its numbers."""
    dtype = _working_dtype(values.dtype)
    native = values.astype(values.dtype.newbyteorder("="), copy=False)
    kind = values.dtype.kind
    if kind == "c":
        return parts_of(native), Bound("abs", bound.value * _SQRT_HALF) if bound.kind == "abs" else bound
    if dtype != native.dtype:
        native = np.ascontiguousarray(native).view(dtype) if native.ndim else native.reshape(1).view(dtype).reshape(())
    lossless = kind in "bmM" or (kind == "f" and dtype.kind == "u") or (dtype.kind in "iu" and bound.kind == "pw_rel")
    return native, Bound("lossless") if lossless else bound


def _lattice(work: NDArray[Any], bound: Bound, missing: Sequence[float | int]) -> Lattice:
    dtype = work.dtype
    codes = _codes(missing, dtype)
    if dtype.kind in "iu":
        top = 2 ** (8 * dtype.itemsize - 1) - 1
        steps = 0 if bound.is_lossless else min(int(bound.value), top)
        return Lattice("integer_steps", 0.0, steps, bound.value, codes)
    digits = np.finfo(dtype).nmant
    if bound.kind == "pw_rel":
        step = min(int(2 * min(bound.value, 0.5) * 2.0**digits), 2 ** (digits + 1))
        if step > 1:
            return Lattice("key_steps", 0.0, step, bound.value, codes)
    elif bound.kind == "abs":
        step = _step(work, bound.value, digits, codes)
        if step > 0:
            return Lattice("linear", step, 0, bound.value, codes)
    return Lattice("key", 0.0, 1, 0.0, codes)


def _codes(missing: Sequence[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The missing codes to look for; NaN and infinities are kept exact anyway."""
    codes = held_codes(missing, dtype)
    return codes[np.isfinite(codes)] if dtype.kind == "f" else codes


def _largest(values: NDArray[Any]) -> float:
    return float(max(np.fmax.reduce(values, axis=None), -np.fmin.reduce(values, axis=None))) if values.size else 0.0


def _step(work: NDArray[Any], bound: float, digits: int, codes: NDArray[Any]) -> float:
    """The lattice's step, a number of the values' own type: at most ``2 * bound``, 0 when no step can be had.

    As far below as products with it may round (5 % at most), so that few values miss the bound by rounding alone. Fill values
    are no measure of that: when the largest value is so large, a sample without infinities and ``codes`` decides.
    """
    rounded = 2.0 ** (-digits - 1) / bound
    lost = _largest(work) * rounded
    if not lost < _MOST_LOST:
        flat = work.reshape(-1)
        sample = flat[:: max(1, flat.size // _SAMPLE)]
        lost = _largest(sample[np.isfinite(sample) & ~np.isin(sample, codes)]) * rounded
    lost = lost if lost < _MOST_LOST else _MOST_LOST
    limits = np.finfo(work.dtype)
    doubled = min(2.0 * bound, float(limits.max) / 4)
    step = float(work.dtype.type(doubled * (1.0 - lost)))
    if step > 2.0 * bound:
        step = float(np.nextafter(work.dtype.type(step), work.dtype.type(0)))
    return step if step >= float(limits.tiny) and math.isfinite(1.0 / step) else 0.0


def _block_shape(shape: tuple[int, ...], samples: int) -> tuple[int, ...]:
    """About ``samples`` values, cut along leading axes first."""
    sides = [max(1, length) for length in shape]
    for axis in range(len(sides)):
        rest = math.prod(sides[axis + 1 :])
        if sides[axis] * rest <= samples:
            break
        pieces = -(-sides[axis] // max(1, samples // rest))
        sides[axis] = -(-sides[axis] // pieces)
    return tuple(sides)


def _regions(shape: tuple[int, ...], block_shape: tuple[int, ...]) -> Any:
    """Where the blocks lie, in C order; nowhere in an empty array, however long its other axes claim to be."""
    if 0 in shape:
        return iter(())
    axes = [
        [slice(start, min(start + side, length)) for start in range(0, length, side)]
        for length, side in zip(shape, block_shape, strict=True)
    ]
    return product(*axes)


def _public(header: StreamHeader) -> StreamHeader:
    from attrs import evolve

    if header.dtype.kind != "c":
        return header
    return evolve(header, shape=header.shape[:-1], block_shape=header.block_shape[:-1])


def _wanted(header: StreamHeader, region: tuple[slice, ...] | None) -> list[tuple[int, int]]:
    whole = [(0, length) for length in header.shape]
    if region is None:
        return whole
    axes = len(_public(header).shape)
    if len(region) != axes:
        raise ValueError(f"region has {len(region)} slices for {axes} axes")
    wanted = []
    for part, length in zip(region, header.shape, strict=False):
        start, stop, step = part.indices(length)
        if step != 1:
            raise ValueError(f"region has a step of {step}; only 1 is possible")
        wanted.append((start, max(start, stop)))
    return wanted + whole[axes:]


def _overlap(where: tuple[slice, ...], wanted: list[tuple[int, int]]) -> tuple[Any, Any]:
    """The block's part of the result, and the result's part of the block; ``None`` when they do not meet."""
    target, source = [], []
    for part, (start, stop) in zip(where, wanted, strict=True):
        low, high = max(part.start, start), min(part.stop, stop)
        if low >= high:
            return None, None
        target.append(slice(low - start, high - start))
        source.append(slice(low - part.start, high - part.start))
    return tuple(target), tuple(source)


def _check_lattice(header: StreamHeader, dtype: np.dtype[Any]) -> None:
    """Refuse a lattice that the type cannot have."""
    top = 2 ** (8 * dtype.itemsize - 1)
    is_integer = dtype.kind in "iu"
    if is_integer != (header.lattice == "integer_steps") or header.integer_step >= top:
        raise CorruptStreamError(f"dtype {header.dtype} cannot have the lattice {header.lattice!r}")
    if header.lattice in ("key", "key_steps") and header.integer_step < 1:
        raise CorruptStreamError("the step of its keys is 0")
    if header.lattice == "linear" and not _is_of(dtype, header.step):
        raise CorruptStreamError(f"the step {header.step} of its lattice is no number of its type {dtype}")


def _is_of(dtype: np.dtype[Any], number: float) -> bool:
    limits = np.finfo(dtype)
    return float(limits.tiny) <= number <= float(limits.max) and float(dtype.type(number)) == number
