"""The coordinator's side of a sum that is secure and verified: it learns the sum, and who cannot prove a short update."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import numpy as np

from cdt_core.errors import FederatedError, ProtocolError
from cdt_core.model.fields import FieldWriter
from cdt_privacy.secure import messages
from cdt_privacy.secure.exchange import SecureSum
from cdt_privacy.secure.messages import STAGES, signed_by
from cdt_privacy.verifiable.check import Verified, check_total
from cdt_privacy.verifiable.claim import Claim, read_claim, verify_claim
from cdt_privacy.verifiable.coins import COIN_BYTES, common_seed, seal_of
from cdt_privacy.verifiable.relayed import (
    AFTER,
    CLAIMS,
    COINS,
    SEALS,
    STAGES_BEFORE,
    agreed_bytes,
    check_terms,
    write_relayed,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdt_privacy import secure
    from cdt_privacy.verifiable.terms import Terms

__all__ = ["VerifiedSum"]

_SEAL_BYTES = 32


class VerifiedSum:
    """One round's secure sum with the proofs of :mod:`cdt_privacy.verifiable`; a :class:`cdt_core.model.exchange.Exchange`.

    Sites seal coins (``seals``), run the secure sum (five stages), open the coins for the sum that was published (``coins``),
    claim (``claims``), and check everyone's claim themselves (``verdicts``). Whose claim does not verify is in
    :attr:`accused`: the sum holds its part and cannot be used, so the round fails and names it; run it again without it.

    Parameters
    ----------
    terms
        Of the proofs, the same at every site.
    sums
        Of the secure sum, of ``terms.carried_length`` numbers.
    roster
        Everyone's public keys.
    among
        Sites that are asked; the others count as dropped out. All when None.

    Raises
    ------
    FederatedError
        Terms of two rounds, or a site that is not on the roster.

    Notes
    -----
    The proofs of n sites are verified once here and once at each site: about 0.5 ms for each bit of each claim. A site that
    committed to another vector than it masked spoils the sum without being named: the round fails, and nothing is learned.

    Examples
    --------
    >>> from cdt_privacy import secure, verifiable
    >>> identities = {name: secure.Identity.fresh(name) for name in ("basel", "lyon", "torino")}
    >>> roster = secure.Roster({name: one.public for name, one in identities.items()})
    >>> terms = verifiable.Terms.with_norm_bound("study-7/1", length=2, norm_bound=12, projections=2, honest_failure=1e-6)
    >>> sums = secure.Terms(terms.round, roster.keys, terms.carried_length)
    >>> parties = {name: verifiable.VerifiedParty(one, roster, sums, terms, [3, -4]) for name, one in identities.items()}
    >>> exchange = verifiable.VerifiedSum(terms, sums, roster)
    >>> requests = exchange.begin()
    >>> for stage in exchange.stages:
    ...     for site, request in requests.items():
    ...         exchange.receive(stage, site, parties[site].answer(stage, request))
    ...     requests = exchange.close(stage)
    >>> exchange.result().tolist(), parties["lyon"].verified.sum.tolist()
    ([9, -12], [9, -12])
    """

    def __init__(
        self, terms: Terms, sums: secure.Terms, roster: secure.Roster, among: Collection[str] | None = None
    ) -> None:
        check_terms(sums, terms)
        self._terms, self._sums, self._roster = terms, sums, roster
        self._inner = SecureSum(sums, roster)
        self._asked = tuple(site for site in sums.sites if among is None or site in among)
        if strangers := set(among or ()).difference(sums.sites):
            raise FederatedError(f"round {terms.round!r}: {min(strangers)!r} is not among the sites of its terms")
        self._closed = 0
        self._answers: dict[str, bytes] = {}
        self._seals: dict[str, bytes] = {}
        self._signed_seals: dict[str, bytes] = {}
        self._claims: dict[str, Claim] = {}
        self._coins: dict[str, bytes] = {}
        self._published = np.zeros(0, np.int64)
        self._seed = b""
        self._refuted: dict[str, str] = {}
        self._verified: Verified | None = None

    @property
    def stages(self) -> tuple[str, ...]:
        """``seals``, those of the secure sum, ``coins``, ``claims``, ``verdicts``."""
        return (*STAGES_BEFORE, *STAGES, *AFTER)

    def begin(self) -> Mapping[str, bytes]:
        """Both terms, to every site that is asked."""
        return dict.fromkeys(self._asked, agreed_bytes(self._sums, self._terms))

    def receive(self, stage: str, site: str, payload: bytes) -> None:
        """Take one site's signed answer.

        Raises
        ------
        ProtocolError
            Forged, malformed, out of turn, a second one, or from a site that was not asked; or a coin or claim that does not
            verify, of which :attr:`accused` keeps the site. The sum is as it was.
        """
        where = self._open(stage)
        if site not in self._asked:
            raise ProtocolError(f"{where}, site {site!r}: it was not asked; refuse the answer")
        if site in self._answers:
            raise ProtocolError(f"{where}, site {site!r}: it has answered already; refuse the second answer")
        if stage in STAGES:
            self._inner.receive(stage, site, payload)
        else:
            body = bytes(signed_by(self._roster, self._sums, stage, site, payload).body)
            takes = {SEALS: self._take_seal, COINS: self._take_coin, CLAIMS: self._take_claim}
            takes.get(stage, self._take_verdict)(site, body)
            self._refuted.pop(site, None)
        self._answers[site] = bytes(payload) if stage not in STAGES else b""

    def close(self, stage: str) -> Mapping[str, bytes]:
        """End a stage: the next one's requests to the sites that answered it.

        Raises
        ------
        ProtocolError
            Too few answers; a site of the sum made no claim or one that does not verify; or the sum is not that of what the
            sites committed to. The round is over then, and gives nothing.
        """
        self._open(stage)
        asks = {SEALS: self._ask_keys, COINS: self._ask_claims, CLAIMS: self._ask_verdicts}
        if stage in STAGES:
            requests = self._inner.close(stage)
            if stage == STAGES[-1]:
                requests = self._ask_coins()
        else:
            requests = asks[stage]() if stage in asks else {}
        self._closed += 1
        self._asked, self._answers = tuple(requests), {}
        return requests

    def result(self) -> NDArray[np.int64]:
        """The verified sum of the survivors' updates, shape (terms.length,).

        Raises
        ------
        ProtocolError
            Not verified, or the last stage is not closed.
        """
        if self._verified is None or self._closed < len(self.stages):
            raise ProtocolError(f"round {self._terms.round!r}: it is not over, or gave nothing; there is no sum to use")
        return self._verified.sum.copy()

    @property
    def survivors(self) -> tuple[str, ...]:
        """Sites whose vectors are in the sum."""
        return self._inner.survivors

    @property
    def dropped(self) -> tuple[str, ...]:
        """Sites of the terms whose vector is not in the sum."""
        return self._inner.dropped

    @property
    def accused(self) -> tuple[str, ...]:
        """Sites that signed a coin that they had not sealed, or a claim that does not verify."""
        return tuple(sorted(self._refuted))

    def _open(self, stage: str) -> str:
        where = messages.where(self._sums, stage)
        if self._closed == len(self.stages) or stage != self.stages[self._closed]:
            raise ProtocolError(f"{where}: the stage is not open; refuse the answer, close the stages in their order")
        return where

    def _take_seal(self, site: str, body: bytes) -> None:
        if len(body) != _SEAL_BYTES:
            raise ProtocolError(f"round {self._terms.round!r}: the seal of {site} has {len(body)} bytes; refuse it")
        self._seals[site] = body

    def _take_coin(self, site: str, body: bytes) -> None:
        if len(body) != COIN_BYTES or seal_of(self._terms, site, body) != self._seals[site]:
            raise self._refute(site, ProtocolError(f"the coin of {site} is not the one that it sealed"))
        self._coins[site] = body

    def _take_claim(self, site: str, body: bytes) -> None:
        try:
            claim = read_claim(self._terms, site, body)
            verify_claim(self._terms, site, self._seed, claim)
        except ProtocolError as error:
            raise self._refute(site, error) from error
        self._claims[site] = claim

    def _take_verdict(self, site: str, body: bytes) -> None:
        if body != self._seed:
            raise ProtocolError(f"round {self._terms.round!r}: the verdict of {site} is about another sum; refuse it")

    def _refute(self, site: str, error: ProtocolError) -> ProtocolError:
        self._refuted[site] = str(error)
        return ProtocolError(str(error))

    def _ask_keys(self) -> dict[str, bytes]:
        if len(self._answers) < self._sums.threshold:
            raise ProtocolError(
                f"round {self._terms.round!r}: {len(self._answers)} sites sealed a coin, the threshold is "
                f"{self._sums.threshold}; nothing was revealed"
            )
        self._signed_seals = dict(self._answers)
        return {site: request for site, request in self._inner.begin().items() if site in self._answers}

    def _ask_coins(self) -> dict[str, bytes]:
        self._require_all("left before the sum was checked")
        total = self._inner.result()
        self._published = total.view(total.dtype.str.replace("u", "i")).astype(np.int64)
        self._seals = {site: self._seals[site] for site in self.survivors}
        seals = write_relayed(self._sums, {site: self._signed_seals[site] for site in self.survivors})
        request = FieldWriter().array(self._published, "int64").fixed(seals).end()
        return dict.fromkeys(self.survivors, request)

    def _ask_claims(self) -> dict[str, bytes]:
        self._require_all("does not open its coin")
        self._seed = common_seed(self._terms, self._published, self._seals, self._coins)
        return dict.fromkeys(self.survivors, write_relayed(self._sums, self._answers))

    def _ask_verdicts(self) -> dict[str, bytes]:
        self._require_all("makes no claim")
        commitments = [self._claims[site].commitments for site in self.survivors]
        self._verified = check_total(self._terms, self._published, self.survivors, self._seed, commitments)
        return dict.fromkeys(self.survivors, write_relayed(self._sums, self._answers))

    def _require_all(self, otherwise: str) -> None:
        missing = [site for site in self.survivors if site not in self._answers]
        if missing:
            site = missing[0]
            why = f": {self._refuted[site]}" if site in self._refuted else f" and {otherwise}"
            raise ProtocolError(
                f"round {self._terms.round!r}: {site} is in the sum{why}; the round gives nothing, run it again without {site}"
            )
