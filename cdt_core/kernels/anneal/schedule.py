"""Inverse temperatures: the default range of a problem, and a schedule from what the caller gave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cdt_core.errors import AnnealError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from cdt_core.kernels.anneal.problem import Problem

__all__ = ["default_range", "part_of", "schedule_of"]

#: At the first beta the costliest flip is taken with this chance, at the last one the cheapest with the other.
_HOT_CHANCE, _COLD_CHANCE = 0.5, 0.01
#: The cheapest flip is that of all but this share of the spins: a few weak couplings must not make the schedule
#: endless.
_WEAK_SHARE = 0.1


def default_range(problem: Problem) -> tuple[float, float]:
    """The first and the last beta of the default schedule, in 1 / units of energy.

    At the first, a flip against all couplings and the field of the most strongly bound spin is taken with chance 1/2;
    at the last, one against the weakest coupling or field of a spin with chance 1/100 (for all but a tenth of the
    spins, those with the weakest).

    Examples
    --------
    >>> from cdt_core.kernels.anneal import Problem, default_range
    >>> hot, cold = default_range(Problem.from_ising([0, 0, 0], {(0, 1): 1, (1, 2): -1}))
    >>> round(hot, 3), round(cold, 3)
    (0.173, 2.303)
    """
    sizes = np.abs(problem.weights).astype(np.float64)
    fields = np.abs(problem.fields).astype(np.float64)
    owners = np.repeat(np.arange(problem.size), np.diff(problem.start))
    strongest = (fields + np.bincount(owners, sizes, problem.size)).max()
    if strongest == 0:
        return 1.0, 1.0  # nothing costs anything
    weakest = np.where(fields > 0, fields, np.inf)
    np.minimum.at(weakest, owners, sizes)
    weakest = np.sort(weakest[np.isfinite(weakest)])
    cheapest = weakest[int(_WEAK_SHARE * weakest.size)]
    hot, cold = -np.log(_HOT_CHANCE) / (2 * strongest), -np.log(_COLD_CHANCE) / (2 * cheapest)
    return float(hot * problem.scale), float(cold * problem.scale)


def schedule_of(schedule: ArrayLike | None, problem: Problem, sweeps: int) -> NDArray[np.float64]:
    """Betas (sweeps,): between two given ones or the default range in equal ratios, or those given.

    Raises
    ------
    AnnealError
        A beta that is negative or not finite, with its place; a pair whose first is zero.
    """
    betas = np.asarray(default_range(problem) if schedule is None else schedule, np.float64)
    if betas.ndim != 1 or not betas.size:
        raise AnnealError(f"a schedule is two betas or one for each sweep, not an array of shape {betas.shape}")
    bad = np.flatnonzero(~np.isfinite(betas) | (betas < 0))
    if bad.size:
        raise AnnealError(
            f"the schedule's beta number {bad[0]} is {betas[bad[0]]}; betas must be finite and at least 0"
        )
    if betas.size == 2 and sweeps != 2:
        if not betas.all():
            raise AnnealError(
                "a schedule in equal ratios cannot begin or end at beta 0; give the betas themselves, or a small one"
            )
        # Rounded, so that the last bit of a machine's powers does not reach the samples.
        ratios = np.round(np.geomspace(betas[0], betas[1], sweeps) / betas.max(), 12)
        return np.asarray(ratios * betas.max(), np.float64)
    return np.ascontiguousarray(betas)


def part_of(betas: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """A shorter schedule of the same course: at least one beta, the last one always."""
    count = max(1, int(share * len(betas)))
    return betas[np.linspace(len(betas) - 1, 0, count).round().astype(np.intp)[::-1]]
