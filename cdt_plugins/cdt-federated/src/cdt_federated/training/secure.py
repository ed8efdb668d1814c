"""Updates under secure sums of ``cdt-privacy``: the coordinator learns their weighted mean, and no update."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from attrs import field, frozen
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cdt_core.errors import FederatedError
from cdt_core.kernels.lattice import Lattice, Stream
from cdt_core.model.exchange import Exchange, Party
from cdt_federated.checks import above_zero
from cdt_federated.rounds.opening import Opening, Rejoin
from cdt_federated.rounds.roster import Roster
from cdt_federated.training.carriers import Shown, SumLimits
from cdt_federated.vectors import Vector

if TYPE_CHECKING:
    from cdt_privacy import secure, verifiable

__all__ = ["DecodedSum", "Secure", "secure_library"]


def secure_library() -> Any:
    """``cdt_privacy``'s secure sums; ``FederatedError`` where it is not installed."""
    try:
        from cdt_privacy import secure
    except ImportError as error:
        raise FederatedError(
            f"secure sums need cdt-privacy, which cannot be used ({error}): pip install 'cdt-federated[secure]'"
        ) from error
    return secure


@frozen(kw_only=True)
class Secure:
    """A carrier of secure sums (Bonawitz et al. 2017, by :mod:`cdt_privacy.secure`), additive rules only.

    A site scales its update by its weight over the largest weight of the roster, clips it to an L2 norm, rounds it at random to
    a lattice whose sums cannot wrap, and masks it. The coordinator divides the sum by the weights of those that are in it.

    Parameters
    ----------
    roster
        The federation; the coordinator's and the sites' must be the same.
    clip
        L2 norm above which an update is scaled down, before weighting. With SCAFFOLD choose it so that it is not reached: a
        site does not know its clipped control.
    key
        The site's private key; None at the coordinator.
    bits
        32 or 64: of the ring.
    adversary
        ``"active"`` or ``"semi-honest"``: what the coordinator may do, see :class:`cdt_privacy.secure.Terms`. Of three sites
        an active coordinator allows none to drop out, a semi-honest one allows one.

    Notes
    -----
    The rounding adds an error of mean 0 and of at most one lattice step for each site to each coordinate of the sum.

    A sum hides an update in its own round: two rounds from the same model, one of them without a site, differ by that site's
    update. Against a coordinator that asks so, add noise (:class:`~cdt_federated.training.PrivateGradient`).
    """

    roster: Roster
    clip: float = field(validator=above_zero)
    key: Ed25519PrivateKey | None = field(default=None, repr=False)
    bits: int = 32
    adversary: str = "active"

    additive = True

    @property
    def name(self) -> str:
        """With the clip, the ring and the adversary, on which both sides must agree."""
        return f"secure/{self.bits}/clip={float(self.clip)!r}/{self.adversary}"

    def exchange(self, opening: Opening, length: int, weights: Mapping[str, float]) -> Exchange:
        """The coordinator's side.

        Raises
        ------
        FederatedError
            Weights other than the roster's (reputation would have to see what secure sums hide), or no cdt-privacy.
        """
        self._require_agreed(opening, weights)
        library = secure_library()
        terms, lattice = self._terms(library, opening, length), self._lattice(len(opening.sites))
        return _WeightedMean(library.SecureSum(terms, self._keys(library)), lattice, self._scales())

    def party(self, opening: Opening, length: int, compute: Callable[[], Vector]) -> Party:
        """A site's side; the update is computed when the round is joined."""
        library = secure_library()
        scale = self._scales()[opening.site]
        ring = self._lattice(len(opening.sites)).encode(scale * compute(), scale * self.clip, Stream.fresh())
        terms = self._terms(library, opening, length)
        party: Party = library.SecureParty(self._identity(library, opening.site), self._keys(library), terms, ring)
        return party

    def shown(self, exchange: Exchange) -> Shown | None:
        """Nothing."""
        return None

    def accused(self, exchange: Exchange) -> tuple[str, ...]:
        """Nobody: there are no proofs."""
        return ()

    def limits(self, sites: int) -> SumLimits:
        """The clip, and a step of the lattice for each site."""
        if any(site.weight != 1 for site in self.roster.sites):
            raise FederatedError(
                f"{self.name} weighs sites by the roster, and sums count each once; give all the weight 1"
            )
        return SumLimits(largest=self.clip, rounding=sites * self._lattice(sites).step)

    @property
    def rejoin(self) -> Rejoin:
        """What :meth:`cdt_federated.rounds.Site.restore` needs in the middle of a round."""

        def rejoin(opening: Opening, kept: bytes) -> Party:
            library = secure_library()
            identity = self._identity(library, opening.site)
            party: Party = library.SecureParty.restore(kept, identity, self._keys(library))
            return party

        return rejoin

    def _require_agreed(self, opening: Opening, weights: Mapping[str, float]) -> None:
        agreed = {site.name: float(site.weight) for site in self.roster.sites}
        if any(weights[site] != agreed[site] for site in opening.sites):
            raise FederatedError(
                f"{self.name}: sites weigh their own updates, by the roster; leave reputation, or use Plain"
            )

    def _scales(self) -> dict[str, float]:
        largest = max(site.weight for site in self.roster.sites)
        return {site.name: site.weight / largest for site in self.roster.sites}

    def _lattice(self, sites: int) -> Lattice:
        return Lattice.for_sum(self.clip, sites, self.bits)

    def _terms(self, library: Any, opening: Opening, length: int) -> secure.Terms:
        name = f"{opening.federation}/{opening.round}"
        return library.Terms(name, opening.sites, length, bits=self.bits, adversary=self.adversary)  # type: ignore[no-any-return]

    def _keys(self, library: Any) -> secure.Roster:
        return library.Roster({site.name: site.public_key for site in self.roster.sites})  # type: ignore[no-any-return]

    def _identity(self, library: Any, site: str) -> secure.Identity:
        if self.key is None:
            raise FederatedError(
                f"{site!r} takes part in secure sums with its private key; give Secure(key=...) at the site"
            )
        return library.Identity.from_bytes(site, self.key.private_bytes_raw())  # type: ignore[no-any-return]


#: Of which kind the sum is.
Sum = TypeVar("Sum", bound="secure.SecureSum | verifiable.VerifiedSum")


class DecodedSum(Generic[Sum]):
    """The exchange of a sum of `cdt-privacy`, whose ``result()`` is left to the carrier: what the integers mean."""

    def __init__(self, inner: Sum) -> None:
        self.inner = inner
        self.stages = inner.stages
        self.begin, self.receive, self.close = inner.begin, inner.receive, inner.close

    @property
    def dropped(self) -> tuple[str, ...]:
        """Sites whose update is not in the sum."""
        return self.inner.dropped


class _WeightedMean(DecodedSum["secure.SecureSum"]):
    """The result is the weighted mean."""

    def __init__(self, inner: secure.SecureSum, lattice: Lattice, scales: Mapping[str, float]) -> None:
        super().__init__(inner)
        self._lattice, self._scales = lattice, scales

    def result(self) -> Vector:
        """The weighted mean of the survivors' updates."""
        total = sum(self._scales[site] for site in self.inner.survivors)
        return np.asarray(self._lattice.decode(self.inner.result()) / total, np.float64)
