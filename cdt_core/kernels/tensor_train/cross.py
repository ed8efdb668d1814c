"""Tensor cross interpolation: a tensor train of a function that can be asked for values, from few of them."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from cdt_core.errors import TensorError
from cdt_core.kernels.tensor_train.arithmetic import entries
from cdt_core.kernels.tensor_train.crosses import Crosses
from cdt_core.kernels.tensor_train.sampling import BudgetSpentError, Samples
from cdt_core.kernels.tensor_train.searching import Worst, random_points, worst_points
from cdt_core.kernels.tensor_train.train import TensorTrain

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CrossResult", "tt_cross"]

#: Below this a relative tolerance asks for digits that double precision loses on the way.
_SMALLEST_RTOL = 1e-14

#: Random points and walks of one search for wrong points.
_SEARCH_POINTS = 1000
_WALKERS = 5

#: A search asks for at least this share of the evaluations before it.
_SEARCH_SHARE = 0.25

_MOST_SWEEPS = 60

#: No pivot is asked for below this share of the largest value: it would be made of rounding.
_SMALLEST_SHARE = 2e-15


@attrs.frozen(eq=False)
class CrossResult:
    """A tensor train by cross interpolation, and how well it is known to agree with the function.

    Attributes
    ----------
    train
        The tensor train; its own ``error`` is ``None``, since sampling certifies nothing.
    estimated_error
        Largest ``|f - train|`` at the points of the last search, relative to the largest ``|f|`` seen. An estimate from
        below: no sampling sees a peak between the points that it asks for.
    evaluations
        Number of values that the function was asked for; those that were known already do not count.
    sweeps
        Number of sweeps over all bonds.
    converged
        Whether the last search found no point that is wrong by more than ``rtol``; not so when ``max_rank`` or
        ``max_evaluations`` came first.
    """

    train: TensorTrain
    estimated_error: float
    evaluations: int
    sweeps: int
    converged: bool


def tt_cross(  # noqa: PLR0913 -- all but three by name only
    f: Callable[[NDArray[np.int64]], Any],
    shape: Sequence[int],
    rtol: float,
    *,
    max_rank: int | None = None,
    seed: int = 0,
    start: NDArray[Any] | Sequence[Sequence[int]] | None = None,
    max_evaluations: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> CrossResult:
    """A tensor train of a function of indices, from values at few of them: what cannot be loaded can still be sampled.

    Sweeps over pairs of neighbouring axes; at each bond a partially rank-revealing LU keeps the rows and columns that
    stand for all others. Once the pivots stay, random points and walks uphill look for places where the train is wrong;
    what they find becomes a pivot, and the sweeps go on.

    Parameters
    ----------
    f
        Takes an (m, d) int64 array of indices, gives m finite real or complex numbers.
    shape
        Lengths of the d >= 1 axes.
    rtol
        Tolerated error of any entry, relative to the largest absolute value (maximum norm, not Frobenius); it steers the
        sampling and is not certified.
    max_rank
        Largest rank; without it and ``max_evaluations`` a function that has no low ranks is sampled until it fits.
    seed
        Of the random points; one seed gives one result.
    start
        (p, d) indices that are worth a look first, such as known peaks.
    max_evaluations
        Most values that ``f`` is asked for; the best train so far is returned when they are spent.
    progress
        Called with the share of the digits (or evaluations) that are done, 0..1.

    Raises
    ------
    TensorError
        Empty shape or axes, a rank below 1, ``rtol`` below 1e-14, fewer evaluations than one line along each axis, a start
        outside of the tensor, or a value of ``f`` that is no finite number (its index is named).

    Notes
    -----
    Y. Nunez Fernandez, M. K. Ritter, M. Jeannin, J.-W. Li, T. Kloss, T. Louvet, S. Terasaki, O. Parcollet, J. von Delft,
    H. Shinaoka, X. Waintal, "Learning tensor networks with tensor cross interpolation: new algorithms and libraries",
    arXiv 2407.02454 (2024), sections 3.3 (LU) and 4.3 (sweeps, global pivots). A bond of ranks r looks at n^2 r^2 values where
    they are few, else at about 6 n r^2 (rook search), and takes 2 n^2 r^3 flops. Values are remembered (up to 4 million, of
    tensors of less than 2^62 elements): no index is asked for twice. ``f`` is asked for at most 4 million / d values at
    once. A peak apart from all else is found when a random point (1000, or a quarter of the evaluations before), or a walk from
    the 5 worst, meets its slopes: of Gaussians over 20^5 points, 30 of 30 with a variance of 1 or 1/2 grid step, 14 with 1/4.
    Single wrong entries among many (steps across all axes) are mostly missed.

    Examples
    --------
    >>> import numpy as np
    >>> found = tt_cross(lambda i: 1 / (1 + (i**2).sum(axis=1)), (16,) * 5, 1e-8)
    >>> found.converged, found.estimated_error < 1e-8, found.evaluations < 16**5 / 5
    (True, True, True)
    """
    sizes = _checked_shape(shape)
    goal = _checked_goal(rtol, max_rank)
    samples = Samples(f, sizes, max_evaluations)
    if samples.left < 1 + sum(sizes):
        raise TensorError(
            f"max_evaluations {max_evaluations} is less than a value for each place of each axis; allow {1 + sum(sizes)}"
        )
    rng = np.random.default_rng(seed)
    first = _first_points(samples, _checked_start(start, sizes), rng)
    if not samples.largest:
        zeros = tuple(np.zeros((1, n, 1)) for n in sizes)
        return CrossResult(TensorTrain(zeros), 0.0, samples.evaluations, 0, converged=True)
    return _Interpolation(samples, first, goal, rng, progress or (lambda _: None)).run()


def _checked_shape(shape: Sequence[int]) -> tuple[int, ...]:
    sizes = tuple(int(n) for n in shape)
    if not sizes or min(sizes) < 1:
        raise TensorError(
            f"a function of indices over shape {sizes} has no values; give at least one axis, each of length >= 1"
        )
    return sizes


def _checked_goal(rtol: float, max_rank: int | None) -> tuple[float, int]:
    if not _SMALLEST_RTOL <= rtol < 1:
        raise TensorError(
            f"rtol {rtol} is not in [{_SMALLEST_RTOL}, 1), what double precision can hold; 1e-10 is a tight one"
        )
    if max_rank is not None and max_rank < 1:
        raise TensorError(f"max_rank {max_rank} holds no tensor; give 1 or more, or None")
    return rtol, sys.maxsize if max_rank is None else max_rank


def _checked_start(start: NDArray[Any] | Sequence[Sequence[int]] | None, shape: tuple[int, ...]) -> NDArray[np.int64]:
    if start is None:
        return np.zeros((0, len(shape)), np.int64)
    points = np.atleast_2d(np.asarray(start))
    if points.dtype.kind not in "iu" or points.ndim != 2 or points.shape[1] != len(shape):
        raise TensorError(f"start has to be (p, {len(shape)}) integers, not {points.dtype} of shape {points.shape}")
    outside = ((points < 0) | (points >= np.array(shape))).any(axis=1)
    if outside.any():
        raise TensorError(f"start index {tuple(map(int, points[outside.argmax()]))} is outside of shape {shape}")
    return points.astype(np.int64)


def _first_points(samples: Samples, start: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Points of large absolute value, the largest first: among the given ones, random ones, and uphill from these."""
    lines = sum(samples.shape)
    start = start[: int(min(samples.left - lines, len(start)))]
    values = np.abs(samples.at(start))
    samples.reserve = lines + int(min(0.75 * (samples.left - lines), sys.maxsize))
    zero = [np.zeros((1, n, 1)) for n in samples.shape]
    found = worst_points(samples, zero, rng, int(min(samples.left, _SEARCH_POINTS)), _WALKERS)
    samples.reserve = 0
    points, sizes = np.concatenate((start, found.points)), np.concatenate((values, found.errors))
    return points[np.argsort(-sizes, kind="stable")]


