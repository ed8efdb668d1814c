"""Consensus: one value for each quantity from what many sites say, by their weighted median, with a confidence interval."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from math import gcd
from numbers import Integral, Real
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike, NDArray

from cdt_core.errors import FederatedError

__all__ = ["Consensus", "consensus"]

#: Work of the exact null distribution: numbers that may be added for it.
_MOST_ADDITIONS = 50_000_000

#: Weights are rounded to so many steps of the largest one, fewer for very many sites; to none when they are that small.
_FINEST_STEPS = 1000

#: Values of one block of resampled weights.
_BLOCK_VALUES = 1 << 22


@frozen(eq=False)
class Consensus:
    """What the sites agree on.

    Parameters
    ----------
    estimate
        float64, shape (length,): the weighted median of each coordinate.
    lower, upper
        Confidence limits, the same shape; infinite when so few sites cannot give any at this level.
    level
        Coverage that the interval has at least (``"order"``), or aims at (``"bootstrap"``).
    sites
        How many had a weight above 0.
    """

    estimate: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    level: float
    sites: int

    def __str__(self) -> str:
        lines = [f"{self.sites} sites, intervals at {self.level:.1%}"]
        shown = list(zip(self.estimate, self.lower, self.upper, strict=True))[:20]
        lines += [f"{middle:14.6g}  [{low:.6g}, {high:.6g}]" for middle, low, high in shown]
        return "\n".join(lines + ["..."] * (len(self.estimate) > len(shown)))


def consensus(
    values: ArrayLike,
    weights: ArrayLike,
    *,
    level: float = 0.95,
    method: str = "order",
    draws: int = 2000,
    seed: int = 0,
) -> Consensus:
    """Weighted median of each coordinate over sites, with confidence intervals.

    Parameters
    ----------
    values
        Real numbers, shape (sites, length), or (sites,) for one quantity.
    weights
        Shape (sites,), finite, >= 0: usually :meth:`~cdt_federated.reputation.Reputation.weight` of each. They must not
        depend on these values.
    level
        Wanted coverage, between 0 and 1.
    method
        ``"order"``: from order statistics. For independent sites, each as likely above the true median as below it, and
        any weights, the sum of the weights below it has a known law (each weight or nothing, with probability 1/2 each);
        the interval holds the values that a two-sided test on that law does not reject. Exact: never covers less often
        than :attr:`Consensus.level`, whatever the distributions ([1]_, section 5.2 for equal weights).
        ``"bootstrap"``: percentiles of the weighted median over sites drawn with replacement ([2]_, chapter 13); narrower,
        approximate, and too narrow for fewer than about ten sites.
    draws, seed
        Of the bootstrap.

    Raises
    ------
    FederatedError
        Shapes, weights or values that have no weighted median; a level or method that does not exist.

    Notes
    -----
    The median at total weight W is the smallest value whose weights up to it pass W / 2; where they equal W / 2, the mean
    with the next. Sites of together less than W / 2 can say anything without moving it out of the others' range; the
    interval is that of the sites that do behave independently: a group that colludes makes it too narrow.
    O(sites * length * log(sites)).

    References
    ----------
    .. [1] Conover, "Practical Nonparametric Statistics", 3rd edition, 1999.
    .. [2] Efron, Tibshirani, "An Introduction to the Bootstrap", 1993.

    Examples
    --------
    >>> print(consensus([7.0, 1.0, 3.0, 2.0, 4.0, 6.0, 5.0], [1, 1, 1, 1, 1, 1, 1]))
    7 sites, intervals at 98.4%
                 4  [1, 7]
    """
    table, votes = _checked(values, weights)
    _check_asked(level, draws)
    order = np.argsort(table, axis=0, kind="stable")
    ranked = np.take_along_axis(table, order, axis=0)
    below = np.cumsum(votes[order], axis=0)
    estimate = _median(ranked, below)
    if method == "order":
        lower, upper, level = _by_order(ranked, votes, order, level)
        # The test has rounded weights, the estimate has not.
        lower, upper = np.minimum(lower, estimate), np.maximum(upper, estimate)
    elif method == "bootstrap":
        lower, upper = _by_bootstrap(ranked, votes, order, (level, draws, seed))
    else:
        raise FederatedError(f"method is {method!r}; give 'order' or 'bootstrap'")
    return Consensus(estimate, lower, upper, level, len(votes))


def _check_asked(level: Any, draws: Any) -> None:
    if not isinstance(level, Real) or not 0 < float(level) < 1:
        raise FederatedError(f"level is {level!r}; give the wanted coverage, above 0 and below 1")
    if not isinstance(draws, Integral) or int(draws) < 1:
        raise FederatedError(f"draws is {draws!r}; give how often to draw the sites anew, some hundreds at least")


def _checked(values: ArrayLike, weights: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    try:
        table, votes = np.asarray(values), np.asarray(weights)
    except ValueError as error:
        raise FederatedError("the values or weights have rows of different lengths; give (sites, length)") from error
    if table.ndim == 1:
        table = table[:, np.newaxis]
    if table.dtype.kind not in "iuf" or table.ndim != 2 or not table.size:
        raise FederatedError(
            f"the values have dtype {table.dtype} and shape {table.shape}; give numbers, (sites, length)"
        )
    if votes.dtype.kind not in "iuf" or votes.shape != table.shape[:1]:
        raise FederatedError(
            f"the weights have dtype {votes.dtype} and shape {votes.shape}; give one number for each of {len(table)} sites"
        )
    wrong = np.flatnonzero(~(np.isfinite(votes) & (votes >= 0)))
    if wrong.size or not votes.any():
        raise FederatedError(
            f"the weight of site {wrong[0]} is {votes[wrong[0]]}; give a finite number >= 0" if wrong.size
            else "all weights are 0, so no site counts; give one above 0"
        )  # fmt: skip
    table, votes = table[votes > 0].astype(np.float64), votes[votes > 0].astype(np.float64)
    if not np.isfinite(table).all():
        row, column = np.argwhere(~np.isfinite(table))[0]
        raise FederatedError(f"a value at quantity {column} is {table[row, column]}; give that site the weight 0")
    return table, votes / votes.max()


def _median(ranked: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    half = below[-1] / 2
    # Sums of the same weights in another order differ in their last bits; a tie is meant when they differ by no more.
    slack = 4 * np.finfo(np.float64).eps * below[-1]
    at = np.argmax(below >= half - slack, axis=0)
    columns = np.arange(ranked.shape[1])
    tied = np.abs(below[at, columns] - half) <= slack
    following = np.argmax(
        below > half + slack, axis=0
    )  # the next that has a weight: those that were not drawn have none
    low, high = ranked[at, columns], ranked[following, columns]
    middle: NDArray[np.float64] = np.where(tied, low / 2 + high / 2, low)
    return middle


def _steps(votes: NDArray[np.float64]) -> NDArray[np.int64]:
    """Weights as whole numbers; the test is exact for these."""
    finest = max(1, min(_FINEST_STEPS, int(_MOST_ADDITIONS / (len(votes) * votes.sum()))))
    steps = np.rint(votes * finest).astype(np.int64)
    common: NDArray[np.int64] = steps // reduce(gcd, steps.tolist())
    return common


def _by_order(
    ranked: NDArray[np.float64], votes: NDArray[np.float64], order: NDArray[np.intp], level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    steps = _steps(votes)
    law = np.zeros(int(steps.sum()) + 1)
    law[0] = 1.0
    reach = 0
    for step in steps[steps > 0].tolist():
        reach += step
        law[step : reach + 1] = 0.5 * law[step : reach + 1] + 0.5 * law[: reach + 1 - step]
        law[:step] *= 0.5
    tail = np.cumsum(law)
    critical = int(np.searchsorted(tail, (1 - level) / 2, side="right")) - 1
    if critical < 0:
        unknown = np.full(ranked.shape[1], np.inf)
        return -unknown, unknown, 1.0
    columns = np.arange(ranked.shape[1])
    weight = steps[order]
    first = np.argmax(np.cumsum(weight, axis=0) > critical, axis=0)
    last = len(ranked) - 1 - np.argmax(np.cumsum(weight[::-1], axis=0) > critical, axis=0)
    return ranked[first, columns], ranked[last, columns], float(1 - 2 * tail[critical])


def _by_bootstrap(
    ranked: NDArray[np.float64], votes: NDArray[np.float64], order: NDArray[np.intp], how: tuple[float, int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    level, draws, seed = how
    sites = len(votes)
    times = np.random.default_rng(seed).multinomial(sites, np.full(sites, 1 / sites), size=draws)
    drawn = np.asarray(times * votes)
    limits = [np.quantile(column, [(1 - level) / 2, (1 + level) / 2]) for column in _medians(ranked, drawn, order)]
    lower, upper = np.array(limits).T
    return lower, upper


def _medians(
    ranked: NDArray[np.float64], drawn: NDArray[np.float64], order: NDArray[np.intp]
) -> Iterator[NDArray[Any]]:
    """For each quantity the medians of all draws, shape (draws,)."""
    size = max(1, _BLOCK_VALUES // drawn.shape[1])
    for column in range(ranked.shape[1]):
        values = ranked[:, column : column + 1]
        parts = [drawn[start : start + size, order[:, column]].T for start in range(0, len(drawn), size)]
        yield np.concatenate([_median(np.broadcast_to(values, part.shape), np.cumsum(part, axis=0)) for part in parts])
