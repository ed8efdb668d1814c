"""Sums that nobody can replace unseen: commitments to each site's digest, and proofs that no update is too long.

Three statements, named for what they are. The **sum check** is homomorphic: commitments to the digests of the sites' updates
must add up to a commitment to the digest of the published sum. The **projected norm check** is statistical: it bounds random
projections of an update, which bound the update with a stated chance of error. The **proofs** that carry it (knowledge of an
opening, bits, squares) are sigma protocols made non-interactive by hashing; they are zero-knowledge in the random oracle
model, and only of them is that said. Needs the extra ``verifiable`` (PyNaCl).
"""

from __future__ import annotations

from cdt_privacy.verifiable.check import Verified, verify_sum
from cdt_privacy.verifiable.contributor import Contributor
from cdt_privacy.verifiable.exchange import VerifiedSum
from cdt_privacy.verifiable.opening import OpeningProof, prove_opening, verify_opening
from cdt_privacy.verifiable.party import VerifiedParty
from cdt_privacy.verifiable.pedersen import commit
from cdt_privacy.verifiable.ranges import RangeProof, prove_range, verify_range
from cdt_privacy.verifiable.squares import NormProof, prove_norm, verify_norm
from cdt_privacy.verifiable.terms import Terms
from cdt_privacy.verifiable.transcript import Transcript

__all__ = [
    "Contributor",
    "NormProof",
    "OpeningProof",
    "RangeProof",
    "Terms",
    "Transcript",
    "Verified",
    "VerifiedParty",
    "VerifiedSum",
    "commit",
    "prove_norm",
    "prove_opening",
    "prove_range",
    "verify_norm",
    "verify_opening",
    "verify_range",
    "verify_sum",
]
