r"""From discrete noise to the continuous Gaussian, whose privacy loss is known in any number of dimensions.

Write :math:`\theta_s(c) = \sum_{x \in Z} e^{-(x-c)^2/(2s^2)}`. By Poisson summation it lies, for every c, within
:math:`s\sqrt{2\pi}\,(1 \pm \eta(s))` with :math:`\eta(s) = 2\sum_{k \ge 1} e^{-2\pi^2 s^2 k^2}`. Two facts follow.

*Smoothing* (the convolution of [1]_, Theorem 3.1). Draw y from the continuous :math:`N(c, \sigma^2 - s^2)`, then an integer x
of weight :math:`e^{-(x-y)^2/(2s^2)}`: x has the weight :math:`e^{-(x-c)^2/(2\sigma^2)}` times a factor within
:math:`1/(1 \pm \eta(s))`. So for integer c the discrete Gaussian is, up to the ratio :math:`(1+\eta)/(1-\eta)` per
coordinate, computed *from* the continuous one without looking at the data again.

*Shares* ([2]_, section 4). The sum of two discrete Gaussians of variances a and b has the weight of the one of variance
a + b times :math:`\theta_r` at some point, :math:`1/r^2 = 1/a + 1/b`: a ratio of at most :math:`(1+\eta(r))/(1-\eta(r))`.

A law within a ratio :math:`e^\kappa` (largest over smallest factor) of one that is (epsilon, delta)-private is itself
(epsilon + kappa, delta e^kappa)-private; ratios multiply over coordinates, samples and compositions.

References
----------
.. [1] Peikert, "An Efficient and Parallel Gaussian Sampler for Lattices", CRYPTO 2010.
.. [2] Kairouz, Liu, Steinke, "The Distributed Discrete Gaussian Mechanism for Federated Learning with Secure Aggregation",
   ICML 2021.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from attrs import frozen

from cdt_privacy.accounting.mechanism import DiscreteGaussian, DistributedDiscreteGaussian

__all__ = ["Smoothed", "concentrated", "continuous_loss", "fold_deviation", "share_divergence", "smooth"]

#: Ratio (its logarithm, all coordinates of one release) that smoothing may cost: a million releases stay below 1e-7.
_RATIO = 1e-13


@frozen
class Smoothed:
    """``noise_multiplier`` of the continuous Gaussian, or 0 where there is none; ``ratio`` is kappa."""

    noise_multiplier: float
    ratio: float


def smooth(mechanism: DiscreteGaussian | DistributedDiscreteGaussian, reach: int) -> Smoothed:
    """The continuous Gaussian from which the mechanism could have been computed, and up to what ratio.

    Parameters
    ----------
    mechanism
        Discrete noise on integer vectors.
    reach
        By how many sensitivities neighbours differ.

    Examples
    --------
    >>> near = smooth(DiscreteGaussian(100.0, 10.0, length=1000), reach=1)
    >>> round(near.noise_multiplier, 4), near.ratio < 1.1e-13
    (9.999, True)
    """
    ratio = 0.0
    if isinstance(mechanism, DistributedDiscreteGaussian):
        deviation = math.sqrt(mechanism.shares) * mechanism.share_deviation
        ratio = mechanism.length * _convolved(mechanism.share_deviation, mechanism.shares, _log_ratio)
    else:
        deviation = mechanism.deviation
    fold = fold_deviation(mechanism.length)
    if deviation <= fold or ratio == math.inf:
        return Smoothed(0.0, math.inf)
    ratio += mechanism.length * _log_ratio(fold)
    return Smoothed(math.sqrt((deviation - fold) * (deviation + fold)) / (reach * mechanism.sensitivity), ratio)


def continuous_loss(scale: float, shift: int) -> float:
    r"""The largest loss e of continuous Laplace noise that tells at least as much as discrete noise of this scale and shift.

    With a = 1/scale, the discrete hockey-stick divergence is the largest of
    :math:`1 - (e^{-a(t+1)} + e^{at + \varepsilon - ak})/(1 + e^{-a})` over whole t, hence at most
    :math:`1 - e^{(\varepsilon - ak)/2}/\cosh(a/2)`; the continuous one is :math:`1 - e^{(\varepsilon - e)/2}`. As
    :math:`\log\cosh x \le x^2/2`, :math:`e = ak + a^2/4` is enough at every epsilon.

    Examples
    --------
    >>> continuous_loss(1000.0, 900) - 0.9 <= 2.6e-7
    True
    """
    return shift / scale + 1 / (4 * scale * scale)


def fold_deviation(length: int) -> float:
    """The deviation s that smoothing takes off noise on ``length`` numbers: 1.3 to 1.7, so that the ratio is below 1e-13.

    Examples
    --------
    >>> round(fold_deviation(1), 3), round(fold_deviation(10**6), 3)
    (1.26, 1.513)
    """
    return math.sqrt(math.log(4.1 * length / _RATIO) / (2 * math.pi**2))


def share_divergence(share_deviation: float, shares: int) -> float:
    r"""By how much a sum of shares can differ from one discrete Gaussian, per coordinate.

    Kairouz, Liu, Steinke 2021, Theorem 1: :math:`\tau = 10 \sum_{k=1}^{n-1} e^{-2\pi^2 \sigma^2 k/(k+1)}`.

    Examples
    --------
    >>> share_divergence(3.0, 100) < 1e-35
    True
    """
    return 10 * _convolved(share_deviation, shares, _tail)


def concentrated(mechanism: DiscreteGaussian | DistributedDiscreteGaussian, reach: int) -> float:
    r"""The mechanism's rho of zero-concentrated privacy, without smoothing; infinite where there is no bound.

    For one discrete Gaussian it is :math:`\Delta^2/(2\sigma^2)` (Canonne, Kamath, Steinke 2020, Theorem 14); for shares,
    half the square of :math:`\min(\sqrt{\Delta^2/(n\sigma^2) + \tau d/2},\; \Delta/(\sqrt n \sigma) + \tau\sqrt d)`
    (Kairouz, Liu, Steinke 2021, Theorem 1), for shares of a deviation of at least 1/2.
    """
    shift = reach * mechanism.sensitivity
    if isinstance(mechanism, DiscreteGaussian):
        return _squared(shift / mechanism.deviation) / 2
    if mechanism.share_deviation < 0.5:
        return math.inf
    near = shift / (math.sqrt(mechanism.shares) * mechanism.share_deviation)
    tau = share_divergence(mechanism.share_deviation, mechanism.shares)
    return min(_squared(near) + tau * mechanism.length / 2, _squared(near + tau * math.sqrt(mechanism.length))) / 2


def _squared(value: float) -> float:
    return value * value  # infinite where ** raises


def _tail(deviation: float) -> float:
    return math.exp(-2 * math.pi**2 * _squared(deviation))


def _convolved(deviation: float, shares: int, cost: Callable[[float], float]) -> float:
    """The cost of adding one share to k others, for every k below ``shares``; from a thousand on, the costs of the thousandth.

    Costs fall with k, so that the sum is never too small.
    """
    some = min(shares - 1, 1000)
    total = math.fsum(cost(deviation * math.sqrt(k / (k + 1))) for k in range(1, some + 1))
    if shares - 1 > some:
        total += (shares - 1 - some) * cost(deviation * math.sqrt(some / (some + 1)))
    return total


def _log_ratio(deviation: float) -> float:
    """log((1 + eta) / (1 - eta)), infinite where eta reaches 1; the series is bounded by a geometric one."""
    first = _tail(deviation)
    eta = 2 * first / (1 - first**3) if first < 1 else math.inf
    return math.log1p(eta) - math.log1p(-eta) if eta < 1 else math.inf
