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
from cdt_privacy.verifiable.relayed import CLAIMS, COINS, SEALS, VERDICTS, agreed_bytes, check_terms, read_relayed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from cdt_privacy import secure
    from cdt_privacy.verifiable.terms import Terms

__all__ = ["VerifiedParty"]


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
    It lives in one process for one round: a site that dies in between is out of that round.
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
        if stage in STAGES:
            return self._inner.answer(stage, payload)
        steps = {SEALS: self._seal, COINS: self._reveal, CLAIMS: self._claim, VERDICTS: self._judge}
        due = next((each for each in steps if each not in self._done), "none: the round is over")
        if stage != due:
            raise ProtocolError(
                f"{self._where(stage)}: answered already, or out of turn (due is {due}); each stage is answered once"
            )
        body = steps[stage](FieldReader(bytes(payload), self._where(stage)))
        self._done.append(stage)
        return messages.signed(self._identity, self._sums, stage, body)

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

    def _claim(self, reader: FieldReader) -> bytes:
        self._coins = read_relayed(self._sums, self._roster, COINS, reader)
        return self._contributor.claim(self._coins)

    def _judge(self, reader: FieldReader) -> bytes:
        claims = read_relayed(self._sums, self._roster, CLAIMS, reader)
        self.verified = verify_sum(self._terms, self._published, self._seals, self._coins, claims)
        return self.verified.seed

    def _where(self, stage: str) -> str:
        return f"{messages.where(self._sums, stage)}, request to site {self._identity.site!r}"
