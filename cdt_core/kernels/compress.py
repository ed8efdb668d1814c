"""Error-bounded and lossless compression of one array to one self-describing stream, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from cdt_core.errors import BoundError, CdtError, CorruptStreamError
from cdt_core.kernels import _codec, first_version
from cdt_core.kernels.crew import share
from cdt_core.kernels.dtypes import code_of, dtype_of
from cdt_core.kernels.missing import held_codes
from cdt_core.kernels.parts import parts_of
from cdt_core.kernels.ranges import finite_range, largest_size
from cdt_core.kernels.regions import box_ranges, check_level, into, wanted_ranges
from cdt_core.model import Bound

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PROFILES", "EncodedStream", "StreamHeader", "decode", "encode", "encode_relative", "read_header"]

PROFILES: tuple[str, ...] = _codec.PROFILES

#: Arrays have at most so many axes, and one more for the two parts of complex numbers.
MAX_AXES = 33
#: Without a limit from the caller, a stream may stand for 2 GiB, or for 4096 times its own length.
_DEFAULT_LIMIT = 2 << 30
_DEFAULT_GROWTH = 4096
#: Below 1 / sqrt(2) by more than its product with a bound can round.
_SQRT_HALF = math.sqrt(0.5) * (1 - 2**-50)
#: Streams of fewer bytes are tried without loss too.
_FEW_BYTES = 256
#: Blocks are encoded in parts with room for at most so many bytes.
_PART_BYTES = 2 << 20


@frozen(eq=False)
class EncodedStream:
    """A stream, the largest error in it (relative for ``pw_rel``), and how many values are kept exact beside the lattice."""

    stream: bytes
    max_error: float
    exact_values: int


@frozen(eq=False)
class StreamHeader:
    """What a stream says of itself.

    ``asked`` is the promise that the caller named, ``applied`` the one that each value keeps; ``max_error`` the largest error,
    measured (relative for ``pw_rel``); ``exact_values`` how many values are kept bit-exact beside the lattice. ``block_shape``
    is that of independent blocks, of the shape without axes of length 1 (more than five: the leading ones are joined).
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    block_shape: tuple[int, ...]
    asked: Bound
    applied: Bound
    max_error: float
    exact_values: int
    version: int = 2


def encode(
    values: NDArray[Any],
    bound: Bound,
    *,
    asked: Bound | None = None,
    missing: Sequence[float | int] = (),
    profile: str = "balanced",
    workers: int = 1,
) -> EncodedStream:
    """Encode an array so that every value keeps ``bound``.

    Parameters
    ----------
    values
        Any shape and strides; bool, integers, float16/32/64, complex64/128, datetime64, timedelta64. The two parts of a complex
        number share its bound.
    bound
        ``abs``, ``pw_rel`` or ``lossless``.
    asked
        What the header says was asked for; default: ``bound``.
    missing
        Codes that stay bit-exact, and that no other value becomes.
    profile
        ``"fast"``, ``"balanced"`` or ``"dense"``.
    workers
        Threads that share the blocks.

    Raises
    ------
    BoundError
        A ``rel``, ``psnr`` or ``rmse`` bound, which needs the whole variable.
    UnsupportedDtypeError
        Text, objects, structures, long double.
    """
    if bound.kind not in ("abs", "pw_rel", "lossless"):
        raise BoundError(
            f"a stream cannot hold a {bound.kind!r} bound; resolve it by the variable's values (Bound.applied)"
        )
    values = np.asarray(values)
    return _made(_Task(values, _working(values), missing, profile, workers), bound, asked or bound, None)


def encode_relative(
    values: NDArray[Any], asked: Bound, *, profile: str = "balanced", workers: int = 1
) -> EncodedStream:
    """Encode integers or floats by a ``rel`` bound of their own finite range, for which they are read once.

    Parameters
    ----------
    values, profile, workers
        As in :func:`encode`.
    asked
        A ``rel`` bound.

    Raises
    ------
    BoundError
        There is no finite value, or the range overflows.
    """
    work = _working(values)
    extremes = finite_range(work, workers)
    low, high = extremes or (None, None)
    return _made(_Task(values, work, (), profile, workers), asked.applied(low, high), asked, extremes)


@frozen(eq=False)
class _Task:
    """An array to encode, also as the kernels see it, and the options of :func:`encode`."""

    values: NDArray[Any]
    work: NDArray[Any]
    missing: Sequence[float | int]
    profile: str
    workers: int


