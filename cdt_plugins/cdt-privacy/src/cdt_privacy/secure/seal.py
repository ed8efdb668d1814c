"""Bytes that a site keeps for itself between two stages: encrypted, and known for what they are."""

from __future__ import annotations

import os

import attrs
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cdt_core.errors import FederatedError
from cdt_core.model.fields import FieldReader
from cdt_privacy.secure.identity import Identity

__all__ = ["Seal"]

_NONCE_BYTES = 12
#: What the library encrypts at once.
_MOST_BYTES = 2**31 - 1


@attrs.frozen
class Seal:
    """One kind of states: the bytes that they begin with, and what they are of, as messages and keys call it.

    AES-256-GCM, with a nonce of its own for each state and a key that only the site's identity can derive, another one for
    each ``purpose``.
    """

    magic: bytes
    purpose: str
    content: str

    def closed(self, plain: bytes, identity: Identity, round_name: str) -> bytes:
        """Encrypted and authenticated; ``FederatedError`` for more than 2 GiB."""
        if len(plain) > _MOST_BYTES:
            raise FederatedError(
                f"round {round_name!r}: a state of {len(plain)} bytes, and {_MOST_BYTES} can be saved; sum shorter vectors"
            )
        nonce = os.urandom(_NONCE_BYTES)
        return self.magic + nonce + self._cipher(identity).encrypt(nonce, plain, self.magic)

    def opened(self, saved: bytes, identity: Identity) -> FieldReader:
        """The fields of :meth:`closed`; ``ProtocolError`` when they were changed or are of another identity."""
        what = f"saved state of site {identity.site!r}"
        outer = FieldReader(saved, what)
        if outer.fixed(len(self.magic)) != self.magic:
            raise outer.error(f"not the state of a site in {self.content} of this version")
        nonce = outer.fixed(_NONCE_BYTES)
        try:
            plain = self._cipher(identity).decrypt(nonce, saved[len(self.magic) + _NONCE_BYTES :], self.magic)
        except (InvalidTag, ValueError) as error:
            raise outer.error("it was changed, cut, or is another site's") from error
        return FieldReader(plain, what)

    def _cipher(self, identity: Identity) -> AESGCM:
        return AESGCM(identity.derive(f"saved state of {identity.site}{self.purpose}".encode()))
