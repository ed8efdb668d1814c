"""The largest step of a quantiser that meets a target of the root mean square error, measured on what a decoder makes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from attrs import frozen

from cdt_core.kernels.stopping import heed
from cdt_core.kernels.tensor_stream.coded import DEAD

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Fitted", "Measure", "Pack", "Progress", "Search"]

#: The root mean square of an array's errors.
Measure: TypeAlias = "Callable[[NDArray[np.float64]], float]"
#: Of a step and a dead zone: what makes the bytes, and the array that they decode to.
Pack: TypeAlias = "Callable[[float, float], tuple[Callable[[], bytes], NDArray[np.float64]]]"

#: Of the work after each try, so much is left: how many there will be is not known.
_LEFT = 0.75

#: A step changes by at most this factor from one try to the next.
_WIDEST = 16.0
_TRIES = 24
#: The search ends when so much of the allowed error is used, and widens the dead zone when steps alone leave more unused.
_USED = 0.995
_LEAST_USED = 0.985
#: Steps that differ by less are one.
_CLOSE = 1 + 1e-6
_WIDEST_DEAD = 32.0


@frozen(eq=False)
class Progress:
    """Tells the share of all that is done, from that of a part of it; a place to stop at."""

    tell: Callable[[float], None] | None = None
    start: float = 0.0
    stop: float = 1.0

    def __call__(self, share: float) -> None:
        """``share`` of this part is done."""
        heed()
        if self.tell is not None:
            self.tell(self.start + share * (self.stop - self.start))

    def part(self, start: float, stop: float) -> Progress:
        """Of a part of this part."""
        length = self.stop - self.start
        return Progress(self.tell, self.start + start * length, self.start + stop * length)


@frozen(eq=False)
class Fitted:
    """A form that meets the target: which it is, its step, bytes, the array that they decode to, and the error of that."""

    is_train: bool
    step: float
    body: bytes
    array: NDArray[np.float64]
    error: float


@frozen(eq=False)
class Met:
    """A step that meets the target, with what makes the bytes."""

    step: float
    pack: Callable[[], bytes]
    array: NDArray[np.float64]
    error: float

    def fitted(self, *, is_train: bool) -> Fitted:
        """With its bytes made."""
        return Fitted(is_train, self.step, self.pack(), self.array, self.error)


@frozen(eq=False)
class Search:
    """For errors of at most ``target``, by steps of at least ``least``."""

    target: float
    least: float
    measure: Measure

    def met(self, pack: Pack, guess: float, progress: Progress) -> Met | None:
        """The largest step, and then the widest dead zone, that were found to meet the target; None without one."""
        met: Met | None = None
        low, high, step = 0.0, math.inf, max(guess, self.least)
        for count in range(_TRIES):
            progress(1 - _LEFT**count)
            tried = self._tried(pack, step, DEAD)
            if tried.error <= self.target:
                low, met = step, tried
            else:
                high = step
            if self._ends(met, tried, low, high):
                break
            step = self._next(step, tried.error, (low, high))
        if met is not None and met.error < _LEAST_USED * self.target and met.array.any():
            return self._widened(pack, met, progress)
        return met

    def _tried(self, pack: Pack, step: float, dead: float) -> Met:
        make, array = pack(step, dead)
        return Met(step, make, array, self.measure(array))

    def _ends(self, met: Met | None, tried: Met, low: float, high: float) -> bool:
        if tried is met:
            return tried.error >= _USED * self.target or not tried.array.any()
        return high <= max(self.least, low) * _CLOSE

    def _next(self, step: float, error: float, known: tuple[float, float]) -> float:
        """Between both sides; while there is only one, where an error in proportion to the step meets the target."""
        low, high = known
        if low and high < math.inf:
            return math.sqrt(low * high)
        ratio = self.target / error if error > 0 else _WIDEST
        factor = min(_WIDEST, ratio * 1.01) if ratio >= 1 else max(1 / _WIDEST, ratio * 0.995)
        return max(self.least, step * factor)

    def _widened(self, pack: Pack, met: Met, progress: Progress) -> Met:
        """The same step with the widest dead zone that still meets the target: few coefficients leave gaps between steps."""
        low, high = DEAD, _WIDEST_DEAD
        for _ in range(_TRIES):
            progress(1.0)
            dead = math.sqrt(low * high)
            tried = self._tried(pack, met.step, dead)
            if tried.error <= self.target:
                low, met = dead, tried
            else:
                high = dead
        return met
