"""Rounds under an agreement: each is asked for before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from attrs import evolve

from cdt_core.governance import Agreement, Budget, Decision, Request, decide, require
from cdt_federated.rounds.opening import Opening

__all__ = ["under"]


def under(
    agreement: Agreement,
    request: Request | Callable[[Opening], Request],
    *,
    now: Callable[[], datetime],
    spent: Callable[[], Budget] | None = None,
    noted: Callable[[Request, Decision], None] | None = None,
) -> Callable[[Opening], None]:
    """An ``allowed`` for :class:`~cdt_federated.rounds.Coordinator`.

    Parameters
    ----------
    agreement
        What the parties signed.
    request
        What every round asks, or ``request(opening)``: what this one does, as its cost. Its sites and subject are set for each
        round.
    now, spent
        The instant of asking, and the budget that is spent by then.
    noted
        Told of each request and its decision, allowed or not: for an audit log.

    Returns
    -------
    callable
        Raises ``AccessError`` with every reason why a round is not allowed.
    """

    def allowed(opening: Opening) -> None:
        asked = evolve(
            request(opening) if callable(request) else request,
            sites=opening.sites,
            subject=f"round {opening.round} of {opening.federation}, {len(opening.sites)} sites",
        )
        when, before = now(), None if spent is None else spent()
        if noted is not None:
            noted(asked, decide(agreement, asked, now=when, spent=before))
        require(agreement, asked, now=when, spent=before)

    return allowed
