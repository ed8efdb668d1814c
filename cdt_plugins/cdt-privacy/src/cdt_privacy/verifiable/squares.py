"""Proof that committed integers have a sum of squares of at most a limit: ranges, squares, and the range of what is left.

For commitments ``Y_j`` to ``y_j`` and a limit T it shows, under one challenge:

1. ``-2^b <= y_j < 2^b`` for each j, where 2^b is the least power of two above the root of T, by bits of ``y_j + 2^b``;
2. ``Q_j = y_j Y_j + s_j H``: that Q_j commits to the square of y_j (a proof that one y_j opens both, by Okamoto's protocol);
3. ``0 <= T - sum y_j^2 < 2^k``, 2^k being the least power of two above T, by bits of what ``T G - sum Q_j`` commits to.

By 1 no square and no sum of them wraps around the order of the group, so that 3 is about integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from typing import TYPE_CHECKING

from attrs import frozen

from cdt_core.errors import PrivacyError
from cdt_privacy.verifiable.bits import BitAnswer, BitsProver, announced_bits, lowest_bit
from cdt_privacy.verifiable.group import (
    ORDER,
    Point,
    add,
    base_times,
    random_scalar,
    read_point,
    read_scalar,
    scalar_bytes,
    subtract,
    times,
    whole,
)
from cdt_privacy.verifiable.pedersen import blinding_point, commit, total
from cdt_privacy.verifiable.ranges import MOST_BITS, read_answers, write_answers

if TYPE_CHECKING:
    from cdt_core.model.fields import FieldReader, FieldWriter
    from cdt_privacy.verifiable.transcript import Transcript

__all__ = ["NormProof", "prove_norm", "verify_norm"]


@frozen
class _Widths:
    """Bits of each number, moved up by ``offset``, and of what is left of the limit."""

    each: int
    rest: int

    @property
    def offset(self) -> int:
        return 1 << (self.each - 1)


def _widths(count: int, limit: int) -> _Widths:
    if count < 1 or whole(limit, "the limit") < 0:
        raise PrivacyError(
            f"{count} numbers with a limit of {limit}: give at least one number, and a limit of at least 0"
        )
    each = isqrt(limit).bit_length() + 1
    rest = max(1, limit.bit_length())
    if max((count << (2 * each)).bit_length(), rest + 1) > MOST_BITS:
        raise PrivacyError(
            f"{count} numbers under the limit {limit}: their squares could wrap around the group's order"
        )
    return _Widths(each, rest)


@frozen
class _SquareAnswer:
    """That one number is in Y and its square in Q: answers for the number, the blinding of Y, and the one of Q over Y."""

    number: int
    blinding: int
    extra: int


@frozen
class NormProof:
    """Commitments of squares and bits, one challenge, all answers; about 130 bytes and 0.4 ms for each bit and number."""

    squares: tuple[Point, ...]
    bits: tuple[tuple[Point, ...], ...]
    challenge: int
    square_answers: tuple[_SquareAnswer, ...]
    bit_answers: tuple[tuple[BitAnswer, ...], ...]

    def write(self, writer: FieldWriter) -> None:
        """Put it behind other fields; the reader knows the numbers and the limit."""
        for point in _sent(self.squares, self.bits):
            writer.fixed(point)
        writer.fixed(scalar_bytes(self.challenge))
        for answer in self.square_answers:
            for scalar in (answer.number, answer.blinding, answer.extra):
                writer.fixed(scalar_bytes(scalar))
        for answers in self.bit_answers:
            write_answers(writer, answers)

    @classmethod
    def read(cls, reader: FieldReader, count: int, limit: int) -> NormProof:
        """Take it off what somebody sent; ``ProtocolError`` when it is none."""
        widths = _widths(count, limit)
        several = [*[widths.each] * count, widths.rest]
        squares = tuple(read_point(reader, "the commitment of a square") for _ in range(count))
        bits = tuple(
            tuple(read_point(reader, "the commitment of a bit") for _ in range(width - 1)) for width in several
        )
        challenge = read_scalar(reader, "the challenge")
        answers = tuple(
            _SquareAnswer(*(read_scalar(reader, "an answer for a square") for _ in range(3))) for _ in range(count)
        )
        return cls(squares, bits, challenge, answers, tuple(tuple(read_answers(reader, width)) for width in several))


def prove_norm(transcript: Transcript, numbers: Sequence[int], blindings: Sequence[int], limit: int) -> NormProof:
    """Prove that the commitments to ``numbers`` hold integers whose squares add up to at most ``limit``.

    Raises
    ------
    PrivacyError
        They do not, or the limit is too large for the group.
    """
    numbers, blindings = [whole(n, "a number") for n in numbers], [whole(r, "a blinding") for r in blindings]
    if len(numbers) != len(blindings):
        raise PrivacyError(f"{len(numbers)} numbers have {len(blindings)} blindings; give one for each")
    _widths(len(numbers), limit)
    if sum(number * number for number in numbers) > limit:
        raise PrivacyError("the sum of squares is above the limit: there is nothing to prove")
    return _prove(transcript, numbers, blindings, limit)


def _prove(transcript: Transcript, numbers: Sequence[int], blindings: Sequence[int], limit: int) -> NormProof:
    """The proof, by an algorithm that does not ask whether there is something to prove."""
    widths, blinding = _widths(len(numbers), limit), blinding_point()
    points = [commit(number, scalar) for number, scalar in zip(numbers, blindings, strict=True)]
    extras = [random_scalar() for _ in numbers]
    squares = tuple(
        add(times(number, point), times(extra, blinding))
        for number, point, extra in zip(numbers, points, extras, strict=True)
    )
    rest = (limit - sum(number * number for number in numbers)) % ORDER
    rest_blinding = -sum(n * r + s for n, r, s in zip(numbers, blindings, extras, strict=True)) % ORDER
    provers = [BitsProver(n + widths.offset, r, widths.each) for n, r in zip(numbers, blindings, strict=True)]
    provers.append(BitsProver(rest, rest_blinding, widths.rest))
    bits = tuple(tuple(prover.sent) for prover in provers)
    nonces = [(random_scalar(), random_scalar(), random_scalar()) for _ in numbers]
    announced: list[Point] = []
    for point, (a, b, c) in zip(points, nonces, strict=True):
        announced += [commit(a, b), add(times(a, point), times(c, blinding))]
    announced += [point for prover in provers for point in prover.announced()]
    challenge = _challenge(transcript, points, limit, _sent(squares, bits), announced)
    answers = tuple(
        _SquareAnswer((a + challenge * n) % ORDER, (b + challenge * r) % ORDER, (c + challenge * s) % ORDER)
        for (a, b, c), n, r, s in zip(nonces, numbers, blindings, extras, strict=True)
    )
    return NormProof(squares, bits, challenge, answers, tuple(tuple(prover.answers(challenge)) for prover in provers))


def verify_norm(transcript: Transcript, commitments: Sequence[Point], limit: int, proof: NormProof) -> bool:
    """Whether the proof holds for these commitments and this limit, under the same transcript as it was made."""
    widths = _widths(len(commitments), limit)
    several = [*[widths.each] * len(commitments), widths.rest]
    if not _fits(proof, several):
        return False
    offset = base_times(widths.offset)
    wholes = [add(point, offset) for point in commitments]
    wholes.append(subtract(base_times(limit), total(proof.squares)))
    announced = _announced_squares(commitments, proof)
    for point, upper, answers in zip(wholes, proof.bits, proof.bit_answers, strict=True):
        announced += announced_bits([lowest_bit(point, upper), *upper], answers, proof.challenge)
    return _challenge(transcript, commitments, limit, _sent(proof.squares, proof.bits), announced) == proof.challenge


def _sent(squares: Sequence[Point], bits: Sequence[Sequence[Point]]) -> list[Point]:
    return [*squares, *(point for points in bits for point in points)]


def _fits(proof: NormProof, widths: Sequence[int]) -> bool:
    return (
        len(proof.squares) == len(proof.square_answers) == len(widths) - 1
        and [len(points) + 1 for points in proof.bits] == list(widths)
        and [len(answers) for answers in proof.bit_answers] == list(widths)
    )


def _announced_squares(commitments: Sequence[Point], proof: NormProof) -> list[Point]:
    announced: list[Point] = []
    challenge, blinding = proof.challenge, blinding_point()
    for point, square, answer in zip(commitments, proof.squares, proof.square_answers, strict=True):
        opened = commit(answer.number, answer.blinding)
        squared = add(times(answer.number, point), times(answer.extra, blinding))
        announced += [subtract(opened, times(challenge, point)), subtract(squared, times(challenge, square))]
    return announced


def _challenge(
    transcript: Transcript, commitments: Sequence[Point], limit: int, sent: Sequence[Point], announced: Sequence[Point]
) -> int:
    own = transcript.copy()
    own.absorb("norm of", *commitments)
    own.absorb_number("limit", limit)
    own.absorb("squares and bits", *sent)
    own.absorb("announced", *announced)
    return own.challenge()
