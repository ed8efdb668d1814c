"""A site's side of a secure sum: it masks its vector so that nobody but the sum of many ever shows it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import FederatedError, ProtocolError
from cdt_core.kernels.lattice import Stream, share
from cdt_core.kernels.lattice.shamir import SHARE_BYTES
from cdt_core.model.fields import FieldReader, FieldWriter
from cdt_privacy.secure import messages
from cdt_privacy.secure.agreement import Commitments, Envelope, KeyPair, Purpose, derived
from cdt_privacy.secure.identity import SIGNATURE_BYTES, Identity, Roster
from cdt_privacy.secure.masks import add_masks, pair_mask, self_mask
from cdt_privacy.secure.messages import STAGES, Keys, Signed, read_members, signed, write_members
from cdt_privacy.secure.saved import State
from cdt_privacy.secure.terms import Terms

__all__ = ["SecureParty"]


@attrs.frozen
class _Secrets:
    """What a site makes up for one round, all from one seed, so that it may be stopped and go on."""

    self_mask: bytes
    mask_secret: bytes
    mask_key: KeyPair
    share_key: KeyPair

    @classmethod
    def of(cls, seed: bytes, terms: Terms) -> _Secrets:
        mask_key = derived(seed, terms, Purpose.MASK_KEY)
        share_key = KeyPair(derived(seed, terms, Purpose.SHARE_KEY))
        return cls(derived(seed, terms, Purpose.SELF_MASK), mask_key, KeyPair(mask_key), share_key)


class SecureParty:
    """One site in one round; a :class:`cdt_core.model.exchange.Party`.

    Parameters
    ----------
    identity
        The site's name and signing key.
    roster
        Everyone's public keys, known beforehand.
    terms
        What was agreed on; the coordinator's first request must be the same.
    update
        Shape ``(terms.length,)``, ``terms.dtype``: integers of the ring. Copied.

    Raises
    ------
    FederatedError
        A site that is not asked, sites that are not on the roster, or a vector of another shape or dtype.

    Notes
    -----
    After :meth:`answer` and before the answer is sent, keep :meth:`saved`: a site that went back to an older state could be
    asked the same again with other words, which is what the state is there to refuse.

    With n sites and a vector of length d: O(n) key agreements and n signatures checked, O(n d) mask words, O(d + n) bytes
    sent; sparse rounds have O(log n) agreements and masks.
    """

    def __init__(self, identity: Identity, roster: Roster, terms: Terms, update: NDArray[Any]) -> None:
        _check_names(identity, roster, terms)
        _check_update(identity, terms, update)
        self._identity, self._roster, self._terms = identity, roster, terms
        self._me = terms.sites.index(identity.site)
        self._update = update.copy()
        self._requests: list[tuple[str, bytes]] = []
        self._again = b""
        self._begin(os.urandom(32))

    def answer(self, stage: str, payload: bytes) -> bytes:
        """The signed answer to a request of the coordinator; each stage once and in order.

        Raises
        ------
        ProtocolError
            Malformed, out of turn, repeated, forged, below the threshold, or it would reveal what must stay hidden. Nothing
            was changed: the right request may still come.
        """
        if not isinstance(payload, (bytes, bytearray, memoryview)):
            raise self._error(stage, f"{type(payload).__name__} in place of bytes")
        payload = bytes(payload)
        if self._again and (stage, payload) == self._requests[-1]:
            return self._again
        if len(self._requests) == len(STAGES) or stage != STAGES[len(self._requests)]:
            due = STAGES[len(self._requests)] if len(self._requests) < len(STAGES) else "none: the round is over"
            raise self._error(stage, f"answered already, or out of turn (due is {due}); each stage is answered once")
        steps = (self._advertise, self._deal, self._mask, self._agree, self._reveal)
        body = steps[len(self._requests)](FieldReader(payload, self._where(stage)), payload)
        self._requests.append((stage, payload))
        self._again = b""
        return signed(self._identity, self._terms, stage, body)

    def saved(self) -> bytes:
        """The site's place in the round, encrypted for its own identity alone, whose secret key is not in it."""
        requests = [payload for _, payload in self._requests]
        return State(self._terms, self._seed, self._update, requests).to_bytes(self._identity)

    @classmethod
    def restore(cls, saved: bytes, identity: Identity, roster: Roster) -> SecureParty:
        """Go on where :meth:`saved` was called.

        The last answer may not have left: until the next stage is answered, the very same request gets the very same answer.
        Any other request for a stage that was answered is refused.

        Raises
        ------
        ProtocolError
            Changed bytes, or another site's.
        FederatedError
            A roster that does not fit.
        """
        state = State.from_bytes(saved, identity)
        party = cls(identity, roster, state.terms, state.update)
        party._begin(state.seed)
        for stage, request in zip(STAGES, state.requests, strict=False):
            party._again = party.answer(stage, request)
        return party

    def _begin(self, seed: bytes) -> None:
        self._seed, self._secrets = seed, _Secrets.of(seed, self._terms)

    def _advertise(self, reader: FieldReader, payload: bytes) -> bytes:
        if payload != self._terms.to_bytes():
            raise reader.error("other terms than those that were agreed on")
        return self._own_keys().to_bytes()

    def _own_keys(self) -> Keys:
        commit = Commitments(self._terms, Purpose.SELF_MASK)
        public = self._secrets.share_key.public, self._secrets.mask_key.public
        return Keys(*public, commit(self._secrets.self_mask, self._me))

    def _deal(self, reader: FieldReader, payload: bytes) -> bytes:
        keys = messages.read_keys(self._terms, self._roster, reader)
        self._require(messages.SHARES, keys)
        if keys[self._me].to_bytes() != self._own_keys().to_bytes():
            raise reader.error("the list of keys has another key of this site than its own")
        digest = hashlib.sha256(payload).digest()
        near = self._terms.neighbours(digest)[self._me]
        holders = sorted({self._me, *near} & keys.keys())
        self._require_holders(messages.SHARES, holders)
        stream = Stream(derived(self._seed + digest, self._terms, Purpose.SHARING))
        secrets = self._secrets.self_mask, self._secrets.mask_secret
        dealt = [share(secret, self._terms.share_threshold, len(holders), stream) for secret in secrets]
        pairs = dict(zip(holders, zip(*dealt, strict=True), strict=True))
        body = self._sealed(keys, digest, pairs) + self._committed(pairs)
        self._keys, self._keys_digest, self._near, self._own = keys, digest, frozenset(near), pairs[self._me]
        return body

    def _sealed(self, keys: dict[int, Keys], digest: bytes, pairs: dict[int, tuple[bytes, bytes]]) -> bytes:
        return b"".join(
            Envelope(self._terms, digest, (self._me, holder)).seal(
                self._secrets.share_key, keys[holder].share_key, b"".join(pair)
            )
            for holder, pair in pairs.items()
            if holder != self._me
        )

    def _committed(self, pairs: dict[int, tuple[bytes, bytes]]) -> bytes:
        commits = [Commitments(self._terms, use) for use in (Purpose.SELF_MASK, Purpose.MASK_KEY)]
        return b"".join(
            commit(part, self._me, holder)
            for holder, pair in pairs.items()
            for commit, part in zip(commits, pair, strict=True)
        )

    def _mask(self, reader: FieldReader, payload: bytes) -> bytes:
        dealers = read_members(reader, len(self._terms.sites))
        self._require(messages.MASKED, dealers, within=self._keys)
        near = [site for site in dealers if site in self._near]
        self._require_holders(messages.MASKED, [self._me, *near])
        sealed = {site: reader.fixed(messages.SEALED_BYTES) for site in near}
        reader.end()
        masks = [self_mask(self._terms, self._secrets.self_mask, self._me)]
        masks += [pair_mask(self._terms, self._secrets.mask_key, self._me, site, self._keys[site]) for site in near]
        masked = add_masks(self._update.copy(), masks)
        self._dealers, self._received = frozenset(dealers), sealed
        return FieldWriter().array(masked, self._terms.dtype).end()

    def _agree(self, reader: FieldReader, payload: bytes) -> bytes:
        survivors = read_members(reader, len(self._terms.sites))
        reader.end()
        self._require(messages.CONSISTENCY, survivors, within=self._dealers)
        self._require_holders(messages.CONSISTENCY, [self._me, *self._near.intersection(survivors)])
        self._survivors = frozenset(survivors)
        self._transcript = messages.transcript(self._keys_digest, self._dealers, survivors, len(self._terms.sites))
        return self._transcript

    def _reveal(self, reader: FieldReader, payload: bytes) -> bytes:
        """Of a survivor the share of its self mask, of one that dropped that of its mask key: what is asked does not matter."""
        signers = read_members(reader, len(self._terms.sites))
        self._require(messages.UNMASK, signers, within=self._survivors)
        for signer in signers:
            answer = Signed(reader.fixed(SIGNATURE_BYTES), self._transcript)
            messages.verify(self._roster, self._terms, messages.CONSISTENCY, self._terms.sites[signer], answer)
        reader.end()
        shares = {self._me: self._own} | {site: pair for site in self._received if (pair := self._open(site))}
        writer = write_members(FieldWriter(), shares, len(self._terms.sites))
        for site in sorted(shares):
            writer.fixed(shares[site][site not in self._survivors])
        return writer.end()

    def _open(self, dealer: int) -> tuple[bytes, bytes] | None:
        """The shares of a neighbour; None of one that sealed them wrong, which must not stop the others' sum."""
        envelope = Envelope(self._terms, self._keys_digest, (dealer, self._me))
        try:
            plain = envelope.open(self._secrets.share_key, self._keys[dealer].share_key, self._received[dealer])
        except ProtocolError:
            return None
        return plain[:SHARE_BYTES], plain[SHARE_BYTES:]

    def _require(self, stage: str, members: Collection[int], within: Collection[int] | None = None) -> None:
        """The members are enough, none is new, and this site is one of them."""
        if within is not None and (new := set(members).difference(within)):
            raise self._error(stage, f"site {self._terms.sites[min(new)]!r} was not in the stage before")
        if len(members) < self._terms.threshold:
            raise self._error(stage, f"{len(members)} sites, below the threshold of {self._terms.threshold}")
        if self._me not in members:
            raise self._error(stage, "this site is not in the list that it is asked to go on with")

    def _require_holders(self, stage: str, holders: Collection[int]) -> None:
        if len(holders) < self._terms.share_threshold:
            raise self._error(
                stage, f"{len(holders)} of this site's neighbours and itself, {self._terms.share_threshold} are needed"
            )

    def _where(self, stage: str) -> str:
        return f"{messages.where(self._terms, stage)}, request to site {self._identity.site!r}"

    def _error(self, stage: str, wrong: str) -> ProtocolError:
        return ProtocolError(f"{self._where(stage)}: {wrong}; nothing was answered")


