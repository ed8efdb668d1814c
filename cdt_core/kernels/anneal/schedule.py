"""Inverse temperatures: the default range of a problem, and a schedule from what the caller gave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from cdt_core.errors import AnnealError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from cdt_core.kernels.anneal.problem import Problem

__all__ = ["MOST_SWEEPS", "default_range", "part_of", "schedule_of"]

#: Sweeps of a run, at most.
MOST_SWEEPS = 1 << 24

#: The first beta as a share of the one at which a mean field would order; better than less on every problem tried,
#: sparse and dense.
_HOT_SHARE = 0.5
#: At the last beta the cheapest flip is taken with this chance.
_COLD_CHANCE = 0.01
#: The cheapest flip is that of all but this share of the spins: a few weak couplings must not make the schedule
#: endless.
_WEAK_SHARE = 0.1
#: Steps of the power iteration, and digits that are kept of what it finds: the last ones depend on the machine.
_STEPS, _DIGITS = 12, 3


def default_range(problem: Problem) -> tuple[float, float]:
    """The first and the last beta of the default schedule, in 1 / units of energy.

    The first is half of ``1 / norm``, where a mean field would order; norm is the largest eigenvalue, in size, of the
    couplings with the fields as couplings to one more spin. At the last one, a flip against the weakest coupling or
    field of a spin is taken with chance 1/100 (for all but a tenth of the spins, those with the weakest).

    Raises
    ------
    AnnealError
        Weights so small that the last beta is beyond float64.

    Examples
    --------
    >>> from cdt_core.kernels.anneal import Problem, default_range
    >>> hot, cold = default_range(Problem.from_ising([0, 0, 0], {(0, 1): 1, (1, 2): -1}))
    >>> round(hot, 3), round(cold, 3)
    (0.355, 2.303)
    """
    sizes = np.abs(problem.weights).astype(np.float64)
    fields = np.abs(problem.fields).astype(np.float64)
    weakest = np.where(fields > 0, fields, np.inf)
    np.minimum.at(weakest, np.repeat(np.arange(problem.size), np.diff(problem.start)), sizes)
    weakest = np.sort(weakest[np.isfinite(weakest)])
    if not weakest.size:
        return 1.0, 1.0  # nothing costs anything
    cheapest = weakest[int(_WEAK_SHARE * weakest.size)]
    with np.errstate(over="ignore"):
        cold = -np.log(_COLD_CHANCE) / (2 * cheapest) * problem.scale
    if not np.isfinite(cold):
        raise AnnealError(f"a weight of {cheapest} would need a beta beyond float64; scale the problem up")
    hot = min(_HOT_SHARE / _norm(problem) * problem.scale, cold)
    return float(hot), float(cold)


def _norm(problem: Problem) -> float:
    """The largest eigenvalue in size, to about a tenth, of couplings and fields together."""
    unit = float(max(np.abs(problem.weights).max(initial=0), np.abs(problem.fields).max()))
    shape = (problem.size, problem.size)
    couplings = csr_array((problem.weights / unit, problem.neighbours, problem.start), shape=shape)
    fields = problem.fields / unit
    x = np.random.Generator(np.random.Philox(key=0)).standard_normal(problem.size + 1)
    norm = 1.0
    for _ in range(_STEPS):
        x = np.append(couplings @ x[:-1] + fields * x[-1], fields @ x[:-1])
        norm = float(np.sqrt(x @ x))
        x /= norm
    return float(f"{norm:.{_DIGITS}g}") * unit


def schedule_of(schedule: ArrayLike | None, problem: Problem, sweeps: int) -> NDArray[np.float64]:
    """Betas (sweeps,): between two given ones or the default range in equal ratios (one sweep has the last), or those given.

    Raises
    ------
    AnnealError
        A beta that is negative or not finite, with its place; a pair whose first is zero.
    """
    betas = _numbers(default_range(problem) if schedule is None else schedule)
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
        return rounded(betas[-1:] if sweeps == 1 else np.geomspace(betas[0], betas[1], sweeps))
    if betas.size > MOST_SWEEPS:
        raise AnnealError(f"the schedule has {betas.size} betas; a run has at most {MOST_SWEEPS} sweeps")
    return np.ascontiguousarray(betas)


def rounded(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """To 40 bits each, so that the last bit of a machine's powers does not reach the samples."""
    mantissas, exponents = np.frexp(numbers)
    return np.asarray(np.ldexp(np.round(mantissas * 2.0**40), exponents - 40), np.float64)


def _numbers(schedule: ArrayLike) -> NDArray[np.float64]:
    try:
        betas = np.asanyarray(schedule)
    except ValueError as error:  # rows of different lengths
        raise AnnealError(f"the schedule is no array: {error}") from error
    if betas.dtype.kind not in "iuf":
        raise AnnealError(f"the schedule has dtype {betas.dtype}; betas are real numbers")
    if np.ma.is_masked(betas):
        raise AnnealError(f"the schedule's beta number {int(np.argmax(np.ma.getmaskarray(betas)))} is masked")
    with np.errstate(over="ignore"):
        return np.asarray(betas, np.float64)


def part_of(betas: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """A shorter schedule of the same course: at least one beta, the last one always."""
    count = max(1, int(share * len(betas)))
    return betas[np.linspace(len(betas) - 1, 0, count).round().astype(np.intp)[::-1]]
