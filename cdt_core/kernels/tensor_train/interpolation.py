"""One run of cross interpolation: sweeps until the pivots stay, a search for what they miss, and again."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs
import numpy as np

from cdt_core.kernels.tensor_train.arithmetic import entries
from cdt_core.kernels.tensor_train.crosses import Crosses
from cdt_core.kernels.tensor_train.sampling import BudgetSpentError, Samples
from cdt_core.kernels.tensor_train.searching import Worst, random_points, worst_points
from cdt_core.kernels.tensor_train.train import TensorTrain

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CrossResult", "Interpolation", "first_points"]

#: Random points and walks of one search for wrong points.
_SEARCH_POINTS = 1000
_WALKERS = 5

#: A search asks for at least this share of the evaluations before it.
_SEARCH_SHARE = 0.25

_MOST_SWEEPS = 60
_SWEEPS_A_ROUND = 10

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
        below: no sampling sees a peak between the points that it asks for. Infinite where ``max_evaluations`` left none.
    evaluations
        Number of values that the function was asked for; those that were known already do not count.
    sweeps
        Number of sweeps over all bonds.
    converged
        Whether the last search found no point that is wrong by more than ``rtol``; not so when ``max_rank`` or
        ``max_evaluations`` came first, or when zeros were found at fewer points than a search has.
    """

    train: TensorTrain
    estimated_error: float
    evaluations: int
    sweeps: int
    converged: bool


def first_points(
    samples: Samples, start: NDArray[np.int64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], bool]:
    """Points of large absolute value, the largest first: among the given ones, random ones, and uphill from these.

    And whether as many random ones were looked at as a search takes, or all there are.
    """
    lines, most = sum(samples.shape), min(_SEARCH_POINTS, math.prod(samples.shape))
    start = start[: int(min(samples.left - lines, len(start)))]
    values = np.abs(samples.at(start))
    zero = [np.zeros((1, n, 1)) for n in samples.shape]
    for kept in (True, False):  # where all is zero, nothing else needs the evaluations
        samples.reserve = lines + int(min(0.75 * (samples.left - lines), sys.maxsize)) * kept
        count = int(min(samples.left, most))
        found = worst_points(samples, zero, rng, count, _WALKERS)
        samples.reserve = 0
        if samples.largest or samples.left <= lines:
            break
    points, sizes = np.concatenate((start, found.points)), np.concatenate((values, found.errors))
    return points[np.argsort(-sizes, kind="stable")], count == most


class Interpolation:
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
        samples.reserve = int(min(_SEARCH_POINTS, samples.left / 10)) if math.isfinite(samples.left) else 0
        try:
            while True:
                self._settle()
                worst = worst_points(samples, self._crosses.cores(), self._rng, self._effort(), _WALKERS)
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
        """Sweep to and fro until the ranks have stayed for two sweeps; ranks near the tolerance may swing for ever."""
        unchanged, end = 0, min(self._sweeps + _SWEEPS_A_ROUND, _MOST_SWEEPS)
        while unchanged < 2 and self._sweeps < end:
            before = self._crosses.ranks
            tolerance = max(self._share * self._rtol, _SMALLEST_SHARE) * self._samples.largest
            goal = tolerance, self._max_rank
            self._crosses.sweep(self._sweeps % 2 == 0, goal, self._extra, self._rng)
            self._extra = self._extra[:0]
            self._sweeps += 1
            self._report()
            unchanged = unchanged + 1 if self._crosses.ranks == before else 0

    def _effort(self) -> int:
        """Points of a search: all there are, where half of them have been asked for already."""
        size, asked = math.prod(self._samples.shape), self._samples.evaluations
        return size if size <= 2 * asked else max(_SEARCH_POINTS, int(_SEARCH_SHARE * asked))

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
