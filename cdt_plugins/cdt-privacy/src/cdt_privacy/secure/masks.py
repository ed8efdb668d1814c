"""Masks of a secure sum: words of AES-256-CTR streams, added to a vector of the ring in place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numpy.typing import NDArray

from cdt_core.kernels.lattice import Stream, add_mask
from cdt_privacy.secure.agreement import Purpose, agreed, derived
from cdt_privacy.secure.messages import Keys
from cdt_privacy.secure.terms import Terms

__all__ = ["add_masks", "pair_mask", "self_mask"]

#: A stream and whether it is added (1) or taken away (-1).
Mask = tuple[Stream, int]


def self_mask(terms: Terms, seed: bytes, site: int) -> Mask:
    """The mask that a site adds to those of the pairs, so that a vector which comes late shows nothing."""
    return Stream(derived(seed, terms, Purpose.SELF_STREAM, site)), 1


def pair_mask(terms: Terms, secret: bytes, owner: int, other: int, keys: Keys) -> Mask:
    """The mask that ``owner`` of a mask key shares with ``other``: the first of the two adds it, the second takes it away."""
    first, second = sorted((owner, other))
    key = derived(agreed(secret, keys.mask_key), terms, Purpose.PAIR_STREAM, first, second)
    return Stream(key), 1 if owner == first else -1


def add_masks(ring: NDArray[Any], masks: Iterable[Mask]) -> NDArray[Any]:
    """Add all masks in place; gives the vector back."""
    for stream, sign in masks:
        add_mask(ring, stream, sign)
    return ring
