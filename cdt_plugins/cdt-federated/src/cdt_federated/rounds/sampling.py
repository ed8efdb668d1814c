"""Which sites a round asks: drawn by a seed, the same on every machine, and so that anyone with the seed can check it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence

from attrs import field, frozen, validators

from cdt_core.errors import FederatedError
from cdt_core.model.fields import FieldWriter
from cdt_federated.checks import count, share, whole

__all__ = ["Terms", "sampled"]


@frozen(kw_only=True)
class Terms:
    """What a round needs.

    Parameters
    ----------
    minimum
        Fewest answers with which a stage may end at its deadline; with fewer the round fails.
    enough
        A stage ends as soon as so many have answered, without waiting for stragglers; all that were asked when None.
    share
        Share of the sites that a round asks, above 0 and at most 1; at least ``minimum`` (and ``enough``) of them.
    seed
        Of the sampling.
    largest_message
        Bytes that a site's message may have.
    """

    minimum: int = field(default=1, validator=count)
    enough: int | None = field(default=None, validator=validators.optional(count))
    share: float = field(default=1.0, validator=share)
    seed: int = field(default=0, validator=whole)
    largest_message: int = field(default=1 << 30, validator=count)

    def __attrs_post_init__(self) -> None:
        if self.enough is not None and self.enough < self.minimum:
            raise FederatedError(
                f"a stage would end with {self.enough} answers, and needs {self.minimum}; raise enough"
            )

    def sample(self, sites: Sequence[str], round_: int) -> tuple[str, ...]:
        """The sites that a round asks, of those that can be reached.

        Raises
        ------
        FederatedError
            Fewer can be reached than the round needs.
        """
        needed = max(self.minimum, self.enough or 0)
        if len(sites) < needed:
            raise FederatedError(f"round {round_} needs {needed} sites and {len(sites)} can be reached; wait for more")
        return sampled(sites, max(needed, math.ceil(round(self.share * len(sites), 9))), self.seed, round_)


def sampled(sites: Iterable[str], number: int, seed: int, round_: int) -> tuple[str, ...]:
    """``number`` of the sites, in the order in which they were given: those whose SHA-256 with seed and round is lowest.

    Examples
    --------
    >>> sampled(["a", "b", "c", "d"], 2, seed=7, round_=1), sampled(["d", "c", "b", "a"], 2, seed=7, round_=1)
    (('a', 'c'), ('c', 'a'))
    """

    def lot(site: str) -> bytes:
        return hashlib.sha256(FieldWriter().text("cdt.round.sample").text(f"{seed}/{round_}").text(site).end()).digest()

    named = list(sites)
    chosen = set(sorted(named, key=lot)[:number])
    return tuple(site for site in named if site in chosen)
