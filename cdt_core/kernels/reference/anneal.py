"""Annealing by the textbook: one spin after the other, its field summed over its neighbours, and a draw for each replica.

Same bits as the compiled kernels, whose contract is in ext/include/cdt_anneal.h.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.kernels.reference.anneal_draws import Draws, reach_of

__all__ = ["BLOCK", "Spins", "chances"]

Array = NDArray[Any]

GROUP = 64
#: Spins that draw from one stream.
BLOCK = 1024
_ONE = np.float32(1)


def chances(beta: float) -> Array:
    """Of the draws 0 .. 65535, how many take a flip whose half cost is k: (128,), for k of 1 or more."""
    factor, taken = _exponential(-2 * beta), np.zeros(128, np.int64)
    chance = min(65535.0, 65536 * factor)
    for k in range(1, 128):
        if chance < 1:
            break
        taken[k] = int(chance)
        chance *= factor
    return taken


def _exponential(x: float) -> float:
    """``exp(x)`` for x of at most 0: 14 terms of its series for x / 2^k, squared k times."""
    if not x > -700:
        return 0.0
    halved = 0
    while x < -0.125:
        x, halved = x * 0.5, halved + 1
    total = term = 1.0
    for k in range(1, 14):
        term *= x / k
        total += term
    for _ in range(halved):
        total *= total
    return total


@attrs.frozen(eq=False)
class Spins:
    """Spins with their couplings, all int8 or all float32; the methods are those of the compiled class of that name.

    ``up`` (n, 64) is 255 where a spin of a replica is +1, else 0, and is changed in place.
    """

    start: Array
    neighbours: Array
    couplings: Array
    fields: Array
    base: Array

    @property
    def _is_whole(self) -> bool:
        return bool(self.fields.dtype == np.int8)

    def _cost(self, up: Array, i: int) -> Array:
        """Half of what a flip of spin i costs, (64,): minus the spin times its field."""
        edges = slice(int(self.start[i]), int(self.start[i + 1]))
        ups = up[self.neighbours[edges]] > 0
        if self._is_whole:
            spins = np.where(ups, 1, -1)
            field = int(self.fields[i]) + self.couplings[edges].astype(np.int64) @ spins
        else:
            field = np.full(GROUP, self.base[i])
            for coupling, row in zip(self.couplings[edges], ups, strict=True):
                field = field + np.where(row, 2 * coupling, np.float32(0))
        return np.where(up[i] > 0, -field, field)

    def _within(self, cost: Array, limit: Array) -> Array:
        """Whether costs are at most limits of float32, which are rounded down where costs are whole."""
        return cost <= (np.clip(limit + np.float32(128), 0, 255).astype(np.int64) - 128 if self._is_whole else limit)

    def sweeps(  # noqa: PLR0913 - the compiled one's
        self, up: Array, betas: Array, seed: int, group: int, sweep: int, first: int, stop: int
    ) -> None:
        """A Metropolis sweep for each of ``betas``."""
        if not self._is_whole:
            for t, beta in enumerate(betas):
                self.sweeps_apart(up, np.full(GROUP, beta), 1, seed, group, sweep + t, first, stop)
            return
        for t, beta in enumerate(betas):
            taken = chances(float(beta))
            for i, draws in _visits(first, stop, seed, group, sweep + t):
                high, low = (draws.words().view(np.int8) + np.int64(128) for _ in range(2))  # signed
                cost = self._cost(up, i)
                up[i, (cost <= 0) | (256 * high + low < taken[np.maximum(cost, 0)])] ^= 255

    def sweeps_apart(  # noqa: PLR0913 - the compiled one's
        self, up: Array, betas: Array, count: int, seed: int, group: int, sweep: int, first: int, stop: int
    ) -> None:
        """``count`` Metropolis sweeps, replica k at ``betas[k]``."""
        reach = np.array([reach_of(float(beta)) for beta in betas])
        for t in range(count):
            for i, draws in _visits(first, stop, seed, group, sweep + t):
                up[i, self._within(self._cost(up, i), draws.exponential() * reach)] ^= 255

    def sweeps_linked(  # noqa: PLR0913 - the compiled one's
        self,
        up: Array,
        betas: Array,
        links: Array,
        slices: int,
        seed: int,
        group: int,
        sweep: int,
        first: int,
        stop: int,
    ) -> None:
        """Path-integral sweeps; each ``slices`` replicas in a row are a ring, the even ones visited first."""
        for t, (beta, link) in enumerate(zip(betas, links, strict=True)):
            reach, link4 = reach_of(float(beta) / slices), np.float32(4) * np.float32(link)
            for i, draws in _visits(first, stop, seed, group, sweep + t):
                cost, drawn = self._cost(up, i), draws.exponential()
                for parity in (0, 1):
                    ring = up[i].reshape(-1, slices)
                    unlike = sum((ring != np.roll(ring, by, axis=1)).astype(np.float32) for by in (1, -1)).ravel()
                    limit = (drawn - link4 * (_ONE - unlike)) * reach
                    up[i, self._within(cost, limit) & (np.arange(GROUP) % 2 == parity)] ^= 255

    def descend(self, up: Array, most: int, first: int, stop: int) -> int:
        """Flip what lowers the energy, at most ``most`` sweeps; returns the sweeps made."""
        for t in range(most):
            before = up.copy()
            for i in range(first, stop):
                up[i, self._cost(up, i) < 0] ^= 255
            if np.array_equal(before, up):
                return t
        return most

    def energies(self, up: Array, first: int, stop: int) -> Array:
        """Energies of the 64 replicas, or what these spins add to them: half of each of their couplings."""
        sums = np.zeros(GROUP)
        for i in range(first, stop):
            h = np.float64(self.fields[i])
            sums += np.where(up[i] > 0, h, -h) - self._cost(up, i).astype(np.float64)
        return 0.5 * sums


def _visits(first: int, stop: int, seed: int, group: int, sweep: int) -> Iterator[tuple[int, Draws]]:
    """The spins in order, with the draws of their blocks; ``first`` begins a block."""
    for i in range(first, stop):
        if i % BLOCK == 0:
            draws = Draws(seed, group, sweep + (i // BLOCK << 40))
        yield i, draws