def _made(task: _Task, bound: Bound, asked: Bound, extremes: tuple[float, float] | None) -> EncodedStream:
    """``extremes``: those of the finite values, where they are known."""
    dtype, work = task.values.dtype, task.work
    if task.profile not in PROFILES:
        raise CdtError(f"there is no profile {task.profile!r}; choose {', '.join(PROFILES)}")
    if task.values.ndim > MAX_AXES - 1:
        raise CdtError(
            f"an array of {task.values.ndim} axes; a stream holds at most {MAX_AXES - 1}: join some (reshape)"
        )
    code, unit = code_of(dtype)
    is_complex, profile = dtype.kind == "c", PROFILES.index(task.profile)
    part_bound = Bound("abs", bound.value * _SQRT_HALF) if is_complex and bound.kind == "abs" else bound
    applied = _possible(part_bound, dtype)
    codes = held_codes(task.missing, work.dtype) if len(task.missing) else None
    largest = 0.0
    if applied.kind == "abs" and work.dtype.kind == "f":
        largest = largest_size(work, codes, applied.value, extremes or finite_range(work, task.workers))
    plan = _codec.plan(code, unit, work.shape, _pair(asked), _pair(applied), largest, codes, profile)
    stream, max_error, exact = _encoded(plan, work, task.workers)
    if len(stream) < _FEW_BYTES and not applied.is_lossless:
        # What is that simple may be simpler still without loss: counters, and whole steps.
        plan = _codec.plan(code, unit, work.shape, _pair(asked), (0, 0.0), 0.0, None, profile)
        other = _encoded(plan, work, task.workers)
        stream, max_error, exact = min(other, (stream, max_error, exact), key=lambda made: len(made[0]))
    return EncodedStream(stream, _whole_error(max_error, bound) if is_complex else max_error, exact)


def _encoded(plan: Any, work: NDArray[Any], workers: int) -> tuple[bytes, float, int]:
    if work.size:
        _codec.look(plan, work)
    rooms: list[_codec.Room] = []
    parts = share(
        lambda start, stop: _codec.encode_blocks(plan, work, start, stop, rooms),
        plan.blocks,
        workers,
        most=_codec.blocks_in(plan, _PART_BYTES),
    )
    stream, starts = _codec.join(plan, parts)
    share(lambda start, stop: _codec.put(parts, starts, start, stop, stream), len(parts), workers)
    _codec.keep(parts)
    return stream, *_codec.measured(plan)


def _whole_error(part_error: float, bound: Bound) -> float:
    """The largest error of complex numbers, of which each part keeps ``part_error``; relative errors are those of the parts."""
    if bound.kind != "abs" or part_error == 0:
        return part_error
    return min(bound.value, math.nextafter(part_error / _SQRT_HALF, math.inf))


def read_header(stream: bytes | memoryview) -> StreamHeader:
    """What a stream says of itself; only the header's checksum is compared. ``shape`` is the array's."""
    plan, version, _ = _open(stream, whole=True)
    if plan is None:
        return StreamHeader(**first_version.header_fields(stream))
    said = _codec.describe(plan)
    dtype = dtype_of(said["dtype"], said["unit"])
    applied = _bound_of(said["applied"])
    is_complex = dtype.kind == "c"
    asked = _bound_of(said["asked"])
    if is_complex and applied.kind == "abs":
        applied = Bound("abs", applied.value / _SQRT_HALF)
        applied = asked if asked.kind == "abs" else applied
    return StreamHeader(
        dtype,
        said["shape"][:-1] if is_complex else said["shape"],
        said["block"],
        asked,
        applied,
        _whole_error(said["max_error"], applied) if is_complex else said["max_error"],
        said["exact_values"],
        version,
    )


def decode(
    stream: bytes | memoryview,
    *,
    out: NDArray[Any] | None = None,
    region: tuple[slice, ...] | None = None,
    level: int = 0,
    max_bytes: int | None = None,
    workers: int = 1,
) -> NDArray[Any]:
    """The array of a stream, or the part of it that ``region`` names; only the blocks that it needs are decoded.

    Parameters
    ----------
    stream
        The bytes that :func:`encode` made, of this version of the format or an older one.
    out
        Array to fill, of the right shape and dtype.
    region
        One slice per axis, with steps of 1.
    level
        Every ``2**level``-th value along each axis; what is finer is not decoded where blocks are interpolated.
    max_bytes
        The most bytes that the result may take; default: 2 GiB, or 4096 times the stream's length.
    workers
        Threads that share the blocks.

    Raises
    ------
    CorruptStreamError
        The stream is damaged, cut off, no stream of cdt, or stands for more than ``max_bytes``.
    RegionError
        ``region``, ``level`` or ``out`` does not fit the array.
    """
    check_level(level, region)
    if level:
        return into(_coarse(stream, level, max_bytes, workers), out)
    plan, _, data = _open(stream, whole=True)
    limit = max(_DEFAULT_LIMIT, _DEFAULT_GROWTH * len(stream)) if max_bytes is None else max_bytes
    if plan is None:
        values = first_version.decode(stream, limit)
        ranges = wanted_ranges(values.shape, region)
        return into(values[tuple(slice(start, stop) for start, stop in ranges)], out)
    dtype, unit, shape, work_dtype, whole = _codec.outline(plan)
    dtype = dtype_of(dtype.str, unit) if unit else dtype
    sides, origin, lengths = shape, (0,) * len(whole), whole
    if region is not None:
        axes = len(shape) - (dtype.kind == "c")
        wanted = [*wanted_ranges(shape[:axes], region), *((0, length) for length in shape[axes:])]
        box = box_ranges(shape, wanted, len(whole))
        if box is None:  # joined axes: all of them, and then the part
            every = decode(stream, max_bytes=max_bytes, workers=workers)
            return into(every[tuple(slice(start, stop) for start, stop in wanted[:axes])], out)
        sides = tuple(stop - start for start, stop in wanted)
        origin, lengths = tuple(start for start, _ in box), tuple(stop - start for start, stop in box)
    needed = math.prod(sides) * work_dtype.itemsize
    if needed > limit:
        raise CorruptStreamError(f"stands for {needed} bytes, more than the limit of {limit}; raise max_bytes")
    target = None if out is None else _direct(out, sides, dtype, work_dtype)
    work = np.empty(sides, work_dtype) if target is None else target
    share(
        lambda start, stop: _codec.decode_blocks(plan, data, start, stop, origin, lengths, work), plan.blocks, workers
    )
    return out if target is not None and out is not None else into(_finished(work, dtype), out)


