"""Which basis each axis takes, and the largest step that meets a target."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from attrs import frozen

from cdt_core.kernels.tensor_stream.coded import DEAD
from cdt_core.kernels.tensor_stream.train import Train, pack_train, train_of
from cdt_core.kernels.tensor_stream.tucker import LONGEST_DENSE, Basis, Core, core_of, pack_core

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Fitted", "smallest"]

#: Shorter axes have too few numbers for a wavelet; longer ones more columns than a stored basis pays for.
_SHORT, _LONGEST_STORED = 8, 512
#: Steps that make an error of 1, as a first guess; the search widens what it changes by up to this factor.
_STEPS_PER_ERROR = 6.0
_WIDEST = 16.0
_TRIES = 24
#: The search ends when so much of the allowed error is used.
_USED = 0.99
_LEAST_USED = 0.975
#: Trains are tried when they have at most so many numbers for one of the core's that are not zero.
_NUMBERS_PER_COEFFICIENT = 4.0

_Pack = Callable[[float, float], tuple[Callable[[], bytes], "NDArray[np.float64]"]]


@frozen(eq=False)
class Fitted:
    """A form that meets the target: which it is, its step, bytes, the array that they decode to, and the error of that."""

    is_train: bool
    step: float
    body: bytes
    array: NDArray[np.float64]
    error: float


@frozen(eq=False)
class _Met:
    """A step that meets the target, with what makes the bytes."""

    step: float
    pack: Callable[[], bytes]
    array: NDArray[np.float64]
    error: float

    def fitted(self, is_train: bool) -> Fitted:
        return Fitted(is_train, self.step, self.pack(), self.array, self.error)


def smallest(x: NDArray[np.float64], target: float, measure: Callable[[NDArray[np.float64]], float]) -> Fitted | None:
    """The smallest form of ``x`` (1 to 4 axes) whose ``measure`` (the root mean square of its errors) is at most ``target``.

    About 4 transforms for each axis, then for three forms some ten quantisations and one code each. None where no step meets
    the target.
    """
    guess = _STEPS_PER_ERROR * target
    made = []
    for core in _cores(x, guess):
        found = _fitted(lambda step, dead, core=core: pack_core(core, step, dead), target, guess, measure)  # type: ignore[misc]
        if found is not None:
            made.append(found.fitted(False))
    least = min(made, key=lambda one: len(one.body), default=None)
    if x.ndim > 1:
        step = guess if least is None else least.step
        train = train_of(x, step)
        if train is not None and _is_worth(train, x, step):
            found = _fitted(lambda step, dead: pack_train(train, step, dead), target, step, measure)
            if found is not None:
                made.append(found.fitted(True))
    return min(made, key=lambda one: len(one.body), default=None)


def _is_worth(train: Train, x: NDArray[np.float64], step: float) -> bool:
    numbers = np.count_nonzero(np.abs(train.last) > step) * _NUMBERS_PER_COEFFICIENT
    return train.numbers <= max(x.size // 8, numbers)


def _cores(x: NDArray[np.float64], step: float) -> Iterator[Core]:
    """Up to three choices of bases: the cheapest that single changes lead to, from wavelets, cosines, and stored ones."""
    seen: dict[tuple[Basis, ...], float] = {}
    ends: dict[tuple[Basis, ...], None] = {}
    for favourite in (Basis.WAVELET, Basis.COSINES, Basis.STORED):
        bases = tuple(_allowed(n, favourite) for n in x.shape)
        ends[_descend(x, bases, step, seen)] = None
    for bases in ends:
        yield core_of(x, bases, step)


def _options(n: int) -> tuple[Basis, ...]:
    if n < _SHORT:
        return (Basis.PLACES, Basis.STORED) if n > 1 else (Basis.PLACES,)
    dense = (Basis.COSINES,) if n <= LONGEST_DENSE else ()
    return (Basis.WAVELET, *dense, *((Basis.STORED,) if n <= _LONGEST_STORED else ()))


def _allowed(n: int, favourite: Basis) -> Basis:
    options = _options(n)
    return favourite if favourite in options else options[0]


def _descend(
    x: NDArray[np.float64], bases: tuple[Basis, ...], step: float, seen: dict[tuple[Basis, ...], float]
) -> tuple[Basis, ...]:
    """Bases of which no axis gains by another one."""

    def cost(bases: tuple[Basis, ...]) -> float:
        if bases not in seen:
            seen[bases] = _cost(core_of(x, bases, step), step)
        return seen[bases]

    for axis, n in enumerate(x.shape):
        bases = min(((*bases[:axis], basis, *bases[axis + 1 :]) for basis in _options(n)), key=cost)
    return bases


def _cost(core: Core, step: float) -> float:
    """About the code's bits, with the error that is left at the price of bits that a smaller step has."""
    cost = _bits(core.core, step)
    for axis, factor in enumerate(core.factors):
        if factor is not None:
            sizes = np.sqrt((core.core * core.core).sum(axis=tuple(k for k in range(core.core.ndim) if k != axis)))
            cost += _bits(factor * sizes, step)
    return cost


def _bits(x: NDArray[np.float64], step: float) -> float:
    """Half the logarithm of the energy in quarter steps, and 6 / ln 2 of each squared step that is lost (d rate / d error)."""
    square = np.square(x / step)
    return float(0.5 * np.log2(1 + 4 * square).sum() + 6 / math.log(2) * np.minimum(square, 1 / 12).sum())


def _fitted(pack: _Pack, target: float, guess: float, measure: Callable[[NDArray[np.float64]], float]) -> _Met | None:
    """The largest step, and dead zone, that were found to meet the target."""
    met: _Met | None = None
    low, high, step = 0.0, math.inf, guess
    for _ in range(_TRIES):
        make, decoded = pack(step, DEAD)
        error = measure(decoded)
        if error <= target:
            low, met = step, _Met(step, make, decoded, error)
            if error >= _USED * target:
                return met
        else:
            high = step
        ratio = target / error if error > 0 else _WIDEST
        if met is not None and high < math.inf:
            step = math.sqrt(low * high)
        else:
            step *= max(1 / _WIDEST, min(_WIDEST, ratio * (0.995 if ratio < 1 else 1.01)))
        if low and high / low < 1 + 1e-6:
            break
    if met is not None and 0 < met.error < _LEAST_USED * target:
        return _widened(pack, met, target, measure)
    return met


def _widened(
    pack: _Pack,
    met: _Met,
    target: float,
    measure: Callable[[NDArray[np.float64]], float],
) -> _Met:
    """The same step with the widest dead zone that still meets the target: few coefficients leave gaps between steps."""
    low, high, step = DEAD, 32 * DEAD, met.step
    for _ in range(_TRIES):
        dead = math.sqrt(low * high)
        make, decoded = pack(step, dead)
        error = measure(decoded)
        if error <= target:
            low, met = dead, _Met(step, make, decoded, error)
        else:
            high = dead
    return met
