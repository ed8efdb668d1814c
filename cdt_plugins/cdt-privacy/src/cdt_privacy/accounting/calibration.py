"""How much noise a target needs: the least, to six digits, whose epsilon does not exceed it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from cdt_core.errors import PrivacyError
from cdt_privacy.accounting.account import epsilon as epsilon_of
from cdt_privacy.accounting.account import quick_epsilon, require_delta
from cdt_privacy.accounting.mechanism import Composed, Gaussian, Mechanism, PoissonSampled
from cdt_privacy.accounting.neighbours import Neighbours

__all__ = ["calibrate", "noise_multiplier"]

#: Relative excess of noise over the least that would do.
_CLOSE = 1e-6

#: Noise beyond which no search goes on; epsilon 1e-4 for a million steps needs less.
_MOST_NOISE = 2.0**60


def noise_multiplier(
    epsilon: float,
    delta: float,
    *,
    steps: int = 1,
    sampling: float = 1.0,
    neighbours: Neighbours = Neighbours.ADD_OR_REMOVE,
) -> float:
    """Gaussian noise, in L2 norms of one contribution, with which ``steps`` releases together are (epsilon, delta)-private.

    Parameters
    ----------
    epsilon, delta
        The target, epsilon above 0 and delta in (0, 1).
    steps
        Releases.
    sampling
        Probability with which each contribution is in the (Poisson) sample of a step.
    neighbours
        Which two datasets must be hard to tell apart.

    Returns
    -------
    float
        At most 1e-6 above the least by the accounting; its epsilon never exceeds the target. Cost: about 15 accounts.

    Raises
    ------
    PrivacyError
        A target that no noise can have, or steps or sampling that make no sense.

    Examples
    --------
    >>> round(noise_multiplier(1.0, 1e-5), 4), round(noise_multiplier(0.1, 1e-5), 3)
    (3.7306, 30.75)
    """

    def released(multiplier: float) -> Mechanism:
        one: Mechanism = Gaussian(multiplier)
        if sampling != 1.0:
            one = PoissonSampled(sampling, one)
        return Composed(one, steps) if steps != 1 else one

    return calibrate(released, epsilon, delta, neighbours)


def calibrate(
    mechanism: Callable[[float], Mechanism],
    epsilon: float,
    delta: float,
    neighbours: Neighbours = Neighbours.ADD_OR_REMOVE,
) -> float:
    """The least ``noise`` for which ``mechanism(noise)`` is (epsilon, delta)-private; more noise must mean less epsilon.

    Raises
    ------
    PrivacyError
        No noise reaches the target (a discrete mechanism's delta, a target below what declared parts cost).

    Examples
    --------
    >>> from cdt_privacy.accounting import DiscreteLaplace
    >>> round(calibrate(lambda scale: DiscreteLaplace(scale, 1), 0.5, 0.0), 5)
    2.0
    """
    require_delta(delta)
    if isinstance(epsilon, bool) or not isinstance(epsilon, int | float) or not 0 < epsilon < math.inf:
        raise PrivacyError(f"the target epsilon is {epsilon!r}; it must be above 0 and finite")

    def excess(bound: Callable[[list[Mechanism], float, Neighbours], float]) -> Callable[[float], float]:
        def above(log_noise: float) -> float:
            spent = bound([mechanism(math.exp(log_noise))], delta, neighbours)
            return math.log(spent / epsilon) if 0 < spent < math.inf else math.copysign(50.0, spent - 1)

        return above

    quick, exact = excess(quick_epsilon), excess(epsilon_of)
    enough = _least(quick, *_bracket(quick, epsilon, delta))
    return math.exp(_least(exact, _too_little(exact, enough), enough))


def _bracket(excess: Callable[[float], float], epsilon: float, delta: float) -> tuple[float, float]:
    """Two logarithms of noise, too little and enough; the search sets out where one small Gaussian release would be."""
    near = math.log(max(1.0, math.sqrt(2 * math.log(1.25 / delta))) / epsilon) if delta > 0 else -math.log(epsilon)
    if excess(near) <= 0:
        return _too_little(excess, near), near
    step = 0.7
    while excess(near + step) > 0:
        near, step = near + step, 2 * step
        if near > math.log(_MOST_NOISE):
            raise PrivacyError(
                f"no noise gives epsilon {epsilon!r} at delta {delta!r}; a larger one of the two is needed"
            )
    return near, near + step


def _too_little(excess: Callable[[float], float], enough: float) -> float:
    """Noise below ``enough`` that does not do, not much farther below than it must be: large epsilons take long to account."""
    step = 0.15
    while excess(enough - step) <= 0:
        step *= 2
        if enough - step < -math.log(_MOST_NOISE):
            raise PrivacyError("the target is met without noise; give a smaller epsilon")
    return enough - step


def _least(excess: Callable[[float], float], low: float, high: float) -> float:
    """Where ``excess`` falls to 0, from the side on which it is not above 0."""
    from scipy.optimize import brentq

    root: Any = brentq(excess, low, high, xtol=_CLOSE / 4, rtol=4e-15)
    enough = min(high, float(root))
    step = _CLOSE / 4
    while excess(enough) > 0:
        enough, step = min(high, enough + step), 2 * step
    return enough
