"""Masks of a secure sum: words of AES-256-CTR streams, added to a vector of the ring in place."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdt_core.kernels.lattice import Stream
from cdt_core.kernels.lattice.masks import add_tile
from cdt_privacy.secure.agreement import KeyPair, Purpose, derived
from cdt_privacy.secure.messages import Keys
from cdt_privacy.secure.terms import Terms

__all__ = ["add_masks", "pair_mask", "self_mask"]

#: A stream and whether it is added (1) or taken away (-1).
Mask = tuple[Stream, int]

#: Numbers that stay in the second-level cache while many masks are added to them, and how many streams are open at once.
_TILE = 1 << 16
_STREAMS = 256
#: Part of the protocol, as every site must use the same one: the block from which GCM encrypts, which may be the faster way.
_FIRST_BLOCK = (2).to_bytes(16, "big")


def self_mask(terms: Terms, seed: bytes, site: int) -> Mask:
    """The mask that a site adds to those of the pairs, so that a vector which comes late shows nothing."""
    return Stream(derived(seed, terms, Purpose.SELF_STREAM, site), _FIRST_BLOCK), 1


def pair_mask(terms: Terms, mask_key: KeyPair, owner: int, other: int, keys: Keys) -> Mask:
    """The mask that ``owner`` of a mask key shares with ``other``: the first of the two adds it, the second takes it away."""
    first, second = sorted((owner, other))
    key = derived(mask_key.agree(keys.mask_key), terms, Purpose.PAIR_STREAM, first, second)
    return Stream(key, _FIRST_BLOCK), 1 if owner == first else -1


def add_masks(ring: NDArray[Any], masks: Iterable[Mask]) -> NDArray[Any]:
    """Add all masks in place, tile by tile; gives the vector back. About 0.5 ms for a mask of a million ``uint32``."""
    left, words = iter(masks), np.empty(min(len(ring), _TILE), ring.dtype)
    while several := list(islice(left, _STREAMS)):
        for start in range(0, len(ring), _TILE):
            tile = ring[start : start + _TILE]
            for stream, sign in several:
                add_tile(tile, stream, sign, words)
    return ring
