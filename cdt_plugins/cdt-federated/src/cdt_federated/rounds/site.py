"""A site's side of rounds: it answers its coordinator, once for each round and stage, and nobody else."""

from __future__ import annotations

from attrs import frozen
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cdt_core.errors import FederatedError, ProtocolError
from cdt_core.model.exchange import Party, Savable
from cdt_core.model.fields import FieldReader, FieldWriter
from cdt_federated.rounds.envelope import NO_REQUEST, Envelope, Sealed
from cdt_federated.rounds.opening import Join, Opening, Rejoin, Restorable
from cdt_federated.rounds.roster import Roster, public_of

__all__ = ["Site"]

_MAGIC = b"cdt.site\x02"


@frozen(eq=False)
class _Answered:
    """The latest request that was answered, and what was answered to it."""

    round: int = 0
    sequence: int = -1
    request: bytes = NO_REQUEST
    message: bytes = b""


def _kept(join: object) -> bytes:
    return join.saved() if isinstance(join, Restorable) else b""


def _kept_by(party: object) -> bytes | None:
    return party.saved() if isinstance(party, Savable) else None


def _restore(join: object, kept: bytes) -> None:
    if isinstance(join, Restorable):
        join.restore(kept)


class Site:
    """One site of a federation, without I/O and without a clock.

    Parameters
    ----------
    name, key
        The site and its private key.
    roster
        The federation: whose requests it answers.
    join
        Makes the site's side of a round from its :class:`Opening`; raises ``FederatedError`` to stay out of it.
    largest_message
        Bytes that a request may have.

    Raises
    ------
    FederatedError
        The roster does not know the site by that name and key.

    Notes
    -----
    A request that comes again, byte for byte, gets the answer that it got before: so a coordinator that crashed can ask
    again, and learns nothing new. Any other second request for a stage, and everything of an earlier round, is refused.
    """

    def __init__(
        self, name: str, key: Ed25519PrivateKey, roster: Roster, join: Join, *, largest_message: int = 1 << 30
    ) -> None:
        if not isinstance(roster, Roster) or not callable(join):
            raise FederatedError(
                f"{name!r} cannot join a {type(roster).__name__} by {join!r}; give a Roster and a function"
            )
        member = roster.site(name)
        if member is None or member.public_key != public_of(key, name):
            raise FederatedError(
                f"the roster of {roster.federation!r} does not have {name!r} with this key; register it first"
            )
        self.name = name
        self.roster = roster
        self._key = key
        self._join = join
        self._largest = largest_message
        self._opening: Opening | None = None
        self._party: Party | None = None
        self._last = _Answered()

    def answer(self, message: bytes) -> bytes:
        """The message to send back.

        Raises
        ------
        ProtocolError
            It is not from the coordinator, not for this site, of an earlier round or stage, or a second one for a stage; or
            the exchange refuses it. Nothing was changed.
        FederatedError
            The site stays out of this round.
        """
        sealed = Sealed.read(message, self._largest)
        self._check(sealed)
        if sealed.digest == self._last.request:
            return self._last.message
        self._check_turn(sealed.envelope)
        opening, party, payload = self._turned_to(sealed.envelope)
        reply = self._sealed(sealed, party.answer(sealed.envelope.stage, payload))
        self._opening, self._party = opening, party
        self._last = _Answered(sealed.envelope.round, sealed.envelope.sequence, sealed.digest, reply)
        return reply

    def saved(self) -> bytes:
        """What another process needs to go on as this site.

        What it answered last; what ``join`` keeps between rounds, when it is :class:`Restorable`; its side of the open round,
        when that is :class:`~cdt_core.model.exchange.Savable`. A secure party encrypts what it keeps, all else is as secret as
        the site's updates: store it so.
        """
        last, opening = self._last, self._opening
        writer = FieldWriter().fixed(_MAGIC).text(self.name)
        writer.number(last.round, 8).number(last.sequence + 1, 4).fixed(last.request).counted(last.message)
        writer.counted(_kept(self._join))
        kept = _kept_by(self._party)
        if opening is None or kept is None:
            return writer.number(0, 1).end()
        writer.number(1, 1).number(opening.round, 8)
        return writer.counted(opening.to_bytes(self.roster)).counted(kept).end()

    def restore(self, state: bytes, rejoin: Rejoin | None = None) -> None:
        """Go on from :meth:`saved`, with what ``join`` kept given to its ``restore``.

        Parameters
        ----------
        state
            What :meth:`saved` returned.
        rejoin
            Makes the party of an opening from the bytes that the party saved. Without it, an open round of several stages is
            left; the next round is joined.

        Raises
        ------
        ProtocolError
            The bytes are damaged, or another site's.
        """
        reader = FieldReader(state, f"saved state of {self.name!r}")
        if reader.fixed(len(_MAGIC)) != _MAGIC or reader.text(len(state)) != self.name:
            raise reader.error("it is not this site's")
        round_, sequence, request = reader.number(8), reader.number(4) - 1, reader.fixed(len(NO_REQUEST))
        last = _Answered(round_, sequence, request, reader.counted(len(state)))
        between = reader.counted(len(state))
        opening, party = None, None
        if reader.number(1):
            round_ = reader.number(8)
            sites, task = Opening.parts(reader.counted(len(state)), self.roster)
            kept = reader.counted(len(state))
            if rejoin is not None:
                opening = self._opened(round_, sites, task)
                party = rejoin(opening, kept)
        reader.end()
        if between:
            _restore(self._join, between)
        self._last, self._opening, self._party = last, opening, party

    def _check(self, sealed: Sealed) -> None:
        envelope, coordinator = sealed.envelope, self.roster.coordinator
        expected = (self.roster.federation, coordinator.name, self.name)
        if (envelope.federation, envelope.sender, envelope.recipient) != expected:
            raise self._refusal(envelope, f"it is from {envelope.sender!r} to {envelope.recipient!r}")
        if not sealed.is_from(coordinator):
            raise self._refusal(envelope, "its signature is not the coordinator's")

    def _check_turn(self, envelope: Envelope) -> None:
        last = self._last
        turn, latest = (envelope.round, envelope.sequence), (last.round, last.sequence)
        if turn <= latest:
            answered = f"round {last.round}, stage number {last.sequence} was answered already"
            raise self._refusal(envelope, f"{answered}; a coordinator that is started anew needs its journal")
        opened = self._opening is not None and self._opening.round == envelope.round and last.round == envelope.round
        if envelope.sequence > 0 and not opened:
            raise self._refusal(envelope, "this site did not answer the round's first stage")

    def _turned_to(self, envelope: Envelope) -> tuple[Opening | None, Party, bytes]:
        """The round and the party that answers, a new one in a round's first stage, and the payload for it."""
        if envelope.sequence > 0 and self._party is not None:
            return self._opening, self._party, envelope.own
        sites, task = Opening.parts(envelope.shared.data, self.roster)
        if self.name not in sites:
            raise self._refusal(envelope, "this site is not among those of the round")
        opening = self._opened(envelope.round, sites, task)
        return opening, self._join(opening), envelope.own

    def _opened(self, round_: int, sites: tuple[str, ...], task: bytes) -> Opening:
        federation = self.roster.federation
        return Opening(federation=federation, round=round_, sites=sites, task=task, site=self.name)

    def _sealed(self, request: Sealed, payload: bytes) -> bytes:
        asked = request.envelope
        return Envelope(
            federation=asked.federation,
            round=asked.round,
            stage=asked.stage,
            sequence=asked.sequence,
            sender=self.name,
            recipient=asked.sender,
            about=request.digest,
            own=payload,
        ).sealed(self._key)

    def _refusal(self, envelope: Envelope, why: str) -> ProtocolError:
        return ProtocolError(
            f"{self.name!r} does not answer a request of round {envelope.round}, stage {envelope.stage!r}: {why}"
        )
