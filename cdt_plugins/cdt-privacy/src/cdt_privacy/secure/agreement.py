"""Secrets that two sites share without telling anyone, and what is made of them: X25519, HKDF-SHA256, AES-256."""

from __future__ import annotations

import hashlib

import attrs
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cdt_core.errors import ProtocolError
from cdt_core.model.fields import FieldWriter
from cdt_privacy.secure.terms import Terms

__all__ = ["TAG_BYTES", "Commitments", "Envelope", "KeyPair", "Purpose", "derived"]

TAG_BYTES = 16
_DOMAIN = "cdt secure sum 1"
_NONCE = bytes(12)


class Purpose:
    """What a secret is for: part of what it is derived from, so that no two uses have the same."""

    SELF_MASK = "seed of the self mask"
    MASK_KEY = "key that pair masks are agreed by"
    SHARE_KEY = "key that shares are encrypted by"
    SHARING = "coefficients of the shares"
    SELF_STREAM = "stream of the self mask"
    PAIR_STREAM = "stream of a pair mask"
    SHARES = "shares for a neighbour"


def derived(secret: bytes, terms: Terms, purpose: str, *indices: int) -> bytes:
    """A key of 32 bytes for one purpose, round and pair of sites (HKDF-SHA256, RFC 5869)."""
    text = FieldWriter().text(_DOMAIN).fixed(terms.digest).text(purpose)
    for index in indices:
        text.number(index, 4)
    return HKDF(SHA256(), 32, None, text.end()).derive(secret)


class KeyPair:
    """A secret X25519 key of 32 bytes (RFC 7748) and its public one."""

    def __init__(self, secret: bytes) -> None:
        self._secret = X25519PrivateKey.from_private_bytes(secret)
        self.public = self._secret.public_key().public_bytes_raw()

    def agree(self, public: bytes) -> bytes:
        """What this key's owner and the owner of another public key both know, 32 bytes to derive keys from.

        Raises
        ------
        ProtocolError
            The public key is one of the few with which everyone agrees on nothing.
        """
        try:
            return self._secret.exchange(X25519PublicKey.from_public_bytes(public))
        except ValueError as error:
            raise ProtocolError("a public key of low order, with which nothing is secret") from error


@attrs.frozen
class Envelope:
    """Encrypts what one site sends another in one round: AES-256-GCM by a key for this way and this list of keys alone.

    Each key encrypts one message, so that its nonce may be constant.

    Parameters
    ----------
    terms, keys_digest
        The round, and the list of keys that both sites were given.
    way
        Indices of the writer and the reader.
    """

    terms: Terms
    keys_digest: bytes
    way: tuple[int, int]

    def seal(self, own: KeyPair, public: bytes, plain: bytes) -> bytes:
        """``plain`` for the reader, ``TAG_BYTES`` longer."""
        return self._cipher(own, public).encrypt(_NONCE, plain, None)

    def open(self, own: KeyPair, public: bytes, sent: bytes) -> bytes:
        """What the writer sealed; ``ProtocolError`` when anything was changed."""
        try:
            return self._cipher(own, public).decrypt(_NONCE, sent, None)
        except InvalidTag as error:
            writer = self.terms.sites[self.way[0]]
            raise ProtocolError(f"shares of site {writer!r} were changed or are for another site or round") from error

    def _cipher(self, own: KeyPair, public: bytes) -> AESGCM:
        bound = own.agree(public) + self.keys_digest
        return AESGCM(derived(bound, self.terms, Purpose.SHARES, *self.way))


class Commitments:
    """Digests of secrets of 256 bits or more, for later comparison; they say nothing of the secrets before.

    Parameters
    ----------
    terms
        The round; another round's digest of the same secret is another one.
    what
        What the secret is.
    """

    def __init__(self, terms: Terms, what: str) -> None:
        self._start = hashlib.sha256(FieldWriter().text(_DOMAIN).fixed(terms.digest).text(what).end())

    def __call__(self, secret: bytes, *indices: int) -> bytes:
        """The digest of one secret, of whom and for whom the indices say."""
        digest = self._start.copy()
        digest.update(b"".join(index.to_bytes(4, "little") for index in indices))
        digest.update(secret)
        return digest.digest()
