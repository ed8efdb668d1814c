"""The search for points at which a tensor train is wrong: random ones, then walks uphill from the worst of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from cdt_core.kernels.tensor_train.arithmetic import entries
from cdt_core.kernels.tensor_train.sampling import BudgetSpentError, Samples

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Worst", "random_points", "row_products", "worst_points"]

#: Longest line that a walk looks at whole; of a longer axis it sees so many random positions.
_LONGEST_LINE = 1024

_MOST_ROUNDS = 8


@attrs.frozen(eq=False)
class Worst:
    """Points (w, d) where a walk ended, worst first, each with its error ``|f - train|``, (w,)."""

    points: NDArray[np.int64]
    errors: NDArray[np.float64]


def random_points(shape: tuple[int, ...], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """``count`` random indices, (count, d); every index once where there are no more than that."""
    if math.prod(shape) <= count:
        steps = [math.prod(shape[k + 1 :]) for k in range(len(shape))]
        return np.asarray(np.arange(math.prod(shape))[:, None] // np.array(steps) % np.array(shape), np.int64)
    return np.stack([rng.integers(0, n, count) for n in shape], axis=1)


def worst_points(
    samples: Samples, cores: list[NDArray[Any]], rng: np.random.Generator, count: int, walkers: int
) -> Worst:
    """Where the function and the train differ most, as far as ``count`` random points and ``walkers`` walks show.

    A walk goes along one axis after the other to the worst point of the line, until no line has a worse one
    (arXiv 2407.02454: global pivots).
    Raises :class:`BudgetSpentError` before the random points; a walk just ends where there is no more to spend.
    """
    points = random_points(samples.shape, count, rng)
    errors = np.abs(samples.at(points) - entries(cores, points))
    worst = np.argsort(-errors, kind="stable")[:walkers]
    points, errors = points[worst], errors[worst]
    still = 0
    for axis in list(range(len(samples.shape))) * (_MOST_ROUNDS if len(points) else 0):
        before = errors
        try:
            points, errors = _step(samples, cores, points, errors, axis, rng)
        except BudgetSpentError:
            break
        still = still + 1 if np.array_equal(before, errors) else 0
        if still == len(samples.shape):
            break
    points, first = np.unique(points, axis=0, return_index=True)
    order = np.argsort(-errors[first], kind="stable")
    return Worst(points[order], errors[first][order])


def _step(
    samples: Samples,
    cores: list[NDArray[Any]],
    points: NDArray[np.int64],
    errors: NDArray[np.float64],
    axis: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Every walker at the worst point of its line along an axis."""
    n = samples.shape[axis]
    places = np.arange(n) if n <= _LONGEST_LINE else np.sort(rng.choice(n, _LONGEST_LINE, replace=False))
    lines = np.repeat(points, len(places), axis=0)
    lines[:, axis] = np.tile(places, len(points))
    values = samples.at(lines).reshape(len(points), len(places))
    found = np.abs(values - _lines(cores, points, axis, places))
    best = found.argmax(axis=1)
    reached = found[np.arange(len(points)), best]
    better = reached > errors
    moved = points.copy()
    moved[better, axis] = places[best[better]]
    return moved, np.where(better, reached, errors)


def _lines(cores: list[NDArray[Any]], points: NDArray[np.int64], axis: int, places: NDArray[np.int64]) -> NDArray[Any]:
    """Values of a train along an axis through (w, d) points: (w, number of places)."""
    turned = [core.transpose(2, 1, 0) for core in reversed(cores[axis + 1 :])]
    heads = row_products(cores[:axis], points[:, :axis])
    tails = row_products(turned, points[:, :axis:-1])
    core = cores[axis][:, places]
    halves = (heads @ core.reshape(len(core), -1)).reshape(len(points), len(places), -1)
    return np.asarray(np.matmul(halves, tails[:, :, None])[:, :, 0])


def row_products(cores: Sequence[NDArray[Any]], points: NDArray[np.int64]) -> NDArray[Any]:
    """Products of the matrices that the points choose from the first cores: (m, r)."""
    row = np.ones((len(points), 1))
    for core, chosen in zip(cores, points.T, strict=True):
        row = np.matmul(row[:, None, :], core[:, chosen].transpose(1, 0, 2))[:, 0]
    return row
