"""The coordinator's side of a secure sum: it carries what sites send each other, and sees nothing but the sum."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import ProtocolError
from cdt_core.kernels.lattice.shamir import SHARE_BYTES
from cdt_core.model.fields import FieldReader, FieldWriter
from cdt_privacy.secure import messages
from cdt_privacy.secure.agreement import KeyPair
from cdt_privacy.secure.identity import Roster
from cdt_privacy.secure.messages import STAGES, Dealt, Keys, Signed, read_members, signed_by, write_members
from cdt_privacy.secure.party import check_roster
from cdt_privacy.secure.terms import Terms
from cdt_privacy.secure.unmasking import Unmasking

__all__ = ["SecureSum"]


class SecureSum:
    """One round's sum of masked vectors; an :class:`cdt_core.model.exchange.Exchange` ([1]_; with ``terms.sparse`` [2]_).

    Every site advertises keys (``keys``), deals shares of its secrets (``shares``), sends its vector under masks that cancel in
    pairs and one of its own (``masked``), signs who survived so that all are told the same (``consistency``), and gives shares
    of the survivors' own masks and of the mask keys of those that dropped (``unmask``).

    Parameters
    ----------
    terms
        What all sites have agreed on.
    roster
        Everyone's public keys.

    Raises
    ------
    FederatedError
        A site that is asked and not on the roster.

    Notes
    -----
    With n sites of which k neighbours share masks, vectors of length d, and s that dropped after dealing: O(d) memory beside
    O(n k) bytes of shares; O((n + s k) d) mask words at the end, about 0.5 ms for a million each.

    Unlike [1]_, the signatures of ``consistency`` cover the list of keys and the list of dealers, too, and every share that is
    given is compared with a commitment of its dealer: a holder's wrong share is left out, and a dealer's wrong shares are
    found and named. A site that lies about its own vector is not found: bound it (see the README), or sum in groups.

    References
    ----------
    .. [1] Bonawitz, Ivanov, Kreuter, Marcedone, McMahan, Patel, Ramage, Segal, Seth, "Practical Secure Aggregation for
       Privacy-Preserving Machine Learning", CCS 2017, figure 4.
    .. [2] Bell, Bonawitz, Gascón, Lepoint, Raykova, "Secure Single-Server Aggregation with (Poly)Logarithmic Overhead",
       CCS 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from cdt_privacy.secure import Identity, Roster, SecureParty, SecureSum, Terms
    >>> identities = [Identity.fresh(name) for name in ("north", "south", "east", "west")]
    >>> roster = Roster({identity.site: identity.public for identity in identities})
    >>> terms = Terms("round 7", roster.keys, length=3)
    >>> update = np.array([1, 2, 2**32 - 3], np.uint32)
    >>> parties = {one.site: SecureParty(one, roster, terms, update) for one in identities}
    >>> exchange = SecureSum(terms, roster)
    >>> requests = exchange.begin()
    >>> for stage in exchange.stages:
    ...     for site, request in requests.items():
    ...         exchange.receive(stage, site, parties[site].answer(stage, request))
    ...     requests = exchange.close(stage)
    >>> exchange.result().astype(np.int32)
    array([  4,   8, -12], dtype=int32)
    """

    def __init__(self, terms: Terms, roster: Roster) -> None:
        check_roster(roster, terms)
        self._terms, self._roster = terms, roster
        self._closed = 0
        self._asked = frozenset(range(len(terms.sites)))
        self._answered: dict[int, bytes] = {}
        self._keys: dict[int, Keys] = {}
        self._dealt: dict[int, Dealt] = {}
        self._survivors: frozenset[int] = frozenset()
        self._shares: dict[int, dict[int, bytes]] = {}
        self._total = np.zeros(terms.length, terms.dtype)
        self._probe = KeyPair(os.urandom(messages.KEY_BYTES))

    @property
    def stages(self) -> tuple[str, ...]:
        """``keys``, ``shares``, ``masked``, ``consistency``, ``unmask``."""
        return STAGES

    def begin(self) -> Mapping[str, bytes]:
        """The terms, to every site."""
        return dict.fromkeys(self._terms.sites, self._terms.to_bytes())

    def receive(self, stage: str, site: str, payload: bytes) -> None:
        """Take one site's signed answer; a masked vector is added at once and not kept.

        Raises
        ------
        ProtocolError
            Forged, malformed, of another round, out of turn, a second one, or from a site that was not asked; nothing was
            changed.
        """
        where = messages.where(self._terms, stage, site)
        if self._closed == len(STAGES) or stage != STAGES[self._closed]:
            raise ProtocolError(f"{where}: the stage is not open; refuse the answer")
        index = self._index(site)
        if index not in self._asked:
            raise ProtocolError(f"{where}: it was not asked; refuse the answer")
        if index in self._answered:
            raise ProtocolError(f"{where}: it has answered already; refuse the second answer")
        answer = signed_by(self._roster, self._terms, stage, site, payload)
        takes = (self._take_keys, self._take_shares, self._take_masked, self._take_consistency, self._take_unmask)
        takes[self._closed](index, answer, where)
        self._answered[index] = answer.signature

    def close(self, stage: str) -> Mapping[str, bytes]:
        """End a stage: the next one's requests to the sites that answered it; after the last one the masks are taken off.

        Raises
        ------
        ProtocolError
            Fewer than the threshold answered: nothing is revealed, and the stage stays open for late answers. Or shares
            that give no secret, naming whose.
        """
        where = messages.where(self._terms, stage)
        if self._closed == len(STAGES) or stage != STAGES[self._closed]:
            raise ProtocolError(f"{where}: the stage is not open; close the stages in their order")
        if len(self._answered) < self._terms.threshold:
            raise ProtocolError(
                f"{where}: {len(self._answered)} of {len(self._asked)} sites answered, the threshold is "
                f"{self._terms.threshold}; nothing was revealed, wait for more or give the round up"
            )
        asks = (self._ask_shares, self._ask_masked, self._ask_consistency, self._ask_unmask, self._finish)
        requests = asks[self._closed]()
        self._asked, self._answered = frozenset(self._answered), {}
        self._closed += 1
        return {self._terms.sites[index]: request for index, request in requests.items()}

    def result(self) -> NDArray[Any]:
        """The sum of the survivors' vectors modulo ``2**bits``, shape ``(terms.length,)``.

        Raises
        ------
        ProtocolError
            The last stage is not closed.
        """
        if self._closed < len(STAGES):
            raise ProtocolError(f"{messages.where(self._terms, STAGES[self._closed])}: not closed, there is no sum yet")
        return self._total.copy()

    @property
    def survivors(self) -> tuple[str, ...]:
        """Sites whose vectors are in the sum; empty until ``masked`` is closed."""
        return tuple(self._terms.sites[index] for index in sorted(self._survivors))

    @property
    def dropped(self) -> tuple[str, ...]:
        """Sites that were asked and whose vector is not in the sum; empty until ``masked`` is closed."""
        if not self._survivors:
            return ()
        return tuple(site for index, site in enumerate(self._terms.sites) if index not in self._survivors)

    def _index(self, site: str) -> int:
        try:
            return self._terms.sites.index(site)
        except ValueError:
            return -1

    def _take_keys(self, index: int, answer: Signed, where: str) -> None:
        reader = answer.reader(where)
        keys = Keys.read(reader, answer.signature)
        reader.end()
        for key in (keys.share_key, keys.mask_key):
            try:
                self._probe.agree(key)
            except ProtocolError as error:
                raise reader.error(str(error)) from error
        self._keys[index] = keys

    def _ask_shares(self) -> dict[int, bytes]:
        request = messages.write_keys(self._terms, self._keys)
        self._keys_digest = hashlib.sha256(request).digest()
        self._near = self._terms.neighbours(self._keys_digest)
        return dict.fromkeys(self._keys, request)

    def _take_shares(self, index: int, answer: Signed, where: str) -> None:
        holders = tuple(sorted({index, *self._near[index]} & self._keys.keys()))
        self._dealt[index] = Dealt.read(answer.reader(where), holders, index)

    def _ask_masked(self) -> dict[int, bytes]:
        head = self._members(self._dealt)
        return {
            index: head + b"".join(self._dealt[near].sealed(index) for near in self._near[index] if near in self._dealt)
            for index in self._dealt
        }

    def _take_masked(self, index: int, answer: Signed, where: str) -> None:
        little = self._terms.dtype.newbyteorder("<")
        if len(answer.body) != little.itemsize * self._terms.length:
            raise FieldReader(b"", where).error(
                f"{len(answer.body)} bytes are no {little} vector of {self._terms.length}"
            )
        # Not FieldReader.array: its copy would cost as much as the sum.
        self._total += np.frombuffer(answer.body, little)

    def _ask_consistency(self) -> dict[int, bytes]:
        self._survivors = frozenset(self._answered)
        return dict.fromkeys(self._survivors, self._members(self._survivors))

    def _take_consistency(self, index: int, answer: Signed, where: str) -> None:
        sites = len(self._terms.sites)
        if answer.body != messages.transcript(self._keys_digest, self._dealt, self._survivors, sites):
            raise FieldReader(b"", where).error("it has signed other lists than it was sent")

    def _ask_unmask(self) -> dict[int, bytes]:
        request = self._members(self._answered) + b"".join(self._answered[index] for index in sorted(self._answered))
        return dict.fromkeys(self._answered, request)

    def _take_unmask(self, index: int, answer: Signed, where: str) -> None:
        reader = answer.reader(where)
        owners = read_members(reader, len(self._terms.sites))
        if strangers := set(owners) - {index, *self._near[index]} | set(owners) - self._dealt.keys():
            raise reader.error(f"a share of site {self._terms.sites[min(strangers)]!r}, which dealt it none")
        given = {owner: reader.fixed(SHARE_BYTES) for owner in owners}
        reader.end()
        for owner, share in given.items():
            self._shares.setdefault(owner, {})[index] = share

    def _finish(self) -> dict[int, bytes]:
        found = Unmasking(self._terms, self._keys, self._dealt, self._near, self._survivors, self._shares)
        # A copy: what is interrupted half way is not unmasked twice when the stage is closed again.
        self._total = found.unmask(self._total.copy())
        return {}

    def _members(self, members: Mapping[int, Any] | frozenset[int]) -> bytes:
        return write_members(FieldWriter(), members, len(self._terms.sites)).end()
