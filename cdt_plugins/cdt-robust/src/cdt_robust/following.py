"""The rule that follows a step before it, by its name."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from cdt_core.errors import AggregationError
from cdt_robust.plugin import BEFORE_RULES, cdt_aggregators
from cdt_robust.updates import Updates, Vector

__all__ = ["follow"]


def follow(then: str, updates: Updates, parameters: dict[str, Any]) -> Vector:
    """Apply the rule of that name to updates of one vote each.

    Raises
    ------
    AggregationError
        No rule has that name, it takes other parameters, or it refuses the updates.
    """
    offers = {offer.name: offer for offer in cdt_aggregators() if offer.name not in BEFORE_RULES}
    if not isinstance(then, str) or then not in offers:
        raise AggregationError(f"no rule {then!r} can follow; give one of {', '.join(offers)}")
    rule, votes = offers[then].load(), np.ones(len(updates))
    try:
        inspect.signature(rule).bind(updates, votes, **parameters)
    except TypeError as error:
        raise AggregationError(f"rule {then!r} does not take these parameters: {error}") from error
    result: Vector = rule(updates, votes, **parameters)
    return result
