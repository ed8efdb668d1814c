"""Which basis each axis takes, and whether a train is smaller than a core."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from cdt_core.kernels.tensor_stream.coded import least_step
from cdt_core.kernels.tensor_stream.search import Fitted, Measure, Search
from cdt_core.kernels.tensor_stream.train import Train, pack_train, train_of
from cdt_core.kernels.tensor_stream.tucker import LONGEST_DENSE, Basis, Core, core_of, pack_core

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["smallest"]

#: Shorter axes have too few numbers for a wavelet; longer ones more columns than a stored basis pays for.
_SHORT, _LONGEST_STORED = 8, 512
#: The step that makes an error of 1, as a first guess.
_STEPS_PER_ERROR = 6.0
#: Ranks of trains are those of so much smaller a step: theirs may come out smaller than the core's.
_RANK_SHARE = 0.7
#: Trains are tried when they have at most so many numbers for one of the core's that are not zero.
_NUMBERS_PER_COEFFICIENT = 4.0


def smallest(x: NDArray[np.float64], target: float, measure: Measure) -> Fitted | None:
    """The smallest form of ``x`` (1 to 4 axes) whose ``measure`` (the root mean square of its errors) is at most ``target``.

    About 4 transforms for each axis, then for up to four forms some ten quantisations and one code each. None where no step
    meets the target.
    """
    search = Search(target, least_step(float(np.linalg.norm(x))), measure)
    guess = _STEPS_PER_ERROR * target
    made = [_of_core(search, core, guess) for core in _cores(x, guess)]
    least = min((one for one in made if one is not None), key=lambda one: len(one.body), default=None)
    if x.ndim > 1:
        made.append(_of_train(search, x, guess if least is None else least.step))
    return min((one for one in made if one is not None), key=lambda one: len(one.body), default=None)


def _of_core(search: Search, core: Core, guess: float) -> Fitted | None:
    met = search.met(lambda step, dead: pack_core(core, step, dead), guess)
    return None if met is None else met.fitted(is_train=False)


def _of_train(search: Search, x: NDArray[np.float64], guess: float) -> Fitted | None:
    train = train_of(x, _RANK_SHARE * guess)
    if train is None or not _is_worth(train, x, guess):
        return None
    met = search.met(lambda step, dead: pack_train(train, step, dead), guess)
    return None if met is None else met.fitted(is_train=True)


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
