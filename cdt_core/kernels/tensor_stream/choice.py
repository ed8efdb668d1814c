"""Which basis each axis takes, and whether a train is smaller than a core."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from cdt_core.kernels.tensor_stream.bases import LONGEST_DENSE
from cdt_core.kernels.tensor_stream.coded import least_step
from cdt_core.kernels.tensor_stream.search import Fitted, Measure, Progress, Search
from cdt_core.kernels.tensor_stream.train import Train, pack_train, train_of
from cdt_core.kernels.tensor_stream.tucker import Basis, Core, Field, core_of, pack_core
from cdt_core.kernels.tucker.modes import energies

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["smallest"]

#: Shorter axes have too few numbers for a wavelet; longer ones more columns than a stored basis pays for.
_SHORT, _LONGEST_STORED = 8, 512
#: The step that makes an error of 1, as a first guess.
_STEPS_PER_ERROR = 6.0
#: Ranks of trains are those of so much smaller a step: theirs may come out smaller than the core's.
_RANK_SHARE = 0.7
#: Bases are chosen again, for the step that was found, when that is so many times the guess.
_FAR = 1.5
#: The share of the work that the choice of bases is.
_CHOOSING = 0.3
#: Trains are tried where their estimate, which is often twice too large, is at most so many times the core's bytes.
_SLACK = 3.0


def smallest(x: NDArray[np.float64], target: float, measure: Measure, progress: Progress) -> Fitted | None:
    """The smallest form of ``x`` (1 to 4 axes) whose ``measure`` (the root mean square of its errors) is at most ``target``.

    About 4 transforms for each axis, then for a few forms some ten quantisations and one code each. None where no step meets
    the target.
    """
    search = Search(target, least_step(float(np.linalg.norm(x))), measure)
    guess = _STEPS_PER_ERROR * target
    tried: dict[tuple[Basis, ...], Fitted | None] = {}
    field = Field(x)
    best = _best_core(search, field, guess, tried, progress.part(0, 0.5))
    if best is not None and best.step > _FAR * guess:
        best = _best_core(search, field, best.step, tried, progress.part(0.5, 0.8))
    train = _of_train(search, x, guess, best, progress.part(0.8, 1)) if x.ndim > 1 else None
    return min((one for one in (best, train) if one is not None), key=lambda one: len(one.body), default=None)


def _best_core(
    search: Search,
    field: Field,
    guess: float,
    tried: dict[tuple[Basis, ...], Fitted | None],
    progress: Progress,
) -> Fitted | None:
    """The smallest of all that were tried; each choice of bases is tried once."""
    choices = _choices(field, guess, progress.part(0, _CHOOSING))
    for k, bases in enumerate(choices):
        share = (1 - _CHOOSING) / len(choices)
        if bases not in tried:
            part = progress.part(_CHOOSING + k * share, _CHOOSING + (k + 1) * share)
            tried[bases] = _of_core(search, core_of(field, bases, guess), guess, part)
    return min((one for one in tried.values() if one is not None), key=lambda one: len(one.body), default=None)


def _of_core(search: Search, core: Core, guess: float, progress: Progress) -> Fitted | None:
    met = search.met(lambda step, dead: pack_core(core, step, dead), guess, progress)
    return None if met is None else met.fitted(is_train=False)


def _of_train(
    search: Search, x: NDArray[np.float64], guess: float, core: Fitted | None, progress: Progress
) -> Fitted | None:
    """None, too, where a train seems to cost far more than the core."""
    progress(0)
    step = guess if core is None else core.step
    train = train_of(x, _RANK_SHARE * step)
    if train is None:
        return None
    if core is not None and _train_cost(train, step) > _SLACK * 8 * len(core.body):
        return None
    met = search.met(lambda step, dead: pack_train(train, step, dead), step, progress)
    return None if met is None else met.fitted(is_train=True)


def _train_cost(train: Train, step: float) -> float:
    return _bits(train.last, step) + sum(
        _bits(core * sizes, step) for core, sizes in zip(train.cores, train.sizes, strict=True)
    )


def _choices(field: Field, step: float, progress: Progress) -> list[tuple[Basis, ...]]:
    """Up to three: the cheapest bases that single changes lead to, from wavelets, cosines, and stored ones."""
    seen: dict[tuple[Basis, ...], float] = {}
    ends: dict[tuple[Basis, ...], None] = {}
    favourites = (Basis.WAVELET, Basis.COSINES, Basis.STORED)
    for k, favourite in enumerate(favourites):
        bases = tuple(_allowed(n, favourite) for n in field.values.shape)
        part = progress.part(k / len(favourites), (k + 1) / len(favourites))
        ends[_descend(field, bases, step, seen, part)] = None
    return list(ends)


def _options(n: int) -> tuple[Basis, ...]:
    if n < _SHORT:
        return (Basis.PLACES, Basis.STORED) if n > 1 else (Basis.PLACES,)
    dense = (Basis.COSINES,) if n <= LONGEST_DENSE else ()
    return (Basis.WAVELET, *dense, *((Basis.STORED,) if n <= _LONGEST_STORED else ()))


def _allowed(n: int, favourite: Basis) -> Basis:
    options = _options(n)
    return favourite if favourite in options else options[0]


def _descend(
    field: Field,
    bases: tuple[Basis, ...],
    step: float,
    seen: dict[tuple[Basis, ...], float],
    progress: Progress,
) -> tuple[Basis, ...]:
    """Bases of which no axis gains by another one."""

    def cost(bases: tuple[Basis, ...]) -> float:
        if bases not in seen:
            progress(axis / field.values.ndim)
            seen[bases] = _cost(core_of(field, bases, step), step)
        return seen[bases]

    for axis, n in enumerate(field.values.shape):
        bases = min(((*bases[:axis], basis, *bases[axis + 1 :]) for basis in _options(n)), key=cost)
    return bases


def _cost(core: Core, step: float) -> float:
    """About the code's bits, with the error that is left at the price of bits that a smaller step has."""
    cost = _bits(core.core, step)
    for axis, factor in enumerate(core.factors):
        if factor is not None:
            cost += _bits(factor * np.sqrt(energies(core.core, axis)), step)
    return cost


def _bits(x: NDArray[np.float64], step: float) -> float:
    """Half the logarithm of the energy in quarter steps, and 6 / ln 2 of each squared step that is lost (d rate / d error)."""
    square = np.square(x / step)
    return float(0.5 * np.log2(1 + 4 * square).sum() + 6 / math.log(2) * np.minimum(square, 1 / 12).sum())
