"""Targets for all errors together (``psnr``, ``rmse``): the widest absolute bound whose measured errors reach them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import define, frozen

from cdt_core.kernels import compress, stats
from cdt_core.kernels.compress import EncodedStream
from cdt_core.kernels.parts import parts_of
from cdt_core.model import Bound

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["encode_psnr"]

#: So many streams are made and measured before the bound is taken that needs no measuring.
_TRIES = 5
#: The search ends when the target is exceeded by no more decibels, and aims at a little above it.
_SLACK = 0.3
_AIM = 0.1
#: A step of the search changes the bound by at most so many decibels.
_LONGEST_STEP = 12.0
#: Beyond these, squares of errors leave the range of float64.
_LEAST_ERROR, _LARGEST_RANGE = 1e-140, 1e140


@frozen(eq=False)
class _Signal:
    """The values that are coded, with their parts as real numbers, where those are missing, and their finite range."""

    values: NDArray[Any]
    parts: NDArray[Any]
    missing: NDArray[np.bool_] | None
    reach: float

    def psnr(self, stream: bytes) -> float:
        """What a stream reaches, in decibels; infinite without an error."""
        decoded = compress.decode(stream, max_bytes=max(1, 2 * self.values.nbytes))
        parts = parts_of(decoded) if decoded.dtype.kind == "c" else decoded
        found = stats.compare(self.parts, parts, missing=self.missing)
        if found.sum_squared_error <= 0:
            return math.inf
        return 20 * math.log10(self.reach / math.sqrt(found.sum_squared_error / found.finite))


@define(slots=False)
class _Search:
    """Bounds in decibels below the range, and what they reached: the widest that met the target, the narrowest that did not."""

    target: float
    met: tuple[float, float] | None = None
    missed: tuple[float, float] | None = None

    def note(self, at: float, reached: float) -> None:
        """One more bound that was tried."""
        if reached >= self.target:
            self.met = (at, reached)
        else:
            self.missed = (at, reached)

    def next(self, at: float, reached: float) -> float:
        """The bound to try next: where the line through both sides reaches the aim, or a step from the only side."""
        aim = self.target + _AIM
        if self.met is None or self.missed is None:
            return at - max(-_LONGEST_STEP, min(_LONGEST_STEP, reached - aim))
        (near, high), (far, low) = self.met, self.missed
        share = 0.5 if math.isinf(high) else (high - aim) / (high - low)
        return near + max(0.1, min(0.9, share)) * (far - near)


def encode_psnr(
    values: NDArray[Any], asked: Bound, *, missing: Sequence[float | int], profile: str, workers: int
) -> EncodedStream:
    """Encode so that ``20 log10(range / rms error)`` over finite values that are not ``missing`` is at least ``asked.value``;
    for ``rmse``, so that the root mean square error is at most that.

    The errors that a stream really has are measured, from at most six streams; the widest bound that reaches the target is
    kept, where possible within 0.3 dB of it. The error of complex numbers is that of their parts.

    Raises
    ------
    BoundError
        ``psnr`` of no finite value, or of a range that overflows.
    """
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    # Heads of streams know no rmse: what is kept stands there.
    options: dict[str, Any] = {"missing": missing, "profile": profile, "workers": workers}
    if asked.kind == "psnr":
        options["asked"] = asked
    if values.dtype.kind in "bmMOSUV" or not values.size:
        return compress.encode(values, Bound("lossless"), **options)
    parts = parts_of(values) if values.dtype.kind == "c" else values
    mask = stats.mask(parts, missing)
    found = stats.describe(parts, missing=mask)
    sure = asked.applied(found.minimum, found.maximum)
    if sure.is_lossless or found.minimum is None or found.maximum is None:
        return compress.encode(values, sure, **options)
    reach = float(found.maximum) - float(found.minimum)
    best = None
    if sure.value >= _LEAST_ERROR and 0 < reach <= _LARGEST_RANGE:
        target = asked.value if asked.kind == "psnr" else 20 * math.log10(reach / sure.value)
        best = _searched(_Signal(values, parts, mask, reach), target, options)
    return best if best is not None else compress.encode(values, sure, **options)


def _searched(signal: _Signal, target: float, options: dict[str, Any]) -> EncodedStream | None:
    """The smallest stream that was found to reach the target; None without one.

    Errors that fill the bound evenly have a root mean square of bound / sqrt(3); other ones are found by interpolation.
    """
    is_whole = signal.values.dtype.kind in "iu"
    two_parts = math.sqrt(2) if signal.values.dtype.kind == "c" else 1.0
    widest = 20 * math.log10(math.sqrt(3) * two_parts)
    search, best, tried, before = _Search(target), None, set(), math.inf
    at = target - widest + _AIM / 2
    for _ in range(_TRIES):
        width = signal.reach * 10 ** (-at / 20)
        width = math.floor(width) if is_whole else width
        if width in tried or not width > 0:
            break
        tried.add(width)
        made = compress.encode(signal.values, Bound("abs", float(width)), **options)
        reached = signal.psnr(made.stream)
        search.note(at, reached)
        if reached >= target and (best is None or len(made.stream) < len(best.stream)):
            best = made
        if target <= reached <= target + _SLACK or reached == before < math.inf:  # a wider bound would change nothing
            break
        at, before = search.next(at, reached), reached
    return best
