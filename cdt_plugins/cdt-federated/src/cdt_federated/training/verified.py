"""Secure sums in which every site proves that its update is not too long: who cannot is named, and left out from then on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import field, frozen

from cdt_core.errors import FederatedError
from cdt_core.kernels.lattice import Lattice, Stream
from cdt_core.model.exchange import Exchange, Party
from cdt_federated.checks import count
from cdt_federated.rounds.opening import Opening, Rejoin
from cdt_federated.training.secure import DecodedSum, Secure
from cdt_federated.vectors import Vector

if TYPE_CHECKING:
    from cdt_privacy import secure, verifiable

__all__ = ["Verified"]


def _library() -> tuple[Any, Any]:
    try:
        from cdt_privacy import secure, verifiable
    except ImportError as error:
        raise FederatedError(
            f"verified sums need cdt-privacy, which cannot be used ({error}): pip install 'cdt-federated[verified]'"
        ) from error
    return secure, verifiable


@frozen(kw_only=True)
class Verified(Secure):
    """A carrier of secure sums (:class:`Secure`) with proofs of length and of the sum (:mod:`cdt_privacy.verifiable`).

    Beside what :class:`Secure` does, each site proves in zero knowledge that random projections of what it put into the sum
    are as short as those of an update within ``clip``, and everyone checks that the published sum is that of what was
    committed to. A site whose claim does not verify has spoilt the sum: the round gives nothing and names it, and
    :func:`~cdt_federated.training.train` asks it no more.

    Parameters
    ----------
    projections
        Of the norm check. With 8, an update of 10 times the clip passes with a chance of at most 4e-3, one of 100 times
        with 3e-4; see :meth:`cdt_privacy.verifiable.Terms.chance_unseen`.
    steps
        Lattice steps in the clip, in bits: what an update is rounded to. Proofs get longer with it.

    Raises
    ------
    FederatedError
        A setting has no meaning, or a sum of so many steps does not fit the ring.

    Notes
    -----
    The terms of a round have all sites of the roster in them, at least three, and those who are left out or not sampled count
    as dropped out. Proofs take each site about 0.1 s with 8 projections, once for each round and for each site that verifies
    them. A site that masks another vector than it commits to makes the round fail without being named.
    """

    projections: int = field(default=8, validator=count)
    steps: int = field(default=16, validator=count)

    def __attrs_post_init__(self) -> None:
        most = self.bits - 2 - math.ceil(math.log2(len(self.roster.sites)))
        if self.steps > most:
            raise FederatedError(
                f"sums of {len(self.roster.sites)} sites in 2^{self.steps} steps do not fit {self.bits} bits; give steps up to "
                f"{most}, or bits=64"
            )

    @property
    def name(self) -> str:
        """With all on which both sides must agree."""
        return f"verified/{self.bits}/clip={float(self.clip)!r}/{self.adversary}/{self.projections}/{self.steps}"

    def exchange(self, opening: Opening, length: int, weights: Mapping[str, float]) -> Exchange:
        """The coordinator's side.

        Raises
        ------
        FederatedError
            Weights other than the roster's, or no cdt-privacy or PyNaCl.
        """
        self._require_agreed(opening, weights)
        masks, proofs = _library()
        sums, terms = self._both(opening, length)
        inner = proofs.VerifiedSum(terms, sums, self._keys(masks), among=opening.sites)
        return _VerifiedMean(inner, self._lattice(len(opening.sites)).step, self._scales(), opening.sites)

    def party(self, opening: Opening, length: int, compute: Callable[[], Vector]) -> Party:
        """A site's side; the update is computed when the round is joined."""
        masks, proofs = _library()
        sums, terms = self._both(opening, length)
        identity, keys = self._identity(masks, opening.site), self._keys(masks)
        party: Party = proofs.VerifiedParty(identity, keys, sums, terms, self._encoded(opening, compute()))
        return party

    def accused(self, exchange: Exchange) -> tuple[str, ...]:
        """Sites whose claim does not verify."""
        return exchange.inner.accused if isinstance(exchange, _VerifiedMean) else ()

    @property
    def rejoin(self) -> Rejoin:
        """What :meth:`cdt_federated.rounds.Site.restore` needs in the middle of a round."""

        def rejoin(opening: Opening, kept: bytes) -> Party:
            masks, proofs = _library()
            identity = self._identity(masks, opening.site)
            party: Party = proofs.VerifiedParty.restore(kept, identity, self._keys(masks))
            return party

        return rejoin

    def _encoded(self, opening: Opening, update: Vector) -> Any:
        """The weighted update, clipped, in signed lattice steps."""
        scale, lattice = self._scales()[opening.site], self._lattice(len(opening.sites))
        ring = lattice.encode(scale * update, scale * self.clip, Stream.fresh())
        return ring.view(f"i{lattice.bits // 8}").astype(np.int64)

    def _lattice(self, sites: int) -> Lattice:
        return Lattice(2.0 ** (math.ceil(math.log2(self.clip)) - self.steps), self.bits)

    def _both(self, opening: Opening, length: int) -> tuple[secure.Terms, verifiable.Terms]:
        masks, proofs = _library()
        most = math.ceil(self._lattice(len(opening.sites)).sensitivity(length, self.clip).l2)
        name = f"{opening.federation}/{opening.round}"
        terms = proofs.Terms.with_norm_bound(name, length, most, projections=self.projections)
        sums = masks.Terms(name, self.roster.names, terms.carried_length, bits=self.bits, adversary=self.adversary)
        return sums, terms


class _VerifiedMean(DecodedSum["verifiable.VerifiedSum"]):
    """The result is the weighted mean."""

    def __init__(
        self, inner: verifiable.VerifiedSum, step: float, scales: Mapping[str, float], asked: tuple[str, ...]
    ) -> None:
        super().__init__(inner)
        self._step, self._scales, self._asked = step, scales, asked

    @property
    def dropped(self) -> tuple[str, ...]:
        """Sites that were asked and whose update is not in the sum."""
        return tuple(site for site in self.inner.dropped if site in self._asked)

    def result(self) -> Vector:
        """The weighted mean of the survivors' updates."""
        total = sum(self._scales[site] for site in self.inner.survivors)
        return np.asarray(self.inner.result() * self._step / total, np.float64)
