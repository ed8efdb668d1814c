"""Population annealing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cdt_core.kernels.anneal.simulated import NOTES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdt_core.kernels.anneal.course import Course

__all__ = ["population"]

#: Sweeps between resamplings.
_SWEEPS = 10


def population(course: Course, betas: NDArray[np.float64]) -> None:
    """Replicas are resampled as beta rises (Hukushima, Iba 2003, AIP Conf. Proc. 690:200; Machta 2010, Phys. Rev. E
    82:026704).

    Every ten sweeps are at the last of their betas. Before them each replica has offspring in proportion to
    ``exp(-(beta' - beta) E)``, drawn by systematic resampling among all groups: the population has the Boltzmann law of
    ``beta'`` at once, and the sweeps keep it.
    """
    random = course.groups[0].random(2)
    before = betas[0]
    every = max(1, len(betas) // (_SWEEPS * NOTES))
    for at, start in enumerate(range(0, len(betas), _SWEEPS)):
        part = betas[start : start + _SWEEPS]
        if at:
            _resample(course, part[-1] - before, random)
        before = part[-1]
        course.sweep(np.full(len(part), before))
        if at % every == 0:
            course.note()
    course.note()


def _resample(course: Course, step: float, random: np.random.Generator) -> None:
    if step <= 0:
        return
    energies = course.energies()
    with np.errstate(over="ignore"):
        weights = np.exp(-step * (energies - energies.min()))
    edges = np.cumsum(weights / weights.sum()) * len(weights)
    chosen = np.minimum(np.searchsorted(edges, np.arange(len(weights)) + random.random()), len(weights) - 1)
    counts = np.bincount(chosen, minlength=len(weights))
    lost, spare = np.flatnonzero(counts == 0), np.repeat(np.arange(len(weights)), np.maximum(counts - 1, 0))
    if not lost.size:
        return
    states = [group.states() for group in course.groups]
    rows = np.concatenate(states)
    rows[lost] = rows[spare]
    edges = np.cumsum([group.count for group in course.groups])[:-1]  # the last group may have fewer than others
    for group, taken in zip(course.groups, np.split(rows, edges), strict=True):
        group.take(taken)
