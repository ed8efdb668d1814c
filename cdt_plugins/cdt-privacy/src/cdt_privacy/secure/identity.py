"""Who a site is: an Ed25519 key of its own, whose public half every other site knows before the first round."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import attrs
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cdt_core.errors import FederatedError, ProtocolError
from cdt_core.model.public_keys import is_public_key

__all__ = ["SIGNATURE_BYTES", "Identity", "Roster"]

SIGNATURE_BYTES = 64
_KEY_BYTES = 32
NAME_BYTES = 255


@attrs.frozen
class Identity:
    """A site's name and its secret signing key.

    Examples
    --------
    >>> identity = Identity.fresh("north")
    >>> Roster({"north": identity.public}).verify("north", identity.sign(b"text"), b"text")
    >>> "north" in repr(identity), len(identity.public)
    (True, 32)
    """

    site: str
    _key: Ed25519PrivateKey = attrs.field(repr=False, eq=False)

    @classmethod
    def fresh(cls, site: str) -> Identity:
        """A new key from the system's randomness."""
        return cls(_name(site), Ed25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, site: str, secret: bytes) -> Identity:
        """The identity of a secret key of 32 bytes, as :meth:`to_bytes` gives it; ``FederatedError`` for what is none."""
        if not isinstance(secret, bytes) or len(secret) != _KEY_BYTES:
            found = f"{len(secret)} bytes" if isinstance(secret, bytes) else type(secret).__name__
            raise FederatedError(f"the secret key of site {site!r} is {found}; Ed25519 keys are {_KEY_BYTES} bytes")
        return cls(_name(site), Ed25519PrivateKey.from_private_bytes(secret))

    def to_bytes(self) -> bytes:
        """The secret key: keep it where only this site can read it."""
        return self._key.private_bytes_raw()

    @property
    def public(self) -> bytes:
        """The public key, 32 bytes, for the roster."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, text: bytes) -> bytes:
        """Signature of 64 bytes; the same text gives the same signature (RFC 8032)."""
        return self._key.sign(text)

    def derive(self, purpose: bytes) -> bytes:
        """A key of 32 bytes for one purpose that only the owner of the secret key can derive (HKDF-SHA256, RFC 5869)."""
        return HKDF(SHA256(), 32, b"cdt identity 1", purpose).derive(self.to_bytes())


def is_name(text: object) -> bool:
    """Whether it can name a site or a round: a text of 1 to ``NAME_BYTES`` bytes of UTF-8."""
    try:
        return isinstance(text, str) and 0 < len(text.encode()) <= NAME_BYTES
    except UnicodeEncodeError:
        return False


def _name(site: str) -> str:
    if not is_name(site):
        raise FederatedError(f"{site!r} is no name of a site; give 1 to {NAME_BYTES} bytes of UTF-8")
    return site


def _keys(keys: Mapping[str, bytes]) -> Mapping[str, bytes]:
    if not isinstance(keys, Mapping) or not all(isinstance(key, bytes) for key in keys.values()):
        raise FederatedError("a roster is made of names of sites and their keys, 32 bytes each; give such a dictionary")
    return MappingProxyType({site: keys[site] for site in sorted(map(_name, keys))})


@attrs.frozen
class Roster:
    """The public keys of all sites of a federation, agreed on beforehand by a way that the coordinator does not control.

    Whoever may add sites to the roster may add sites that do not exist, and nobody's update is secret from a majority of
    invented sites: the keys come from the agreement of the federation, not from the coordinator.

    Parameters
    ----------
    keys
        Ed25519 public key (32 bytes) by name of the site.

    Raises
    ------
    FederatedError
        A key that is none, or one key under two names.
    """

    keys: Mapping[str, bytes] = attrs.field(converter=_keys, eq=dict)
    _verifiers: dict[str, Ed25519PublicKey] = attrs.field(init=False, repr=False, eq=False)

    @_verifiers.default
    def _load(self) -> dict[str, Ed25519PublicKey]:
        owner: dict[bytes, str] = {}
        for site, key in self.keys.items():
            if len(key) != _KEY_BYTES:
                raise FederatedError(
                    f"the key of site {site!r} has {len(key)} bytes; Ed25519 public keys have {_KEY_BYTES}"
                )
            if not is_public_key(key):
                raise FederatedError(
                    f"the key of site {site!r} is no public key, or one whose signatures anyone can make (a placeholder such "
                    "as zeros is); ask the site for Identity.public"
                )
            if other := owner.get(key):
                raise FederatedError(
                    f"sites {other!r} and {site!r} have the same key; each site makes a key of its own"
                )
            owner[key] = site
        return {site: Ed25519PublicKey.from_public_bytes(key) for site, key in self.keys.items()}

    def verify(self, site: str, signature: bytes, text: bytes) -> None:
        """Check that the site signed the text.

        Raises
        ------
        ProtocolError
            It did not, or is not on the roster.
        """
        if site not in self._verifiers:
            raise ProtocolError(f"site {site!r} is not on the roster; refuse what it sends")
        try:
            self._verifiers[site].verify(signature, text)
        except InvalidSignature as error:
            raise ProtocolError(f"the signature is not one of site {site!r} for this text; refuse it") from error