def _check_names(identity: object, roster: Roster, terms: Terms) -> None:
    check_roster(roster, terms)
    if not isinstance(identity, Identity):
        raise FederatedError(f"an identity is what Identity.fresh or Identity.from_bytes gives, not {identity!r}")
    if identity.site not in terms.sites:
        raise FederatedError(f"site {identity.site!r} is not asked in round {terms.round!r}; its terms name the sites")
    if roster.keys[identity.site] != identity.public:
        raise FederatedError(
            f"the roster has another key for site {identity.site!r} than its own; agree on the roster again"
        )


def check_roster(roster: object, terms: object) -> None:
    """Everyone who is asked is known."""
    if not (isinstance(roster, Roster) and isinstance(terms, Terms)):
        found = f"{type(terms).__name__} and {type(roster).__name__}"
        raise FederatedError(f"a secure sum has Terms and a Roster, not {found}; give them in this class's order")
    if missing := [site for site in terms.sites if site not in roster.keys]:
        raise FederatedError(f"round {terms.round!r}: site {missing[0]!r} is asked and not on the roster; add its key")


def _check_update(identity: Identity, terms: Terms, update: NDArray[Any]) -> None:
    plain = isinstance(update, np.ndarray) and not np.ma.isMaskedArray(update)
    if not plain or update.shape != (terms.length,) or update.dtype != terms.dtype:
        found = f"{update.dtype} of shape {update.shape}" if plain else type(update).__name__
        raise FederatedError(
            f"round {terms.round!r}: the update of site {identity.site!r} is {found}; "
            f"give {terms.dtype} of shape ({terms.length},), as cdt_core.kernels.lattice.Lattice.encode makes it"
        )
