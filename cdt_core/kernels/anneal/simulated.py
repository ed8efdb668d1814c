"""Simulated annealing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdt_core.kernels.anneal.course import Course

__all__ = ["NOTES", "simulated"]

#: Points of the trace.
NOTES = 32


def simulated(course: Course, betas: NDArray[np.float64]) -> None:
    """Metropolis sweeps, one for each beta (Kirkpatrick, Gelatt, Vecchi 1983, Science 220:671)."""
    for part in np.array_split(betas, min(NOTES, len(betas))):
        course.sweep(part)
        course.note()
