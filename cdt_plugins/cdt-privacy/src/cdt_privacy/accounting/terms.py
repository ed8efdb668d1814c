"""Many mechanisms in few terms: equal ones counted, composition unfolded, so that a thousand rounds cost as much as one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from cdt_core.errors import PrivacyError
from cdt_privacy.accounting.mechanism import (
    Composed,
    Declared,
    DiscreteLaplace,
    Laplace,
    Mechanism,
    PoissonSampled,
)
from cdt_privacy.accounting.neighbours import Neighbours

__all__ = ["Terms", "pure_epsilon", "require_known", "terms_of"]

#: Mechanisms that are not composed, and how often each.
Terms = tuple[tuple[Mechanism, int], ...]


def terms_of(mechanisms: Iterable[Mechanism]) -> Terms:
    """Each mechanism that is not composed, once, with the number of times that it was run.

    Examples
    --------
    >>> from cdt_privacy.accounting.mechanism import Gaussian
    >>> terms_of([Composed(Composed(Gaussian(4.0), 10), 3), Gaussian(4.0)])
    ((Gaussian(noise_multiplier=4.0), 31),)
    """
    counted: Counter[Mechanism] = Counter()
    for mechanism in mechanisms:
        times = 1
        while isinstance(mechanism, Composed):
            times, mechanism = times * mechanism.count, mechanism.mechanism
        if not isinstance(mechanism, Mechanism):
            raise PrivacyError(f"{mechanism!r} is no mechanism; see cdt_privacy.accounting")
        counted[mechanism] += times
    return tuple(counted.items())


def require_known(mechanism: Mechanism, neighbours: Neighbours) -> None:
    """Refuse what no bound is known for.

    Raises
    ------
    PrivacyError
        Poisson sampling of anything but Gaussian noise, where neighbours replace one contribution.
    """
    if not isinstance(mechanism, PoissonSampled) or neighbours is Neighbours.ADD_OR_REMOVE:
        return
    if isinstance(mechanism.mechanism, Laplace | DiscreteLaplace | Declared):
        raise PrivacyError(
            f"{type(mechanism.mechanism).__name__} on Poisson samples has no bound here for the relation 'replace-one'; "
            "account it as 'add-or-remove', or without sampling"
        )


def pure_epsilon(mechanism: Mechanism, neighbours: Neighbours) -> float:
    """The epsilon at delta 0 of one run, infinite for Gaussian noise.

    A Poisson sample of probability q turns e into log(1 + q (exp(e) - 1)) (Li, Qardaji, Su 2012, Theorem 1).
    """
    if isinstance(mechanism, PoissonSampled):
        whole = pure_epsilon(mechanism.mechanism, neighbours)
        if whole > 700:  # exp would overflow; the sample costs no more than the whole
            return whole
        return math.log1p(mechanism.probability * math.expm1(whole))
    if isinstance(mechanism, Laplace):
        return neighbours.reach / mechanism.noise_multiplier
    if isinstance(mechanism, DiscreteLaplace):
        return neighbours.reach * math.ceil(mechanism.sensitivity) / mechanism.scale
    if isinstance(mechanism, Declared) and mechanism.delta == 0:
        return mechanism.epsilon
    return math.inf
