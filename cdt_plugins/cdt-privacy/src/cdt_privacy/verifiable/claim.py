"""What a site sends after the sum was published: commitments to its digest, and the proofs about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from cdt_core.errors import ProtocolError
from cdt_core.model.fields import FieldReader, FieldWriter
from cdt_privacy.verifiable.group import Point, read_point
from cdt_privacy.verifiable.opening import OpeningProof, prove_opening, verify_opening
from cdt_privacy.verifiable.pedersen import commit
from cdt_privacy.verifiable.squares import NormProof, prove_norm, verify_norm
from cdt_privacy.verifiable.transcript import Transcript

if TYPE_CHECKING:
    from cdt_privacy.verifiable.terms import Terms

__all__ = ["Claim", "make_claim", "read_claim", "verify_claim"]

_MAGIC = b"cdtv\x01"


@frozen
class Claim:
    """Commitments to the form and to each projection, a proof of opening of the first, and of the norm of the others."""

    seed: bytes
    commitments: tuple[Point, ...]
    opening: OpeningProof
    norm: NormProof | None

    def payload(self) -> bytes:
        """The bytes that are sent."""
        writer = FieldWriter().fixed(_MAGIC).fixed(self.seed)
        for point in self.commitments:
            writer.fixed(point)
        self.opening.write(writer)
        if self.norm is not None:
            self.norm.write(writer)
        return writer.end()


def make_claim(terms: Terms, site: str, seed: bytes, digest: Sequence[int], blindings: Sequence[int]) -> Claim:
    """Commit to a digest and prove; ``PrivacyError`` when the projections are above the limit of the terms."""
    commitments = tuple(commit(value, blinding) for value, blinding in zip(digest, blindings, strict=True))
    transcript = _transcript(terms, site, seed, commitments)
    norm = prove_norm(transcript, digest[1:], blindings[1:], terms.square_limit) if terms.projections else None
    return Claim(seed, commitments, prove_opening(transcript, digest[0], blindings[0]), norm)


def read_claim(terms: Terms, site: str, payload: bytes) -> Claim:
    """A claim that a site sent.

    Raises
    ------
    ProtocolError
        It is malformed; names the site and the field.
    """
    reader = FieldReader(payload, f"round {terms.round!r}, claim of {site}")
    if reader.fixed(len(_MAGIC)) != _MAGIC:
        raise reader.error("it is no claim of version 1")
    seed = reader.fixed(32)
    commitments = tuple(read_point(reader, f"commitment {row}") for row in range(terms.rows))
    opening = OpeningProof.read(reader)
    norm = NormProof.read(reader, terms.projections, terms.square_limit) if terms.projections else None
    reader.end()
    return Claim(seed, commitments, opening, norm)


def verify_claim(terms: Terms, site: str, seed: bytes, claim: Claim) -> None:
    """Check what a claim says of itself.

    Raises
    ------
    ProtocolError
        It is about another sum, or a proof does not hold; names the site.
    """
    where = f"round {terms.round!r}, claim of {site}"
    if claim.seed != seed:
        raise ProtocolError(f"{where}: it is about another published sum, other coins or other sites; ask for it again")
    transcript = _transcript(terms, site, seed, claim.commitments)
    if not verify_opening(transcript, claim.commitments[0], claim.opening):
        raise ProtocolError(f"{where}: the proof of opening does not hold; run the round again without that site")
    if (claim.norm is None) != (terms.projections == 0):
        raise ProtocolError(f"{where}: the proof of the norm is {'missing' if claim.norm is None else 'not asked for'}")
    if claim.norm is not None and not verify_norm(transcript, claim.commitments[1:], terms.square_limit, claim.norm):
        raise ProtocolError(f"{where}: the proof of the norm does not hold; run the round again without that site")


def _transcript(terms: Terms, site: str, seed: bytes, commitments: Sequence[Point]) -> Transcript:
    transcript = Transcript("claim", terms.round, site)
    transcript.absorb("seed", seed)
    transcript.absorb("commitments", *commitments)
    return transcript
