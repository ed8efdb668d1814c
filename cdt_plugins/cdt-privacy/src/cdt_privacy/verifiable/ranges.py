"""Proof that a committed number is in ``[0, 2^bits)``: its bits, committed one by one, are bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from cdt_core.errors import PrivacyError
from cdt_privacy.verifiable.bits import BitAnswer, BitsProver, announced_bits, lowest_bit
from cdt_privacy.verifiable.group import Point, read_point, read_scalar, scalar_bytes, whole
from cdt_privacy.verifiable.pedersen import commit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdt_core.model.fields import FieldReader, FieldWriter
    from cdt_privacy.verifiable.transcript import Transcript

__all__ = ["MOST_BITS", "RangeProof", "prove_range", "read_answers", "verify_range", "write_answers"]

#: Numbers of more bits could wrap around the order of the group when they are squared and added.
MOST_BITS = 248


@frozen
class RangeProof:
    """Commitments of all bits but the lowest, a challenge, and answers for each bit: 128 bytes a bit.

    About 0.4 ms a bit to make, and as much to verify.
    """

    points: tuple[Point, ...]
    challenge: int
    answers: tuple[BitAnswer, ...]

    def write(self, writer: FieldWriter) -> None:
        """Put it behind other fields; the reader knows the number of bits."""
        for point in self.points:
            writer.fixed(point)
        writer.fixed(scalar_bytes(self.challenge))
        write_answers(writer, self.answers)

    @classmethod
    def read(cls, reader: FieldReader, bits: int) -> RangeProof:
        """Take it off what somebody sent; ``ProtocolError`` when it is none."""
        points = tuple(read_point(reader, "the commitment of a bit") for _ in range(bits - 1))
        return cls(points, read_scalar(reader, "the challenge"), tuple(read_answers(reader, bits)))


def prove_range(transcript: Transcript, number: int, blinding: int, bits: int) -> RangeProof:
    """Prove that ``commit(number, blinding)`` holds a number in ``[0, 2^bits)``.

    Raises
    ------
    PrivacyError
        It does not, or there are no or more than 248 bits.
    """
    _check_bits(bits)
    number, blinding = whole(number, "the number"), whole(blinding, "its blinding")
    if not 0 <= number < 1 << bits:
        raise PrivacyError(f"the number is not in [0, 2^{bits}): there is nothing to prove")
    prover = BitsProver(number, blinding, bits)
    challenge = _challenge(transcript, commit(number, blinding), bits, prover.sent, prover.announced())
    return RangeProof(tuple(prover.sent), challenge, tuple(prover.answers(challenge)))


def verify_range(transcript: Transcript, commitment: Point, bits: int, proof: RangeProof) -> bool:
    """Whether the proof holds for the commitment and the number of bits, under the same transcript as it was made."""
    _check_bits(bits)
    if (len(proof.points), len(proof.answers)) != (bits - 1, bits):
        return False
    points = [lowest_bit(commitment, proof.points), *proof.points]
    announced = announced_bits(points, proof.answers, proof.challenge)
    return _challenge(transcript, commitment, bits, proof.points, announced) == proof.challenge


def _check_bits(bits: int) -> None:
    if not 1 <= whole(bits, "the number of bits") <= MOST_BITS:
        raise PrivacyError(f"{bits} bits, where 1 to {MOST_BITS} can be proved")


def _challenge(
    transcript: Transcript, commitment: Point, bits: int, points: Sequence[Point], announced: Sequence[Point]
) -> int:
    own = transcript.copy()
    own.absorb("range of", commitment)
    own.absorb_number("bits", bits)
    own.absorb("bits' commitments", *points)
    own.absorb("announced", *announced)
    return own.challenge()


def write_answers(writer: FieldWriter, answers: Sequence[BitAnswer]) -> None:
    """The answers of several bits."""
    for answer in answers:
        for scalar in (answer.zero_challenge, answer.zero_answer, answer.one_answer):
            writer.fixed(scalar_bytes(scalar))


def read_answers(reader: FieldReader, count: int) -> list[BitAnswer]:
    """The answers of so many bits; ``ProtocolError`` when they are none."""
    return [BitAnswer(*(read_scalar(reader, "an answer for a bit") for _ in range(3))) for _ in range(count)]
