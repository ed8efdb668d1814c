"""What several releases of one dataset cost together."""

from __future__ import annotations

import math
from collections.abc import Iterable

from attrs import frozen

from cdt_core.errors import PrivacyError
from cdt_privacy.accounting.distributions import by_loss_distributions
from cdt_privacy.accounting.mechanism import Mechanism
from cdt_privacy.accounting.neighbours import Neighbours, require_neighbours
from cdt_privacy.accounting.renyi import by_renyi
from cdt_privacy.accounting.terms import Terms, pure_epsilon, require_known, terms_of

__all__ = ["Account", "account", "epsilon", "quick_epsilon", "require_delta"]

#: A bound beyond which loss distributions are not asked for a smaller one: it protects nobody.
_LARGEST_EPSILON = 60.0


@frozen(kw_only=True)
class Account:
    """Upper bounds of the epsilon of everything released so far, at ``delta``."""

    delta: float
    neighbours: Neighbours
    by_loss_distributions: float
    by_renyi: float
    renyi_order: float
    by_pure_epsilons: float

    @property
    def epsilon(self) -> float:
        """The least of the bounds, each of which holds; nearly always the one by loss distributions."""
        return min(self.by_loss_distributions, self.by_renyi, self.by_pure_epsilons)


def account(
    mechanisms: Iterable[Mechanism], delta: float, neighbours: Neighbours = Neighbours.ADD_OR_REMOVE
) -> Account:
    """Account mechanisms that ran on the same dataset, each on fresh noise, later ones perhaps chosen by earlier results.

    Parameters
    ----------
    mechanisms
        What was run.
    delta
        Probability that the bound may fail, 0 <= delta < 1. At 0 only Laplace noise (and what is declared with delta 0)
        has a finite epsilon.
    neighbours
        Which two datasets must be hard to tell apart.

    Returns
    -------
    Account
        By privacy loss distributions on a grid of 1e-4, pessimistic ([1]_); by Renyi divergences ([2]_); and by adding pure
        epsilons. About 0.05 s, up to 1 s for a thousand samples.

    Raises
    ------
    PrivacyError
        No relation; a delta outside [0, 1), a mechanism without a bound in this relation, or dp-accounting is not installed.

    References
    ----------
    .. [1] Doroshenko et al., "Connect the Dots: Tighter Discrete Approximations of Privacy Loss Distributions", PoPETs 2022.
    .. [2] Mironov, "Renyi Differential Privacy", CSF 2017.

    Examples
    --------
    >>> from cdt_privacy.accounting import Composed, Gaussian
    >>> spent = account([Composed(Gaussian(20.0), 10)], delta=1e-5)
    >>> round(spent.epsilon, 6), round(spent.by_renyi, 6)
    (0.561285, 0.615802)
    """
    terms = _known_terms(mechanisms, delta, neighbours)
    pure = _pure(terms, neighbours)
    if delta == 0:
        figures = (math.inf, math.inf, 0.0) if terms else (0.0, 0.0, 0.0)
    else:
        renyi = by_renyi(terms, delta, neighbours)
        loss = by_loss_distributions(terms, delta, neighbours) if _worth_a_grid(terms, delta, pure) else math.inf
        figures = (loss, renyi.epsilon, renyi.order)
    return Account(
        delta=delta,
        neighbours=neighbours,
        by_loss_distributions=figures[0],
        by_renyi=figures[1],
        renyi_order=figures[2],
        by_pure_epsilons=pure,
    )


def epsilon(mechanisms: Iterable[Mechanism], delta: float, neighbours: Neighbours = Neighbours.ADD_OR_REMOVE) -> float:
    """The epsilon of :func:`account`."""
    return account(mechanisms, delta, neighbours).epsilon


def quick_epsilon(mechanisms: Iterable[Mechanism], delta: float, neighbours: Neighbours) -> float:
    """A bound without loss distributions, larger than :func:`epsilon` and in about a millisecond."""
    terms = _known_terms(mechanisms, delta, neighbours)
    pure = _pure(terms, neighbours)
    return min(pure, by_renyi(terms, delta, neighbours).epsilon) if delta > 0 else pure


def _known_terms(mechanisms: Iterable[Mechanism], delta: float, neighbours: Neighbours) -> Terms:
    require_delta(delta)
    require_neighbours(neighbours)
    terms = terms_of(mechanisms)
    for mechanism, _ in terms:
        require_known(mechanism, neighbours)
    return terms


def require_delta(delta: float) -> None:
    """Refuse a delta that is no probability below 1."""
    if isinstance(delta, bool) or not isinstance(delta, int | float) or not 0 <= delta < 1:
        raise PrivacyError(
            f"delta is {delta!r}; it must be at least 0 and below 1, and well below 1 / (number of people)"
        )


def _worth_a_grid(terms: Terms, delta: float, pure: float) -> bool:
    """Whether loss distributions may be asked: time and memory of their grids grow with epsilon."""
    known = min(pure, by_renyi(terms, delta, Neighbours.ADD_OR_REMOVE).epsilon)  # replacing one costs more
    return known <= _LARGEST_EPSILON or known == math.inf


def _pure(terms: Terms, neighbours: Neighbours) -> float:
    return math.fsum(count * pure_epsilon(mechanism, neighbours) for mechanism, count in terms)
