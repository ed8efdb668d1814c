"""The best k features of a dependence, by annealing a QUBO with k ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import SelectError
from cdt_core.kernels.anneal import Problem, anneal
from cdt_core.select.dependence import Dependence
from cdt_core.select.selection import Selection
from cdt_core.select.worth import Worth, exchanged, forward, of

__all__ = ["DEFAULT_WEIGHTS", "select"]

Array = NDArray[Any]

#: Weights that are tried, in ratio to their range: see _weights.
DEFAULT_WEIGHTS = 8
#: Energies are whole multiples of this share of the largest weight, so that they are exact and a last bit of rounding
#: in the statistics does not decide.
_GRID = 2**24
#: Steps of a round of exchanges, about.
_EFFORT = 2**25


def select(  # noqa: PLR0913 - what a caller may choose, by name
    dependence: Dependence,
    k: int,
    *,
    weight: float | None = None,
    reads: int = 16,
    sweeps: int = 200,
    seed: int = 0,
    threads: int | None = None,
) -> Selection:
    """The k features with the highest relevance and the least redundancy.

    Parameters
    ----------
    dependence
        Of :class:`MomentSummary` or :class:`HistogramSummary`.
    k
        How many features.
    weight
        Of redundancy against relevance; 1 is that of Peng, Long and Ding. Default: by information 1 (1/2 without a
        target); by correlation several, and the set that is worth most is bettered by exchanges.
    reads, sweeps, seed, threads
        Of :func:`~cdt_core.kernels.anneal.anneal`.

    Raises
    ------
    SelectError
        k below 1 or above the number of features that can be selected, or a weight that is negative or not finite.

    Notes
    -----
    Minimum redundancy and maximum relevance (Peng, Long and Ding 2005) as one quadratic problem (Rodriguez-Lujan et al.
    2010), in 0 and 1 instead of real weights: of all sets of k features the one that minimises ``-sum_i relevance_i / k +
    weight * sum_{i != j} redundancy_ij / k^2``.

    By correlation the redundancy is R_ij G_ij, where R are correlations of features and G the products of what they tell
    of the target. With ``weight = k t / (2 - t)``, the energy times ``-k (2 t - t^2)`` is then a lower bound of ``trace(R_S^-1
    G_S)``, the variance that the set explains by least squares, for any 0 < t < 2 (from ``trace (R^-1/2 - t R^1/2)^2 G >=
    0``): each weight is one bound. The best of their sets and one by forward selection are the starts of exchanges of one
    feature for another, by what sets are worth: of classes how well each two are told apart (Loog, Duin and Haeb-Umbach
    2001), else the variance explained, with correlations that are shrunk to what the rows can tell.
    """
    m = len(dependence.kept)
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k <= m:
        raise SelectError(f"k is {k!r}; it must be from 1 to the {m} features that can be selected{_out(dependence)}")
    k = int(k)
    if weight is not None and not (isinstance(weight, int | float | np.number) and 0 <= weight < np.inf):
        raise SelectError(f"weight is {weight!r}; it must be finite and at least 0")
    options = {"reads": reads, "sweeps": sweeps, "seed": seed, "threads": threads}
    worth = dependence.worth
    if worth is None or weight is not None:
        each = _usual_weight(dependence, k) if weight is None else float(weight)
        return _selection(dependence, worth, _best(dependence, k, each, options), each)
    return _selection(dependence, worth, *_worthiest(dependence, worth, k, options))


def _worthiest(dependence: Dependence, worth: Worth, k: int, options: dict[str, Any]) -> tuple[Array, float]:
    """The set worth most that exchanges come to from those of all weights and from forward selection; and the weight
    whose set was worth most.
    """
    weights = _weights(k)
    sets = [_best(dependence, k, each, options) for each in weights]
    place = int(np.argmax([of(worth, chosen) for chosen in sets]))
    candidates = _candidates(dependence, worth, sets)
    starts = [sets[place], forward(worth, k, candidates)]
    found = [exchanged(worth, start, candidates) for start in starts]
    return max(found, key=lambda chosen: of(worth, chosen)), weights[place]


def _candidates(dependence: Dependence, worth: Worth, sets: list[Array]) -> Array:
    """All features, or the most relevant ones where looking at all would take long, and what was chosen once."""
    k = len(sets[0])
    most = max(4 * k, _EFFORT // (k * worth.effort(k)))
    return np.union1d(np.argsort(-dependence.relevance, kind="stable")[:most], np.concatenate(sets))


def greedy(dependence: Dependence, k: int, weight: float) -> Array:
    """Places of k features, each the best beside those before it: forward selection on the same energy."""
    chosen = [int(np.argmax(dependence.relevance))]
    beside = dependence.redundancy[chosen[0]].copy()
    while len(chosen) < k:
        gain = dependence.relevance - weight * 2 * beside / k
        gain[chosen] = -np.inf
        chosen.append(int(np.argmax(gain)))
        beside += dependence.redundancy[chosen[-1]]
    return np.array(chosen, np.int64)


def _weights(k: int) -> list[float]:
    """Weights worth trying: ``k t / (2 - t)`` for t from 1/k, the best where all tell the same, to more than 1, the best
    where none does or they complement each other.
    """
    if k == 1:
        return [0.0]
    steps = np.round(np.geomspace(1 / k, 1.4, DEFAULT_WEIGHTS), 6)
    return [float(k * t / (2 - t)) for t in steps]


def _usual_weight(dependence: Dependence, k: int) -> float:
    """Of information in bits and nats."""
    return 0.0 if k == 1 else 0.5 if dependence.target == "nothing" else 1.0


def _best(dependence: Dependence, k: int, weight: float, options: dict[str, Any]) -> Array:
    """The set of the lowest energy that is found, never worse than the greedy one."""
    m = len(dependence.kept)
    if k == m:
        return np.arange(m)
    energies = weight / k**2 * dependence.redundancy
    np.fill_diagonal(energies, -dependence.relevance / k)
    if weight == 0 or k == 1 or not energies.any():
        return np.argsort(-dependence.relevance, kind="stable")[:k]
    exact = np.round(energies * (_GRID / np.abs(energies).max()))
    problem = Problem.from_qubo(exact).with_cardinality(np.arange(m), k)
    annealed = np.flatnonzero(anneal(problem, **options).best > 0)
    return min(annealed, greedy(dependence, k, weight), key=lambda chosen: dependence.energy(chosen, weight))


def _selection(dependence: Dependence, worth: Worth | None, chosen: Array, weight: float) -> Selection:
    other = greedy(dependence, len(chosen), weight)
    chosen = chosen[np.argsort(-dependence.relevance[chosen], kind="stable")]
    pairs = dependence.redundancy[np.ix_(chosen, chosen)]
    indices = dependence.kept[chosen]
    return Selection(
        indices=indices,
        names=tuple(dependence.names[index] for index in indices),
        relevance=dependence.relevance[chosen],
        redundancy=(pairs.sum(axis=1) - np.diag(pairs)) / max(len(chosen) - 1, 1),
        weight=weight,
        energy=dependence.energy(chosen, weight),
        worth=of(worth, chosen) if worth else float("nan"),
        explained=dependence.explained(chosen),
        greedy=dependence.kept[other],
        greedy_energy=dependence.energy(other, weight),
        greedy_worth=of(worth, other) if worth else float("nan"),
        greedy_explained=dependence.explained(other),
        measure=dependence.measure,
        rows=dependence.rows,
        excluded=dependence.excluded,
    )


def _out(dependence: Dependence) -> str:
    if not dependence.excluded:
        return ""
    name, reason = next(iter(dependence.excluded.items()))
    return f" ({len(dependence.excluded)} cannot; {name!r}: {reason})"
