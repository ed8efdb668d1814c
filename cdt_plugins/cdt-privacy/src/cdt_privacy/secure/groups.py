"""Secure sums of groups of sites: a robust rule over the groups' sums sees through no single site's vector."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import FederatedError, ProtocolError
from cdt_privacy.secure.exchange import SecureSum
from cdt_privacy.secure.identity import Roster, is_name
from cdt_privacy.secure.messages import STAGES
from cdt_privacy.secure.terms import Terms, least_threshold

__all__ = ["GroupedSum", "groups", "terms_of_groups"]


def groups(sites: Iterable[str], size: int, seed: bytes) -> tuple[tuple[str, ...], ...]:
    """Divide sites into groups of ``size`` or one or more above, at random by the seed.

    Parameters
    ----------
    sites
        Names; their order does not matter.
    size
        Least size of a group, from 3.
    seed
        What nobody could choose alone, such as a digest of what all sites sent in an earlier stage: whoever chooses the seed
        can put one site among those that are on its side.

    Raises
    ------
    FederatedError
        Fewer sites than one group, a site named twice or by no text, groups of fewer than 3, or a seed that is no bytes.

    Examples
    --------
    >>> [len(group) for group in groups([f"site-{n}" for n in range(14)], 4, bytes(32))]
    [5, 5, 4]
    """
    names = list(sites)
    if not isinstance(seed, bytes) or not all(map(is_name, names)):
        raise FederatedError(
            "sites are divided by their names and a seed of bytes; give texts, and a digest for the seed"
        )
    if not (isinstance(size, int) and 3 <= size <= len(names)) or len(set(names)) < len(names):
        raise FederatedError(
            f"groups of {size!r} of {len(names)} sites; give a size from 3 to the number of sites, and each site once"
        )
    shuffled = sorted(names, key=lambda name: hmac.digest(seed, name.encode(), hashlib.sha256))
    count = len(names) // size
    return tuple(tuple(sorted(shuffled[index::count])) for index in range(count))


def terms_of_groups(terms: Terms, divided: Sequence[Sequence[str]]) -> tuple[Terms, ...]:
    """The terms of each group's own secure sum, from those of the whole round; thresholds are the groups' own.

    Raises
    ------
    FederatedError, PrivacyError
        Groups that are not a division of the sites, or that are too small to protect anyone.
    """
    if sorted(site for group in divided for site in group) != list(terms.sites):
        raise FederatedError(f"round {terms.round!r}: the groups do not have every site of the round once")
    return tuple(
        attrs.evolve(
            terms,
            round=f"{terms.round}/{index}",
            sites=group,
            threshold=least_threshold(len(group), terms.adversary),
            sparse=None,
        )
        for index, group in enumerate(divided)
    )


class GroupedSum:
    """One secure sum for each group; an :class:`cdt_core.model.exchange.Exchange` whose result is a matrix.

    Each site is a :class:`SecureParty` in its group's terms. A group that falls below its threshold is left out, the others
    go on.

    Parameters
    ----------
    terms
        Those of each group, as :func:`terms_of_groups` gives them.
    roster
        Everyone's public keys.
    least
        So many groups must stay; what the rule over the sums needs.

    Raises
    ------
    FederatedError
        No groups, groups that share a site or a name of their rounds, vectors that differ, or ``least`` above their number.

    Notes
    -----
    What is protected is each group's sum: of fewer sites than the round has, so choose the size as the least group whose
    sum may be seen. With f corrupted sites, f groups at most are wrong, as many as the rule must bear.
    """

    def __init__(self, terms: Sequence[Terms], roster: Roster, *, least: int = 1) -> None:
        sites = [site for each in terms for site in each.sites]
        if not isinstance(least, int) or not 1 <= least <= len(terms) or len(set(sites)) < len(sites):
            raise FederatedError(f"{len(terms)} groups of which {least!r} must stay; give 1 or more, each site in one")
        if len({each.round for each in terms}) < len(terms) or len({(each.length, each.bits) for each in terms}) > 1:
            raise FederatedError("groups with one name or with vectors of two kinds; take the terms of terms_of_groups")
        self._sums = [SecureSum(each, roster) for each in terms]
        self._group = {site: index for index, each in enumerate(terms) for site in each.sites}
        self._terms, self._least = tuple(terms), least
        self._failed: dict[int, str] = {}
        self._closed = 0

    @property
    def stages(self) -> tuple[str, ...]:
        """Those of :class:`SecureSum`; all groups go through them together."""
        return STAGES

    def begin(self) -> Mapping[str, bytes]:
        """Each group's terms to its sites."""
        return {site: request for each in self._sums for site, request in each.begin().items()}

    def receive(self, stage: str, site: str, payload: bytes) -> None:
        """Take one site's answer; errors are those of :meth:`SecureSum.receive`, and that its group was left out."""
        group = self._group.get(site)
        if group is None:
            raise ProtocolError(f"stage {stage}: site {site!r} is in no group; refuse the answer")
        if group in self._failed:
            raise ProtocolError(f"stage {stage}, site {site!r}: its group was left out; refuse the answer")
        self._sums[group].receive(stage, site, payload)

    def close(self, stage: str) -> Mapping[str, bytes]:
        """End a stage in all groups.

        Raises
        ------
        ProtocolError
            Out of turn, or fewer than ``least`` groups are left; says why each was left out. Nothing is revealed of those.
        """
        if self._closed == len(STAGES) or stage != STAGES[self._closed]:
            raise ProtocolError(f"stage {stage} is not open; close the stages in their order")
        requests: dict[str, bytes] = {}
        for group, each in enumerate(self._sums):
            if group not in self._failed:
                try:
                    requests |= each.close(stage)
                except ProtocolError as error:
                    self._failed[group] = str(error)
        if len(self._sums) - len(self._failed) < self._least:
            reasons = "; ".join(self._failed.values())
            raise ProtocolError(
                f"{len(self._sums) - len(self._failed)} groups are left, {self._least} are needed: {reasons}"
            )
        self._closed += 1
        return requests

    def result(self) -> NDArray[Any]:
        """Sums modulo ``2**bits``, shape (groups that stayed, length); their sizes are :attr:`counts`.

        Raises
        ------
        ProtocolError
            The last stage is not closed, with ``least`` groups or more.
        """
        if self._closed < len(STAGES):
            raise ProtocolError(f"stage {STAGES[self._closed]}: not closed, there are no sums yet")
        return np.stack([self._sums[group].result() for group in self.kept])

    @property
    def kept(self) -> tuple[int, ...]:
        """Indices of the groups that stayed, in the order of the result's rows."""
        return tuple(group for group in range(len(self._sums)) if group not in self._failed)

    @property
    def counts(self) -> NDArray[np.int64]:
        """Number of sites in each row of the result."""
        return np.array([len(self._sums[group].survivors) for group in self.kept], np.int64)

    @property
    def failed(self) -> Mapping[int, str]:
        """Why each group that was left out failed, by its index."""
        return dict(self._failed)

    @property
    def dropped(self) -> tuple[str, ...]:
        """Sites that were asked and whose vector is in no row."""
        lost = {site for group in self._failed for site in self._terms[group].sites}
        return tuple(sorted(lost.union(*(self._sums[group].dropped for group in self.kept))))
