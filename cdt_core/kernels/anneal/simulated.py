"""Simulated annealing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cdt_core.kernels.anneal.course import Course

__all__ = ["NOTES", "simulated"]

#: Points of the trace.
NOTES = 32


def simulated(course: Course, betas: NDArray[np.float64]) -> None:
    """Metropolis sweeps, one for each beta (Kirkpatrick, Gelatt, Vecchi 1983, Science 220:671)."""
    course.sweep(betas, notes=min(NOTES, len(betas)))
