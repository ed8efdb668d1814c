"""The round that is open at the coordinator: who was asked what in this stage, and who has answered."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cdt_core.errors import ProtocolError
from cdt_core.model.exchange import Exchange
from cdt_federated.rounds.envelope import Envelope, Sealed, Shared
from cdt_federated.rounds.opening import Opening, Outcome
from cdt_federated.rounds.receipts import RefusedError
from cdt_federated.rounds.roster import Roster

__all__ = ["CurrentRound"]


class CurrentRound:
    """Puts what an exchange asks into envelopes, and takes out of envelopes what it is answered.

    Parameters
    ----------
    opening, exchange
        The round, and its protocol.
    roster, key
        The federation, and its coordinator's private key.
    """

    def __init__(self, opening: Opening, exchange: Exchange, roster: Roster, key: Ed25519PrivateKey) -> None:
        self.opening = opening
        self.refused: Counter[str] = Counter()
        self.requests: dict[str, bytes] = {}
        self.answered: set[str] = set()
        self._exchange = exchange
        self._sender, self._key = roster.coordinator.name, key
        self._digests: dict[str, bytes] = {}
        self._at = 0
        first = exchange.begin()
        if not set(first) <= set(opening.sites):
            raise ProtocolError("the exchange asks a site that is not in the round; make it for the opening's sites")
        self._ask(first, Shared(opening.to_bytes(roster)))

    @property
    def stage(self) -> str:
        """Name of the stage that is open."""
        return self._exchange.stages[self._at]

    @property
    def digest(self) -> str:
        """Of all requests of this stage. Ed25519 signatures are deterministic: the same requests are the same bytes."""
        together = hashlib.sha256()
        for site in sorted(self._digests):
            together.update(self._digests[site])
        return together.hexdigest()

    @property
    def pending(self) -> dict[str, bytes]:
        """Requests that nobody has answered yet."""
        return {site: message for site, message in self.requests.items() if site not in self.answered}

    def check(self, sealed: Sealed, site: str) -> bytes:
        """The payload of a message that this stage waits for from that site; ``RefusedError`` otherwise."""
        envelope = sealed.envelope
        if envelope.round != self.opening.round:
            raise RefusedError("round")
        if (envelope.stage, envelope.sequence) != (self.stage, self._at):
            raise RefusedError("stage")
        if site not in self.requests:
            raise RefusedError("unasked")
        if site in self.answered:
            raise RefusedError("duplicate")
        if envelope.about != self._digests[site] or envelope.shared.data:
            raise RefusedError("request")
        return envelope.own

    def take(self, site: str, payload: bytes) -> None:
        """Give a payload to the exchange, which refuses it by a ``ProtocolError``."""
        self._exchange.receive(self.stage, site, payload)
        self.answered.add(site)

    def close(self) -> bool:
        """End this stage and ask what the next one asks; False when it was the last.

        Raises
        ------
        ProtocolError
            Too few answers for the exchange.
        """
        payloads = self._exchange.close(self.stage)
        if self._at + 1 == len(self._exchange.stages):
            return False
        dropped = set(payloads) - self.answered
        if not payloads or dropped:
            whom = f"{min(dropped)!r}, which dropped out" if dropped else "nobody"
            raise ProtocolError(f"after stage {self.stage!r} the exchange asks {whom}; it cannot go on")
        self._at += 1
        self._ask(payloads, Shared(b""))
        return True

    def succeeded(self) -> Outcome:
        """The outcome after the last stage; a ``CdtError`` of the exchange or of its rule is passed on."""
        values = self._exchange.result()
        dropped = tuple(self._exchange.dropped)
        included = tuple(site for site in self.opening.sites if site not in set(dropped))
        return self._outcome(included=included, dropped=dropped, values=values)

    def failed(self, reason: str) -> Outcome:
        """The outcome of a round that gave nothing."""
        return self._outcome(included=(), dropped=self.opening.sites, reason=reason)

    def _outcome(self, **how: object) -> Outcome:
        opening = self.opening
        return Outcome(round=opening.round, asked=opening.sites, refused=dict(self.refused), **how)  # type: ignore[arg-type]

    def _ask(self, payloads: Mapping[str, bytes], shared: Shared) -> None:
        self.answered = set()
        self.requests, self._digests = {}, {}
        for site, own in payloads.items():
            self.requests[site], self._digests[site] = Envelope(
                federation=self.opening.federation,
                round=self.opening.round,
                stage=self.stage,
                sequence=self._at,
                sender=self._sender,
                recipient=site,
                shared=shared,
                own=own,
            ).sealed_with_digest(self._key)
