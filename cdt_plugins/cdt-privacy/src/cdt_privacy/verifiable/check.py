"""The check that a published sum is the sum of what its sites committed to, and that no update was too long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from cdt_core.errors import ProtocolError
from cdt_privacy.verifiable.claim import read_claim, verify_claim
from cdt_privacy.verifiable.coins import check_published, common_seed
from cdt_privacy.verifiable.contributor import blinding_sums
from cdt_privacy.verifiable.pedersen import commit, total
from cdt_privacy.verifiable.projection import digest_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdt_privacy.verifiable.group import Point
    from cdt_privacy.verifiable.terms import Terms

__all__ = ["Verified", "verify_sum"]


@frozen(eq=False)
class Verified:
    """A sum that was checked: shape (length,), 64-bit integers; the sites in it; the seed that it was checked with."""

    sum: NDArray[np.int64]
    sites: tuple[str, ...]
    seed: bytes


def verify_sum(
    terms: Terms,
    published: Any,
    seals: Mapping[str, bytes],
    coins: Mapping[str, bytes],
    claims: Mapping[str, bytes],
) -> Verified:
    """Check a published sum against the claims of all sites in it: for each site itself, and for whoever trusts one of them.

    What holds afterwards, for a site that was honest, with a chance of error of 2^-128 and unless somebody finds the logarithm
    of the second generator: the published sum is the sum of the updates of the honest sites and of something that the others
    answer for. When all sites were honest, that is their updates, so that a coordinator alone can publish nothing else.
    Under terms with projections, the projected norm of that something is at most the root of the limit times the number of
    dishonest sites: one alone answers for a vector within the limit, and :meth:`Terms.chance_unseen` says what that says of
    its norm; several may shift parts to one another, and are bounded together.

    Seals, coins and claims must come with their sites' signatures: that is for the round engine.

    Raises
    ------
    ProtocolError
        A coin, a claim or a proof does not hold (names the site), or the sum is another one.
    """
    vector = check_published(terms, published)
    seed = common_seed(terms, vector, seals, coins)
    sites = tuple(sorted(seals))
    commitments = []
    for site in sites:
        if site not in claims:
            raise ProtocolError(
                f"round {terms.round!r}: {site} is in the sum and makes no claim; run it again without it"
            )
        claim = read_claim(terms, site, claims[site])
        verify_claim(terms, site, seed, claim)
        commitments.append(claim.commitments)
    return check_total(terms, vector, sites, seed, commitments)


def check_total(
    terms: Terms,
    vector: NDArray[np.int64],
    sites: tuple[str, ...],
    seed: bytes,
    commitments: Sequence[Sequence[Point]],
) -> Verified:
    """The sum check alone, for commitments of claims that were verified; ``ProtocolError`` when the sum is another one."""
    digest = digest_of(vector[: terms.length], seed, terms.projections)
    for row, (value, blinding) in enumerate(zip(digest, blinding_sums(terms, vector), strict=True)):
        if total(points[row] for points in commitments) != commit(value, blinding):
            raise ProtocolError(
                f"round {terms.round!r}: the published sum is not the sum of what {len(sites)} sites committed to (row "
                f"{row} of the digest differs); do not use it: the coordinator published another one, or a site sent what "
                "it did not commit to"
            )
    return Verified(vector[: terms.length].copy(), sites, seed)
