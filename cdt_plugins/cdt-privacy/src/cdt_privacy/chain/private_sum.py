"""A private sum of many sites: what each site sends, and what the coordinator may say."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike, NDArray

from cdt_core.errors import PrivacyError
from cdt_core.kernels.lattice import Lattice, Stream, add_mask
from cdt_privacy.accounting import Mechanism, epsilon
from cdt_privacy.chain.clipping import clipped_rows
from cdt_privacy.chain.combination import Carrier, Combination, Noise
from cdt_privacy.chain.noise import LatticeNoise
from cdt_privacy.chain.planning import fitted, rows_in_sum
from cdt_privacy.chain.release import Release
from cdt_privacy.chain.target import Contribution, Law, Target
from cdt_privacy.ledger import Reservation

__all__ = ["PrivateSum"]

#: Bytes of rows that are clipped and rounded at once.
_BLOCK_BYTES = 1 << 22

Ring = NDArray[np.unsignedinteger]


@frozen(kw_only=True)
class PrivateSum:
    """The chain clip, round to the lattice, add noise, (mask,) sum, decode. Make it with :meth:`plan`.

    Sites and coordinator hold equal ones. Each site sends :meth:`site`; the coordinator adds what arrives modulo the ring (a
    secure or encrypted sum does it for him) and says :meth:`result`.

    Examples
    --------
    >>> from cdt_core.hooks import Aggregator
    >>> mean = Aggregator(name="mean", function="cdt_robust.mean:weighted_mean", additive=True)
    >>> combination = Combination(rule=mean, carrier="plain", noise="central", sites=3, server_trusted=True)
    >>> chain = PrivateSum.plan(combination, Contribution(length=2, clip_norm=1.0), Target(epsilon=0.9, delta=1e-6))
    >>> total = chain.total([chain.site([0.6, -0.8]) for _ in range(3)])
    >>> release = chain.result(total, sites_in=3)
    >>> round(release.epsilon, 3), round(release.deviation, 2), release.value.shape
    (0.9, 4.66, (2,))
    """

    combination: Combination
    contribution: Contribution
    target: Target | None
    lattice: Lattice
    noise: LatticeNoise | None

    @classmethod
    def plan(
        cls, combination: Combination, contribution: Contribution, target: Target | None = None, *, bits: int = 32
    ) -> PrivateSum:
        """Choose the finest lattice on which nothing wraps, and the least noise that keeps the target on it.

        Parameters
        ----------
        combination
            Must be sound (:meth:`Combination.pipeline`). Noise is planned for its ``least_sites`` without its ``colluding``.
        contribution, target
            Of one row, and of all rounds; no target where ``combination.noise`` is ``NONE``.
        bits
            Of the ring, 32 or 64.

        Raises
        ------
        PrivacyError
            Unsound, a back end is missing, or no lattice of so many bits has room for the sum and its noise.
        """
        combination.pipeline()
        if (combination.noise is Noise.NONE) is not (target is None):
            raise PrivacyError(f"{combination.noise.value} noise {'has no' if target else 'needs a'} target epsilon")
        if target is None:
            lattice = Lattice.for_sum(contribution.clip_norm, rows_in_sum(combination, contribution), bits)
            return cls(combination=combination, contribution=contribution, target=None, lattice=lattice, noise=None)
        if target.law is Law.LAPLACE and combination.noise is Noise.DISTRIBUTED:
            raise PrivacyError("shares of Laplace noise are not Laplace; distributed noise is Gaussian")
        lattice, noise = fitted(combination, contribution, target, bits)
        return cls(combination=combination, contribution=contribution, target=target, lattice=lattice, noise=noise)

    @property
    def mechanism(self) -> Mechanism | None:
        """What one round is reserved as, before anything is computed: with the fewest sites that may be in a sum."""
        return self._mechanism(self.combination.least)

    def site(
        self, values: ArrayLike, *, stream: Stream | None = None, masks: Sequence[tuple[Stream, int]] = ()
    ) -> Ring:
        """What one site sends.

        Parameters
        ----------
        values
            (length,), or (rows, length) with at most ``contribution.rows`` rows, each of which is clipped for itself. A site
            without any sends its noise all the same: shape (0, length).
        stream
            Where rounding and noise come from; leave it out but in tests. A new key of the operating system each time.
        masks
            Streams that are added (1) or subtracted (-1), as secure sums agree on them.

        Returns
        -------
        ndarray
            (length,) uint32 or uint64: the rows' sum in the ring, with this site's noise where it adds any.

        Raises
        ------
        PrivacyError
            Another shape, more rows, or values that are not finite (names row and column); nothing is sent.
        """
        rows = self._rows(values)
        rounding = stream or Stream.fresh()
        ring = self._rounded(rows, rounding)
        if self.noise is not None and self.combination.noise in (Noise.LOCAL, Noise.DISTRIBUTED):
            _add_noise(ring, self.noise.draw(stream or Stream.fresh()))
        for mask, sign in masks:
            add_mask(ring, mask, sign)
        return ring

    def total(self, rings: Sequence[Ring]) -> Ring:
        """The sum modulo the ring, for carriers that do not make it themselves."""
        for number, ring in enumerate(rings):
            self._require_ring(ring, f"vector {number}")
        if not rings:
            raise PrivacyError("the sum of no site is nothing that could be released")
        total = np.array(rings[0])
        for ring in rings[1:]:
            total += ring
        return total

    def result(
        self, total: Ring, sites_in: int, *, reservation: Reservation | None = None, stream: Stream | None = None
    ) -> Release:
        """What the coordinator may say of one sum.

        Parameters
        ----------
        total
            (length,) ring integers, masks off.
        sites_in
            Sites whose vector is in it: their noise is what protects it.
        reservation
            Of this round's :attr:`mechanism` in the dataset's ledger; it is committed before this returns.
        stream
            For central noise; leave it out but in tests.

        Raises
        ------
        PrivacyError
            Fewer sites than were planned for: their noise is too little, and nothing is said. Its reservation stays spent.
            More than a sum can have of them: the noise of that many is not in it.
        """
        value, mechanism = self._said(total, sites_in, stream)
        return self._released(value, mechanism, (sites_in,), reservation)

    def results(
        self, totals: Sequence[Ring] | Ring, sites_in: Sequence[int], *, reservation: Reservation | None = None
    ) -> Release:
        """What the coordinator may say of several sums of different sites: of groups, or of single sites with local noise.

        As :meth:`result`, with a value of shape (sums, length). Each contribution is in one sum only, so that all of them cost
        what the one with the fewest sites costs.
        """
        if len(totals) != len(sites_in) or len(totals) == 0:
            raise PrivacyError(
                f"{len(totals)} sums and {len(sites_in)} numbers of sites; give one for each, and at least one"
            )
        for count in sites_in:
            self._require_sites(count)
        if sum(sites_in) > self.combination.sites:
            raise PrivacyError(
                f"{sum(sites_in)} sites are in these sums together, and {self.combination.sites} were planned for; "
                "each site is in one sum only"
            )
        said = [self._said(total, count, None) for total, count in zip(totals, sites_in, strict=True)]
        fewest = min(range(len(said)), key=lambda at: sites_in[at])
        return self._released(np.stack([value for value, _ in said]), said[fewest][1], sites_in, reservation)

    def _said(self, total: Ring, sites_in: int, stream: Stream | None) -> tuple[NDArray[np.float64], Mechanism | None]:
        self._require_ring(total, "the sum")
        self._require_sites(sites_in)
        ring = np.array(total)
        if self.noise is not None and self.combination.noise is Noise.CENTRAL:
            _add_noise(ring, self.noise.draw(stream or Stream.fresh()))
        return self.lattice.decode(ring), self._mechanism(sites_in)

    def _released(
        self,
        value: NDArray[np.float64],
        mechanism: Mechanism | None,
        sites_in: Sequence[int],
        reservation: Reservation | None,
    ) -> Release:
        if reservation is not None:
            if reservation.mechanism != self.mechanism:
                raise PrivacyError("the reservation is of another mechanism than this round's; reserve chain.mechanism")
            reservation.commit()
        target = self.target
        spent = math.inf
        if target is not None and mechanism is not None:
            spent = epsilon([mechanism], target.delta, self.contribution.neighbours)
        return Release(
            value=value,
            epsilon=spent,
            delta=target.delta if target is not None else 0.0,
            deviation=self._deviation(max(sites_in)),
            mechanism=mechanism,
            sites_in=sum(sites_in),
        )

    def _mechanism(self, sites_in: int) -> Mechanism | None:
        if self.noise is None:
            return None
        distributed = self.combination.noise is Noise.DISTRIBUTED
        return self.noise.mechanism(self.combination.unknown_shares(sites_in) if distributed else 1)

    def _deviation(self, sites_in: int) -> float:
        """Of the noise in a sum, all draws of it, in units of the values."""
        if self.noise is None:
            return 0.0
        draws = 1 if self.combination.noise is Noise.CENTRAL else sites_in
        return self.lattice.step * math.sqrt(draws * self.noise.variance)

    def _require_sites(self, sites_in: int) -> None:
        least = 1 if self.combination.carrier is Carrier.PLAIN else self.combination.least
        if type(sites_in) is int and least <= sites_in <= self.combination.most:
            return
        raise PrivacyError(
            f"{sites_in!r} sites are in the sum, and the round was planned for {least} to {self.combination.most}: nothing is "
            "released (what was reserved stays spent). Plan with fewer least_sites, or ask again"
        )

    def _require_ring(self, ring: Ring, what: str) -> None:
        shape = (self.contribution.length,)
        if not isinstance(ring, np.ndarray) or ring.dtype != self.lattice.dtype or ring.shape != shape:
            raise PrivacyError(f"{what} must be {self.lattice.dtype} of shape {shape}, as sites send it")

    def _rows(self, values: ArrayLike) -> NDArray[np.floating]:
        try:
            rows = np.atleast_2d(np.asarray(values))
        except ValueError as error:
            raise PrivacyError(f"the values are no array: {error}") from error
        most, length = self.contribution.rows, self.contribution.length
        if rows.ndim != 2 or rows.shape[1] != length or rows.dtype.kind not in "iufb":
            raise PrivacyError(f"values of shape {np.shape(values)}; give ({length},) or (rows, {length}) real numbers")
        if len(rows) > most:
            raise PrivacyError(
                f"{len(rows)} rows, where a site may give up to {most}; plan for more rows, or leave some out"
            )
        return rows

    def _rounded(self, rows: NDArray[np.floating], stream: Stream) -> Ring:
        """The rows' sum, each clipped and rounded."""
        order = self.target.law.order if self.target is not None else 2
        if len(rows) == 1 and order == 2:
            return np.asarray(self.lattice.encode(rows[0], self.contribution.clip_norm, stream))
        ring = np.zeros(self.contribution.length, self.lattice.dtype)
        step = max(1, _BLOCK_BYTES // (8 * self.contribution.length))
        for start in range(0, len(rows), step):
            clipped = clipped_rows(rows[start : start + step].astype(np.float64), self.contribution.clip_norm, order)
            ring += (
                self.lattice.encode(clipped.reshape(-1), None, stream)
                .reshape(clipped.shape)
                .sum(axis=0, dtype=ring.dtype)
            )
        return ring


def _add_noise(ring: Ring, noise: NDArray[np.int64]) -> None:
    ring += noise.astype(ring.dtype)  # modulo the ring, as everything is
