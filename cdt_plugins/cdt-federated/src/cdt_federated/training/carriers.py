"""How updates travel: the pair of an exchange and a party, made for the rounds of a training."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
from attrs import Factory, field, frozen
from numpy.typing import NDArray

from cdt_core.errors import FederatedError
from cdt_core.hooks import Aggregator
from cdt_core.model.exchange import Exchange, Party
from cdt_federated.rounds.opening import Opening
from cdt_federated.rounds.plain import PlainExchange, PlainParty, Rule, callable_rule, mean, rule_of
from cdt_federated.vectors import Vector

__all__ = ["Carrier", "Plain", "Shown", "SumLimits"]

#: Updates that a carrier lets the coordinator see: names of the sites, and shape (sites, length).
Shown = tuple[tuple[str, ...], NDArray[Any]]


@frozen(kw_only=True)
class SumLimits:
    """Which sums a carrier carries.

    Parameters
    ----------
    largest
        L2 norm that a site's vector may have; what is longer is scaled down on the way, and is no sum any more.
    rounding
        By how much each number of the sum of all sites may be off.
    """

    largest: float = math.inf
    rounding: float = 0.0


@runtime_checkable
class Carrier(Protocol):
    """Makes both sides of a round; the same at the coordinator and at all sites."""

    @property
    def name(self) -> str:
        """Tells carriers apart: a site stays out of a round of another one."""

    @property
    def additive(self) -> bool:
        """Whether updates become one by their weighted mean and nothing else, as the controls of SCAFFOLD need it."""

    def exchange(self, opening: Opening, length: int, weights: Mapping[str, float]) -> Exchange:
        """The coordinator's side, whose result is the aggregate, shape (length,), of updates of these weights."""

    def party(self, opening: Opening, length: int, compute: Callable[[], Vector]) -> Party:
        """A site's side; ``compute`` gives its update when it is needed."""

    def shown(self, exchange: Exchange) -> Shown | None:
        """The sites' updates after a round; None when the carrier hides them."""

    def accused(self, exchange: Exchange) -> tuple[str, ...]:
        """Sites that proofs of the round name as liars; none of a carrier without proofs."""

    def limits(self, sites: int) -> SumLimits:
        """How well the aggregate of so many sites, times their number, is the sum of their vectors.

        Raises
        ------
        FederatedError
            It is another thing than their sum.
        """


def _is_rule(instance: object, attribute: object, rule: object) -> None:
    if not isinstance(rule, Aggregator):
        callable_rule(rule)


def _adds(carrier: Plain) -> bool:
    return carrier.rule.additive if isinstance(carrier.rule, Aggregator) else carrier.rule is mean


@frozen(kw_only=True)
class Plain:
    """Each update in the clear; any rule.

    Parameters
    ----------
    rule
        ``rule(updates, weights) -> vector``, or a descriptor of the hook ``cdt_aggregators``; with parameters by
        :func:`cdt_federated.rounds.rule_of`.
    single
        Send float32: half the bytes.
    additive
        Whether the rule is a weighted mean. Known of descriptors and of the default; say it of a function of your own.
    """

    rule: Rule | Aggregator = field(default=mean, validator=_is_rule)
    single: bool = False
    additive: bool = field(default=Factory(_adds, takes_self=True))

    @property
    def name(self) -> str:
        """``plain/float64`` or ``plain/float32``."""
        return f"plain/{self._dtype.name}"

    @property
    def _dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float32 if self.single else np.float64)

    def exchange(self, opening: Opening, length: int, weights: Mapping[str, float]) -> PlainExchange:
        """The coordinator's side."""
        return PlainExchange(opening.sites, length, weights, rule_of(self.rule), self._dtype)

    def party(self, opening: Opening, length: int, compute: Callable[[], Vector]) -> PlainParty:
        """A site's side."""
        return PlainParty(compute, length, self._dtype)

    def shown(self, exchange: Exchange) -> Shown | None:
        """All updates that came."""
        return (exchange.present, exchange.updates) if isinstance(exchange, PlainExchange) else None

    def accused(self, exchange: Exchange) -> tuple[str, ...]:
        """Nobody: there are no proofs."""
        return ()

    def limits(self, sites: int) -> SumLimits:
        """None, for means of float64."""
        if self.single or not self.additive:
            raise FederatedError(f"{self.name} by {self.rule!r} does not add up what sites send; use Plain() for sums")
        return SumLimits()
