"""Reputation: how far a site is trusted, learned from how its updates agreed with what most sites said.

A site is its key, not its name: a new key starts at the floor, the lowest weight there is, so that nobody gains by coming
back as somebody else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from cdt_core.errors import FederatedError
from cdt_federated.checks import above_zero, share
from cdt_federated.vectors import vector_of

__all__ = ["Reputation", "Trust", "agreement"]


def _levels(levels: Mapping[str, float]) -> dict[str, float]:
    kept = {str(identity): float(level) for identity, level in levels.items()}
    for identity, level in kept.items():
        if not 0 <= level <= 1:
            raise FederatedError(f"the level of {identity!r} is {level}; levels are from 0 to 1")
    return kept


@frozen
class Trust:
    """What is known of the sites, by the fingerprint of their keys: levels from 0 (unknown) to 1. Starts empty."""

    levels: Mapping[str, float] = field(factory=dict, converter=_levels)
    rounds: int = 0


@frozen(kw_only=True)
class Reputation:
    """How trust follows from agreement: it grows slowly, falls fast, and fades while a site is away.

    A level moves towards the round's agreement a by ``level += rate * (a - level)``, with ``gain`` as the rate upwards and
    ``loss`` downwards; without an update by ``level *= 1 - fading``. The weight of a site is
    ``floor + (1 - floor) * level``: within [floor, 1] whatever anybody sends.

    Parameters
    ----------
    floor
        The weight of a key that is new or not trusted, above 0 so that it can win trust.
    gain, loss, fading
        Rates from above 0 to 1. With a loss well above the gain, a site that behaves well and badly in turn stays low.
    tolerance
        Updates within so many times the middle distance to the centre agree fully (:func:`agreement`).

    Notes
    -----
    It holds while fewer than half of the sites of a round are bad, for the centre to be that of the good ones. Updates that
    hide among the honest ones, nearer to the centre than an honest site, are trusted: distance cannot tell them apart.

    Examples
    --------
    >>> rule, trust = Reputation(floor=0.1, gain=0.5, loss=0.5), Trust()
    >>> trust = rule.update(trust, {"key-a": 1.0, "key-b": 0.0})
    >>> rule.weight(trust, "key-a"), rule.weight(trust, "key-b"), rule.weight(trust, "never seen")
    (0.55, 0.1, 0.1)
    """

    floor: float = field(default=0.05, validator=share)
    gain: float = field(default=0.2, validator=share)
    loss: float = field(default=0.6, validator=share)
    fading: float = field(default=0.02, validator=share)
    tolerance: float = field(default=2.0, validator=above_zero)

    def weight(self, trust: Trust, identity: str) -> float:
        """What the site's updates count, in [floor, 1]."""
        return self.floor + (1 - self.floor) * trust.levels.get(identity, 0.0)

    def update(self, trust: Trust, agreements: Mapping[str, float]) -> Trust:
        """The trust after a round.

        Parameters
        ----------
        trust
            Before it.
        agreements
            For each site whose update came, by fingerprint: from 0 to 1. Sites that are not in it fade.

        Raises
        ------
        FederatedError
            An agreement is not from 0 to 1.
        """
        levels = {identity: level * (1 - self.fading) for identity, level in trust.levels.items()}
        for identity, agreed in agreements.items():
            if not 0 <= agreed <= 1:
                raise FederatedError(f"the agreement of {identity!r} is {agreed}; give a number from 0 to 1")
            level = trust.levels.get(identity, 0.0)
            rate = self.gain if agreed > level else self.loss
            levels[identity] = min(1.0, max(0.0, level + rate * (agreed - level)))
        return Trust(levels, trust.rounds + 1)


def agreement(updates: NDArray[Any], centre: ArrayLike, tolerance: float = 2.0) -> NDArray[np.float64]:
    """How far each update agrees with the centre: 1 within ``tolerance`` middle distances, then falling as their square.

    Parameters
    ----------
    updates
        Float array of shape (sites, length).
    centre
        Shape (length,): a robust one, such as the coordinate median of the updates.
    tolerance
        In units of the median of the updates' distances to the centre.

    Returns
    -------
    ndarray, shape (sites,)
        float64 from 0 to 1: ``min(1, (tolerance * median(r) / r_i) ** 2)`` with r_i the Euclidean distance of update i; 0 for
        an update whose distance is beyond float64, whatever the others are.

    Raises
    ------
    FederatedError
        Shapes that do not fit, or values that are not finite.

    Examples
    --------
    >>> agreement(np.array([[0.9], [1.0], [1.1], [5.0]]), [1.0]).round(4)
    array([1.    , 1.    , 1.    , 0.0025])
    """
    given = np.asarray(updates)
    if given.ndim != 2 or not len(given):
        raise FederatedError(f"the updates have shape {given.shape}; give (sites, length)")
    middle = vector_of(centre, "the centre", given.shape[1])
    distances = np.array([_distance(row, middle) for row in given])
    for at in np.flatnonzero(~np.isfinite(distances)):
        if not np.isfinite(given[at]).all():
            raise FederatedError(f"update {at} is not finite; refuse it first")
    with np.errstate(over="ignore", invalid="ignore"):
        reach = tolerance * float(np.median(distances))
    within = (distances <= reach) & np.isfinite(distances)
    with np.errstate(divide="ignore", invalid="ignore"):
        beyond = np.where(np.isfinite(distances), np.square(reach / distances), 0.0)
    scores: NDArray[np.float64] = np.where(within, 1.0, beyond)
    return scores


def _distance(row: NDArray[Any], middle: NDArray[np.float64]) -> float:
    """Euclidean, scaled by the largest difference, whose square could overflow."""
    with np.errstate(over="ignore", invalid="ignore"):
        difference = row.astype(np.float64) - middle
        largest = float(np.abs(difference).max())
        if largest == 0 or not math.isfinite(largest):
            return largest
        return largest * float(np.linalg.norm(difference / largest))
