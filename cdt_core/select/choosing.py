"""The best k features of a dependence, by annealing a QUBO with k ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import SelectError
from cdt_core.kernels.anneal import Problem, anneal
from cdt_core.select.dependence import Dependence
from cdt_core.select.selection import Selection

__all__ = ["DEFAULT_WEIGHTS", "select"]

Array = NDArray[Any]

#: Weights that are tried, in ratio to their range: see _weights.
DEFAULT_WEIGHTS = 8
#: Energies are whole multiples of this share of the largest weight, so that they are exact and a last bit of rounding
#: in the statistics does not decide.
_GRID = 2**24


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
        target); by correlation, the one of several whose features explain most of the target together.
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
    0``): each weight is one bound, and the set that explains most among
    those found, by correlations that are shrunk to what the rows can tell, is the result.
    """
    m = len(dependence.kept)
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k <= m:
        raise SelectError(f"k is {k!r}; it must be from 1 to the {m} features that can be selected{_out(dependence)}")
    k = int(k)
    if weight is not None and not 0 <= weight < np.inf:
        raise SelectError(f"weight is {weight!r}; it must be finite and at least 0")
    options = {"reads": reads, "sweeps": sweeps, "seed": seed, "threads": threads}
    weights = _weights(dependence, k) if weight is None else [float(weight)]
    sets = [_best(dependence, k, each, options) for each in weights]
    place = int(np.argmax([dependence.promise(chosen) for chosen in sets])) if len(sets) > 1 else 0
    chosen, each = sets[place], weights[place]
    return _selection(dependence, chosen, greedy(dependence, k, each), each)


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


def _weights(dependence: Dependence, k: int) -> list[float]:
    """Weights worth trying: ``k t / (2 - t)`` for t from 1/k, the best where all tell the same, to more than 1, the best
    where none does or they complement each other.
    """
    if k == 1:
        return [0.0]
    if dependence.measure == "information":
        return [0.5 if dependence.target == "nothing" else 1.0]
    steps = np.round(np.geomspace(1 / k, 1.4, DEFAULT_WEIGHTS), 6)
    return [float(k * t / (2 - t)) for t in steps]


def _best(dependence: Dependence, k: int, weight: float, options: dict[str, Any]) -> Array:
    """The set of the lowest energy that is found, never worse than the greedy one."""
    m = len(dependence.kept)
    if k == m:
        return np.arange(m)
    if weight == 0 or k == 1:
        return np.argsort(-dependence.relevance, kind="stable")[:k]
    energies = weight / k**2 * dependence.redundancy
    np.fill_diagonal(energies, -dependence.relevance / k)
    exact = np.round(energies * (_GRID / np.abs(energies).max()))
    problem = Problem.from_qubo(exact).with_cardinality(np.arange(m), k)
    annealed = np.flatnonzero(anneal(problem, **options).best > 0)
    return min(annealed, greedy(dependence, k, weight), key=lambda chosen: dependence.energy(chosen, weight))


def _selection(dependence: Dependence, chosen: Array, other: Array, weight: float) -> Selection:
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
        explained=dependence.explained(chosen),
        greedy=dependence.kept[other],
        greedy_energy=dependence.energy(other, weight),
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
