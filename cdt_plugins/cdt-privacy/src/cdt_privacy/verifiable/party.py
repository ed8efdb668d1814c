"""A site's side of a sum that is secure and verified: it masks its vector, proves its length, and checks what was published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdt_core.errors import ProtocolError
from cdt_core.model.fields import FieldReader
from cdt_privacy.secure import messages
from cdt_privacy.secure.messages import STAGES
from cdt_privacy.secure.party import SecureParty
from cdt_privacy.verifiable.check import Verified, verify_sum
from cdt_privacy.verifiable.contributor import Contributor
from cdt_privacy.verifiable.relayed import (
    AFTER,
    CLAIMS,
    COINS,
    SEALS,
    STAGES_BEFORE,
    VERDICTS,
    agreed_bytes,
    check_terms,
    read_relayed,
)
from cdt_privacy.verifiable.saved import State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from cdt_privacy import secure
    from cdt_privacy.verifiable.terms import Terms

__all__ = ["VerifiedParty"]

_ORDER = (*STAGES_BEFORE, *STAGES, *AFTER)


class VerifiedParty:
    """One site in one round of :class:`VerifiedSum`; a :class:`cdt_core.model.exchange.Party`.

    Parameters
    ----------
    identity, roster
        The site's signing key, and everyone's public keys.
    sums, terms
        Of the secure sum and of the proofs: one round, ``sums.length == terms.carried_length``.
    update
        Shape (terms.length,), signed integers of the lattice: clipped, rounded, noised.

    Attributes
    ----------
    verified
        After the last stage, what this site has checked itself; None before.

    Raises
    ------
    FederatedError
        Terms of two rounds, a site that is not asked, or a roster that does not fit.
    PrivacyError
        The update is no vector of that many integers, or PyNaCl is missing.

    Notes
    -----
    After :meth:`answer` and before the answer is sent, keep :meth:`saved`: a site that went back to an older state could be
    told of two sums, and two claims with the same blindings tell of its update.
    """

    def __init__(
        self,
        identity: secure.Identity,
        roster: secure.Roster,
        sums: secure.Terms,
        terms: Terms,
        update: ArrayLike,
    ) -> None:
        check_terms(sums, terms)
        self._identity, self._roster, self._sums, self._terms = identity, roster, sums, terms
        self._contributor = Contributor(terms, identity.site, update)
        self._inner = SecureParty(identity, roster, sums, self._contributor.vector.astype(sums.dtype))
        self._published: NDArray[np.int64] | None = None
        self._seals: dict[str, bytes] = {}
        self._coins: dict[str, bytes] = {}
        self._done: list[str] = []
        self._requests: list[bytes] = []
        self._answered, self._repeats = b"", False
        self.verified: Verified | None = None

    def answer(self, stage: str, payload: bytes) -> bytes:
        """The signed answer to a request of the coordinator; each stage once and in order.

        Raises
        ------
        ProtocolError
            The request is malformed, out of turn or repeated; somebody's signature, coin, claim or proof does not hold, or the
            published sum is another one (at the last stage, naming which).
        PrivacyError
            The update is longer than the norm bound: this site has no claim to make.
        """
        if not isinstance(payload, (bytes, bytearray, memoryview)):
            raise ProtocolError(
                f"{self._where(stage)}: {type(payload).__name__} in place of bytes; nothing was answered"
            )
        payload = bytes(payload)
        if self._done[-1:] == [stage]:
            if stage in STAGES:
                return self._inner.answer(stage, payload)  # which repeats what it may
            if self._repeats and payload == self._requests[-1]:
                return self._answered
        due = _ORDER[len(self._done)] if len(self._done) < len(_ORDER) else "none: the round is over"
        if stage != due:
            raise ProtocolError(
                f"{self._where(stage)}: answered already, or out of turn (due is {due}); each stage is answered once"
            )
        answer = self._inner.answer(stage, payload) if stage in STAGES else self._answer(stage, payload)
        self._done.append(stage)
        return answer

    def saved(self) -> bytes:
        """The site's place in the round, encrypted for its own identity alone, whose secret key is not in it."""
        state = State(
            terms=self._terms,
            sums=self._sums,
            secrets=self._contributor.own,
            update=self._contributor.vector[: self._terms.length],
            masked=self._inner.saved(),
            done=len(self._done),
            requests=self._requests,
            answer=self._answered,
        )
        return state.to_bytes(self._identity)

    @classmethod
    def restore(cls, saved: bytes, identity: secure.Identity, roster: secure.Roster) -> VerifiedParty:
        """Go on where :meth:`saved` was called: promises and errors are those of ``SecureParty.restore``."""
        state = State.from_bytes(saved, identity)
        party = cls(identity, roster, state.sums, state.terms, state.update)
        party._contributor = Contributor(state.terms, identity.site, state.update, state.secrets)
        party._inner = SecureParty.restore(state.masked, identity, roster)
        takes = (party._seal, party._reveal, party._opened, party._judge)
        for take, stage, request in zip(takes, (SEALS, *AFTER), state.requests, strict=False):
            take(FieldReader(request, party._where(stage)))
        party._done, party._requests = list(_ORDER[: state.done]), list(state.requests)
        party._answered, party._repeats = state.answer, True
        return party

    def _answer(self, stage: str, payload: bytes) -> bytes:
        """To a stage that is not one of the secure sum."""
        steps = {SEALS: self._seal, COINS: self._reveal, CLAIMS: self._claim, VERDICTS: self._judge}
        body = steps[stage](FieldReader(payload, self._where(stage)))
        self._answered = messages.signed(self._identity, self._sums, stage, body)
        self._requests.append(payload)
        return self._answered

    def _seal(self, reader: FieldReader) -> bytes:
        agreed = agreed_bytes(self._sums, self._terms)
        if reader.fixed(len(agreed)) != agreed:
            raise reader.error("other terms than those that were agreed on")
        reader.end()
        return self._contributor.seal

    def _reveal(self, reader: FieldReader) -> bytes:
        published = reader.array("int64", self._terms.carried_length)
        seals = read_relayed(self._sums, self._roster, SEALS, reader)
        coin = self._contributor.reveal(published, seals)
        self._published, self._seals = published, seals
        return coin

    def _opened(self, reader: FieldReader) -> None:
        self._coins = read_relayed(self._sums, self._roster, COINS, reader)

    def _claim(self, reader: FieldReader) -> bytes:
        self._opened(reader)
        return self._contributor.claim(self._coins)

    def _judge(self, reader: FieldReader) -> bytes:
        claims = read_relayed(self._sums, self._roster, CLAIMS, reader)
        self.verified = verify_sum(self._terms, self._published, self._seals, self._coins, claims)
        return self.verified.seed

    def _where(self, stage: str) -> str:
        return f"{messages.where(self._sums, stage)}, request to site {self._identity.site!r}"
