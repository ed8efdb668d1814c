"""What methods do with a group of replicas, whatever engine holds them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import attrs
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["GROUP", "Engine", "Replicas"]

#: Replicas of a group.
GROUP = 64


def _on() -> None:
    """Nothing to heed."""


class Engine(ABC):
    """A problem in the units, the order of spins and the arrays that kernels want."""

    unit: float  #: energies of the kernels times this are the problem's

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of spins."""

    @abstractmethod
    def group(self, seed: int, index: int, count: int) -> Replicas:
        """Group ``index`` of a seed, in random states: a replica draws the same numbers whatever others there are.

        ``count``, up to GROUP, are asked for; there may be more where that costs nothing.
        """

    @abstractmethod
    def ordered(self, states: NDArray[np.int8]) -> NDArray[np.int8]:
        """States (k, n) of this engine with the problem's order of spins."""

    def betas(self, betas: NDArray[np.float64]) -> NDArray[np.float64]:
        """Inverse temperatures of the problem in the kernels' units."""
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(betas * self.unit, np.float64)


@attrs.define(eq=False)
class Replicas(ABC):
    """Up to GROUP replicas of all spins. Betas are in the kernels' units, energies in the problem's, without its offset."""

    seed: int
    index: int  #: of the group
    count: int  #: of replicas
    sweep: int = attrs.field(default=0, init=False)  #: sweeps made
    heed: Callable[[], None] = attrs.field(default=_on, init=False)  #: asked where a call takes long; raises to end it

    @abstractmethod
    def sweeps(self, betas: NDArray[np.float64]) -> None:
        """A Metropolis sweep for each of ``betas``."""

    @abstractmethod
    def sweeps_apart(self, betas: NDArray[np.float64], count: int) -> None:
        """``count`` Metropolis sweeps, replica k at ``betas[k]``."""

    @abstractmethod
    def descend(self) -> None:
        """Move to where no move lowers the energy."""

    @abstractmethod
    def energies(self) -> NDArray[np.float64]:
        """Energies (count,)."""

    @abstractmethod
    def states(self) -> NDArray[np.int8]:
        """States (count, n) of -1 and +1, spins in the engine's order."""

    @abstractmethod
    def state(self, replica: int) -> NDArray[np.int8]:
        """State (n,) of one replica."""

    @abstractmethod
    def take(self, states: NDArray[np.int8]) -> None:
        """Become ``states`` (count, n), spins in the engine's order."""

    @abstractmethod
    def cross(self, partners: NDArray[np.int8], of: NDArray[np.intp]) -> None:
        """Replica k becomes a crossing of itself and ``partners[of[k]]``, at least as good as both."""

    @abstractmethod
    def exchange(self, pairs: NDArray[np.intp], at: NDArray[np.intp]) -> None:
        """Isoenergetic cluster moves between the replicas of each pair, from spin ``at``; nothing where clusters are all."""

    def random(self, purpose: int) -> np.random.Generator:
        """A generator of this group's own for what is no sweep."""
        key = np.array([self.seed, self.index], np.uint64)
        return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, purpose]))
