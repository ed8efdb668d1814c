"""A site in a verifiable sum: what it puts into the secure sum, and what it says once the result is published."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import field, frozen

from cdt_core.errors import PrivacyError, ProtocolError
from cdt_privacy.verifiable.claim import make_claim
from cdt_privacy.verifiable.coins import COIN_BYTES, check_published, common_seed, seal_of
from cdt_privacy.verifiable.group import random_scalar
from cdt_privacy.verifiable.projection import digest_of
from cdt_privacy.verifiable.terms import LIMBS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from cdt_privacy.verifiable.terms import Terms

__all__ = ["Contributor", "Secrets", "blinding_sums"]


@frozen
class Secrets:
    """What a site makes up for one round and no other: a blinding for each number of its digest, and its coin."""

    blindings: tuple[int, ...] = field(repr=False)
    coin: bytes = field(repr=False)

    @classmethod
    def fresh(cls, terms: Terms) -> Secrets:
        """From the operating system's generator."""
        return cls(tuple(random_scalar() for _ in range(terms.rows)), secrets.token_bytes(COIN_BYTES))


class Contributor:
    """One site, one round; each step once, in this order.

    1. :attr:`vector` goes into the secure sum, :attr:`seal` to everybody.
    2. The coordinator publishes the sum of the vectors, and all seals; :meth:`reveal` answers with the coin.
    3. With all coins, :meth:`claim` gives the payload for everybody; :func:`verify_sum` checks all of them.

    Parameters
    ----------
    terms
        The round's public values, the same at every site.
    site
        This site's name.
    update
        Shape (length,), integers of the lattice: after clipping, rounding and noise, before masks.
    own
        Of a site that goes on in another process, what it made up in the one before; fresh ones when None.

    Raises
    ------
    PrivacyError
        The update is no vector of that many integers, the site has no name, or PyNaCl is missing.
    """

    def __init__(self, terms: Terms, site: str, update: ArrayLike, own: Secrets | None = None) -> None:
        if not isinstance(site, str) or not site.strip() or not site.isprintable():
            raise PrivacyError(f"round {terms.round!r}: the site {site!r} has no name that can be printed")
        try:
            values = np.asarray(update)
        except (ValueError, TypeError, OverflowError) as error:
            raise PrivacyError(f"round {terms.round!r}, site {site}: the update has no shape: {error}") from error
        if values.shape != (terms.length,) or values.dtype.kind not in "iu" or values.dtype == np.uint64:
            raise PrivacyError(
                f"round {terms.round!r}, site {site}: the update has shape {values.shape} and type {values.dtype}, where "
                f"({terms.length},) integers of at most 64 bits, signed, are expected"
            )
        self._terms, self._site = terms, site
        self._update = values.astype(np.int64)
        self.own = Secrets.fresh(terms) if own is None else own
        self._published: NDArray[np.int64] | None = None
        self._seals: dict[str, bytes] = {}
        self._claimed = False

    @property
    def vector(self) -> NDArray[np.int64]:
        """Shape (terms.carried_length,): the update, then the blindings, uniform scalars, in limbs of 16 bits."""
        words = b"".join(scalar.to_bytes(2 * LIMBS, "little") for scalar in self.own.blindings)
        return np.concatenate((self._update, np.frombuffer(words, "<u2").astype(np.int64)))

    @property
    def seal(self) -> bytes:
        """Binds this site to its coin: 32 bytes, sent before the sum is published."""
        return seal_of(self._terms, self._site, self.own.coin)

    def reveal(self, published: Any, seals: Mapping[str, bytes]) -> bytes:
        """The coin, once the sum is published and all seals are there. For one sum only.

        Parameters
        ----------
        published
            Shape (terms.carried_length,), the sum of the vectors of all sites in ``seals``, centred.
        seals
            Of each site in the sum.

        Raises
        ------
        ProtocolError
            Another sum was published before, it has another length, or this site's seal is not among the seals.
        """
        vector = check_published(self._terms, published)
        if self._published is not None:
            raise ProtocolError(self._said("a sum was published already; a second one gets no coin"))
        if seals.get(self._site) != self.seal:
            raise ProtocolError(self._said("its seal is not among those that were published; take no part"))
        self._published, self._seals = vector, dict(seals)
        return self.own.coin

    def claim(self, coins: Mapping[str, bytes]) -> bytes:
        """Commitments and proofs for the published sum, from the coins of all sites.

        About 0.4 ms for each bit that is proved (0.4 s with 32 projections and a bound of 2^20), and 0.2 s for a digest of 1e6
        values.

        Raises
        ------
        ProtocolError
            Out of turn, or a coin is missing or was not sealed; names the site.
        PrivacyError
            The projections are above the limit: the update is longer than the norm bound (or, hardly ever, unlucky).
        """
        if self._published is None or self._claimed:
            raise ProtocolError(self._said("a claim is made once, after the coin was revealed"))
        seed = common_seed(self._terms, self._published, self._seals, coins)
        self._claimed = True
        digest = digest_of(self._update, seed, self._terms.projections)
        squares = sum(value * value for value in digest[1:])
        if squares > self._terms.square_limit:
            raise PrivacyError(
                self._said(
                    f"its projected norm is {(squares / max(1, self._terms.square_limit)) ** 0.5:.3g} times the limit; "
                    "clip the update to the norm bound, and run the round again"
                )
            )
        return make_claim(self._terms, self._site, seed, digest, self.own.blindings).payload()

    def _said(self, what: str) -> str:
        return f"round {self._terms.round!r}, site {self._site}: {what}"

    def __repr__(self) -> str:
        """Without the update or any secret."""
        known = hashlib.sha256(self.seal).hexdigest()[:8]
        return f"<Contributor {self._site} of round {self._terms.round!r}, seal {known}>"


def blinding_sums(terms: Terms, published: NDArray[np.int64]) -> list[int]:
    """The sums of the sites' blindings, from the limbs at the end of the published sum."""
    limbs = published[terms.length :].reshape(terms.rows, LIMBS)
    return [sum(int(limb) << (16 * position) for position, limb in enumerate(row)) for row in limbs]
