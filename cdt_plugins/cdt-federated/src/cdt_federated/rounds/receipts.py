"""What becomes of a message at the coordinator: accepted, or refused with one of a few reasons, which are counted."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from cdt_federated.rounds.envelope import Sealed
from cdt_federated.rounds.roster import Roster

__all__ = ["REFUSALS", "Receipt", "RefusedError", "sender_of"]

#: Why messages are refused.
REFUSALS = {
    "malformed": "it is no message of a round",
    "unknown": "no site of the roster has that name, or it is addressed to somebody else",
    "forged": "the signature is not that of the site that it names",
    "round": "it belongs to another round, or no round is open",
    "stage": "it belongs to another stage of the round: late, or early",
    "unasked": "that site was not asked in this stage",
    "duplicate": "that site has answered this stage already",
    "request": "it answers another request than the one that was sent",
    "payload": "the exchange cannot use what it carries",
}


@frozen(kw_only=True)
class Receipt:
    """What became of a message.

    Parameters
    ----------
    accepted
        Whether it counts.
    site
        Who sent it; empty unless its signature is right.
    reason, details
        Why it was refused: a key of ``REFUSALS``, and a sentence.
    requests
        What to send to which site now, when it was the last message that a stage waited for.
    """

    accepted: bool
    site: str = ""
    reason: str = ""
    details: str = ""
    requests: Mapping[str, bytes] = field(factory=dict)


class RefusedError(Exception):
    """Carries a reason from where it is found to the receipt; never seen outside."""

    def __init__(self, reason: str) -> None:
        super().__init__(REFUSALS[reason])
        self.reason = reason


def sender_of(sealed: Sealed, roster: Roster) -> str:
    """Name of the site that sent a message to this coordinator, beyond doubt; ``RefusedError`` otherwise."""
    envelope = sealed.envelope
    member = roster.site(envelope.sender)
    if member is None or (envelope.federation, envelope.recipient) != (roster.federation, roster.coordinator.name):
        raise RefusedError("unknown")
    if not sealed.is_from(member):
        raise RefusedError("forged")
    return member.name
