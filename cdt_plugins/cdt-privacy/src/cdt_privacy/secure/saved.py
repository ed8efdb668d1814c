"""A site's place in a round, encrypted, so that its process may end between two stages and another one go on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import attrs
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray

from cdt_core.errors import FederatedError
from cdt_core.model.fields import FieldReader, FieldWriter
from cdt_privacy.secure.identity import Identity
from cdt_privacy.secure.messages import STAGES
from cdt_privacy.secure.terms import Terms

__all__ = ["State"]

_MAGIC = b"cdt secure sum site 1"
_NONCE_BYTES = 12
_SEED_BYTES = 32
#: What the library encrypts at once.
_MOST_BYTES = 2**31 - 1


@attrs.frozen
class State:
    """All of a site's round but its identity: what it was, what it made up, and what it was asked.

    Everything else follows from these by answering again, so that nothing in the state can contradict itself.
    """

    terms: Terms
    seed: bytes = attrs.field(repr=False)
    update: NDArray[Any] = attrs.field(repr=False)
    requests: Sequence[bytes] = attrs.field(repr=False)

    def to_bytes(self, identity: Identity) -> bytes:
        """Encrypted and authenticated by AES-256-GCM, with a key that only the identity can derive and a nonce of its own.

        ``FederatedError`` for more than 2 GiB.
        """
        writer = FieldWriter().counted(self.terms.to_bytes()).fixed(self.seed).array(self.update, self.terms.dtype)
        writer.number(len(self.requests), 1)
        for request in self.requests:
            writer.number(len(request), 8).fixed(request)
        nonce, plain = os.urandom(_NONCE_BYTES), writer.end()
        if len(plain) > _MOST_BYTES:
            raise FederatedError(
                f"round {self.terms.round!r}: a state of {len(plain)} bytes, and {_MOST_BYTES} can be saved; "
                "sum shorter vectors"
            )
        return _MAGIC + nonce + _cipher(identity).encrypt(nonce, plain, _MAGIC)

    @classmethod
    def from_bytes(cls, saved: bytes, identity: Identity) -> State:
        """The state of :meth:`to_bytes`; ``ProtocolError`` when it was changed or is of another identity."""
        what = f"saved state of site {identity.site!r}"
        outer = FieldReader(saved, what)
        if outer.fixed(len(_MAGIC)) != _MAGIC:
            raise outer.error("not the state of a site in a secure sum of this version")
        nonce = outer.fixed(_NONCE_BYTES)
        try:
            plain = _cipher(identity).decrypt(nonce, saved[len(_MAGIC) + _NONCE_BYTES :], _MAGIC)
        except (InvalidTag, ValueError) as error:
            raise outer.error("it was changed, cut, or is another site's") from error
        reader = FieldReader(plain, what)
        terms = Terms.from_bytes(reader.counted(len(plain)))
        seed, update = reader.fixed(_SEED_BYTES), reader.array(terms.dtype, terms.length)
        count = reader.number(1)
        if count > len(STAGES):
            raise reader.error(f"{count} stages answered, there are {len(STAGES)}")
        requests = [reader.fixed(reader.number(8)) for _ in range(count)]
        reader.end()
        return cls(terms, seed, update, requests)


def _cipher(identity: Identity) -> AESGCM:
    return AESGCM(identity.derive(f"saved state of {identity.site}".encode()))
