"""The last step of a secure sum: secrets given back by shares, and their masks taken off the sum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs
from numpy.typing import NDArray

from cdt_core.errors import ProtocolError
from cdt_core.kernels.lattice import combine
from cdt_privacy.secure.agreement import Commitments, KeyPair, Purpose
from cdt_privacy.secure.masks import Mask, add_masks, pair_mask, self_mask
from cdt_privacy.secure.messages import UNMASK, Dealt, Keys, where
from cdt_privacy.secure.terms import Terms

__all__ = ["Unmasking"]


@attrs.frozen
class Unmasking:
    """What the coordinator knows when it takes the masks off.

    Parameters
    ----------
    terms
        The round.
    keys, dealt
        What each site advertised and dealt, by its index; those that dealt are those with pair masks.
    near
        Neighbours of each site.
    survivors
        Sites whose masked vectors are in the sum.
    shares
        By owner of the secret and by holder: the share that was given.
    """

    terms: Terms
    keys: Mapping[int, Keys]
    dealt: Mapping[int, Dealt]
    near: tuple[tuple[int, ...], ...]
    survivors: frozenset[int]
    shares: Mapping[int, Mapping[int, bytes]]

    def unmask(self, total: NDArray[Any]) -> NDArray[Any]:
        """Take all masks off the sum, in place, and give it back.

        Notes
        -----
        One mask for each survivor, and one for each pair of a site that dropped and a neighbour that did not: O(d) words
        each, expanded piece by piece, so that the memory is that of the sum alone.

        Raises
        ------
        ProtocolError
            Too few good shares of a secret, or a site that dealt shares of another secret than it advertised; names it. The
            sum is then still masked. What else interrupts it may leave some of the masks off.
        """
        seeds = {site: self._seed(site) for site in sorted(self.survivors)}
        mask_keys = {site: self._mask_key(site) for site in sorted(self.dealt.keys() - self.survivors)}
        return add_masks(total, self._masks(seeds, mask_keys))

    def _masks(self, seeds: Mapping[int, bytes], mask_keys: Mapping[int, KeyPair]) -> Iterator[Mask]:
        """What undoes each mask. A dropped site's own side of a pair is the opposite of its neighbour's."""
        for site, seed in seeds.items():
            stream, sign = self_mask(self.terms, seed, site)
            yield stream, -sign
        for site, mask_key in mask_keys.items():
            for other in self.near[site]:
                if other in self.survivors:
                    yield pair_mask(self.terms, mask_key, site, other, self.keys[other])

    def _seed(self, site: int) -> bytes:
        seed = self._combined(site, Purpose.SELF_MASK)
        if Commitments(self.terms, Purpose.SELF_MASK)(seed, site) != self.keys[site].self_mask:
            raise self._broken(site)
        return seed

    def _mask_key(self, site: int) -> KeyPair:
        pair = KeyPair(self._combined(site, Purpose.MASK_KEY))
        if pair.public != self.keys[site].mask_key:
            raise self._broken(site)
        return pair

    def _combined(self, site: int, purpose: str) -> bytes:
        """The secret, from the first shares that are the ones that were dealt."""
        good: dict[int, bytes] = {}
        dealt, commit = self.dealt[site], Commitments(self.terms, purpose)
        for holder, share in self.shares.get(site, {}).items():
            if commit(share, site, holder) == dealt.commitment(holder, purpose == Purpose.MASK_KEY):
                good[dealt.holders.index(holder)] = share
            if len(good) == self.terms.share_threshold:
                break
        else:
            raise ProtocolError(
                f"{where(self.terms, UNMASK)}: {len(good)} good shares of what hides site {self.terms.sites[site]!r}, "
                f"{self.terms.share_threshold} are needed; the sum stays masked"
            )
        try:
            return combine(good)
        except ProtocolError as error:
            raise self._broken(site) from error

    def _broken(self, site: int) -> ProtocolError:
        return ProtocolError(
            f"{where(self.terms, UNMASK)}: site {self.terms.sites[site]!r} dealt shares of another secret than it advertised; "
            "the sum stays masked, ask for a round without it"
        )