def _coarse(stream: bytes | memoryview, level: int, max_bytes: int | None, workers: int) -> NDArray[Any]:
    """Every ``2**level``-th value along each axis."""
    plan, _, data = _open(stream, whole=True)
    said = {} if plan is None else _codec.describe(plan)
    shape = said.get("shape", ())
    if plan is None or said["dtype"].startswith("<c") or len(said["box"]) < sum(length != 1 for length in shape):
        return _strided(decode(stream, max_bytes=max_bytes, workers=workers), level)
    sides, dtype = tuple(-(-length // (1 << level)) for length in shape), np.dtype(said["work"])
    limit = max(_DEFAULT_LIMIT, _DEFAULT_GROWTH * len(stream)) if max_bytes is None else max_bytes
    size = math.prod(sides) * dtype.itemsize
    if size > limit:
        raise CorruptStreamError(f"stands for {size} bytes, more than the limit of {limit}; raise max_bytes")
    work = np.empty(sides, dtype)
    share(lambda start, stop: _codec.decode_level(plan, data, start, stop, level, work), plan.blocks, workers)
    return _finished(work, dtype_of(said["dtype"], said["unit"]))


def _strided(values: NDArray[Any], level: int) -> NDArray[Any]:
    part: NDArray[Any] = values[(slice(None, None, 1 << level),) * values.ndim]
    return np.ascontiguousarray(part).reshape(part.shape)


def _direct(
    out: NDArray[Any], sides: tuple[int, ...], dtype: np.dtype[Any], work: np.dtype[Any]
) -> NDArray[Any] | None:
    """``out`` itself, where numbers can be decoded into it."""
    fits = (
        out.dtype == dtype.newbyteorder("=")
        and out.shape == sides
        and out.flags.c_contiguous
        and out.flags.aligned
        and dtype.kind in "iuf"
    )
    return out if fits and out.dtype == work else None


def _finished(work: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Numbers as the array's own type."""
    if work.dtype == dtype:
        return work
    if dtype.kind == "b":
        truths: NDArray[Any] = np.minimum(work, 1, out=work).view(bool)
        return truths
    if dtype.kind == "c":
        parts: NDArray[Any] = work.view(dtype)[..., 0]
        return parts
    return work.view(dtype.newbyteorder("="))


def _open(stream: bytes | memoryview, *, whole: bool) -> tuple[Any, int, NDArray[np.uint8]]:
    """The stream's plan (None with version 1, which another decoder reads), its version, and its bytes."""
    data = np.frombuffer(stream, np.uint8)
    plan, version = _codec.open_stream(data, whole)
    if plan is not None or version == 1:
        return plan, version, data
    if version == 0:
        raise CorruptStreamError(f"not a stream of cdt: {len(data)} bytes without its signature")
    if version != 2:
        raise CorruptStreamError(
            f"stream version {version}; this release reads versions 1 and 2, a newer one may read it"
        )
    raise CorruptStreamError("the header is damaged, or the stream is cut off")


def _working(values: NDArray[Any]) -> NDArray[Any]:
    """The array as the kernels see it: native, aligned, contiguous, of numbers; complex ones with a last axis of two parts."""
    native = values
    if not (values.flags.c_contiguous and values.flags.aligned and values.dtype.isnative):
        native = np.require(values, values.dtype.newbyteorder("="), ["C", "A"]).reshape(values.shape)
    if values.dtype.kind == "c":
        return np.ascontiguousarray(parts_of(native))
    if values.dtype.kind in "mM":
        return native.view(np.int64)
    return native.view(np.uint8) if values.dtype.kind == "b" else native


def _possible(bound: Bound, dtype: np.dtype[Any]) -> Bound:
    """The bound that numbers of a dtype can keep: booleans and times none, integers no relative one."""
    none = dtype.kind in "bmM" or (bound.kind == "pw_rel" and (dtype.kind in "iu" or dtype == np.float16))
    return Bound("lossless") if none else bound


def _pair(bound: Bound) -> tuple[int, float]:
    return _codec.BOUND_KINDS.index(bound.kind), bound.value if bound.kind != "lossless" else 0.0


def _bound_of(pair: tuple[str, float]) -> Bound:
    return Bound("lossless") if pair[0] == "lossless" else Bound(pair[0], pair[1])
