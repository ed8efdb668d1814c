"""Epsilon by privacy loss distributions (PLD): the figure. Every distribution is the pessimistic one."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from attrs import frozen

from cdt_privacy.accounting.accountants import dp_accounting
from cdt_privacy.accounting.mechanism import (
    Declared,
    DiscreteGaussian,
    DiscreteLaplace,
    DistributedDiscreteGaussian,
    Gaussian,
    Laplace,
    Mechanism,
    PoissonSampled,
)
from cdt_privacy.accounting.neighbours import Neighbours
from cdt_privacy.accounting.smoothing import continuous_loss, smooth
from cdt_privacy.accounting.terms import Terms, pure_epsilon

__all__ = ["by_loss_distributions"]

_LOSSES = "pld.privacy_loss_distribution"

#: Discrete Laplace noise is accounted as it is up to this sensitivity: the number of its losses grows with it.
_LONGEST_SHIFT = 4096

#: One coordinate is accounted with the discrete law itself up to this deviation: its tables grow with it, its gain shrinks.
_WIDEST_TABLE = 1000.0

#: Losses of one run beyond which no distribution is made: its grid grows with them, and they protect nobody.
_LARGEST_LOSS = 100.0

#: Runs of one term beyond which no distribution is made: by then the grid's rounding is all that it would show.
_MOST_RUNS = 10**6

#: Composition by Fourier transforms adds noise of up to about 1e-14 to probabilities, and 1e-17 for each run: so much of delta,
#: and more, is left for it.
_TRANSFORM_NOISE, _NOISE_OF_A_RUN = 5e-14, 1e-16


@frozen
class _Whole:
    """Unsampled Gaussian noise, all of it as one: sums of 1/multiplier^2, and the ratio that smoothing cost."""

    precision: float
    ratio: float


def by_loss_distributions(terms: Terms, delta: float, neighbours: Neighbours) -> float:
    """Epsilon at ``delta`` of all terms together; infinite when one of them has no distribution, or delta is too small.

    Infinite also for losses too large or runs too many to be worth a grid: Renyi divergences and pure epsilons bound those.

    Cost: one distribution per different sampled or Laplace term (about 0.1 s each, the last 32 are kept), one for all others.
    """
    whole = _Whole(0.0, 0.0)
    loss, ratio, runs = None, 0.0, 0
    for mechanism, count in terms:
        gaussian = _gaussian(mechanism, neighbours)
        if gaussian is not None:
            whole = _Whole(whole.precision + count * gaussian.precision, whole.ratio + count * gaussian.ratio)
            continue
        runs += count
        one, cost = _distribution(mechanism, count, neighbours) if count <= _MOST_RUNS else (None, math.inf)
        ratio += cost
        if ratio == math.inf:
            return math.inf
        loss = one if loss is None else loss.compose(one)
    ratio += whole.ratio
    if ratio == math.inf or whole.precision * neighbours.reach**2 > _LARGEST_LOSS:
        return math.inf
    if whole.precision > 0:
        runs += 1
        one = _gaussian_distribution(1 / math.sqrt(whole.precision), 1.0, neighbours.value)
        loss = one if loss is None else loss.compose(one)
    if loss is None:
        return 0.0
    left = delta * math.exp(-ratio) - (_TRANSFORM_NOISE + _NOISE_OF_A_RUN * runs if runs > 1 else 0.0)
    return float(loss.get_epsilon_for_delta(left)) + ratio if left > 0 else math.inf


def _gaussian(mechanism: Mechanism, neighbours: Neighbours) -> _Whole | None:
    """One run as unsampled continuous noise, its multiplier relative to one contribution; None for what is not that."""
    if isinstance(mechanism, Gaussian):
        return _Whole(_precision(mechanism.noise_multiplier), 0.0)
    if isinstance(mechanism, DiscreteGaussian | DistributedDiscreteGaussian) and not _tabled(mechanism):
        near = smooth(mechanism, 1)
        return _Whole(_precision(near.noise_multiplier), near.ratio)
    return None


def _precision(noise_multiplier: float) -> float:
    return noise_multiplier**-2 if noise_multiplier > 1e-100 else math.inf


def _tabled(mechanism: Mechanism) -> bool:
    return isinstance(mechanism, DiscreteGaussian) and mechanism.length == 1 and mechanism.deviation <= _WIDEST_TABLE


@lru_cache(maxsize=32)
def _distribution(mechanism: Mechanism, count: int, neighbours: Neighbours) -> tuple[Any, float]:
    """The distribution of ``count`` runs, and the ratio up to which it holds."""
    if isinstance(mechanism, PoissonSampled):
        one, ratio = _sampled(mechanism, neighbours)
    else:
        one, ratio = _unsampled(mechanism, neighbours.reach), 0.0
    if one is None:
        return None, math.inf
    return (one if count == 1 else one.self_compose(count)), count * ratio


def _unsampled(mechanism: Mechanism, reach: int) -> Any:
    losses = dp_accounting(_LOSSES)
    if isinstance(mechanism, Laplace):
        return _laplace(mechanism.noise_multiplier / reach, 1.0)
    if isinstance(mechanism, DiscreteLaplace):
        shift = reach * math.ceil(mechanism.sensitivity)
        if shift > _LARGEST_LOSS * mechanism.scale:
            return None
        if shift <= _LONGEST_SHIFT:
            return losses.from_discrete_laplace_mechanism(1 / mechanism.scale, shift)
        return _laplace(1 / continuous_loss(mechanism.scale, shift), 1.0)
    if isinstance(mechanism, DiscreteGaussian):
        shift = reach * math.ceil(mechanism.sensitivity)
        if shift > 20 * mechanism.deviation:  # outside the tables of the library; as good as no privacy
            return None
        return losses.from_discrete_gaussian_mechanism(mechanism.deviation, shift)
    assert isinstance(mechanism, Declared)
    return _declared(mechanism.epsilon, mechanism.delta)


def _sampled(sampled: PoissonSampled, neighbours: Neighbours) -> tuple[Any, float]:
    inner, probability = sampled.mechanism, sampled.probability
    if isinstance(inner, Gaussian):
        return _sampled_gaussian(inner.noise_multiplier, probability, neighbours), 0.0
    if isinstance(inner, DiscreteGaussian | DistributedDiscreteGaussian):
        near = smooth(inner, 1)
        return _sampled_gaussian(near.noise_multiplier, probability, neighbours), near.ratio
    if isinstance(inner, Laplace):
        return _laplace(inner.noise_multiplier, probability), 0.0
    if isinstance(inner, Declared) and inner.delta > 0:
        amplified = math.log1p(probability * math.expm1(inner.epsilon)) if inner.epsilon < 700 else inner.epsilon
        return _declared(amplified, probability * inner.delta), 0.0
    return _declared(pure_epsilon(sampled, neighbours), 0.0), 0.0


def _sampled_gaussian(noise_multiplier: float, probability: float, neighbours: Neighbours) -> Any:
    if _precision(noise_multiplier) * neighbours.reach**2 > _LARGEST_LOSS:
        return None
    # A multiplier beyond 2^60 is accounted as that one, less noise.
    return _gaussian_distribution(min(noise_multiplier, 2.0**60), probability, neighbours.value)


def _laplace(noise_multiplier: float, probability: float) -> Any:
    if _LARGEST_LOSS * noise_multiplier < 1:
        return None
    return dp_accounting(_LOSSES).from_laplace_mechanism(min(noise_multiplier, 2.0**60), sampling_prob=probability)


def _declared(epsilon: float, delta: float) -> Any:
    """The worst distribution of all that are (epsilon, delta)-private; None beyond losses that are worth one."""
    if epsilon > _LARGEST_LOSS:
        return None
    parameters = dp_accounting("pld.common").DifferentialPrivacyParameters(epsilon, delta)
    return dp_accounting(_LOSSES).from_privacy_parameters(parameters)


@lru_cache(maxsize=32)
def _gaussian_distribution(noise_multiplier: float, probability: float, relation: str) -> Any:
    accounting = dp_accounting()
    adding = Neighbours(relation) is Neighbours.ADD_OR_REMOVE
    relations = accounting.NeighboringRelation
    return dp_accounting(_LOSSES).from_gaussian_mechanism(
        noise_multiplier,
        sampling_prob=probability,
        neighboring_relation=relations.ADD_OR_REMOVE_ONE if adding else relations.REPLACE_ONE,
    )