class _Interpolation:
    """One run: sweeps until the pivots stay, a search for what they miss, and again."""

    def __init__(
        self,
        samples: Samples,
        first: NDArray[np.int64],
        goal: tuple[float, int],
        rng: np.random.Generator,
        progress: Callable[[float], None],
    ) -> None:
        self._samples = samples
        self._rtol, self._max_rank = goal
        self._rng = rng
        self._progress = progress
        self._crosses = Crosses(samples, first[0])
        self._extra = first[1:]
        self._sweeps = 0
        self._rounds = 0
        self._done = 0.0
        self._share = 0.5  # of the tolerance that a pivot left out may have: several of them meet in one entry

    def run(self) -> CrossResult:
        """Sweep and search until no wrong point is found, or until nothing more may be done about it."""
        samples, error, converged = self._samples, math.inf, False
        if not self._crosses.pivots:  # one axis: all of it has been read
            return self._result(0.0, converged=True)
        samples.reserve = int(min(_SEARCH_POINTS, samples.left / 10)) if math.isfinite(samples.left) else 0
        try:
            while True:
                self._settle()
                count = max(_SEARCH_POINTS, int(_SEARCH_SHARE * samples.evaluations))
                worst = worst_points(samples, self._crosses.cores(), self._rng, count, _WALKERS)
                error = float(worst.errors[0])
                converged = error <= self._rtol * samples.largest
                if converged or self._sweeps >= _MOST_SWEEPS or not self._deepen(worst):
                    break
        except BudgetSpentError:
            error = self._last_look()
        return self._result(error, converged=converged)

    def _result(self, error: float, *, converged: bool) -> CrossResult:
        self._progress(1.0)
        train = TensorTrain(tuple(self._crosses.cores()))
        evaluations, largest = self._samples.evaluations, self._samples.largest
        return CrossResult(train, error / largest, evaluations, self._sweeps, converged)

    def _settle(self) -> None:
        """Sweep to and fro until the ranks have stayed for two sweeps."""
        unchanged = 0
        while unchanged < 2 and self._sweeps < _MOST_SWEEPS:
            before = self._crosses.ranks
            tolerance = max(self._share * self._rtol, _SMALLEST_SHARE) * self._samples.largest
            goal = tolerance, self._max_rank
            self._crosses.sweep(self._sweeps % 2 == 0, goal, self._extra, self._rng)
            self._extra = self._extra[:0]
            self._sweeps += 1
            self._report()
            unchanged = unchanged + 1 if self._crosses.ranks == before else 0

    def _deepen(self, worst: Worst) -> bool:
        """Make pivots of the wrong points, and look closer where they are only just wrong; false when that is no use."""
        self._rounds += 1
        limit = self._rtol * self._samples.largest
        if self._rounds > 2 and max(self._crosses.ranks, default=1) >= self._max_rank:
            return False
        self._extra = worst.points[worst.errors > limit]
        if self._rounds > 2 or worst.errors[0] < 100 * limit:
            self._share *= 0.3
        return True

    def _last_look(self) -> float:
        """Largest error at the random points that were kept in reserve; infinite when there was none."""
        count, self._samples.reserve = self._samples.reserve, 0
        count = int(min(count, self._samples.left))
        points = random_points(self._samples.shape, count, self._rng)
        errors = np.abs(self._samples.at(points) - entries(self._crosses.cores(), points))
        return float(errors.max(initial=0.0)) if count else math.inf

    def _report(self) -> None:
        """Share of the digits asked for that the pivots left out have reached, or of the evaluations allowed."""
        size = max(self._crosses.residuals, default=0.0) / self._samples.largest
        digits = math.log(max(size, self._rtol)) / math.log(self._rtol)
        spent = self._samples.evaluations / (self._samples.evaluations + self._samples.left)
        self._done = min(0.99, max(self._done, digits, spent))
        self._progress(self._done)
