"""How much discrete noise a sum needs, in units of its lattice, and how it is drawn and accounted."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from cdt_core.errors import PrivacyError
from cdt_core.kernels.lattice import Lattice, Stream, discrete_gaussian, discrete_laplace
from cdt_privacy.accounting import (
    Composed,
    DiscreteGaussian,
    DiscreteLaplace,
    DistributedDiscreteGaussian,
    Mechanism,
    calibrate,
    epsilon,
    noise_multiplier,
)
from cdt_privacy.accounting.smoothing import fold_deviation
from cdt_privacy.chain.target import Contribution, Law, Target

__all__ = ["LatticeNoise", "noise_on", "scale_wanted"]

_multiplier = lru_cache(maxsize=64)(noise_multiplier)


@frozen
class LatticeNoise:
    """One draw for each number: what one site adds (or the coordinator), and what it is accounted as."""

    law: Law
    scale: float
    sensitivity: float
    length: int

    def draw(self, stream: Stream) -> NDArray[np.int64]:
        """Exact noise, (length,)."""
        if self.law is Law.GAUSSIAN:
            return discrete_gaussian(stream, self.scale, self.length)
        return discrete_laplace(stream, self.scale, self.length)

    @property
    def variance(self) -> float:
        """Of one draw, at most, in squared lattice units."""
        return self.scale**2 if self.law is Law.GAUSSIAN else 2 * self.scale**2

    def mechanism(self, draws: int) -> Mechanism:
        """A sum of one contribution's norm at most, with ``draws`` independent draws in it that the adversary does not know."""
        if self.law is Law.LAPLACE:
            return DiscreteLaplace(self.scale, self.sensitivity)
        if draws == 1:
            return DiscreteGaussian(self.scale, self.sensitivity, self.length)
        return DistributedDiscreteGaussian(self.scale, draws, self.sensitivity, self.length)


def scale_wanted(contribution: Contribution, target: Target) -> float:
    """Deviation (or scale, of Laplace noise) that is enough on the real numbers, in units of the values."""
    if target.law is Law.GAUSSIAN:
        wanted = _multiplier(target.epsilon, target.delta, steps=target.rounds, neighbours=contribution.neighbours)
        return contribution.clip_norm * wanted
    return contribution.clip_norm * contribution.neighbours.reach * target.rounds / target.epsilon


def noise_on(lattice: Lattice, contribution: Contribution, target: Target, shares: int) -> LatticeNoise:
    """The least noise per share that keeps the target when ``shares`` of them are in each sum.

    Raises
    ------
    PrivacyError
        The lattice is too coarse for shares so small.
    """
    sensitivity = _sensitivity(lattice, contribution, target.law)

    def noise(scale: float) -> LatticeNoise:
        return LatticeNoise(target.law, scale, sensitivity, contribution.length)

    def released(scale: float) -> Mechanism:
        return _all_rounds(noise(scale), target, shares)

    first = _first_scale(sensitivity, contribution, target) / math.sqrt(shares)
    if epsilon([released(first)], target.delta, contribution.neighbours) <= target.epsilon:
        return noise(first)
    try:
        return noise(calibrate(released, target.epsilon, target.delta, contribution.neighbours))
    except PrivacyError as error:
        raise PrivacyError(f"no noise on a lattice of step {lattice.step:g} keeps the target: {error}") from error


def _all_rounds(noise: LatticeNoise, target: Target, shares: int) -> Mechanism:
    return Composed(noise.mechanism(shares), target.rounds)


def _first_scale(sensitivity: float, contribution: Contribution, target: Target) -> float:
    """What is nearly always enough, and at most 1e-5 too much: continuous noise, widened by what smoothing takes."""
    if target.law is Law.LAPLACE:
        pure = sensitivity * contribution.neighbours.reach * target.rounds / target.epsilon
        if target.delta == 0 or target.rounds == 1:
            return pure * (1 + 1e-12)
        return pure / 100  # composition costs less than the sum: found by calibration
    wanted = _multiplier(target.epsilon, target.delta, steps=target.rounds, neighbours=contribution.neighbours)
    return math.hypot(sensitivity * wanted * (1 + 4e-6), fold_deviation(contribution.length))


def _sensitivity(lattice: Lattice, contribution: Contribution, law: Law) -> float:
    """The norm that one rounded row can have, in lattice units, rounded upwards."""
    if law is Law.GAUSSIAN:
        return lattice.sensitivity(contribution.length, contribution.clip_norm).l2
    whole = math.ceil(Fraction(contribution.clip_norm) / Fraction(lattice.step)) + contribution.length
    near = float(whole)
    return near if int(near) >= whole else math.nextafter(near, math.inf)
