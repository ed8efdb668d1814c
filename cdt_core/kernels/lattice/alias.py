"""Walker's alias tables in integers: weights that are whole numbers are drawn with exactly their probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["alias_entries"]

#: A draw takes one word of so many bits.
WORD_BITS = 32


def alias_entries(weights: Sequence[int]) -> NDArray[np.uint32]:
    """Entries that draw symbol k for ``weights[k]`` of the 2^32 words; weights add up to 2^32.

    A slot for each symbol, filled up to a power of two, of which each has equally many words: its own symbol has those below
    a threshold, one other symbol (its alias) the rest. An entry is the threshold above the alias; a slot that is all its
    own is its own alias, so that the threshold fits.

    References
    ----------
    M. D. Vose: A linear algorithm for generating random numbers with a given distribution, IEEE TSE 17(9), 1991.
    """
    slot_bits = max(1, (len(weights) - 1).bit_length())
    slots, room = 1 << slot_bits, 1 << (WORD_BITS - slot_bits)
    left = [*weights, *[0] * (slots - len(weights))]
    entries = np.zeros(slots, np.uint32)
    poor = [k for k in range(slots) if left[k] < room]
    rich = [k for k in range(slots) if left[k] >= room]
    while poor:
        slot, giver = poor.pop(), rich[-1]
        entries[slot] = left[slot] << slot_bits | giver
        left[giver] -= room - left[slot]
        if left[giver] < room:
            poor.append(rich.pop())
    for slot in rich:  # exactly full now
        entries[slot] = slot
    return entries
