"""The coordinator of an encrypted sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import PrivacyError, ProtocolError
from cdt_core.model.fields import FieldReader, FieldWriter
from cdt_privacy.homomorphic.ciphertexts import Residues, add_into
from cdt_privacy.homomorphic.keys import PublicKey
from cdt_privacy.homomorphic.party import RING, read_residues
from cdt_privacy.homomorphic.terms import LONGEST_NAME, Terms

__all__ = ["EncryptedSum"]


class EncryptedSum:
    """An :class:`cdt_core.model.exchange.Exchange` of two stages: sites encrypt, the key holder decrypts the sum.

    The coordinator adds ciphertexts as they arrive (in memory: one sum) and never has the secret key. Sites that do not answer
    are left out; with fewer than ``terms.least_sites`` nothing is decrypted. The result is the ring's exact sum.

    Parameters
    ----------
    public
        The key holder's key.
    terms
        What was agreed on.
    sites
        Names of the sites that are asked, ``terms.sites`` of them.
    key_holder
        Name of the key holder, who is none of the sites.

    Raises
    ------
    PrivacyError
        Names that are not that many, or twice, or a sum that the parameters cannot hold.

    Examples
    --------
    >>> from cdt_privacy.homomorphic import DecryptingParty, EncryptedParty, KeyHolder
    >>> holder, terms = KeyHolder(), Terms(round="7", length=2, sites=2, least_sites=2)
    >>> rounds = EncryptedSum(holder.public, terms, ["a", "b"], key_holder="notary")
    >>> for site, request in rounds.begin().items():
    ...     party = EncryptedParty(holder.public, terms, np.array([3, 2**32 - 5], np.uint32))
    ...     rounds.receive("encrypted", site, party.answer("encrypted", request))
    >>> request = rounds.close("encrypted")["notary"]
    >>> rounds.receive("decrypted", "notary", DecryptingParty(holder, terms).answer("decrypted", request))
    >>> rounds.close("decrypted"), rounds.result().view(np.int32)
    ({}, array([  6, -10], dtype=int32))
    """

    stages = ("encrypted", "decrypted")

    def __init__(self, public: PublicKey, terms: Terms, sites: Sequence[str], *, key_holder: str) -> None:
        public.parameters.require(terms.sites)
        names = [*sites, key_holder]
        if len(set(names)) != len(names) or len(sites) != terms.sites:
            raise PrivacyError(
                f"{len(sites)} sites and the key holder {key_holder!r}: {terms.sites} sites and another were agreed on"
            )
        self._public, self._terms = public, terms
        self._sites, self._key_holder = tuple(sites), key_holder
        self._in: set[str] = set()
        self._total: Residues | None = None
        self._ring: NDArray[np.uint32] | None = None
        self._stage = ""

    def begin(self) -> Mapping[str, bytes]:
        """The same request to every site: which round, under which key."""
        if self._stage:
            raise ProtocolError(f"round {self._terms.round!r} began before")
        self._stage = "encrypted"
        request = FieldWriter().text(self._terms.round).fixed(self._public.fingerprint).end()
        return dict.fromkeys(self._sites, request)

    def receive(self, stage: str, site: str, payload: bytes) -> None:
        """Add one site's ciphertexts, or take the key holder's sum."""
        if stage != self._stage:
            raise ProtocolError(f"an answer of {site!r} for stage {stage!r}, where {self._stage or 'none'!r} is open")
        if stage == "decrypted":
            self._take_sum(site, payload)
            return
        if site not in self._sites or site in self._in:
            raise ProtocolError(
                f"an answer of {site!r}, who {'answered before' if site in self._in else 'was not asked'}"
            )
        reader = FieldReader(payload, f"ciphertexts of {site!r}")
        if reader.fixed(32) != self._public.fingerprint:
            raise reader.error("under another key")
        sealed = read_residues(reader, self._public, self._terms)
        if self._total is None:
            self._total = sealed
        else:
            add_into(self._total, sealed, self._public.packing.primes)
        self._in.add(site)

    def close(self, stage: str) -> Mapping[str, bytes]:
        """After "encrypted": the sum, for the key holder to decrypt. After "decrypted": nothing more."""
        if stage != self._stage:
            raise ProtocolError(f"stage {stage!r} cannot be closed, {self._stage or 'none'!r} is open")
        terms = self._terms
        if stage == "encrypted":
            if len(self._in) < terms.least_sites or self._total is None:
                raise ProtocolError(
                    f"{len(self._in)} of {terms.sites} sites answered, {terms.least_sites} must; nothing was decrypted"
                )
            self._stage = "decrypted"
            writer = FieldWriter().text(terms.round).fixed(self._public.fingerprint).number(len(self._in), 4)
            return {self._key_holder: writer.array(self._total.reshape(-1), np.uint64).end()}
        if self._ring is None:
            raise ProtocolError(f"the key holder {self._key_holder!r} did not answer; the round gave nothing")
        self._stage, self._total = "closed", None
        return {}

    def result(self) -> NDArray[np.uint32]:
        """The sum of the updates that are in, as ring integers."""
        if self._stage != "closed" or self._ring is None:
            raise ProtocolError(f"round {self._terms.round!r} has no result yet")
        return self._ring

    @property
    def sites_in(self) -> tuple[str, ...]:
        """Sites whose update is in the result, in the order in which they were named."""
        return tuple(site for site in self._sites if site in self._in)

    @property
    def dropped(self) -> tuple[str, ...]:
        """Sites that were asked and did not answer rightly in time."""
        return tuple(site for site in self._sites if site not in self._in)

    def _take_sum(self, site: str, payload: bytes) -> None:
        if site != self._key_holder or self._ring is not None:
            raise ProtocolError(f"a sum of {site!r}, where one of {self._key_holder!r} is awaited")
        reader = FieldReader(payload, f"sum of {site!r}")
        if reader.text(LONGEST_NAME) != self._terms.round:
            raise reader.error(f"not of round {self._terms.round!r}")
        ring = reader.array(RING, self._terms.length)
        reader.end()
        self._ring = ring
