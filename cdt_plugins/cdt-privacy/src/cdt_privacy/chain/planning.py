"""A lattice with room for a sum and its noise, and the noise that is enough on it."""

from __future__ import annotations

import math

from cdt_core.kernels.lattice import Lattice
from cdt_privacy.chain.combination import Combination, Noise
from cdt_privacy.chain.noise import LatticeNoise, noise_on, scale_wanted
from cdt_privacy.chain.target import Contribution, Law, Target

__all__ = ["fitted", "rows_in_sum"]


def rows_in_sum(combination: Combination, contribution: Contribution) -> int:
    """Most rows in one sum."""
    return combination.most * contribution.rows


def fitted(
    combination: Combination, contribution: Contribution, target: Target, bits: int
) -> tuple[Lattice, LatticeNoise]:
    """The finest lattice with room for all rows and all draws of noise, and the least noise on it.

    Each depends a little on the other: rounding counts in the sensitivity, and the noise in the room. So room is left for what
    real numbers would need, and more where the lattice turns out to need more.
    """
    shares = combination.shares if combination.noise is Noise.DISTRIBUTED else 1
    draws = 1 if combination.noise is Noise.CENTRAL else combination.most
    rows, length = rows_in_sum(combination, contribution), contribution.length
    room = 1.001 * _room(target.law, scale_wanted(contribution, target) / math.sqrt(shares), draws, length)
    while True:
        lattice = Lattice.for_sum(contribution.clip_norm, rows, bits, room, length)
        noise = noise_on(lattice, contribution, target, shares)
        if _room(target.law, lattice.step * noise.scale, draws, length) <= room:
            return lattice, noise
        room *= 1.1


def _room(law: Law, scale: float, draws: int, length: int) -> float:
    """The deviation of Gaussian noise whose tails reach as far as those of ``draws`` draws, at 2^-64 for all numbers together.

    For the discrete Laplace law the moment generating function is at most exp(2 s^2 h^2) for h <= 1/(sqrt(2) s), which bounds
    the sum of n draws by s sqrt(8 n t) where t <= n, and by sqrt(2) s (n + t) elsewhere, with probability 2 exp(-t).
    """
    if law is Law.GAUSSIAN:
        return scale * math.sqrt(draws)
    tail = math.log(2 * length) + 64 * math.log(2)
    reach = math.sqrt(8 * draws * tail) if tail <= draws else math.sqrt(2) * (draws + tail)
    return scale * reach / math.sqrt(2 * tail)
