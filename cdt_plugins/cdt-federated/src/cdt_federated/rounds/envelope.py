"""What every message is put in: who, to whom, of which round and stage, signed.

Layout (little-endian; texts and byte strings after their length as four bytes)::

    "cdt.round" | version u8 | federation | round u64 | stage | sequence u32 | sender | recipient | about 32 bytes
    | shared | own | signature 64 bytes

``shared`` is what all sites of a round are sent alike, ``own`` what only this one is; ``about`` is the SHA-256 of what is
signed in the message that this one answers, and of its signature (zeros in a request). The Ed25519 signature is over all
before ``shared``, then the SHA-256 of ``shared`` and of ``own``: a model that a thousand sites are sent is hashed once.
"""

from __future__ import annotations

import hashlib

from attrs import field, frozen
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cdt_core.model.fields import FieldReader, FieldWriter
from cdt_federated.rounds.roster import NAME_LIMIT, Member

__all__ = ["NO_REQUEST", "Envelope", "Sealed", "Shared"]

_MAGIC = b"cdt.round\x01"
_SIGNATURE_BYTES = 64

#: ``about`` of a message that answers none.
NO_REQUEST = bytes(32)


@frozen(eq=False)
class Shared:
    """Bytes that many envelopes carry, with their digest."""

    data: bytes
    digest: bytes = field(init=False)

    @digest.default
    def _hashed(self) -> bytes:
        return hashlib.sha256(self.data).digest()


_NOTHING_SHARED = Shared(b"")


@frozen(kw_only=True)
class Envelope:
    """One message before it is signed: see the module for what each field means.

    ``sequence`` is the position of the stage in its round, from 0.
    """

    federation: str
    round: int
    stage: str
    sequence: int
    sender: str
    recipient: str
    about: bytes = NO_REQUEST
    shared: Shared = _NOTHING_SHARED
    own: bytes = b""

    def _signed_text(self) -> bytes:
        return self._head() + self.shared.digest + hashlib.sha256(self.own).digest()

    def _head(self) -> bytes:
        writer = FieldWriter().fixed(_MAGIC).text(self.federation).number(self.round, 8).text(self.stage)
        return writer.number(self.sequence, 4).text(self.sender).text(self.recipient).fixed(self.about).end()

    def sealed(self, key: Ed25519PrivateKey) -> bytes:
        """The message as it is sent, signed by its sender."""
        return self.sealed_with_digest(key)[0]

    def sealed_with_digest(self, key: Ed25519PrivateKey) -> tuple[bytes, bytes]:
        """The message, and the digest by which an answer names it."""
        text = self._signed_text()
        signature = key.sign(text)
        message = FieldWriter().fixed(self._head()).counted(self.shared.data).counted(self.own).fixed(signature).end()
        return message, _digest(text, signature)


def _digest(text: bytes, signature: bytes) -> bytes:
    """Of a whole message: what is signed has the digests of its two parts, so that they need not be hashed again."""
    return hashlib.sha256(text + signature).digest()


@frozen
class Sealed:
    """A message that was received: its envelope as it says itself, not to be believed before :meth:`is_from`."""

    envelope: Envelope
    signature: bytes
    _text: bytes

    @property
    def digest(self) -> bytes:
        """By which an answer names this message."""
        return _digest(self._text, self.signature)

    @classmethod
    def read(cls, message: bytes, limit: int) -> Sealed:
        """Take a message apart; at most ``limit`` bytes of it.

        Raises
        ------
        ProtocolError
            It is no envelope.
        """
        reader = FieldReader(message, "message of a round")
        if len(message) > limit:
            raise reader.error(f"{len(message)} bytes, where {limit} are allowed")
        if reader.fixed(len(_MAGIC)) != _MAGIC:
            raise reader.error("it does not begin as one of this version")
        envelope = Envelope(
            federation=reader.text(NAME_LIMIT),
            round=reader.number(8),
            stage=reader.text(NAME_LIMIT),
            sequence=reader.number(4),
            sender=reader.text(NAME_LIMIT),
            recipient=reader.text(NAME_LIMIT),
            about=reader.fixed(len(NO_REQUEST)),
            shared=Shared(reader.counted(limit)),
            own=reader.counted(limit),
        )
        signature = reader.fixed(_SIGNATURE_BYTES)
        reader.end()
        return cls(envelope, signature, envelope._signed_text())

    def is_from(self, member: Member) -> bool:
        """Whether that member signed it."""
        return member.signed(self.signature, self._text)
