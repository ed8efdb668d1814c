"""Reheated annealing with partition crossover."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from cdt_core.kernels.anneal.replicas import GROUP
from cdt_core.kernels.anneal.schedule import part_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdt_core.kernels.anneal.course import Course
    from cdt_core.kernels.anneal.replicas import Replicas

__all__ = ["reheating"]

#: Share of the sweeps for the first annealing, where no time is given; and sweeps of a reheating at first, as a share
#: of that.
_FIRST, _AGAIN = 0.1, 0.1
#: A reheating starts at a beta between these shares of the last one.
_LOWEST, _HIGHEST = 0.2, 0.6
#: Reheatings become so much longer when a round gained nothing.
_LONGER = 1.5
#: After this share of the run replicas are crossed with each other, too, every so many rounds.
_APART, _EVERY = 0.6, 4


def reheating(course: Course, betas: NDArray[np.float64]) -> None:
    """Each replica is annealed, then heated a little and cooled again, and keeps of what became of it only what is
    better.

    A replica and what the reheating made of it differ in sets of spins that no coupling connects, and each set is
    judged alone (partition crossover: Tinos, Whitley, Chicano 2015, FOGA XIII:137; clusters of differing spins:
    Houdayer, Martin 1999, Phys. Rev. Lett. 83:1030): many independent improvements are taken at once, no replica ever
    gets worse. Late in the run, replicas are crossed with each other too.
    """
    first = betas if course.is_timed else part_of(betas, _FIRST)
    course.sweep(first)
    course.work(lambda group: group.descend())
    course.note()
    rounds = _Rounds(course, float(betas.max()), max(10, int(_AGAIN * len(first))), course.groups[0].random(3))
    while course.done < 1:
        rounds.turn()


@attrs.define(eq=False)
class _Rounds:
    course: Course
    cold: float  #: the last beta
    length: int  #: sweeps of a reheating
    random: np.random.Generator
    turns: int = 0

    def turn(self) -> None:
        """One reheating of all replicas."""
        course = self.course
        before, was = [group.states() for group in course.groups], course.energies()
        late = course.done > _APART and self.turns % _EVERY == _EVERY - 1
        mates = self.random.permutation(GROUP) if late else None
        start = self.random.uniform(_LOWEST, _HIGHEST) * self.cold

        def cross(group: Replicas) -> None:
            group.descend()
            group.cross(before[group.index], np.arange(group.count))
            if mates is not None:
                group.cross(group.states(), mates[mates < group.count])

        try:
            course.sweep(np.linspace(start, self.cold, self.length))
        except course.ends:  # of a reheating that was cut short, too, only what is better is kept
            course.work(cross)
            raise
        course.work(cross)
        course.note()
        self.turns += 1
        if (course.energies() >= was).all():
            self.length = int(_LONGER * self.length) + 1
