"""How few neighbours are enough: each site shares masks with some others only, and the sum stays as secret as if with all."""

from __future__ import annotations

import hashlib
import hmac
import math
import operator

import attrs

from cdt_core.errors import PrivacyError

__all__ = ["Sparse", "neighbours"]

SECURITY_BITS = 40
FAILURE_BITS = 30


def _count(value: int) -> int:
    try:
        return operator.index(value)
    except TypeError as error:
        raise PrivacyError(
            f"{value!r} in a graph of masks; its neighbours, threshold and sites are whole numbers"
        ) from error


@attrs.frozen
class Sparse:
    """A graph of masks in which every site has the same even number of neighbours.

    What is assumed is what Bell et al. assume for their first protocol: a coordinator that keeps to the protocol and is
    curious, up to ``corrupt`` sites that tell it all they know, and at most ``dropped`` drop-outs, neither chosen after the
    graph is known.

    Parameters
    ----------
    neighbours
        Even; of each site.
    threshold
        Shares that give a secret back, of those that the neighbours and the site itself hold.
    corrupt, dropped
        Numbers of sites that may be corrupted and that may drop out.
    """

    neighbours: int = attrs.field(converter=_count)
    threshold: int = attrs.field(converter=_count)
    corrupt: int = attrs.field(converter=_count)
    dropped: int = attrs.field(converter=_count)

    @classmethod
    def for_sites(cls, sites: int, *, corrupt: float, dropout: float) -> Sparse:
        """The least number of neighbours that keeps the promise for shares of corrupted sites and of drop-outs.

        Parameters
        ----------
        sites
            Number of sites that are asked.
        corrupt, dropout
            Shares of the sites, each in [0, 1), together below 1.

        Raises
        ------
        PrivacyError
            Shares out of range, or no graph with fewer edges than all pairs keeps the promise.

        Notes
        -----
        With probability above ``1 - 2**-40`` no honest site has ``threshold`` corrupted neighbours and the honest sites that
        stay are connected; with probability above ``1 - 2**-30`` every site has ``threshold`` neighbours that stay. See
        [1]_, section 3: neighbours in the shuffled circle are a uniform sample of the others, so that both counts are
        hypergeometric; sites that stay can come apart only where half the number of neighbours in a row are gone.
        O(sites * neighbours) time at most: a few milliseconds for 1,000 sites.

        References
        ----------
        .. [1] Bell, Bonawitz, Gascón, Lepoint, Raykova, "Secure Single-Server Aggregation with (Poly)Logarithmic Overhead",
           CCS 2020.

        Examples
        --------
        >>> Sparse.for_sites(1000, corrupt=0.1, dropout=0.1)
        Sparse(neighbours=52, threshold=28, corrupt=100, dropped=100)
        """
        sites = _count(sites)
        shares = isinstance(corrupt, (int, float)) and isinstance(dropout, (int, float))
        if not (shares and 0 <= corrupt < 1 and 0 <= dropout < 1 and corrupt + dropout < 1):
            raise PrivacyError(
                f"corrupt {corrupt!r} and dropout {dropout!r} are no shares of the sites; "
                "give two in [0, 1) that add to less than 1"
            )
        # A share such as 0.1 of 1000 is meant, not the float64 above it.
        bad, gone = (math.ceil(share * sites - 1e-9) for share in (corrupt, dropout))
        for degree in range(2, sites - 1, 2):
            threshold = _least_threshold(sites, degree, bad)
            found = cls(degree, threshold, bad, gone)
            if found.broken(sites) is None:
                return found
        raise PrivacyError(
            f"of {sites} sites with {bad} corrupted and {gone} dropped, no graph sparser than all pairs is secure; "
            "use all pairs (sparse=None)"
        )

    def broken(self, sites: int) -> str | None:
        """Why the promise is not kept with so many sites; ``None`` where it is."""
        if not (2 <= self.neighbours < sites - 1 and self.neighbours % 2 == 0):
            return f"{self.neighbours} neighbours of {sites} sites; give an even number of 2 to {sites - 2}"
        if not 2 <= self.threshold <= self.neighbours or min(self.corrupt, self.dropped) < 0:
            return f"a threshold of {self.threshold} among {self.neighbours} neighbours"
        told = sites * _tails(sites - 1, self.corrupt, self.neighbours)[self.threshold]
        apart = _run_of_removed(sites, self.corrupt + self.dropped, self.neighbours // 2)
        if told + apart > 2.0**-SECURITY_BITS:
            return f"the secrecy fails with probability {told + apart:.1e}, above 2**-{SECURITY_BITS}; give more neighbours"
        too_many = self.neighbours - self.threshold + 1
        lost = sites * _tails(sites - 1, self.dropped, self.neighbours)[too_many]
        if lost > 2.0**-FAILURE_BITS:
            return f"the round fails with probability {lost:.1e}, above 2**-{FAILURE_BITS}; give more neighbours"
        return None


def neighbours(sites: int, degree: int, seed: bytes) -> tuple[tuple[int, ...], ...]:
    """Neighbours of each site: the nearest ``degree`` on a circle of all sites, shuffled by the seed.

    The order is that of one pseudo-random number of 256 bits per site, so that all orders are equally likely and every
    machine finds the same one.
    """
    if degree >= sites - 1:
        return tuple(tuple(other for other in range(sites) if other != site) for site in range(sites))
    circle = sorted(range(sites), key=lambda site: hmac.digest(seed, site.to_bytes(4, "little"), hashlib.sha256))
    steps = [step for step in range(-(degree // 2), degree // 2 + 1) if step]
    around = {site: tuple(sorted(circle[(at + step) % sites] for step in steps)) for at, site in enumerate(circle)}
    return tuple(around[site] for site in range(sites))


def _least_threshold(sites: int, degree: int, corrupt: int) -> int:
    """Smallest threshold from 2 that corrupted neighbours do not reach; above ``degree`` where there is none."""
    allowed = 2.0 ** -(SECURITY_BITS + 1) / sites
    tails = _tails(sites - 1, corrupt, degree)
    return next(count for count, tail in enumerate(tails) if count > 1 and tail <= allowed)


def _tails(population: int, marked: int, drawn: int) -> list[float]:
    """Probability of ``count`` or more marked of ``drawn`` without putting back, for counts 0 to ``drawn + 1``.

    Added as integers, from the rare end: no rounding but that of the last division. O(drawn) operations on integers of about
    ``population`` bits.
    """
    marked = min(marked, population)
    others, least, most = population - marked, max(0, drawn - population + marked), min(marked, drawn)
    every = math.comb(population, drawn)
    chance = math.comb(marked, most) * math.comb(others, drawn - most)
    ways, found = 0, [0.0] * (drawn + 1 - most)
    for count in range(most, least - 1, -1):
        ways += chance
        found.append(ways / every)
        # The ways for one fewer, from those for this many.
        chance = chance * count * (others - drawn + count) // ((marked - count + 1) * (drawn - count + 1))
    return (found + [1.0] * least)[::-1]


def _run_of_removed(sites: int, removed: int, length: int) -> float:
    """Bound of the probability that somewhere on the circle ``length`` sites in a row are removed."""
    if min(removed, sites) < length:
        return 0.0
    return sites * math.comb(min(removed, sites), length) / math.comb(sites, length)
