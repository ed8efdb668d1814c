"""What a set of features is worth together, and what it would be with each other one: from moments alone."""

from __future__ import annotations

from typing import Any, Protocol

import attrs
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.special import log_ndtr, logsumexp

__all__ = ["Explained", "Separated", "Worth", "exchanged", "forward", "of"]

Array = NDArray[Any]
#: Variance that each feature has of its own, as a share of all that it has: copies of each other, and features that do
#: not vary within classes, stay finite.
_OWN = 1e-9
#: Rounds of exchanges, and the least that an exchange must bring, in ratio.
_ROUNDS, _LEAST = 6, 1e-9
#: Pairs of classes times candidates that are looked at at once.
_AT_ONCE = 2**22


class Worth(Protocol):
    """A value of sets of features, the more the better."""

    def beside(self, chosen: Array, candidates: Array) -> Array:
        """(q,) values of the chosen ones (k,) with each of the candidates (q,), none of which is among them."""
        ...

    def effort(self, k: int) -> int:
        """Steps that a candidate beside k features takes, to first order."""
        ...


@attrs.frozen(eq=False)
class Explained:
    """Variance that sets explain by least squares: ``trace((R_S + ridge)^-1 G_S)`` of correlations R (m, m) and what
    features tell of the target, G (m, m).
    """

    correlation: Array
    told: Array
    ridge: float

    def beside(self, chosen: Array, candidates: Array) -> Array:
        """See :class:`Worth`."""
        ridge, k = self.ridge + _OWN, len(chosen)
        factor = np.linalg.cholesky(self.correlation[np.ix_(chosen, chosen)] + ridge * np.eye(k))
        shared = _solved(factor, self.correlation[np.ix_(chosen, candidates)])
        own = np.maximum(1.0 + ridge - (shared**2).sum(axis=0), _OWN)
        both = _solved(factor, _solved(factor, self.told[np.ix_(chosen, chosen)]).T)
        cross = _solved(factor, self.told[np.ix_(chosen, candidates)])
        new = self.told[candidates, candidates] + (shared * (both @ shared - 2 * cross)).sum(axis=0)
        return np.asarray(np.trace(both) + np.maximum(new, 0.0) / own)

    def effort(self, k: int) -> int:
        """See :class:`Worth`."""
        return k * k


@attrs.frozen(eq=False)
class Separated:
    """How well sets tell classes apart: less the logarithm of the mean error of telling two of them by a linear rule.

    The mean is over pairs of classes, each as often as two rows of different classes are drawn: the approximate pairwise
    accuracy of Loog, Duin and Haeb-Umbach (2001), ``sum_ab p_a p_b Phi(-D_ab / 2)``, with Mahalanobis distances D by
    correlations within classes that have a ridge. Of each squared distance, what chance adds to it is taken off.

    ``correlation`` (m, m) of all rows; ``centres`` (c, m) of the classes in standard deviations of all rows; ``counts``
    (c,) rows of each.
    """

    correlation: Array
    centres: Array
    counts: Array
    ridge: float

    def beside(self, chosen: Array, candidates: Array) -> Array:
        """See :class:`Worth`."""
        factor = np.linalg.cholesky(self._within(chosen, chosen))
        shared = _solved(factor, self._within(chosen, candidates))
        along = _solved(factor, self.centres[:, chosen].T)
        own = np.maximum(self._variances(candidates) - (shared**2).sum(axis=0), _OWN)
        new = (self.centres[:, candidates].T - shared.T @ along) / np.sqrt(own)[:, None]
        left, right = np.triu_indices(len(self.counts), 1)
        before = ((along[:, left] - along[:, right]) ** 2).sum(axis=0) - (len(chosen) + 1) * (
            1.0 / self.counts[left] + 1.0 / self.counts[right]
        )
        weights = np.log(self.counts[left] * (self.counts[right] / (self.counts.sum() ** 2)))
        parts = np.array_split(new, max(1, len(new) * len(left) // _AT_ONCE))
        errors = [
            logsumexp(
                log_ndtr(-0.5 * np.sqrt(np.maximum(before + (part[:, left] - part[:, right]) ** 2, 0.0))) + weights,
                axis=1,
            )
            for part in parts
        ]
        return np.asarray(-np.concatenate(errors))

    def effort(self, k: int) -> int:
        """See :class:`Worth`."""
        return k * k + 16 * len(self.counts) * (len(self.counts) - 1) // 2

    def _within(self, rows: Array, columns: Array) -> Array:
        """Covariances within classes, with the ridge where a feature meets itself."""
        shares = self.counts / self.counts.sum()
        between = (self.centres[:, rows] * shares[:, None]).T @ self.centres[:, columns]
        within = self.correlation[np.ix_(rows, columns)] - between
        same = rows[:, None] == columns
        within[same] = np.broadcast_to(self._variances(columns), within.shape)[same]
        return np.asarray(within)

    def _variances(self, features: Array) -> Array:
        """Within classes, with the ridge."""
        shares = self.counts / self.counts.sum()
        within = np.maximum(1.0 - shares @ self.centres[:, features] ** 2, 0.0)
        return np.asarray(within * (1.0 + self.ridge) + _OWN)


def of(worth: Worth, chosen: Array) -> float:
    """The value of a set."""
    return float(worth.beside(chosen[:-1], chosen[-1:])[0])


def forward(worth: Worth, k: int, candidates: Array) -> Array:
    """Choose k of the candidates, one after the other, each the best beside those before it."""
    chosen = np.zeros(0, np.int64)
    while len(chosen) < k:
        others = np.setdiff1d(candidates, chosen)
        chosen = np.append(chosen, others[np.argmax(worth.beside(chosen, others))])
    return chosen


def exchanged(worth: Worth, start: Array, candidates: Array) -> Array:
    """The set that is reached from a first one by exchanging its members, one at a time, for the best of the candidates,
    until none is better.
    """
    chosen = np.array(start)
    for _ in range(_ROUNDS):
        before = chosen.copy()
        for place in range(len(chosen)):
            rest = np.delete(chosen, place)
            others = np.append(chosen[place], np.setdiff1d(candidates, chosen))
            values = worth.beside(rest, others)
            best = int(np.argmax(values))
            if values[best] > values[0] + _LEAST * abs(values[0]):
                chosen[place] = others[best]
        if np.array_equal(chosen, before):
            break
    return chosen


def _solved(factor: Array, right: Array) -> Array:
    return np.asarray(solve_triangular(factor, right, lower=True)) if len(factor) else right
