"""Proof that one knows what is in a commitment, and says nothing of it.

The sigma protocol of T. Okamoto, Provably secure and practical identification schemes, CRYPTO 1992 (Schnorr's, J. Cryptology 4,
1991, for two generators): announce ``A = a G + b H``, answer ``u = a + e v`` and ``w = b + e r``; it holds when
``u G + w H = A + e C``. Two answers to one announcement give the opening (special soundness), and for a known challenge an
announcement can be made without it (honest-verifier zero knowledge); with the challenge from a hash, both hold in the
random oracle model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from cdt_privacy.verifiable.group import ORDER, Point, random_scalar, read_scalar, scalar_bytes, subtract, times, whole
from cdt_privacy.verifiable.pedersen import commit

if TYPE_CHECKING:
    from cdt_core.model.fields import FieldReader, FieldWriter
    from cdt_privacy.verifiable.transcript import Transcript

__all__ = ["OpeningProof", "prove_opening", "verify_opening"]


@frozen
class OpeningProof:
    """The challenge and the two answers: 96 bytes. About 0.3 ms to make, 0.4 ms to verify."""

    challenge: int
    value_answer: int
    blinding_answer: int

    def write(self, writer: FieldWriter) -> None:
        """Put it behind other fields."""
        for scalar in (self.challenge, self.value_answer, self.blinding_answer):
            writer.fixed(scalar_bytes(scalar))

    @classmethod
    def read(cls, reader: FieldReader) -> OpeningProof:
        """Take it off what somebody sent; ``ProtocolError`` when it is none."""
        return cls(*(read_scalar(reader, "an answer of the proof of opening") for _ in range(3)))


def prove_opening(transcript: Transcript, value: int, blinding: int) -> OpeningProof:
    """Prove knowledge of the opening of ``commit(value, blinding)``. The transcript names who, where and about what."""
    value, blinding = whole(value, "the value"), whole(blinding, "its blinding")
    a, b = random_scalar(), random_scalar()
    challenge = _challenge(transcript, commit(value, blinding), commit(a, b))
    return OpeningProof(challenge, (a + challenge * value) % ORDER, (b + challenge * blinding) % ORDER)


def verify_opening(transcript: Transcript, commitment: Point, proof: OpeningProof) -> bool:
    """Whether the proof holds for the commitment, under the same transcript as it was made."""
    announced = subtract(commit(proof.value_answer, proof.blinding_answer), times(proof.challenge, commitment))
    return _challenge(transcript, commitment, announced) == proof.challenge


def _challenge(transcript: Transcript, commitment: Point, announced: Point) -> int:
    own = transcript.copy()
    own.absorb("opening of", commitment)
    own.absorb("announced", announced)
    return own.challenge()
