"""What goes wrong in federations, to be tried on purpose."""

from __future__ import annotations

import random
from collections.abc import Iterable

from attrs import evolve, field, frozen

from cdt_federated.rounds.sampling import sampled

__all__ = ["Faults"]


def _places(places: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    return frozenset((site, stage) for site, stage in places)


@frozen(kw_only=True)
class Faults:
    """Which (site, stage) goes wrong, and how.

    Parameters
    ----------
    dropped
        The site does not answer this stage, nor any later one of the round.
    slow
        Its answer comes only after the deadline.
    repeated
        Its answer comes twice.
    replayed
        Its answer of an earlier round comes before this one.
    forged
        Before its answer comes one in its name that another key has signed.
    altered
        One bit of its answer is flipped on the way.
    """

    dropped: frozenset[tuple[str, str]] = field(default=frozenset(), converter=_places)
    slow: frozenset[tuple[str, str]] = field(default=frozenset(), converter=_places)
    repeated: frozenset[tuple[str, str]] = field(default=frozenset(), converter=_places)
    replayed: frozenset[tuple[str, str]] = field(default=frozenset(), converter=_places)
    forged: frozenset[tuple[str, str]] = field(default=frozenset(), converter=_places)
    altered: frozenset[tuple[str, str]] = field(default=frozenset(), converter=_places)

    def dropping(self, sites: Iterable[str], stage: str, share: float, seed: int) -> Faults:
        """With ``share`` of the sites, drawn by the seed, dropping out at a stage as well.

        Examples
        --------
        >>> sorted(Faults().dropping(["a", "b", "c", "d"], "update", share=0.5, seed=1).dropped)
        [('a', 'update'), ('d', 'update')]
        """
        named = list(sites)
        out = sampled(named, round(share * len(named)), seed, 0)
        return evolve(self, dropped=self.dropped | {(site, stage) for site in out})


def bit_flipped(message: bytes, seed: int) -> bytes:
    """The message with one bit of it another."""
    at = random.Random(seed).randrange(8 * len(message))
    changed = bytearray(message)
    changed[at // 8] ^= 1 << at % 8
    return bytes(changed)
