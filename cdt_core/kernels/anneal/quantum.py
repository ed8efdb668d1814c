"""Simulated quantum annealing, on a classical computer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cdt_core.kernels.anneal.lanes import LaneReplicas
from cdt_core.kernels.anneal.simulated import NOTES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdt_core.kernels.anneal.course import Course
    from cdt_core.kernels.anneal.replicas import Replicas

__all__ = ["SLICES", "quantum"]

#: Trotter slices of a read.
SLICES = 8
#: beta Gamma / SLICES at the end of the schedule: slices that are as good as one.
_LEAST = 1e-6


def quantum(course: Course, betas: NDArray[np.float64]) -> None:
    """Path-integral Monte Carlo of a falling transverse field (Martonak, Santoro, Tosatti 2002, Phys. Rev. B
    66:094203).

    A read is SLICES replicas in a ring, each at ``beta / SLICES``, the same spin of neighbours coupled by
    ``K = -ln(tanh(beta Gamma / SLICES)) / 2``. Gamma falls in equal steps from twice the typical field of a spin to
    zero, at the last of ``betas``.
    """
    beta, sweeps = betas[-1], len(betas)
    falling = 2 * _typical_field(course) * np.arange(sweeps, 0, -1) / sweeps
    with np.errstate(over="ignore"):  # of a beta for which all is cold: no link
        turns = beta * falling / SLICES
    links = np.round(-0.5 * np.log(np.tanh(np.maximum(turns, _LEAST))), 12)  # as schedules are
    inner = course.engine.betas(np.full(sweeps, beta))

    def do(group: Replicas, part: slice) -> None:
        assert isinstance(group, LaneReplicas)
        group.sweeps_linked(inner[part], links[part], SLICES)

    course.sweep(inner, do, min(NOTES, sweeps))


def _typical_field(course: Course) -> float:
    """Root of the mean square of a spin's field, were its neighbours random."""
    problem = course.problem
    unit = course.engine.unit * problem.scale  # squares of the weights themselves may be beyond floats
    squares = ((problem.fields / unit) ** 2).sum() + ((problem.weights / unit) ** 2).sum()
    return float(np.sqrt(squares / problem.size)) * course.engine.unit
