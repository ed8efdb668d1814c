"""Epsilon by Renyi divergences (RDP): the bracket above the figure, and the figure where no loss distribution is known."""

from __future__ import annotations

import math
from typing import Any

from attrs import evolve, frozen

from cdt_privacy.accounting.accountants import dp_accounting
from cdt_privacy.accounting.mechanism import (
    Declared,
    DiscreteGaussian,
    DistributedDiscreteGaussian,
    Gaussian,
    Laplace,
    Mechanism,
    PoissonSampled,
)
from cdt_privacy.accounting.neighbours import Neighbours
from cdt_privacy.accounting.smoothing import concentrated, smooth
from cdt_privacy.accounting.terms import Terms, pure_epsilon

__all__ = ["Renyi", "by_renyi"]


@frozen
class Renyi:
    """``epsilon``, and the ``order`` of the divergence that gave it (0 where none did)."""

    epsilon: float
    order: float


@frozen
class _Event:
    """An event of dp-accounting, and what it leaves out: a ratio, and a probability that nothing holds."""

    event: Any
    ratio: float = 0.0
    delta: float = 0.0


#: Noise, in norms of one contribution, below which divergences overflow, and Laplace noise above which they are all rounding.
_LEAST_NOISE, _MOST_NOISE = 1e-2, 1e3

#: What rounding can take off (order - 1) times the divergence of one sample.
_ROUNDING = 1e-14

_UNBOUNDED = _Event(None, math.inf)


def by_renyi(terms: Terms, delta: float, neighbours: Neighbours) -> Renyi:
    """Epsilon at ``delta`` of all terms together, by the orders of dp-accounting; infinite when a term has no bound."""
    accountant = dp_accounting("rdp.rdp_privacy_accountant").RdpAccountant()
    ratio, lost, sampled = 0.0, 0.0, 0
    for mechanism, count in terms:
        one = _event(mechanism, neighbours)
        ratio += count * one.ratio
        lost += count * one.delta
        sampled += count * isinstance(mechanism, PoissonSampled)
        if ratio == math.inf:
            return Renyi(math.inf, 0.0)
        accountant.compose(one.event, count)
    left = (delta - lost) * math.exp(-ratio)
    if left <= 0:
        return Renyi(math.inf, 0.0)
    epsilon, order = accountant.get_epsilon_and_optimal_order(left)
    rounded = sampled * _ROUNDING / (order - 1) if sampled and order > 1 else 0.0
    return Renyi(float(epsilon) + ratio + rounded, float(order))


def _event(mechanism: Mechanism, neighbours: Neighbours) -> _Event:
    """One run, stated for neighbours that add or remove one; ``Neighbours.reach`` is in its multiplier."""
    accounting = dp_accounting()
    if isinstance(mechanism, PoissonSampled):
        return _sampled(mechanism, neighbours)
    if isinstance(mechanism, Gaussian):
        return _concentrated(_rho(mechanism.noise_multiplier / neighbours.reach))
    if isinstance(mechanism, Laplace):
        if not _LEAST_NOISE <= mechanism.noise_multiplier <= _MOST_NOISE:
            return _pure(pure_epsilon(mechanism, neighbours))
        return _Event(accounting.LaplaceDpEvent(mechanism.noise_multiplier / neighbours.reach))
    if isinstance(mechanism, DiscreteGaussian | DistributedDiscreteGaussian):
        return _concentrated(concentrated(mechanism, neighbours.reach))
    if isinstance(mechanism, Declared):
        return _pure(mechanism.epsilon, mechanism.delta)
    return _pure(pure_epsilon(mechanism, neighbours))


def _sampled(sampled: PoissonSampled, neighbours: Neighbours) -> _Event:
    accounting = dp_accounting()
    inner, ratio = sampled.mechanism, 0.0
    if isinstance(inner, DiscreteGaussian | DistributedDiscreteGaussian):
        near = smooth(inner, 1)
        if not near.noise_multiplier:
            return _UNBOUNDED
        inner, ratio = Gaussian(near.noise_multiplier), near.ratio
    if isinstance(inner, Gaussian):
        if neighbours is not Neighbours.ADD_OR_REMOVE or inner.noise_multiplier < _LEAST_NOISE:
            return _UNBOUNDED
        event = accounting.PoissonSampledDpEvent(
            sampled.probability, accounting.GaussianDpEvent(min(inner.noise_multiplier, 2.0**60))
        )
        return _Event(event, ratio)
    if isinstance(inner, Declared) and inner.delta > 0:
        return _pure(
            pure_epsilon(PoissonSampled(sampled.probability, Declared(inner.epsilon)), neighbours), inner.delta
        )
    return _pure(pure_epsilon(sampled, neighbours))


def _rho(noise_multiplier: float) -> float:
    """Gaussian noise is 1/(2 multiplier^2)-concentrated (Bun, Steinke 2016, Proposition 1.6)."""
    return noise_multiplier**-2 / 2 if noise_multiplier > 1e-100 else math.inf


def _pure(epsilon: float, delta: float = 0.0) -> _Event:
    """e-differential privacy is e^2/2-concentrated (Bun, Steinke 2016, Proposition 1.4)."""
    return evolve(_concentrated(epsilon * epsilon / 2), delta=delta)


def _concentrated(rho: float) -> _Event:
    return _Event(dp_accounting().ZCDpEvent(rho)) if rho < math.inf else _UNBOUNDED
