"""Annealing of dense problems, spin by spin: what the kernels equal, state for state (contract: cdt_anneal_dense.h)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.kernels.reference.anneal_draws import Draws, reach_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

__all__ = ["DenseRead"]

BLOCK = 64
EPOCH = 64  # steps of tabu search with one tenure
LARGEST_DRAW = np.float32(17.33)


class DenseRead:
    """One read of a dense problem.

    Parameters
    ----------
    couplings : (n, n) int64 or float32
        Symmetric, without a diagonal. Integers stand for both types of integers of the kernels.
    own : (n,) of the same dtype
        The fields h.
    states : (n,) of -1 and +1
        Copied; :attr:`states` are those after the moves made.
    """

    def __init__(self, couplings: NDArray[Any], own: NDArray[Any], states: NDArray[Any]) -> None:
        self.couplings, self.own = couplings, own
        self.states = states.astype(couplings.dtype)
        self.whole = couplings.dtype.kind == "i"
        self.largest = 32767 if self.whole else np.finfo(np.float32).max
        self.fields = own.copy()
        for state, row in zip(self.states, couplings, strict=True):
            self.fields = self.fields + state * row

    def cost(self, spin: int) -> Any:
        """Half of what a flip of the spin costs."""
        return -self.states[spin] * self.fields[spin]

    def flip(self, spin: int) -> None:
        """Flip a spin; all fields follow."""
        self.fields = self.fields + self.couplings[spin] * (-2 * self.states[spin])
        self.states[spin] = -self.states[spin]

    def limits(self, draws: Draws, reach: np.float32) -> NDArray[Any]:
        """Limits of the half costs of a block."""
        drawn = draws.exponential() * reach
        if not self.whole:
            return np.asarray(drawn)
        whole = np.minimum(drawn, np.float32(self.largest)).astype(np.int64)
        return np.asarray(whole.reshape(2, 32).T.ravel())

    def anneal_block(self, at: int, draws: Draws, reach: np.float32) -> None:
        """Metropolis visits of a block."""
        spins = range(at, min(at + BLOCK, len(self.states)))
        furthest = min(LARGEST_DRAW * reach, np.float32(self.largest))
        if min(self.cost(i) for i in spins) > (int(furthest) if self.whole else furthest):
            return
        limits = self.limits(draws, reach)
        for i in spins:
            if self.cost(i) <= limits[i - at]:
                self.flip(i)

    def sweeps(self, betas: Iterable[float], stream: tuple[int, int, int]) -> None:
        """One Metropolis sweep for each of ``betas``, from the stream (seed, read, sweep)."""
        for t, beta in enumerate(betas):
            draws = Draws(*stream[:2], stream[2] + t)
            for at in range(0, len(self.states), BLOCK):
                self.anneal_block(at, draws, reach_of(beta))

    def descend(self, most: int) -> int:
        """Flips that lower the energy, until none does; the sweeps made."""
        for t in range(most):
            if not sum(self._descend_spin(i) for i in range(len(self.states))):
                return t
        return most

    def _descend_spin(self, spin: int) -> bool:
        if gains := bool(self.cost(spin) < 0):
            self.flip(spin)
        return gains

    def swap_sweeps(
        self, groups: Sequence[Sequence[int]], betas: Iterable[float], stream: tuple[int, int, int]
    ) -> None:
        """Sweeps in which spins of groups are exchanged."""
        group = {i: g for g, members in enumerate(groups) for i in members}
        for t, beta in enumerate(betas):
            draws = Draws(*stream[:2], stream[2] + t)
            parts = [self._parts(members) for members in groups]
            for at in range(0, len(self.states), BLOCK):
                spins = range(at, min(at + BLOCK, len(self.states)))
                if not any(i in group for i in spins):
                    self.anneal_block(at, draws, reach_of(beta))
                    continue
                limits = draws.exponential() * reach_of(beta)
                words = [int(word) for _ in range(8) for word in draws.words()]
                for i, limit, word in zip(spins, limits, words, strict=False):
                    if i in group:
                        self._try_exchange(*parts[group[i]], word, limit)
                    elif np.float32(self.cost(i)) <= limit:
                        self.flip(i)

    def _parts(self, members: Sequence[int]) -> tuple[list[int], list[int]]:
        """Members that are up, and the others."""
        return [i for i in members if self.states[i] > 0], [i for i in members if self.states[i] < 0]

    def exchange_cost(self, up: int, down: int) -> Any:
        """Half of what it costs to exchange two spins."""
        return self.fields[down] - self.fields[up] - 2 * self.couplings[up, down]

    def _try_exchange(self, ups: list[int], downs: list[int], word: int, limit: np.float32) -> None:
        if not ups or not downs:
            return
        u, d = (word >> 32) * len(ups) >> 32, (word & 0xFFFFFFFF) * len(downs) >> 32
        if np.float32(self.exchange_cost(ups[u], downs[d])) <= limit:
            self._exchange(ups, u, downs, d)

    def _exchange(self, ups: list[int], u: int, downs: list[int], d: int) -> None:
        self.flip(ups[u])
        self.flip(downs[d])
        ups[u], downs[d] = downs[d], ups[u]

    def swap_descend(self, groups: Sequence[Sequence[int]], most: int) -> int:
        """Flips of spins in no group and exchanges in groups that lower the energy, until none does; the rounds made."""
        grouped = {i for members in groups for i in members}
        for t in range(most):
            moves = sum(self._descend_spin(i) for i in range(len(self.states)) if i not in grouped)
            moves += sum(self._descend_group(*self._parts(members)) for members in groups)
            if not moves:
                return t
        return most

    def _descend_group(self, ups: list[int], downs: list[int]) -> int:
        exchanges = 0
        for u in range(len(ups) if downs else 0):
            costs = [self.exchange_cost(ups[u], d) for d in downs]
            if min(costs) < 0:
                self._exchange(ups, u, downs, int(np.argmin(costs)))
                exchanges += 1
        return exchanges

    def tabu(
        self, steps: int, tenure: int, spread: int, stream: tuple[int, int, int]
    ) -> tuple[float, NDArray[np.int8]]:
        """Tabu search: the energy of the best state minus that of the first, and the best state."""
        draws = Draws(*stream)
        words: list[int] = []
        resting: list[int] = []
        energy = lowest = np.float64(0)
        best, blocks, rests = self.states.copy(), -(-len(self.states) // BLOCK), tenure
        for step in range(steps):
            words = words or [int(word) for word in draws.words()]
            word = words.pop(0)
            if step % EPOCH == 0:
                rests = tenure + ((word >> 32) * (spread + 1) >> 32)
            resting = resting[max(0, len(resting) - rests) :]
            spin, cost = self._choose(resting, (energy, lowest), (word & 0xFFFFFFFF) * blocks >> 32)
            self.flip(spin)
            resting += [spin] if spin not in resting else []
            energy += cost
            if energy < lowest:
                lowest, best = energy, self.states.copy()
        return 2 * float(lowest), best.astype(np.int8)

    def _choose(self, resting: list[int], half: tuple[np.float64, np.float64], first: int) -> tuple[int, float]:
        """The spin to flip, the first from a block on, and its half cost; one that rests if it makes the best state of all."""
        costs = -self.states * self.fields
        energy, lowest = half
        if not energy + costs.min() < lowest:
            costs[resting] = self.largest
        spins = np.roll(np.arange(len(costs)), -first * BLOCK)
        spin = int(spins[np.argmin(costs[spins])])
        return spin, float(costs[spin])
